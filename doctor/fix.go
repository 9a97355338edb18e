package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/maskline/maskline/internal/twilio"
)

// Change is what is to be done to one number at Twilio.
type Change struct {
	Number twilio.Number // as it is
	To     twilio.Routing
}

// Step is one address of a change, for people to read.
type Step struct{ Name, Now, To string }

// Steps are the addresses that differ.
func (c Change) Steps() (steps []Step) {
	for _, r := range slices.Concat(thieves, routes) {
		if now, to := r.show(c.Number.Routing), r.show(c.To); now != to {
			steps = append(steps, Step{r.name, now, to})
		}
	}
	return steps
}

// Fix writes down where the numbers lead now, unless an earlier Fix has, and then makes the changes one by one. It tells each as it is
// made, or why it was not; one that fails does not keep the others from their turn.
func Fix(ctx context.Context, p Patient, changes []Change, tell func(Change, error)) error {
	client, err := p.Twilio.rest()
	if err != nil {
		return err
	}
	if p.unreachable() {
		return fmt.Errorf("PUBLIC_URL is %s, where Twilio does not reach us", p.PublicURL)
	}
	kept, err := p.readBefore()
	if err != nil {
		return err
	}
	for _, c := range changes {
		kept.keep(p.Twilio.AccountSID, c.Number, p.now())
	}
	if err := p.writeBefore(kept); err != nil {
		return err
	}
	return each(ctx, client, changes, func(c Change, err error) error {
		tell(c, err)
		return nil
	})
}

// each makes the changes one by one. It fails when after does, and when any of them was not made.
func each(ctx context.Context, client *twilio.Client, changes []Change, after func(Change, error) error) error {
	failed := 0
	for _, c := range changes {
		_, err := client.SetNumber(ctx, c.Number, c.To)
		if err != nil {
			failed++
		}
		if err := after(c, err); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d numbers could not be set at Twilio", failed, len(changes))
	}
	return nil
}

// Restorable are the changes that bring back what was written down by [Fix], and the numbers of which that can't be done, since they are
// not in the account any more.
func Restorable(ctx context.Context, p Patient) (changes []Change, gone []string, err error) {
	client, err := p.Twilio.rest()
	if err != nil {
		return nil, nil, err
	}
	kept, err := p.readBefore()
	if err != nil {
		return nil, nil, err
	}
	mine := kept.of(p.Twilio.AccountSID)
	if len(mine) == 0 {
		return nil, nil, nil
	}
	there, err := client.Numbers(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range mine {
		at := slices.IndexFunc(there, func(n twilio.Number) bool { return n.SID == k.SID })
		if at < 0 {
			gone = append(gone, k.PhoneNumber)
			continue
		}
		changes = append(changes, Change{there[at], k.Routing})
	}
	return changes, gone, nil
}

// Restore makes the changes one by one, and forgets of each that is made what was written down: the next Fix writes it down anew. It
// tells each as it is made, or why it was not.
func Restore(ctx context.Context, p Patient, changes []Change, tell func(Change, error)) error {
	client, err := p.Twilio.rest()
	if err != nil {
		return err
	}
	kept, err := p.readBefore()
	if err != nil {
		return err
	}
	return each(ctx, client, changes, func(c Change, err error) error {
		tell(c, err)
		if err != nil {
			return nil
		}
		kept.forget(c.Number.SID)
		if err := p.writeBefore(kept); err != nil {
			return errors.Join(fmt.Errorf("%s is restored, but would be again", c.Number.PhoneNumber), err)
		}
		return nil
	})
}
