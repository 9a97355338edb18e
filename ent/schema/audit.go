package schema

import (
	"context"
	"errors"

	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/ent/hook"
)

// AuditEntry says who did what to whose thing: changed, deleted, heard or read it. It is written once, and stays as it is until it is old.
type AuditEntry struct{ ent.Schema }

// Mixin is the id; the entries are the system's own.
func (AuditEntry) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "aud"}, Internal{}} }

// Fields of an entry. None refers to a row: an entry outlives what it tells of.
func (AuditEntry) Fields() []ent.Field {
	return []ent.Field{
		field.Time("at").Immutable(),
		field.String("actor_id").Default("").MaxLen(40).Immutable().Annotations(collateC), // a user; empty for whoever has a link
		field.String("token_id").Default("").MaxLen(40).Immutable().Annotations(collateC), // empty for a link, and for an issuer's token
		field.String("action").MaxLen(40).Immutable(),                                     // a mutation, "heard" or "read"
		field.String("owner_id").Default("").MaxLen(40).Immutable().Annotations(collateC), // whose it is; empty for a plan
		field.String("subject").Default("").MaxLen(40).Immutable().Annotations(collateC),  // the id of what; empty when detail names several
		field.Text("detail").Default("").Immutable(),
	}
}

// Indexes of entries: by age, and by who did it or whose it was.
func (AuditEntry) Indexes() []ent.Index {
	return []ent.Index{index.Fields("at"), index.Fields("actor_id", "at"), index.Fields("owner_id", "at")}
}

var errAuditStays = errors.New("ent: an audit entry is never changed")

// Hooks refuse every change.
func (AuditEntry) Hooks() []ent.Hook {
	refuse := func(ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) { return nil, errAuditStays })
	}
	return []ent.Hook{hook.On(refuse, ent.OpUpdate|ent.OpUpdateOne)}
}
