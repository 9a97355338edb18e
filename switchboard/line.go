package switchboard

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/numbersubscription"
	"github.com/maskline/maskline/phone"
)

// line is a called number with the facts that its routing needs.
type line struct {
	phone.Line
	number   *ent.MaskedNumber
	contract contract
}

// lineTo is the line that an incoming call reaches. A phone number that was released and created anew is the new one.
func (s *Switchboard) lineTo(ctx context.Context, tx *Tx, in phone.Incoming) (line, error) {
	numbers, err := tx.MaskedNumber.Query().Where(maskednumber.PhoneNumber(in.To)).Order(ent.Desc(maskednumber.FieldCreatedAt)).
		WithSubscriptions(func(q *ent.NumberSubscriptionQuery) {
			tx.lockForUse(q.Where(numbersubscription.Active(true)).WithPlan())
		}).All(ctx)
	if err != nil {
		return line{}, fmt.Errorf("load number %s: %w", in.To, err)
	}
	if !in.At.IsZero() {
		numbers = then(numbers, in)
	}
	if len(numbers) == 0 {
		return line{}, errUnknownNumber
	}
	n := numbers[0]
	if in.At.IsZero() {
		n = numbers[max(0, slices.IndexFunc(numbers, func(n *ent.MaskedNumber) bool { return n.State != phone.NumberReleased }))]
	}
	var sub *ent.NumberSubscription
	if len(n.Edges.Subscriptions) > 0 {
		sub = n.Edges.Subscriptions[0]
	}
	return line{Line: s.facts(n), number: n, contract: contractOf(sub, s.now())}, nil
}

// lockForUse has the subscription that a call is charged to locked until the transaction ends. What is counted by later statements is then exact:
// each call of the number sees those that took from the subscription before it.
func (tx *Tx) lockForUse(q *ent.NumberSubscriptionQuery) {
	tx.forUpdate(func() { q.ForUpdate(sql.WithLockClause("FOR NO KEY UPDATE")) })
}

// then is for what is told afterwards: a number is whose it was at that time. What was told of a number that was nobody's, and set aside, is
// for whoever was the first to have it.
func then(newestFirst []*ent.MaskedNumber, in phone.Incoming) []*ent.MaskedNumber {
	for i, n := range newestFirst {
		if !n.CreatedAt.After(in.At) {
			return newestFirst[i:]
		}
	}
	if in.Aside && len(newestFirst) > 0 {
		return newestFirst[len(newestFirst)-1:]
	}
	return nil
}

// lineOf is the line of a running call, with the subscription that the call was charged to in the first place.
func (s *Switchboard) lineOf(ctx context.Context, tx *Tx, c *ent.Call) (line, error) {
	n, err := tx.numberOf(ctx, c)
	if err != nil {
		return line{}, err
	}
	sub, err := tx.chargedTo(ctx, c)
	if err != nil {
		return line{}, err
	}
	return line{Line: s.facts(n), number: n, contract: contractOf(sub, s.now())}, nil
}

func (tx *Tx) numberOf(ctx context.Context, c *ent.Call) (*ent.MaskedNumber, error) {
	n, err := tx.MaskedNumber.Get(ctx, c.NumberID)
	if err != nil {
		return nil, fmt.Errorf("load number %s: %w", c.NumberID, err)
	}
	return n, nil
}

func (tx *Tx) chargedTo(ctx context.Context, c *ent.Call) (*ent.NumberSubscription, error) {
	if c.SubscriptionID == nil {
		return nil, nil
	}
	sub, err := tx.NumberSubscription.Query().Where(numbersubscription.ID(*c.SubscriptionID)).WithPlan().Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("load subscription %s: %w", *c.SubscriptionID, err)
	}
	return sub, nil
}

// ours are those of the numbers that are masked numbers themselves: ringing them would ring in a circle.
func (tx *Tx) ours(ctx context.Context, numbers []phone.Number) (found []phone.Number, err error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	masked, err := tx.MaskedNumber.Query().Where(maskednumber.PhoneNumberIn(numbers...), maskednumber.StateNEQ(phone.NumberReleased)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for our own numbers: %w", err)
	}
	for _, n := range masked {
		found = append(found, n.PhoneNumber)
	}
	return found, nil
}

func (s *Switchboard) facts(n *ent.MaskedNumber) phone.Line {
	l := phone.Line{
		Number: n.PhoneNumber, State: n.State, Forwarding: n.ForwardingEnabled, RingSeconds: n.RingSeconds,
		CallerID: n.CallerID, Screening: n.Screening, Voicemail: n.VoicemailEnabled, Language: n.Language, MaxSeconds: n.MaxVoicemailSeconds,
		SilenceSeconds: n.SilenceSeconds, ScreenSeconds: n.ScreenSeconds, MaxCallMinutes: n.MaxCallMinutes, Label: n.Label, ForwardTo: n.ForwardTo,
		Countries: s.Settings.Countries, Simultaneous: s.Settings.SimultaneousCalls, FinishOnKey: n.FinishOnKey, Transcribe: s.Settings.Transcriber == "twilio" && phone.AsksTwilio(n.Transcribe, n.Language),
		TranscribeLater: s.Engine != nil && n.Transcribe,
	}
	if n.Greeting != nil {
		l.Greeting = *n.Greeting
	}
	return l
}
