package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/phone"
)

// BlockedCaller is a caller whom an owner wants to hear no more from, on any number.
type BlockedCaller struct{ ent.Schema }

// Mixin is the id and the owner.
func (BlockedCaller) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "blk"}, Owned{}} }

// Fields of a blocked caller.
func (BlockedCaller) Fields() []ent.Field {
	return []ent.Field{field.String("caller").GoType(phone.Number("")).MaxLen(16).Immutable(), createdAt()}
}

// Indexes of blocked callers.
func (BlockedCaller) Indexes() []ent.Index {
	return []ent.Index{index.Fields("owner_id", "caller").Unique()}
}

// Annotations keep the type out of GraphQL, where it is a list of numbers.
func (BlockedCaller) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipAll)}
}
