package switchboard

import (
	"context"
	"errors"
	"fmt"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

// stuck asks for the calls that are running as far as we know, and that Twilio did not list as such: most began too long ago.
func (r *reconciler) stuck(ctx context.Context) (errs error) {
	rows, err := r.DB.Client().Call.Query().Where(call.EndedAtIsNil(), call.StartedAtLT(r.until)).Order(ent.Asc(call.FieldStartedAt)).Limit(stuckAtOnce).All(ctx)
	if err != nil {
		return fmt.Errorf("look for running calls: %w", err)
	}
	for _, row := range rows {
		if r.running[row.CallSid] {
			continue
		}
		c, err := r.Twilio.Call(ctx, row.CallSid)
		if gone := new(twilio.Error); errors.As(err, &gone) && gone.NotFound() {
			c, err = twilio.Call{SID: row.CallSid, From: row.From, To: string(row.To), Status: "unknown to Twilio"}, nil
		} else if err == nil && !phone.CallerGone(c.Status) {
			continue
		}
		if err == nil {
			err = r.end(ctx, c, repairEnd)
		}
		errs = errors.Join(errs, err)
	}
	return errs
}

// undecided settles the calls that are over and wait for news of a recording, or keep a voicemail of the plan for one.
func (r *reconciler) undecided(ctx context.Context) (errs error) {
	rows, err := r.DB.Client().Call.Query().Where(call.Or(call.OutcomeEQ(phone.OutcomeRinging), call.ReservedInNotNil()), call.EndedAtLT(r.until)).
		Order(ent.Asc(call.FieldStartedAt)).Limit(stuckAtOnce).All(ctx)
	if err != nil {
		return fmt.Errorf("look for undecided calls: %w", err)
	}
	for _, row := range rows {
		found, err := r.Twilio.RecordingsOf(ctx, row.CallSid)
		if err == nil {
			err = r.decide(ctx, row, found)
		}
		errs = errors.Join(errs, err)
	}
	return errs
}

func (r *reconciler) decide(ctx context.Context, row *ent.Call, found []twilio.Recording) error {
	in := phone.Incoming{CallSID: row.CallSid, From: row.From, To: row.To}
	absent := twilio.Recording{CallSID: row.CallSid, Status: "absent"}
	pending := false
	for _, rec := range found {
		switch {
		case exists(rec):
			return r.report(ctx, in, rec, repairRecording)
		case rec.Status == "absent", rec.Status == "deleted":
			absent.SID, absent.ErrorCode = rec.SID, rec.ErrorCode
		default:
			pending = true
		}
	}
	if pending || absent.SID == "" && row.EndedAt.After(r.now().Add(-absentAfter)) {
		return nil
	}
	return r.report(ctx, in, absent, repairAbsence)
}
