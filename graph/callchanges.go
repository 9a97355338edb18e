package graph

import (
	"context"
	"maps"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

// callChanged pushes every running call, with since also every call that changed after that time, and then each that changes, as it is when it
// is read.
func (r *Resolver) callChanged(ctx context.Context, numberID *string, since *time.Time) (<-chan *ent.Call, error) {
	if err := r.mayFollow(ctx, numberID); err != nil {
		return nil, err
	}
	sub := r.Events.Subscribe(events.Call, r.concerns(ctx, numberID))
	f := &callFollower{r: r, numberID: numberID, since: since, sent: map[string]time.Time{}}
	return follow(ctx, r, sub, f.next), nil
}

// callFollower remembers what it has sent. Calls have no places, so whoever may have missed something looks at all that changed lately.
type callFollower struct {
	r        *Resolver
	numberID *string
	since    *time.Time
	sent     map[string]time.Time // when each call that was sent lately had changed
	looked   time.Time            // what was named before that has been read; zero: nothing has been read yet
	behind   *callPlace           // what changed after since is read on from there; nil: all of it was read
	named    events.Named         // has not been read yet
}

// callPlace is the place of a call in the order of changes.
type callPlace struct {
	at time.Time
	id string
}

// lastID lies behind every id.
const lastID = "~"

// next reads the running calls first, then what changed after since, a few calls at a time, and then what is named.
func (f *callFollower) next(ctx context.Context, named events.Named) (some[*ent.Call], error) {
	f.named.Add(named)
	read := f.news
	switch {
	case f.looked.IsZero():
		read = f.running
	case f.behind != nil:
		read = f.changedSince
	}
	fresh, err := read(ctx)
	if err != nil {
		return some[*ent.Call]{}, err
	}
	f.r.sawCalls(ctx, fresh)
	return some[*ent.Call]{items: fresh, more: f.behind != nil || f.named.Any()}, nil
}

// running reads the calls that run, but for those that changed after since, which follow. Calls that ended a moment ago are remembered as if
// they were sent, so that they are not taken for news later.
func (f *callFollower) running(ctx context.Context) ([]*ent.Call, error) {
	now := f.r.Now()
	begun := now.Add(-phone.LongestCall)
	which := call.Or(call.And(call.EndedAtIsNil(), call.StartedAtGT(begun)), call.ChangedAtGTE(now.Add(-events.ClocksApart)))
	if f.since != nil {
		which = call.And(which, call.ChangedAtLTE(*f.since))
	}
	found, err := f.query(which).All(ctx)
	if err != nil {
		return nil, err
	}
	if f.looked = now; f.since != nil {
		f.behind = &callPlace{*f.since, lastID}
	}
	return slices.DeleteFunc(f.unsent(found), func(c *ent.Call) bool { return c.EndedAt != nil || !c.StartedAt.After(begun) }), nil
}

// changedSince reads the next calls that changed after since. A call that changes meanwhile moves to the end of that order.
func (f *callFollower) changedSince(ctx context.Context) ([]*ent.Call, error) {
	found, err := f.query(f.behind.past).Limit(readAhead).All(ctx)
	if err != nil {
		return nil, err
	}
	if f.behind = nil; len(found) == readAhead {
		last := found[len(found)-1]
		f.behind = &callPlace{last.ChangedAt, last.ID}
	}
	return f.unsent(found), nil
}

// past is the condition of the calls behind the place.
func (p *callPlace) past(s *sql.Selector) {
	s.Where(sql.CompositeGT(s.Columns(call.FieldChangedAt, call.FieldID), p.at, p.id))
}

// news reads what was named, or all that changed since the last look.
func (f *callFollower) news(ctx context.Context) ([]*ent.Call, error) {
	now := f.r.Now()
	which := call.IDIn(slices.Collect(maps.Keys(f.named.IDs))...)
	if f.named.Anything {
		which = call.ChangedAtGTE(f.looked.Add(-events.ClocksApart))
	}
	var found []*ent.Call
	if f.named.Any() {
		var err error
		if found, err = f.query(which).All(ctx); err != nil {
			return nil, err
		}
	}
	f.looked, f.named = now, events.Named{}
	return f.unsent(found), nil
}

// query reads calls in the order of their changes.
func (f *callFollower) query(which predicate.Call) *ent.CallQuery {
	q := f.r.DB.Call.Query().Where(which).Order(ent.Asc(call.FieldChangedAt, call.FieldID))
	if f.numberID != nil {
		q.Where(call.NumberID(*f.numberID))
	}
	return q
}

// unsent leaves out what was sent already, as it still is.
func (f *callFollower) unsent(found []*ent.Call) (fresh []*ent.Call) {
	for _, c := range found {
		if c.ChangedAt.After(f.sent[c.ID]) {
			f.sent[c.ID] = c.ChangedAt
			fresh = append(fresh, c)
		}
	}
	maps.DeleteFunc(f.sent, func(_ string, at time.Time) bool { return at.Before(f.looked.Add(-2 * events.ClocksApart)) })
	return fresh
}
