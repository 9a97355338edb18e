package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// NumberSubscription is one plan for one number, with its use in the running period. The two counters belong to the period that began
// at used_since: when the clock says that another period runs, they count as nought.
type NumberSubscription struct{ ent.Schema }

// Mixin is the id and the owner.
func (NumberSubscription) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "sub"}, Owned{}} }

// Fields of a subscription.
func (NumberSubscription) Fields() []ent.Field {
	return []ent.Field{
		field.String("number_id").MaxLen(40).Immutable().Annotations(collateC, entgql.Skip(entgql.SkipAll)),
		field.String("plan_id").MaxLen(40).Immutable().Annotations(collateC, entgql.Skip(entgql.SkipAll)),
		field.Bool("active").Default(true),
		field.Time("started_at").Immutable().Annotations(entgql.OrderField("STARTED_AT")),
		field.Time("ends_at").Optional().Nillable(),
		field.Time("used_since").Annotations(entgql.Skip(entgql.SkipAll)),
		field.Int("used_calls").Default(0).Annotations(entgql.Skip(entgql.SkipAll)),
		field.Int("used_voicemails").Default(0).Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Edges lead to the number and the plan.
func (NumberSubscription) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("number", MaskedNumber.Type).Ref("subscriptions").Field("number_id").Required().Unique().Immutable(),
		edge.To("plan", Plan.Type).Field("plan_id").Required().Unique().Immutable(),
	}
}

// Indexes of subscriptions: a number has one active one at most.
func (NumberSubscription) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("number_id").Unique().Annotations(entsql.IndexWhere("active")).StorageKey("numbersubscription_one_active"),
		index.Fields("number_id", "started_at", "id"),
		index.Fields("owner_id"),
	}
}

// Annotations of the type.
func (NumberSubscription) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection()}
}
