package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Token is a bearer token, of which we keep the hash and a prefix to recognise it by.
type Token struct{ ent.Schema }

// Mixin is the id and the owner.
func (Token) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "tok"}, Owned{}} }

// Fields of a token.
func (Token) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxLen(400),
		field.String("prefix").MaxLen(16).Immutable(),
		field.String("hash").MaxLen(64).Sensitive().Annotations(entgql.Skip(entgql.SkipAll)), // SHA-256, in hex
		createdAt(),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("expires_at").Optional().Nillable(),
		field.String("parent_id").Optional().Nillable().MaxLen(40).Immutable().Annotations(collateC, entgql.Skip(entgql.SkipAll)), // the token that made it, with which it ends
		field.Time("revoked_at").Optional().Nillable().Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Edges lead to the owner.
func (Token) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("owner", User.Type).Ref("tokens").Field("owner_id").Required().Unique().Immutable().Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of tokens.
func (Token) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("hash").Unique(),
		partial("token_valid", "revoked_at IS NULL", []string{"owner_id", "created_at", "id"}),
		partial("token_made_by", "parent_id IS NOT NULL", []string{"parent_id"}),
	}
}

// Annotations of the type.
func (Token) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipWhereInput | entgql.SkipOrderField)}
}
