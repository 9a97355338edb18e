package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
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

// RawWebhook is one thing that Twilio told us, as it told it, written with its effect. Its id says what was told of which call, so that a
// repetition is the same row.
type RawWebhook struct{ ent.Schema }

// Mixin makes it the system's own.
func (RawWebhook) Mixin() []ent.Mixin { return []ent.Mixin{Internal{}} }

// Fields of a raw webhook.
func (RawWebhook) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(160).Immutable().Annotations(collateC), // such as CA…/reported/RE…/completed
		field.String("number").MaxLen(64).Immutable(),                    // that was called
		field.Text("form").Immutable(),                                   // without tokens and transcripts
		field.Time("told_at").Immutable(),
		field.String("why").Optional().Nillable().MaxLen(1000), // it is set aside: null once it is taken
		field.Text("entry").Optional().Nillable(),              // what there is to take, of one that is set aside
	}
}

// Indexes of raw webhooks: by age, and those that are set aside.
func (RawWebhook) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("told_at"),
		index.Fields("number", "id").Annotations(entsql.IndexWhere("why IS NOT NULL")).StorageKey("rawwebhook_set_aside"),
	}
}
