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

// User is somebody who signs in: an owner of numbers, or an administrator.
type User struct{ ent.Schema }

// Mixin is the id.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "usr"}} }

// Fields of a user.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("email").MaxLen(254).Annotations(entgql.OrderField("EMAIL")), // in lower case
		field.String("name").MaxLen(400).Annotations(entgql.Skip(entgql.SkipWhereInput)),
		field.Enum("role").GoType(phone.Role("")).Default(string(phone.RoleOwner)).Annotations(entgql.Type("Role"), entgql.Skip(entgql.SkipWhereInput)),
		field.String("locale").MaxLen(10).Default("en").Annotations(entgql.Skip(entgql.SkipWhereInput)),
		field.String("time_zone").MaxLen(64).Default("UTC").Annotations(entgql.Skip(entgql.SkipWhereInput)),
		field.String("oidc_issuer").Optional().Nillable().MaxLen(1000).Annotations(entgql.Skip(entgql.SkipAll)), // pinned at the first sign-in with a JWT
		field.String("oidc_subject").Optional().Nillable().MaxLen(255).Annotations(entgql.Skip(entgql.SkipAll)),
		createdAt(),
	}
}

// Edges lead to what the user owns.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("numbers", MaskedNumber.Type).Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("tokens", Token.Type).Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of users.
func (User) Indexes() []ent.Index {
	return []ent.Index{index.Fields("email").Unique(), index.Fields("created_at", "id"), index.Fields("oidc_issuer", "oidc_subject").Unique()}
}

// Interceptors show a user only to themselves and to administrators.
func (User) Interceptors() []ent.Interceptor { return readsOnly("id") }

// Hooks let a user change only themselves.
func (User) Hooks() []ent.Hook { return writesOnly("id") }

// Annotations of the type.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.QueryField(), entsql.Table("users")}
}
