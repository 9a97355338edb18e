package switchboard

import (
	"context"
	"fmt"
	"slices"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/blockedcaller"
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
		WithSubscriptions(func(q *ent.NumberSubscriptionQuery) { q.Where(numbersubscription.Active(true)).WithPlan() }).All(ctx)
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
	return s.lineWith(ctx, tx, n, sub, in.From)
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

func (s *Switchboard) lineWith(ctx context.Context, tx *Tx, n *ent.MaskedNumber, sub *ent.NumberSubscription, from string) (line, error) {
	l := line{Line: s.facts(n), number: n, contract: contractOf(sub, s.now())}
	var err error
	if l.Blocked, err = tx.blocked(ctx, n.OwnerID, from); err != nil {
		return line{}, err
	}
	l.OursAmongForward, err = tx.ours(ctx, n.ForwardTo)
	return l, err
}

func (tx *Tx) blocked(ctx context.Context, owner, from string) (bool, error) {
	caller := phone.CallerOf(from)
	if caller == phone.Anonymous {
		return false, nil
	}
	yes, err := tx.BlockedCaller.Query().Where(blockedcaller.OwnerID(owner), blockedcaller.Caller(phone.Number(caller))).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for a blocked caller: %w", err)
	}
	return yes, nil
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
		FinishOnKey: n.FinishOnKey, Transcribe: s.Settings.Transcriber == "twilio" && phone.AsksTwilio(n.Transcribe, n.Language),
		TranscribeLater: s.Engine != nil && n.Transcribe,
	}
	l.ForwardTo = slices.DeleteFunc(slices.Clone(n.ForwardTo), func(to phone.Number) bool { return !s.Settings.Countries.Allow(n.PhoneNumber, to) })
	if n.Greeting != nil {
		l.Greeting = *n.Greeting
	}
	return l
}
