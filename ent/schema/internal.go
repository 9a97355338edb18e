package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Counter is a number that only grows: "place" is the order in which voicemails appear and change in the whole deployment. Its row is the
// lock that makes the order of places the order of commits.
type Counter struct{ ent.Schema }

// Mixin makes it the system's own.
func (Counter) Mixin() []ent.Mixin { return []ent.Mixin{Internal{}} }

// Fields of a counter.
func (Counter) Fields() []ent.Field {
	return []ent.Field{field.String("id").MaxLen(40).Immutable(), field.Int64("last").Default(0)}
}

// Setting is something that all replicas share and nobody configures, such as a key made on first start.
type Setting struct{ ent.Schema }

// Mixin makes it the system's own.
func (Setting) Mixin() []ent.Mixin { return []ent.Mixin{Internal{}} }

// Fields of a setting.
func (Setting) Fields() []ent.Field {
	return []ent.Field{field.String("id").MaxLen(40).Immutable(), field.Text("value").Sensitive()}
}
