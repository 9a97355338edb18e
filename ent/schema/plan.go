package schema

import (
	"context"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/ent/intercept"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
)

// Plan is what can be bought. It never changes, so that what somebody bought stays what it was.
type Plan struct{ ent.Schema }

// Mixin is the id.
func (Plan) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "plan"}} }

// Fields of a plan.
func (Plan) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxLen(400).Immutable().Annotations(entgql.OrderField("NAME")),
		field.Enum("type").GoType(phone.PlanType("")).Immutable().Annotations(entgql.Type("PlanType")),
		field.Int("calls_limit").Optional().Nillable().Immutable(),
		field.Int("voicemails_limit").Optional().Nillable().Immutable(),
		field.Int("simultaneous_calls").Optional().Nillable().Immutable(),
		field.Enum("period").GoType(phone.PlanPeriod("")).Immutable().Annotations(entgql.Type("PlanPeriod")),
	}
}

// Indexes of plans.
func (Plan) Indexes() []ent.Index { return []ent.Index{index.Fields("name", "id")} }

// Interceptors show plans to everybody who is signed in.
func (Plan) Interceptors() []ent.Interceptor {
	return []ent.Interceptor{intercept.TraverseFunc(func(ctx context.Context, _ intercept.Query) error {
		if _, ok := viewer.From(ctx); !ok {
			return errNoViewer
		}
		return nil
	})}
}

// Hooks let administrators and the system write plans.
func (Plan) Hooks() []ent.Hook {
	return []ent.Hook{func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			v, ok := viewer.From(ctx)
			switch {
			case !ok:
				return nil, errNoViewer
			case !v.SeesAll():
				return nil, errNotYours
			}
			return next.Mutate(ctx, m)
		})
	}}
}

// Annotations of the type.
func (Plan) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.QueryField()}
}
