package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// MailRecipient records what is known of one address that gets the mails of one number: that its server refuses it, or that its reader
// unsubscribed. An address without a row gets every mail.
type MailRecipient struct{ ent.Schema }

// Mixin is the id; the rows are the system's own.
func (MailRecipient) Mixin() []ent.Mixin { return []ent.Mixin{Identified{Prefix: "rcp"}, Internal{}} }

// Fields of a recipient.
func (MailRecipient) Fields() []ent.Field {
	return []ent.Field{
		field.String("number_id").MaxLen(40).Immutable().Annotations(collateC),
		field.String("address").MaxLen(254).Immutable(),
		field.Int("refusals").Default(0), // for good, one after another
		field.Time("left_out_at").Optional().Nillable(),
		field.Time("unsubscribed_at").Optional().Nillable(),
	}
}

// Indexes of recipients.
func (MailRecipient) Indexes() []ent.Index {
	return []ent.Index{index.Fields("number_id", "address").Unique()}
}

// SentMail records when a mail of a number went out, or began to, so that the mails of a day can be counted. It outlives the delivery, which
// is deleted with its voicemail.
type SentMail struct{ ent.Schema }

// Mixin makes it the system's own.
func (SentMail) Mixin() []ent.Mixin { return []ent.Mixin{Internal{}} }

// Fields of a sent mail.
func (SentMail) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(40).Immutable().Annotations(collateC), // the delivery's
		field.String("number_id").MaxLen(40).Immutable().Annotations(collateC),
		field.Time("at"),
	}
}

// Indexes of sent mails: those of a number, and by age.
func (SentMail) Indexes() []ent.Index {
	return []ent.Index{index.Fields("number_id", "at"), index.Fields("at")}
}
