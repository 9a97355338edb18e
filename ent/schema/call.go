package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/phone"
)

// Call is one call to a masked number, from its first webhook to its end.
type Call struct{ ent.Schema }

// Mixin is the id and the owner.
func (Call) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "call"}, Owned{}} }

// Fields of a call.
func (Call) Fields() []ent.Field {
	hidden := entgql.Skip(entgql.SkipWhereInput)
	inside := entgql.Skip(entgql.SkipAll)
	return []ent.Field{
		field.String("number_id").MaxLen(40).Immutable().Annotations(collateC, inside),
		field.String("subscription_id").MaxLen(40).Optional().Nillable().Annotations(collateC, inside), // the one it is charged to
		field.String("call_sid").MaxLen(34).Immutable(),
		field.String("from").MaxLen(16).Immutable(), // E.164 or "anonymous"
		field.String("to").GoType(phone.Number("")).MaxLen(16).Immutable().Annotations(entgql.Type("PhoneNumber"), hidden),
		field.String("state").GoType(phone.CallState("")).MaxLen(20).Default(string(phone.Ringing)).Annotations(inside),
		field.Enum("outcome").GoType(phone.CallOutcome("")).Default(string(phone.OutcomeRinging)).Annotations(entgql.Type("CallOutcome")), // the state, as clients see it
		field.Time("started_at").Immutable().Annotations(entgql.OrderField("STARTED_AT")),
		field.Time("ended_at").Optional().Nillable().Annotations(hidden),
		field.Int("duration_seconds").Optional().Nillable().Annotations(hidden),
		field.JSON("timeline", []phone.CallEvent{}).Annotations(entgql.Type("[CallEvent!]"), hidden),
		field.JSON("answers", map[string]phone.Stored{}).Annotations(inside),  // what each request got, for when it is repeated
		field.Time("reserved_in").Optional().Nillable().Annotations(inside),   // a voicemail of the plan is reserved, in the period that began then
		field.Time("counted_until").Optional().Nillable().Annotations(inside), // it counts as a running call until then; null: it does not
		field.Time("changed_at").Annotations(inside),
	}
}

// Edges lead to the number and the messages.
func (Call) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("number", MaskedNumber.Type).Ref("calls").Field("number_id").Required().Unique().Immutable(),
		edge.To("voicemails", Voicemail.Type).Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("deliveries", Delivery.Type).Annotations(entgql.Skip(entgql.SkipWhereInput)),
	}
}

// Indexes of calls.
func (Call) Indexes() []ent.Index {
	all := []ent.Index{
		index.Fields("call_sid").Unique(),
		index.Fields("changed_at"),
		index.Fields("owner_id", "changed_at"),
		index.Fields("number_id", "changed_at", "id"), // the whole order, so that SQLite prefers it to that of the owner
		partial("call_counted", "counted_until IS NOT NULL", []string{"number_id", "counted_until"}),
		partial("call_not_ended", "ended_at IS NULL", []string{"started_at"}),
	}
	for _, of := range [][]string{{"owner_id"}, {"number_id"}, nil} {
		for _, filter := range [][]string{nil, {"outcome"}, {"from"}} {
			all = append(all, listed("call", "", of, filter, []string{"started_at", "id"}))
		}
	}
	return all
}

// Annotations of the type.
func (Call) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.QueryField()}
}
