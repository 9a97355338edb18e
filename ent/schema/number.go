package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/phone"
)

// MaskedNumber is a number that customers call in place of its owner's phone.
type MaskedNumber struct{ ent.Schema }

// Mixin is the id and the owner.
func (MaskedNumber) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "num"}, Owned{}} }

// Fields of a number.
func (MaskedNumber) Fields() []ent.Field {
	hidden := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.String("phone_number").GoType(phone.Number("")).MaxLen(16).Immutable().Annotations(entgql.Type("PhoneNumber")),
		field.String("label").MaxLen(400).Default("").Annotations(entgql.OrderField("LABEL")),
		field.Enum("state").GoType(phone.NumberState("")).Default(string(phone.NumberActive)).Annotations(entgql.Type("NumberState")),
		field.Bool("forwarding_enabled").Default(true).Annotations(hidden),
		field.JSON("forward_to", []phone.Number{}).Annotations(entgql.Type("[PhoneNumber!]"), hidden),
		field.Int("ring_seconds").Default(phone.DefaultRingSeconds).Annotations(hidden),
		field.Enum("caller_id").GoType(phone.CallerID("")).Default(string(phone.ShowCaller)).Annotations(entgql.Type("CallerID"), hidden),
		field.Enum("screening").GoType(phone.Screening("")).Default(string(phone.ScreeningPress1)).Annotations(entgql.Type("Screening"), hidden),
		field.Bool("voicemail_enabled").Default(true).Annotations(hidden),
		field.Text("greeting").Optional().Nillable().Annotations(hidden), // null: the default text in the language
		field.String("language").MaxLen(10).Default(phone.DefaultLanguage).Annotations(hidden),
		field.Int("max_voicemail_seconds").Default(phone.DefaultMaxSeconds).Annotations(hidden),
		field.Int("silence_seconds").Default(phone.DefaultSilenceSeconds).Annotations(hidden),
		field.Int("screen_seconds").Default(phone.DefaultScreenSeconds).Annotations(hidden),
		field.Int("max_call_minutes").Default(phone.DefaultMaxCallMinutes).Annotations(hidden),
		field.Bool("mail_missed_calls").Default(true).Annotations(hidden),
		field.String("finish_on_key").MaxLen(12).Default(phone.DefaultFinishOnKey).Annotations(hidden),
		field.Bool("transcribe").Default(true).Annotations(hidden),
		field.Strings("notify_emails").Annotations(hidden),                          // empty: the owner's address
		field.Int("keep_voicemails_days").Optional().Nillable().Annotations(hidden), // null: for ever
		createdAt(),
	}
}

// Edges lead to the owner and to what came over the number. The lists are in graph/number.graphql: entgql's own would order them otherwise.
func (MaskedNumber) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("owner", User.Type).Ref("numbers").Field("owner_id").Required().Unique().Immutable(),
		edge.To("subscriptions", NumberSubscription.Type).Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("calls", Call.Type).Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("voicemails", Voicemail.Type).Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of numbers: a phone number may be created anew once it is released.
func (MaskedNumber) Indexes() []ent.Index {
	all := []ent.Index{
		index.Fields("phone_number").Unique().Annotations(entsql.IndexWhere("state <> 'RELEASED'")).StorageKey("maskednumber_one_in_use"),
		index.Fields("phone_number"),
		index.Fields("owner_id", "phone_number", "created_at", "id"),
		index.Fields("owner_id", "phone_number", "label", "id"),
	}
	for _, of := range [][]string{{"owner_id"}, nil} {
		all = append(all,
			listed("maskednumber", "", of, []string{"created_at", "id"}),
			listed("maskednumber", "", of, []string{"label", "id"}),
			listed("maskednumber", "", of, []string{"label", "created_at", "id"}),
			listed("maskednumber", "", of, []string{"state", "created_at", "id"}),
			listed("maskednumber", "", of, []string{"state", "label", "id"}),
		)
	}
	return all
}

// Annotations of the type.
func (MaskedNumber) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.QueryField("numbers")}
}
