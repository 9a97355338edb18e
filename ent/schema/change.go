package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/maskline/maskline/phone"
)

// Change is one change of a voicemail after it appeared. Its place lies in the same order as the places of voicemails.
type Change struct{ ent.Schema }

// Mixin is the id and the owner.
func (Change) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "chg"}, Owned{}} }

// Fields of a change.
func (Change) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("place").Immutable(),
		field.String("kind").GoType(phone.ChangeKind("")).MaxLen(10).Immutable(),
		field.String("voicemail_id").MaxLen(40).Immutable().Annotations(collateC), // no edge: a deletion outlives what it deleted
		field.String("number_id").MaxLen(40).Immutable().Annotations(collateC),
		field.Time("at").Immutable(),
	}
}

// Indexes of changes.
func (Change) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("place").Unique(),
		index.Fields("owner_id", "place"),
		index.Fields("number_id", "place"),
		index.Fields("voicemail_id", "place"),
		index.Fields("kind", "at"),
	}
}

// Annotations keep the type out of GraphQL, where a change is a VoicemailChange.
func (Change) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipAll), entsql.Table("voicemail_changes")}
}
