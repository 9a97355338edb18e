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

// Delivery is one mail of a voicemail, or of a missed call, to one recipient. That it is unique is what makes a mail go out once.
type Delivery struct{ ent.Schema }

// Mixin is the id and the owner.
func (Delivery) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "dlv"}, Owned{}} }

// Fields of a delivery.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		field.String("voicemail_id").Optional().Nillable().MaxLen(40).Immutable().Annotations(collateC, entgql.Skip(entgql.SkipAll)), // it tells of a voicemail
		field.String("call_id").Optional().Nillable().MaxLen(40).Immutable().Annotations(collateC, entgql.Skip(entgql.SkipAll)),      // or of a missed call
		field.String("number_id").Optional().Nillable().MaxLen(40).Immutable().Annotations(collateC, entgql.Skip(entgql.SkipAll)),    // whose mails are counted; null in rows of before
		field.String("channel").MaxLen(20).Immutable(), // "email"
		field.String("recipient").MaxLen(254).Immutable(),
		field.Enum("state").GoType(phone.DeliveryState("")).Default(string(phone.DeliveryPending)).Annotations(entgql.Type("DeliveryState")),
		field.Int("attempts").Default(0),
		field.String("last_error").Optional().Nillable().MaxLen(1000),
		field.Time("delivered_at").Optional().Nillable(),
		field.Time("claimed_until").Optional().Nillable().Annotations(entgql.Skip(entgql.SkipAll)), // a process is sending it
		field.Time("retried_at").Optional().Nillable().Annotations(entgql.Skip(entgql.SkipAll)),    // somebody asked for another try then
		field.Bool("withheld").Default(false).Annotations(entgql.Skip(entgql.SkipAll)),             // too many mails went out for the number that day
		field.Int("more").Default(0).Annotations(entgql.Skip(entgql.SkipAll)),                      // so many withheld mails it tells of
		field.Time("created_at").Default(now).Immutable().Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Edges lead to the voicemail or the call.
func (Delivery) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("voicemail", Voicemail.Type).Ref("deliveries").Field("voicemail_id").Unique().Immutable().Annotations(entgql.Skip(entgql.SkipAll)),
		edge.From("call", Call.Type).Ref("deliveries").Field("call_id").Unique().Immutable().Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of deliveries.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("voicemail_id", "channel", "recipient").Unique(),
		index.Fields("call_id", "channel", "recipient").Unique(),
		index.Fields("owner_id"),
		index.Fields("number_id", "recipient").Annotations(entsql.IndexWhere("withheld")).StorageKey("delivery_withheld"),
		index.Fields("created_at").Annotations(entsql.IndexWhere("state = 'PENDING'")).StorageKey("delivery_pending"),
	}
}

// Interceptors hide from users the mails of a voicemail that they cannot see. Who reaches into the bin asks for the mails of what is there.
func (Delivery) Interceptors() []ent.Interceptor {
	return []ent.Interceptor{intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		switch v, ok := viewer.From(ctx); {
		case ok && (v.IsSystem() || v.ReachesIntoBin()):
		default:
			q.WhereP(ofVisibleVoicemail)
		}
		return nil
	})}
}

func ofVisibleVoicemail(s *sql.Selector) {
	v := sql.Table("voicemails")
	visible := sql.And(sql.ColumnsEQ(v.C("id"), s.C("voicemail_id")), sql.NotNull(v.C("place")), sql.IsNull(v.C("deleted_at")))
	s.Where(sql.Or(sql.NotNull(s.C("call_id")), sql.Exists(sql.Select(v.C("id")).From(v).Where(visible))))
}

// Annotations of the type.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipWhereInput | entgql.SkipOrderField)}
}
