package switchboard

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/sentmail"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

const channelEmail = "email"

// prepareMails writes one delivery for each recipient; each goes out once its transcript is there, or a minute from now.
func (s *Switchboard) prepareMails(ctx context.Context, tx *Tx, v *ent.Voicemail) error {
	n, err := tx.MaskedNumber.Get(ctx, v.NumberID)
	if err != nil {
		return fmt.Errorf("load number %s: %w", v.NumberID, err)
	}
	at := s.now()
	if !phone.MailDue(v.Transcription, at, at) {
		at = at.Add(phone.MailPatience)
	}
	return s.prepare(ctx, tx, n, at, func(create *ent.DeliveryCreate) { create.SetVoicemailID(v.ID) })
}

// prepare writes one delivery for each recipient of the number's mails, and has it sent at a time.
func (s *Switchboard) prepare(ctx context.Context, tx *Tx, n *ent.MaskedNumber, at time.Time, about func(*ent.DeliveryCreate)) error {
	to, err := tx.recipients(ctx, n)
	if err != nil {
		return err
	}
	for _, recipient := range to {
		create := tx.Delivery.Create().SetOwnerID(n.OwnerID).SetNumberID(n.ID).SetChannel(channelEmail).SetRecipient(recipient).SetCreatedAt(s.now())
		about(create)
		d, err := create.Save(ctx)
		if err != nil {
			return fmt.Errorf("write a delivery of number %s: %w", n.ID, err)
		}
		tx.later(jobs.Job{Kind: jobs.SendMail, Subject: d.ID, At: at})
	}
	return nil
}

// recipients are the number's notifyEmails, each once, or its owner.
func (tx *Tx) recipients(ctx context.Context, n *ent.MaskedNumber) ([]string, error) {
	if len(n.NotifyEmails) > 0 {
		return each(n.NotifyEmails), nil
	}
	owner, err := tx.User.Get(ctx, n.OwnerID)
	if err != nil {
		return nil, fmt.Errorf("load owner %s: %w", n.OwnerID, err)
	}
	return []string{owner.Email}, nil
}

func each(addresses []string) []string {
	once := []string{}
	seen := map[string]bool{}
	for _, a := range addresses {
		if a = strings.ToLower(a); !seen[a] {
			seen[a] = true
			once = append(once, a)
		}
	}
	return once
}

// mailNow sends the mails that waited for a transcript.
func (s *Switchboard) mailNow(ctx context.Context, tx *Tx, v *ent.Voicemail) error {
	waiting, err := tx.Delivery.Query().Where(delivery.VoicemailID(v.ID), delivery.StateEQ(phone.DeliveryPending)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("load deliveries of voicemail %s: %w", v.ID, err)
	}
	for _, id := range waiting {
		tx.later(jobs.Job{Kind: jobs.SendMail, Subject: id, At: s.now()})
	}
	return nil
}

// mailMissed prepares the mails of a call that is missed from now on, and withdraws those of one that turns out not to be: they wait a little
// for that.
func (s *Switchboard) mailMissed(ctx context.Context, tx *Tx, c *ent.Call, before phone.CallState) error {
	ctx = viewer.System(ctx) // whoever ends the call
	switch {
	case before != phone.Missed && c.State == phone.Missed:
		return s.prepareMissed(ctx, tx, c)
	case before == phone.Missed && c.State != phone.Missed:
		return tx.withdrawMissed(ctx, c)
	}
	return nil
}

func (s *Switchboard) prepareMissed(ctx context.Context, tx *Tx, c *ent.Call) error {
	n, err := tx.numberOf(ctx, c)
	if err != nil || !n.MailMissedCalls {
		return err
	}
	now := s.now()
	last := now.Add(-phone.MissedMailEvery).UnixMicro()
	result, err := tx.db.SQL.ExecContext(ctx, takeMissedMail, missedKey(c), now.UnixMicro(), last)
	if err != nil {
		return fmt.Errorf("take the mail of missed call %s: %w", c.CallSid, err)
	}
	if taken, err := result.RowsAffected(); err != nil || taken == 0 {
		return err // the caller's last one was mailed
	}
	return s.prepare(ctx, tx, n, now.Add(phone.MissedMailAfter), func(create *ent.DeliveryCreate) { create.SetCallID(c.ID) })
}

const (
	missed = "missed/" // + caller and number

	// A counter keeps when a missed call of a caller to a number was mailed last, in microseconds.
	takeMissedMail = `INSERT INTO counters (id, last) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET last = excluded.last WHERE counters.last <= $3`
	forgetMissedMail  = `DELETE FROM counters WHERE id = $1`
	forgetMissedMails = `DELETE FROM counters WHERE id LIKE 'missed/%' AND last <= $1`
)

// missedKey names the caller and the number of a call in 39 characters. Withheld callers are one.
func missedKey(c *ent.Call) string {
	sum := sha256.Sum256([]byte(c.NumberID + "\n" + c.From))
	return missed + base32.StdEncoding.EncodeToString(sum[:20])
}

// withdrawMissed deletes the mails of a missed call that nobody has tried to send. One that is being sent stays.
func (tx *Tx) withdrawMissed(ctx context.Context, c *ent.Call) error {
	n, err := tx.Delivery.Delete().Where(delivery.CallID(c.ID), delivery.StateEQ(phone.DeliveryPending), delivery.Attempts(0)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("withdraw the mails of call %s: %w", c.CallSid, err)
	}
	if n == 0 {
		return nil
	}
	if _, err := tx.db.SQL.ExecContext(ctx, forgetMissedMail, missedKey(c)); err != nil {
		return fmt.Errorf("forget the mail of call %s: %w", c.CallSid, err)
	}
	return nil
}

// forgetMails deletes the mails that are files, and what is kept to count mails, once it is old enough.
func (s *Switchboard) forgetMails(ctx context.Context) error {
	if err := s.Mail.DiscardBefore(s.daysAgo(s.Settings.MailDays)); err != nil {
		return err
	}
	now := s.now()
	return s.inTx(ctx, func(tx *Tx) error {
		if _, err := tx.db.SQL.ExecContext(ctx, forgetMissedMails, now.Add(-phone.MissedMailEvery).UnixMicro()); err != nil {
			return fmt.Errorf("forget mails of missed calls: %w", err)
		}
		if _, err := tx.SentMail.Delete().Where(sentmail.AtLT(now.Add(-phone.MailsWithin))).Exec(ctx); err != nil {
			return fmt.Errorf("forget mails that went out: %w", err)
		}
		return nil
	})
}
