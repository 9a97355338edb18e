package switchboard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/mailrecipient"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/ent/sentmail"
	"github.com/maskline/maskline/internal/faults"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/phone"
)

// claimLasts is shorter than a process counts as alive, so that whoever takes over its work finds the mail free. While it sends it claims anew.
const claimLasts = 12 * time.Second

var (
	sendWithin = faults.Period(4 * time.Minute)
	claimEvery = faults.Period(claimLasts / 3)
)

var errClaimed = errors.New("another process is sending this mail")

// said is an error in a sentence for the owner of what went wrong.
type said string

func (s said) Error() string { return string(s) }

func failureOf(err error) phone.Failure {
	if s, ok := errors.AsType[said](err); ok {
		return phone.Failure{Said: string(s)}
	}
	return mail.Describe(err)
}

// send sends one mail. Two jobs may be about the same mail, so it is claimed first.
func (s *Switchboard) send(ctx context.Context, id string) error {
	d, to, err := s.claim(ctx, id)
	if d == nil || err != nil {
		return err
	}
	m, err := s.compose(ctx, d, to)
	if err != nil {
		return s.notSent(ctx, d, to, !errors.Is(err, errDeleted) && !errors.Is(err, errNotMissed), err)
	}
	within, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	defer s.holding(within, id)()
	if retry, err := s.Mail.Send(within, m); err != nil {
		return s.notSent(ctx, d, to, retry, err)
	}
	faults.Point("mail sent")
	return s.inTx(ctx, func(tx *Tx) error {
		err := tx.Delivery.Update().Where(delivery.ID(id)).SetState(phone.DeliveryDelivered).SetDeliveredAt(s.now()).ClearLastError().ClearClaimedUntil().Exec(ctx)
		if err != nil {
			return fmt.Errorf("write delivery %s: %w", id, err)
		}
		return tx.MailRecipient.Update().Where(mailrecipient.ID(to.ID), mailrecipient.RefusalsGT(0)).SetRefusals(0).Exec(ctx)
	})
}

// claim is the delivery, ours for a while, and its recipient; nil when there is nothing to send any more. All mails of a number are claimed
// one after another, so that they can be counted.
func (s *Switchboard) claim(ctx context.Context, id string) (claimed *ent.Delivery, to *ent.MailRecipient, err error) {
	err = s.inTx(ctx, func(tx *Tx) error {
		claimed = nil
		d, err := tx.lockMail(ctx, id)
		now := s.now()
		switch {
		case d == nil || err != nil:
			return err
		case d.State != phone.DeliveryPending:
			return nil
		case d.ClaimedUntil != nil && !d.ClaimedUntil.Before(now):
			return errClaimed
		}
		if to, err = tx.recipient(ctx, *d.NumberID, d.Recipient); err != nil {
			return err
		}
		if reason, _ := phone.LeftOut(to.Refusals, to.LeftOutAt, to.UnsubscribedAt); reason != "" {
			return tx.Delivery.UpdateOneID(id).SetState(phone.DeliveryFailed).SetLastError(reason.Said()).Exec(ctx)
		}
		ok, err := tx.takeMail(ctx, d, now)
		switch {
		case err != nil:
			return err
		case !ok:
			s.Log.WarnContext(ctx, "too many mails of a number, one is held back", "delivery", id, "number", *d.NumberID)
			return tx.Delivery.UpdateOneID(id).SetState(phone.DeliveryFailed).SetWithheld(true).SetLastError(phone.Withheld()).Exec(ctx)
		}
		more, err := tx.takeWithheld(ctx, d)
		if err != nil {
			return err
		}
		claimed, err = tx.Delivery.UpdateOneID(id).SetClaimedUntil(now.Add(claimLasts)).AddAttempts(1).AddMore(more).Save(ctx)
		return err
	})
	return claimed, to, err
}

// lockMail loads a delivery while nobody else claims mails of its number; nil when it was purged. A row of before learns its number.
func (tx *Tx) lockMail(ctx context.Context, id string) (*ent.Delivery, error) {
	for locked := false; ; locked = true {
		d, err := tx.Delivery.Query().Where(delivery.ID(id)).WithVoicemail().Only(ctx)
		if ent.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("load delivery %s: %w", id, err)
		}
		if d.NumberID == nil {
			d.NumberID = &d.Edges.Voicemail.NumberID
		}
		if locked {
			return d, nil
		}
		if _, err := tx.lockNumber(ctx, *d.NumberID); err != nil {
			return nil, err
		}
	}
}

// takeMail counts a mail among those that went out for its number, unless too many did.
func (tx *Tx) takeMail(ctx context.Context, d *ent.Delivery, now time.Time) (ok bool, err error) {
	others := tx.SentMail.Query().Where(sentmail.NumberID(*d.NumberID), sentmail.AtGT(now.Add(-phone.MailsWithin)), sentmail.IDNEQ(d.ID))
	n, err := others.Count(ctx)
	if err != nil {
		return false, fmt.Errorf("count the mails of number %s: %w", *d.NumberID, err)
	}
	if n >= phone.MailsADay {
		return false, nil
	}
	err = tx.SentMail.Create().SetID(d.ID).SetNumberID(*d.NumberID).SetAt(now).OnConflictColumns(sentmail.FieldID).UpdateAt().Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("count mail %s: %w", d.ID, err)
	}
	return true, nil
}

// takeWithheld counts the mails to the same recipient that were held back and that no mail has told of. This one does.
func (tx *Tx) takeWithheld(ctx context.Context, d *ent.Delivery) (more int, err error) {
	untold := []predicate.Delivery{delivery.NumberID(*d.NumberID), delivery.Recipient(d.Recipient), delivery.Withheld(true)}
	found, err := tx.Delivery.Query().Where(untold...).Select(delivery.FieldMore).Ints(ctx)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	for _, told := range found {
		more += 1 + told
	}
	return more, tx.Delivery.Update().Where(untold...).SetWithheld(false).Exec(ctx)
}

// holding claims a mail anew every few seconds, until the function that it returns is called.
func (s *Switchboard) holding(ctx context.Context, id string) (letGo func()) {
	ctx, cancel := context.WithCancel(ctx)
	var holder sync.WaitGroup
	holder.Go(func() {
		tick := time.NewTicker(claimEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := s.inTx(ctx, func(tx *Tx) error {
				return tx.Delivery.Update().Where(delivery.ID(id), delivery.ClaimedUntilNotNil()).SetClaimedUntil(s.now().Add(claimLasts)).Exec(ctx)
			})
			if err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "claim a mail anew", "delivery", id, "error", err)
			}
		}
	})
	return func() { cancel(); holder.Wait() }
}

// notSent writes down why a mail did not go out, and asks for another try where that makes sense.
func (s *Switchboard) notSent(ctx context.Context, d *ent.Delivery, to *ent.MailRecipient, retry bool, cause error) error {
	final := !retry || s.triedFor(d) >= phone.MailTries
	err := s.inTx(ctx, func(tx *Tx) error {
		u := tx.Delivery.Update().Where(delivery.ID(d.ID)).SetLastError(failureOf(cause).Kept()).ClearClaimedUntil()
		if final {
			u.SetState(phone.DeliveryFailed)
		}
		if err := u.Exec(ctx); err != nil {
			return fmt.Errorf("write delivery %s: %w", d.ID, err)
		}
		if _, err := tx.SentMail.Delete().Where(sentmail.ID(d.ID)).Exec(ctx); err != nil {
			return fmt.Errorf("count mail %s out: %w", d.ID, err)
		}
		if to != nil && mail.Refused(cause) {
			return s.countRefusal(ctx, tx, to)
		}
		return nil
	})
	if final {
		s.Metrics.givenUp("mail")
	}
	if err != nil || final {
		s.Log.WarnContext(ctx, "mail not sent", "delivery", d.ID, "final", final, "error", cause)
		return err
	}
	return fmt.Errorf("mail %s: %w", d.ID, cause)
}
