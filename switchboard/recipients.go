package switchboard

import (
	"context"
	"fmt"
	"slices"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/mailrecipient"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
)

// recipient is what is known of an address that gets mails of a number.
func (tx *Tx) recipient(ctx context.Context, numberID, address string) (*ent.MailRecipient, error) {
	err := tx.MailRecipient.Create().SetNumberID(numberID).SetAddress(address).
		OnConflictColumns(mailrecipient.FieldNumberID, mailrecipient.FieldAddress).DoNothing().Exec(ctx)
	if err != nil && !isDone(err) {
		return nil, fmt.Errorf("write recipient of number %s: %w", numberID, err)
	}
	r, err := tx.MailRecipient.Query().Where(mailrecipient.NumberID(numberID), mailrecipient.Address(address)).Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("load recipient of number %s: %w", numberID, err)
	}
	return r, nil
}

// countRefusal leaves an address out that was refused for good too often in a row.
func (s *Switchboard) countRefusal(ctx context.Context, tx *Tx, to *ent.MailRecipient) error {
	r, err := tx.MailRecipient.UpdateOneID(to.ID).AddRefusals(1).Save(ctx)
	if err != nil {
		return fmt.Errorf("count the refusal of recipient %s: %w", to.ID, err)
	}
	if r.Refusals < phone.RefusalsInARow || r.LeftOutAt != nil {
		return nil
	}
	s.Log.WarnContext(ctx, "an address that is refused is left out from now on", "number", r.NumberID, "recipient", r.ID)
	return tx.MailRecipient.UpdateOneID(to.ID).SetLeftOutAt(s.now()).Exec(ctx)
}

// Subscription is what a link in a mail is about: whether an address gets the mails of a number.
type Subscription struct {
	Address, Number, Label string
	Unsubscribed           bool
}

// Recipient tells what the link of a recipient is about. Nobody has to be signed in.
func (s *Switchboard) Recipient(ctx context.Context, id string) (Subscription, error) {
	ctx = viewer.System(ctx)
	r, err := s.DB.Client().MailRecipient.Get(ctx, id)
	if err != nil {
		return Subscription{}, missingOr(err)
	}
	n, err := s.DB.Client().MaskedNumber.Get(ctx, r.NumberID)
	if err != nil {
		return Subscription{}, missingOr(err)
	}
	return Subscription{Address: r.Address, Number: string(n.PhoneNumber), Label: n.Label, Unsubscribed: r.UnsubscribedAt != nil}, nil
}

func missingOr(err error) error {
	if ent.IsNotFound(err) {
		return phone.Missing()
	}
	return err
}

// Unsubscribe takes an address off its number, for good: only its reader can take that back, by the same link, or the owner whose own address
// it is.
func (s *Switchboard) Unsubscribe(ctx context.Context, id string) error {
	return s.changeRecipient(ctx, id, func(ctx context.Context, tx *Tx, n *ent.MaskedNumber, r *ent.MailRecipient) error {
		if r.UnsubscribedAt != nil {
			return nil
		}
		tx.audit(ctx, "unsubscribe", n.OwnerID, n.ID, r.Address)
		ctx = viewer.System(ctx)
		if err := tx.MailRecipient.UpdateOneID(id).SetUnsubscribedAt(s.now()).Exec(ctx); err != nil {
			return fmt.Errorf("unsubscribe recipient %s: %w", id, err)
		}
		return s.takeOff(ctx, tx, n, r.Address)
	})
}

// takeOff removes an address from the number's. An empty list means the owner, who must not get in place of it what nobody wants: then the
// owner's address is left out too, until notifyEmails is set anew.
func (s *Switchboard) takeOff(ctx context.Context, tx *Tx, n *ent.MaskedNumber, address string) error {
	left := slices.DeleteFunc(each(n.NotifyEmails), func(a string) bool { return a == address })
	if len(left) == len(n.NotifyEmails) {
		return nil
	}
	tx.numberChanged(n.OwnerID, n.ID)
	if err := tx.MaskedNumber.UpdateOneID(n.ID).SetNotifyEmails(left).Exec(ctx); err != nil {
		return fmt.Errorf("write number %s: %w", n.ID, err)
	}
	if len(left) > 0 {
		return nil
	}
	owner, err := tx.User.Get(ctx, n.OwnerID)
	if err != nil {
		return fmt.Errorf("load owner %s: %w", n.OwnerID, err)
	}
	r, err := tx.recipient(ctx, n.ID, owner.Email)
	if err != nil || r.LeftOutAt != nil {
		return err
	}
	return tx.MailRecipient.UpdateOneID(r.ID).SetLeftOutAt(s.now()).SetRefusals(0).Exec(ctx)
}

// Resubscribe gives an address the mails of its number again, for its reader.
func (s *Switchboard) Resubscribe(ctx context.Context, id string) error {
	return s.changeRecipient(ctx, id, func(ctx context.Context, tx *Tx, n *ent.MaskedNumber, r *ent.MailRecipient) error {
		if r.UnsubscribedAt == nil {
			return nil
		}
		tx.audit(ctx, "resubscribe", n.OwnerID, n.ID, r.Address)
		ctx = viewer.System(ctx)
		if err := tx.MailRecipient.UpdateOneID(id).ClearUnsubscribedAt().Exec(ctx); err != nil {
			return fmt.Errorf("resubscribe recipient %s: %w", id, err)
		}
		return nil
	})
}

// changeRecipient runs change on a recipient while nobody else changes its number.
func (s *Switchboard) changeRecipient(ctx context.Context, id string, change func(context.Context, *Tx, *ent.MaskedNumber, *ent.MailRecipient) error) error {
	return s.inTx(ctx, func(tx *Tx) error {
		system := viewer.System(ctx)
		r, err := tx.MailRecipient.Get(system, id)
		if err != nil {
			return missingOr(err)
		}
		n, err := tx.lockNumber(system, r.NumberID)
		if err != nil {
			return missingOr(err)
		}
		if r, err = tx.MailRecipient.Get(system, id); err != nil {
			return missingOr(err)
		}
		return change(ctx, tx, n, r)
	})
}

// letIn gives the addresses that notifyEmails has been set to another chance. One that has unsubscribed stays so, unless it is the viewer's
// own.
func (tx *Tx) letIn(ctx context.Context, n *ent.MaskedNumber, to []string) error {
	v, _ := viewer.From(ctx)
	ctx = viewer.System(ctx)
	set := *n
	set.NotifyEmails = to
	to, err := tx.recipients(ctx, &set)
	if err != nil {
		return err
	}
	given := tx.MailRecipient.Update().Where(mailrecipient.NumberID(n.ID), mailrecipient.AddressIn(to...))
	if err := given.SetRefusals(0).ClearLeftOutAt().Exec(ctx); err != nil {
		return fmt.Errorf("let in the recipients of number %s: %w", n.ID, err)
	}
	own, err := tx.User.Query().Where(user.ID(v.ID)).Select(user.FieldEmail).Strings(ctx)
	if err != nil || len(own) == 0 || !slices.Contains(to, own[0]) {
		return err
	}
	return tx.MailRecipient.Update().Where(mailrecipient.NumberID(n.ID), mailrecipient.Address(own[0])).ClearUnsubscribedAt().Exec(ctx)
}
