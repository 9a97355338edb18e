package switchboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/numbersubscription"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

// hangUpNote is the kind of the step in which Twilio is asked to end a call. A call has one at most.
const hangUpNote = "hang_up"

// HangUp ends a running call at Twilio, by a job that is tried again.
func (s *Switchboard) HangUp(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		q := tx.Call.Query().Where(call.ID(id))
		tx.forUpdate(func() { q.ForUpdate() })
		c, err := q.Only(ctx)
		if err != nil {
			return fmt.Errorf("load call %s: %w", id, err)
		}
		if !running(c) {
			return &phone.Error{Code: phone.Conflict, Message: "This call is over.", Field: "callID"}
		}
		tx.audit(ctx, "hangUp", c.OwnerID, c.ID, c.CallSid)
		tx.later(jobs.Job{Kind: jobs.HangUp, Subject: c.CallSid, At: s.now()})
		return s.noteHangUp(ctx, tx, c, "Twilio is asked to end the call, as its owner or an administrator wished")
	})
}

// running tells whether a caller may still be on the line.
func running(c *ent.Call) bool {
	return c.EndedAt == nil && c.State.Outcome() == phone.OutcomeRinging
}

func (s *Switchboard) runningCallsOf(number string) predicate.Call {
	return call.And(call.NumberID(number), call.OutcomeEQ(phone.OutcomeRinging), call.StartedAtGT(s.now().Add(-phone.LongestCall)), call.EndedAtIsNil())
}

func (s *Switchboard) noteHangUp(ctx context.Context, tx *Tx, c *ent.Call, why string) error {
	if slices.ContainsFunc(c.Timeline, func(e phone.CallEvent) bool { return e.Kind == hangUpNote }) {
		return nil
	}
	return s.settle(ctx, tx, c, step{decision: phone.Decision{Notes: []phone.Note{{Kind: hangUpNote, Detail: why}}}})
}

// hangUp asks Twilio to end a call that is running.
func (s *Switchboard) hangUp(ctx context.Context, callSID string) error {
	runs := false
	err := s.inTx(ctx, func(tx *Tx) error {
		c, err := tx.findCall(ctx, callSID)
		if runs = err == nil && c != nil && running(c) && s.now().Sub(c.StartedAt) < phone.LongestCall; !runs {
			return err
		}
		return s.noteHangUp(ctx, tx, c, "Twilio is asked to end the call: its number was paused or released, or its subscription cancelled")
	})
	switch {
	case err != nil || !runs:
		return err
	case s.Twilio == nil:
		return errors.New("no Twilio account is set")
	}
	return s.Twilio.HangUp(ctx, callSID)
}

// receivedBefore is how much later a call may be written down that was decided before its number was switched off.
const receivedBefore = 5 * time.Second

// endCalls has all running calls of a number ended, and a little later those that were just being received.
func (s *Switchboard) endCalls(ctx context.Context, tx *Tx, number string) error {
	tx.later(jobs.Job{Kind: jobs.HangUpAll, Subject: number, At: s.now().Add(receivedBefore)})
	return s.hangUpLater(ctx, tx, number)
}

func (s *Switchboard) hangUpLater(ctx context.Context, tx *Tx, number string) error {
	calls, err := tx.Call.Query().Where(s.runningCallsOf(number)).Select(call.FieldID, call.FieldCallSid).All(ctx)
	if err != nil {
		return fmt.Errorf("look for running calls of number %s: %w", number, err)
	}
	for _, c := range calls {
		tx.later(jobs.Job{Kind: jobs.HangUp, Subject: c.CallSid, At: s.now()})
	}
	return nil
}

// hangUpAll ends the running calls of a number, unless it takes calls again.
func (s *Switchboard) hangUpAll(ctx context.Context, number string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		takesCalls, err := tx.MaskedNumber.Query().Where(maskednumber.ID(number), maskednumber.StateEQ(phone.NumberActive),
			maskednumber.HasSubscriptionsWith(numbersubscription.Active(true))).Exist(ctx)
		if err != nil {
			return fmt.Errorf("load number %s: %w", number, err)
		}
		if takesCalls {
			return nil
		}
		return s.hangUpLater(ctx, tx, number)
	})
}
