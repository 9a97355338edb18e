package switchboard

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/phone"
)

const (
	errDeleted   = said("The voicemail was deleted before this mail was sent.")
	errNotMissed = said("The call was not missed after all.")
	errAnnounced = said("A recording of this call was announced and is waited for.")
)

// compose writes the mail of a delivery, with the link that takes its recipient off.
func (s *Switchboard) compose(ctx context.Context, d *ent.Delivery, to *ent.MailRecipient) (mail.Message, error) {
	m := mail.Message{ID: d.ID, To: d.Recipient, Attempt: d.Attempts, Unsubscribe: s.Links.To(links.Unsubscribe, to.ID, s.now().AddDate(unsubscribeYears, 0, 0))}
	if d.CallID != nil {
		return s.composeMissed(ctx, d, m)
	}
	return s.composeVoicemail(ctx, d, m)
}

// unsubscribeYears is how long one can unsubscribe by a link: whoever finds an old mail must be able to.
const unsubscribeYears = 10

func (s *Switchboard) composeMissed(ctx context.Context, d *ent.Delivery, m mail.Message) (mail.Message, error) {
	c, err := s.DB.Client().Call.Query().Where(call.ID(*d.CallID)).WithNumber(func(q *ent.MaskedNumberQuery) { q.WithOwner() }).Only(ctx)
	if err != nil {
		return m, fmt.Errorf("load call %s: %w", *d.CallID, err)
	}
	switch {
	case c.State != phone.Missed:
		return m, errNotMissed
	case announced(c) && !noted(c, noRecording) && s.now().Sub(d.CreatedAt) < phone.AppearWithin:
		return m, errAnnounced
	}
	n := c.Edges.Number
	m.Subject, m.Text, m.HTML = mail.ComposeMissed(mail.MissedCall{
		From: c.From, Number: string(n.PhoneNumber), Label: n.Label, At: c.StartedAt, Unsubscribe: m.Unsubscribe, More: d.More,
		Locale: n.Edges.Owner.Locale, TimeZone: n.Edges.Owner.TimeZone,
	})
	return m, nil
}

func (s *Switchboard) composeVoicemail(ctx context.Context, d *ent.Delivery, m mail.Message) (mail.Message, error) {
	v, err := s.DB.Client().Voicemail.Get(ctx, subjectOf(d))
	if err != nil {
		return m, fmt.Errorf("load voicemail %s: %w", subjectOf(d), err)
	}
	if v.DeletedAt != nil {
		return m, errDeleted
	}
	n, err := v.QueryNumber().WithOwner().Only(ctx)
	if err != nil {
		return m, fmt.Errorf("load number %s: %w", v.NumberID, err)
	}
	l := s.letter(v, n)
	l.Unsubscribe, l.More = m.Unsubscribe, d.More
	if v.Audio == phone.AudioStored && phone.Attached(v.AudioSize) {
		switch err := s.Intact(ctx, v); {
		case lost(err): // the mail does not wait for a new copy: it has a link
		case err != nil:
			return m, err
		default:
			m.Audio, l.AudioAttached = s.attachment(ctx, v), true
			m.Light = light(m, l)
		}
	}
	m.Subject, m.Text, m.HTML = mail.Compose(l)
	return m, nil
}

// light is a mail without the audio, for a server that does not take so large a one.
func light(m mail.Message, l mail.Voicemail) *mail.Message {
	m.Audio, l.AudioAttached, l.AudioTooLarge = nil, false, true
	m.Subject, m.Text, m.HTML = mail.Compose(l)
	return &m
}

func (s *Switchboard) letter(v *ent.Voicemail, n *ent.MaskedNumber) mail.Voicemail {
	l := mail.Voicemail{
		From: v.From, Number: string(n.PhoneNumber), Label: n.Label, ReceivedAt: v.ReceivedAt, Duration: time.Duration(v.DurationSeconds) * time.Second,
		Link: s.Links.To(links.Page, v.ID, s.linkUntil()), Locale: n.Edges.Owner.Locale, TimeZone: n.Edges.Owner.TimeZone,
	}
	if v.Transcript != nil {
		l.Transcript = *v.Transcript
	}
	if v.TranscriptionError != nil {
		l.TranscriptMissing = phone.ShowFailure(*v.TranscriptionError, false)
	}
	if v.AudioError != nil {
		l.AudioMissing = phone.ShowFailure(*v.AudioError, false)
	}
	return l
}

func (s *Switchboard) linkUntil() time.Time {
	if s.Settings.MailLinkDays == 0 {
		return time.Time{}
	}
	return s.now().AddDate(0, 0, s.Settings.MailLinkDays)
}

func (s *Switchboard) attachment(ctx context.Context, v *ent.Voicemail) *mail.Attachment {
	return &mail.Attachment{
		Name: "voicemail" + recordings.Extension(v.AudioType), ContentType: v.AudioType,
		Open: func() (io.ReadCloser, error) { return s.Recordings.Open(ctx, v.ID) },
	}
}
