package switchboard

import (
	"context"
	"fmt"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// The counters of a subscription belong to the period that began at used_since. The first use in a later period begins them anew, so no
// job needs to turn periods. Taking is one conditional statement: however many calls come at once, the limit holds.
const (
	takeCall = `UPDATE number_subscriptions SET
		used_calls = CASE WHEN used_since < $2 THEN 1 ELSE used_calls + 1 END,
		used_voicemails = CASE WHEN used_since < $2 THEN 0 ELSE used_voicemails END,
		used_since = CASE WHEN used_since < $2 THEN $2 ELSE used_since END
		WHERE id = $1 AND ($3 < 0 OR CASE WHEN used_since < $2 THEN 0 ELSE used_calls END < $3)`
	takeVoicemail = `UPDATE number_subscriptions SET
		used_voicemails = CASE WHEN used_since < $2 THEN 1 ELSE used_voicemails + 1 END,
		used_calls = CASE WHEN used_since < $2 THEN 0 ELSE used_calls END,
		used_since = CASE WHEN used_since < $2 THEN $2 ELSE used_since END
		WHERE id = $1 AND ($3 < 0 OR CASE WHEN used_since < $2 THEN 0 ELSE used_voicemails END < $3)`
	giveVoicemailBack = `UPDATE number_subscriptions SET used_voicemails = used_voicemails - 1
		WHERE id = $1 AND used_since = $2 AND used_voicemails > 0`
)

// contract is the subscription that a call is charged to; none is no subscription.
type contract struct {
	sub    *ent.NumberSubscription
	plan   *ent.Plan
	period time.Time // when the running period began
}

func contractOf(sub *ent.NumberSubscription, now time.Time) contract {
	if sub == nil {
		return contract{}
	}
	plan := sub.Edges.Plan
	from, _ := plan.Period.Running(sub.StartedAt, now)
	return contract{sub, plan, from}
}

// Use is what is used of a subscription in the period that now lies in.
func Use(sub *ent.NumberSubscription, p phone.PlanPeriod, now time.Time) (calls, voicemails int) {
	if from, _ := p.Running(sub.StartedAt, now); sub.UsedSince.Before(from) {
		return 0, 0
	}
	return sub.UsedCalls, sub.UsedVoicemails
}

func (c contract) allowance(now time.Time) phone.Allowance {
	if c.sub == nil {
		return phone.Allowance{}
	}
	calls, voicemails := Use(c.sub, c.plan.Period, now)
	return phone.Allowance{
		Subscribed: true, Plan: c.plan.Name, CallsLimit: c.plan.CallsLimit, VoicemailsLimit: c.plan.VoicemailsLimit,
		CallsUsed: calls, VoicemailsUsed: voicemails, SimultaneousCalls: c.plan.SimultaneousCalls,
	}
}

func (c contract) takeCall(ctx context.Context, tx *Tx) (bool, error) {
	return c.take(ctx, tx, takeCall, c.plan.CallsLimit)
}

func (c contract) takeVoicemail(ctx context.Context, tx *Tx) (bool, error) {
	return c.take(ctx, tx, takeVoicemail, c.plan.VoicemailsLimit)
}

// charge counts a voicemail even above the limit: a recording that exists is always kept.
func (c contract) charge(ctx context.Context, tx *Tx) error {
	if c.sub == nil {
		return nil
	}
	_, err := c.take(ctx, tx, takeVoicemail, nil)
	return err
}

func (c contract) take(ctx context.Context, tx *Tx, statement string, limit *int) (bool, error) {
	bound := -1
	if limit != nil {
		bound = *limit
	}
	res, err := tx.db.SQL.ExecContext(ctx, statement, c.sub.ID, c.period, bound)
	if err != nil {
		return false, fmt.Errorf("take from subscription %s: %w", c.sub.ID, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// giveBack returns a voicemail to the period that it was reserved in; when that is over there is nothing to return it to.
func giveBack(ctx context.Context, tx *Tx, subscription string, period time.Time) error {
	if _, err := tx.db.SQL.ExecContext(ctx, giveVoicemailBack, subscription, period); err != nil {
		return fmt.Errorf("give back to subscription %s: %w", subscription, err)
	}
	return nil
}
