package schema

import (
	"context"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/ent/intercept"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
)

// Voicemail is one recording that a caller left. Users see it once it has appeared: once it has a place in the order of all voicemails.
type Voicemail struct{ ent.Schema }

// Mixin is the id and the owner.
func (Voicemail) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "vm"}, Owned{}} }

// Fields of a voicemail.
func (Voicemail) Fields() []ent.Field {
	hidden := entgql.Skip(entgql.SkipWhereInput)
	inside := entgql.Skip(entgql.SkipAll)
	return []ent.Field{
		field.String("number_id").MaxLen(40).Immutable().Annotations(collateC, inside),
		field.String("call_id").MaxLen(40).Optional().Nillable().Immutable().Annotations(collateC, inside),
		field.String("recording_sid").MaxLen(34).Immutable(),
		field.String("from").MaxLen(16).Immutable(), // E.164 or "anonymous"
		field.Int("duration_seconds").Annotations(hidden),
		field.Time("received_at").Annotations(entgql.OrderField("RECEIVED_AT")), // Twilio's time
		field.Time("heard_at").Optional().Nillable(),
		field.Enum("audio").GoType(phone.AudioState("")).Default(string(phone.AudioPending)).Annotations(entgql.Type("AudioState"), hidden),
		field.String("audio_error").Optional().Nillable().MaxLen(1000).Annotations(hidden),
		field.String("audio_type").Default("").MaxLen(40).Annotations(inside),
		field.Int64("audio_size").Default(0).Annotations(inside),
		field.String("audio_sha256").Default("").MaxLen(64).Annotations(inside),
		field.Text("transcript").Optional().Nillable(),
		field.Enum("transcription").GoType(phone.TranscriptionState("")).Default(string(phone.TranscriptionOff)).Annotations(entgql.Type("TranscriptionState"), hidden),
		field.String("transcription_error").Optional().Nillable().MaxLen(1000).Annotations(hidden),
		field.Time("transcription_retried_at").Optional().Nillable().Annotations(inside), // somebody asked for another try; it is tried as long as a new one
		field.Time("learned_at").Immutable().Annotations(inside),                         // when we first heard of it
		field.Int64("place").Optional().Nillable().Annotations(entgql.OrderField("PLACE"), hidden),
		field.Time("appeared_at").Optional().Nillable().Annotations(inside),
		field.Time("deleted_at").Optional().Nillable().Annotations(inside),    // it lies in the bin
		field.Time("restored_at").Optional().Nillable().Annotations(inside),   // out of the bin; it is kept as long as a new one from then on
		field.Time("reconciled_at").Optional().Nillable().Annotations(inside), // the reconciler has seen the recording at Twilio
		field.Time("purged_at").Optional().Nillable().Annotations(inside),     // out of the bin for good: nothing is left but the recording's sid
	}
}

// Edges lead to the number, the call and the mails.
func (Voicemail) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("number", MaskedNumber.Type).Ref("voicemails").Field("number_id").Required().Unique().Immutable(),
		edge.From("call", Call.Type).Ref("voicemails").Field("call_id").Unique().Immutable().Annotations(entgql.Skip(entgql.SkipWhereInput)),
		edge.To("deliveries", Delivery.Type).Annotations(entgql.Skip(entgql.SkipWhereInput)),
	}
}

// Indexes of voicemails. Lists do not show what is deleted, of which there may be more than of the rest. Of two that look equal SQLite takes
// one by their order here.
func (Voicemail) Indexes() []ent.Index {
	const shown, unheard = "deleted_at IS NULL", "deleted_at IS NULL AND heard_at IS NULL"
	all := []ent.Index{
		index.Fields("recording_sid").Unique(),
		index.Fields("place").Unique().Annotations(entsql.IndexWhere(viewer.OfEverybody)).StorageKey("voicemail_one_at_a_place"),
		index.Fields("call_id"),
		index.Fields("learned_at").Annotations(entsql.IndexWhere("audio = 'PENDING'")).StorageKey("voicemail_audio_pending"),
		index.Fields("learned_at").Annotations(entsql.IndexWhere("transcription = 'PENDING'")).StorageKey("voicemail_transcription_pending"),
		partial("voicemail_binned", "deleted_at IS NOT NULL", []string{"owner_id", "deleted_at", "id"}),
		partial("voicemail_binned", "deleted_at IS NOT NULL", []string{"deleted_at"}),
	}
	for _, of := range [][]string{{"owner_id"}, {"number_id"}, nil} {
		for _, order := range [][]string{{"place"}, {"received_at", "id"}} {
			all = append(all,
				listed("voicemail_shown", shown, of, []string{"from"}, order),
				listed("voicemail_shown", shown, of, order),
				listed("voicemail_unheard", unheard, of, order),
			)
		}
	}
	return all
}

// Interceptors hide from users what has not appeared yet and what lies in the bin, unless they reach into it.
func (Voicemail) Interceptors() []ent.Interceptor {
	return []ent.Interceptor{intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		v, ok := viewer.From(ctx)
		switch {
		case ok && v.IsSystem():
			return nil
		case ok && v.ReachesIntoBin():
			q.WhereP(sql.FieldNotNull("place"), sql.FieldIsNull("purged_at"))
		default:
			q.WhereP(sql.FieldNotNull("place"), sql.FieldIsNull("deleted_at"))
		}
		return nil
	})}
}

// Annotations of the type.
func (Voicemail) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.QueryField()}
}
