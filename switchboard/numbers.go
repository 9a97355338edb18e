package switchboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/blockedcaller"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/numbersubscription"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

// NewPlan is what a plan is made of. A nil limit is none.
type NewPlan struct {
	Name                        string
	Type                        phone.PlanType
	CallsLimit, VoicemailsLimit *int
	SimultaneousCalls           *int
	Period                      phone.PlanPeriod
}

// Check says all that is wrong with a plan, or nothing.
func (p NewPlan) Check() error {
	return phone.CheckPlan(p.Name, p.Type, p.CallsLimit, p.VoicemailsLimit, p.SimultaneousCalls)
}

// CreatePlan makes a plan and returns its id.
func (s *Switchboard) CreatePlan(ctx context.Context, p NewPlan) (id string, err error) {
	if err := requireAdmin(ctx); err != nil {
		return "", err
	}
	if err := p.Check(); err != nil {
		return "", err
	}
	err = s.inTx(ctx, func(tx *Tx) error {
		made, err := tx.Plan.Create().SetName(p.Name).SetType(p.Type).SetNillableCallsLimit(p.CallsLimit).
			SetNillableVoicemailsLimit(p.VoicemailsLimit).SetNillableSimultaneousCalls(p.SimultaneousCalls).SetPeriod(p.Period).Save(ctx)
		if err != nil {
			return err
		}
		id = made.ID
		tx.audit(ctx, "createPlan", "", id, p.Name)
		return nil
	})
	return id, err
}

// CreateNumber makes a masked number for an owner and returns its id. It touches nothing at Twilio.
func (s *Switchboard) CreateNumber(ctx context.Context, n phone.Number, ownerID string, set phone.Settings) (id string, err error) {
	if err := requireAdmin(ctx); err != nil {
		return "", err
	}
	err = s.inTx(ctx, func(tx *Tx) error {
		if err := s.check(ctx, tx, n, set, nil, set.ForwardTo); err != nil {
			return err
		}
		if _, err := tx.User.Get(ctx, ownerID); err != nil {
			return fmt.Errorf("load user %s: %w", ownerID, err)
		}
		made, err := create(tx, n, ownerID, set).SetCreatedAt(s.now()).Save(ctx)
		if err != nil {
			return err
		}
		id = made.ID
		tx.numberChanged(ownerID, id)
		tx.audit(ctx, "createNumber", ownerID, id, string(n))
		return nil
	})
	if ent.IsConstraintError(err) {
		return "", &phone.Error{Code: phone.Conflict, Message: "This phone number is in use already.", Field: "phoneNumber"}
	}
	return id, err
}

func create(tx *Tx, n phone.Number, ownerID string, set phone.Settings) *ent.MaskedNumberCreate {
	return tx.MaskedNumber.Create().SetPhoneNumber(n).SetOwnerID(ownerID).SetLabel(set.Label).SetForwardingEnabled(set.ForwardingEnabled).
		SetForwardTo(set.ForwardTo).SetRingSeconds(set.RingSeconds).SetCallerID(set.CallerID).SetScreening(set.Screening).
		SetVoicemailEnabled(set.VoicemailEnabled).SetNillableGreeting(set.Greeting).SetLanguage(set.Language).
		SetMaxVoicemailSeconds(set.MaxSeconds).SetFinishOnKey(set.FinishOnKey).SetTranscribe(set.Transcribe).
		SetSilenceSeconds(set.SilenceSeconds).SetScreenSeconds(set.ScreenSeconds).SetMaxCallMinutes(set.MaxCallMinutes).
		SetMailMissedCalls(set.MailMissedCalls).
		SetNotifyEmails(each(set.NotifyEmails)).SetNillableKeepVoicemailsDays(set.KeepVoicemailsDays)
}

// check says all that is wrong with the settings of a number, beside what was found before. Of the phones to ring those that are to be set are
// refused that may not be rung from the number, itself and other numbers of ours among them: calls would go round in a circle.
func (s *Switchboard) check(ctx context.Context, tx *Tx, n phone.Number, set phone.Settings, f phone.Faults, to []phone.Number) error {
	f = slices.Concat(f, set.Faults(n))
	ours, err := tx.ours(viewer.System(ctx), to)
	if err != nil {
		return err
	}
	f.Note(s.Settings.Countries.Refuse(n, to, ours))
	return f.Err()
}

// numberChanged tells that a number, or all of an owner's, answers calls in another way from now on.
func (tx *Tx) numberChanged(owner, id string) {
	tx.announce(events.Event{Kind: events.Number, Owner: owner, ID: id})
}

// lockNumber is the number, which nobody else changes until the transaction ends.
func (tx *Tx) lockNumber(ctx context.Context, id string) (*ent.MaskedNumber, error) {
	q := tx.MaskedNumber.Query().Where(maskednumber.ID(id))
	tx.forUpdate(func() { q.ForUpdate(sql.WithLockClause("FOR NO KEY UPDATE")) }) // calls to it may be written meanwhile
	n, err := q.Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("load number %s: %w", id, err)
	}
	return n, nil
}

// UpdateNumber changes the settings of a number: change is given what they are. What was found wrong before is told together with what is
// wrong with the settings.
func (s *Switchboard) UpdateNumber(ctx context.Context, id string, change func(*phone.Settings), found ...phone.Fault) error {
	return s.inTx(ctx, func(tx *Tx) error {
		n, err := tx.lockNumber(ctx, id)
		if err != nil {
			return err
		}
		set := settingsOf(n)
		set.NotifyEmails = nil
		change(&set)
		anew := set.NotifyEmails != nil
		if !anew {
			set.NotifyEmails = n.NotifyEmails
		}
		to := set.ForwardTo
		if slices.Equal(to, n.ForwardTo) {
			to = nil // phones that may not be rung any more are skipped, and hold up no other change
		}
		if err := s.check(ctx, tx, n.PhoneNumber, set, found, to); err != nil {
			return err
		}
		set.NotifyEmails = each(set.NotifyEmails)
		if anew {
			if err := tx.letIn(ctx, n, set.NotifyEmails); err != nil {
				return err
			}
		}
		changed := differences(settingsOf(n), set)
		if changed == "" {
			return nil
		}
		tx.numberChanged(n.OwnerID, n.ID)
		tx.audit(ctx, "updateNumber", n.OwnerID, n.ID, changed)
		return update(tx, n.ID, set).Exec(ctx)
	})
}

func settingsOf(n *ent.MaskedNumber) phone.Settings {
	return phone.Settings{
		Label: n.Label, ForwardingEnabled: n.ForwardingEnabled, ForwardTo: n.ForwardTo, RingSeconds: n.RingSeconds, CallerID: n.CallerID,
		Screening: n.Screening, VoicemailEnabled: n.VoicemailEnabled, Greeting: n.Greeting, Language: n.Language, MaxSeconds: n.MaxVoicemailSeconds,
		FinishOnKey: n.FinishOnKey, Transcribe: n.Transcribe, NotifyEmails: n.NotifyEmails, KeepVoicemailsDays: n.KeepVoicemailsDays,
		SilenceSeconds: n.SilenceSeconds, ScreenSeconds: n.ScreenSeconds, MaxCallMinutes: n.MaxCallMinutes, MailMissedCalls: n.MailMissedCalls,
	}
}

func update(tx *Tx, id string, set phone.Settings) *ent.MaskedNumberUpdateOne {
	u := tx.MaskedNumber.UpdateOneID(id).SetLabel(set.Label).SetForwardingEnabled(set.ForwardingEnabled).SetForwardTo(set.ForwardTo).
		SetRingSeconds(set.RingSeconds).SetCallerID(set.CallerID).SetScreening(set.Screening).SetVoicemailEnabled(set.VoicemailEnabled).
		SetLanguage(set.Language).SetMaxVoicemailSeconds(set.MaxSeconds).SetFinishOnKey(set.FinishOnKey).SetTranscribe(set.Transcribe).
		SetSilenceSeconds(set.SilenceSeconds).SetScreenSeconds(set.ScreenSeconds).SetMaxCallMinutes(set.MaxCallMinutes).
		SetMailMissedCalls(set.MailMissedCalls).
		SetNotifyEmails(each(set.NotifyEmails)).SetNillableGreeting(set.Greeting).SetNillableKeepVoicemailsDays(set.KeepVoicemailsDays)
	if set.Greeting == nil {
		u.ClearGreeting()
	}
	if set.KeepVoicemailsDays == nil {
		u.ClearKeepVoicemailsDays()
	}
	return u
}

// Subscribe ends a number's active subscription and starts one to the plan, with nothing used. Running calls stay with the old one.
func (s *Switchboard) Subscribe(ctx context.Context, numberID, planID string) (id string, err error) {
	if err := requireAdmin(ctx); err != nil {
		return "", err
	}
	err = s.inTx(ctx, func(tx *Tx) error {
		n, err := tx.lockNumber(ctx, numberID)
		if err != nil {
			return err
		}
		if n.State == phone.NumberReleased {
			return &phone.Error{Code: phone.Conflict, Message: "A released number takes no subscription.", Field: "numberID"}
		}
		if _, err := tx.Plan.Get(ctx, planID); err != nil {
			return fmt.Errorf("load plan %s: %w", planID, err)
		}
		tx.numberChanged(n.OwnerID, n.ID)
		now := s.now()
		if err := tx.endSubscriptions(ctx, n.ID, now); err != nil {
			return err
		}
		made, err := tx.NumberSubscription.Create().SetOwnerID(n.OwnerID).SetNumberID(n.ID).SetPlanID(planID).SetStartedAt(now).SetUsedSince(now).Save(ctx)
		if err != nil {
			return err
		}
		id = made.ID
		tx.audit(ctx, "subscribeNumber", n.OwnerID, id, n.ID+" to "+planID)
		return nil
	})
	return id, err
}

// SetState pauses a number, takes it up again, or releases it for good.
func (s *Switchboard) SetState(ctx context.Context, id string, state phone.NumberState) error {
	if state == phone.NumberReleased {
		if err := requireAdmin(ctx); err != nil {
			return err
		}
	}
	return s.inTx(ctx, func(tx *Tx) error {
		n, err := tx.lockNumber(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case n.State == state:
			return nil
		case n.State == phone.NumberReleased:
			return &phone.Error{Code: phone.Conflict, Message: "A released number stays released. Create it anew.", Field: "state"}
		case state == phone.NumberReleased:
			if err := tx.endSubscriptions(ctx, n.ID, s.now()); err != nil {
				return err
			}
		}
		tx.numberChanged(n.OwnerID, n.ID)
		tx.audit(ctx, "setNumberState", n.OwnerID, n.ID, fmt.Sprintf("%s → %s", n.State, state))
		if state != phone.NumberActive {
			if err := s.endCalls(ctx, tx, n.ID); err != nil {
				return err
			}
		}
		return tx.MaskedNumber.UpdateOneID(id).SetState(state).Exec(ctx)
	})
}

func (tx *Tx) endSubscriptions(ctx context.Context, numberID string, at time.Time) error {
	running := tx.NumberSubscription.Update().Where(numbersubscription.NumberID(numberID), numbersubscription.Active(true))
	if err := running.SetActive(false).SetEndsAt(at).Exec(ctx); err != nil {
		return fmt.Errorf("end the subscription of number %s: %w", numberID, err)
	}
	return nil
}

// CancelSubscription ends a subscription; one that has ended already stays as it is.
func (s *Switchboard) CancelSubscription(ctx context.Context, id string) error {
	if err := requireAdmin(ctx); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *Tx) error {
		sub, err := tx.NumberSubscription.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("load subscription %s: %w", id, err)
		}
		if !sub.Active {
			return nil
		}
		tx.numberChanged(sub.OwnerID, sub.NumberID)
		tx.audit(ctx, "cancelSubscription", sub.OwnerID, id, sub.NumberID)
		if err := s.endCalls(ctx, tx, sub.NumberID); err != nil {
			return err
		}
		return tx.NumberSubscription.UpdateOneID(id).SetActive(false).SetEndsAt(s.now()).Exec(ctx)
	})
}

// Block turns a caller away from all numbers of the viewer; Unblock lets them in again. Both may be said twice.
func (s *Switchboard) Block(ctx context.Context, caller phone.Number) error {
	v, _ := viewer.From(ctx)
	return s.inTx(ctx, func(tx *Tx) error {
		err := tx.BlockedCaller.Create().SetOwnerID(v.ID).SetCaller(caller).SetCreatedAt(s.now()).
			OnConflictColumns(blockedcaller.FieldOwnerID, blockedcaller.FieldCaller).DoNothing().Exec(ctx)
		if isDone(err) {
			return nil
		}
		tx.numberChanged(v.ID, v.ID)
		tx.audit(ctx, "blockCaller", v.ID, v.ID, string(caller))
		return err
	})
}

// Unblock lets a blocked caller in again.
func (s *Switchboard) Unblock(ctx context.Context, caller phone.Number) error {
	v, _ := viewer.From(ctx)
	return s.inTx(ctx, func(tx *Tx) error {
		n, err := tx.BlockedCaller.Delete().Where(blockedcaller.OwnerID(v.ID), blockedcaller.Caller(caller)).Exec(ctx)
		if n > 0 {
			tx.numberChanged(v.ID, v.ID)
			tx.audit(ctx, "unblockCaller", v.ID, v.ID, string(caller))
		}
		return err
	})
}
