package graph

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/change"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/graph/generated"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

// voicemailChanged pushes each change past a place, in the order of places, with the voicemail as it is now.
func (r *Resolver) voicemailChanged(ctx context.Context, numberID *string, after *ent.Cursor) (<-chan *generated.VoicemailChange, error) {
	sub, place, err := r.listen(ctx, numberID, after)
	if err != nil {
		return nil, err
	}
	if err := r.notForgotten(ctx, after, place); err != nil {
		sub.Close()
		return nil, err
	}
	return follow(ctx, r, sub, func(ctx context.Context, _ events.Named) (some[*generated.VoicemailChange], error) {
		read, err := r.changed.read(ctx, viewOf(ctx, numberID, place), func(ctx context.Context) (changes, error) {
			return r.changesPast(ctx, place, numberID)
		})
		if err == nil {
			place = read.to
		}
		return read.shown, err
	}), nil
}

// changes are what is shown of the changes up to a place.
type changes struct {
	shown some[*generated.VoicemailChange]
	to    int64
}

// notForgotten refuses a cursor behind which a deletion was that the viewer can hear of no more.
func (r *Resolver) notForgotten(ctx context.Context, after *ent.Cursor, place int64) error {
	if after == nil {
		return nil
	}
	to, err := r.Desk.ForgottenTo(ctx)
	if err == nil && place < to {
		return phone.Bad("after", "after is older than the deletions that are still known. List again, and follow from the followCursor of that list.")
	}
	return err
}

func (r *Resolver) changesPast(ctx context.Context, place int64, numberID *string) (changes, error) {
	q := r.DB.Change.Query().Where(change.PlaceGT(place)).Order(ent.Asc(change.FieldPlace)).Limit(readAhead)
	if numberID != nil {
		q.Where(change.NumberID(*numberID))
	}
	rows, err := q.All(ctx)
	if err != nil || len(rows) == 0 {
		return changes{to: place}, err
	}
	shown, err := r.showChanges(ctx, rows)
	if err != nil {
		return changes{}, err
	}
	return changes{some[*generated.VoicemailChange]{shown, len(rows) == readAhead}, rows[len(rows)-1].Place}, nil
}

// showChanges leaves out updates and restorations of what was deleted since: the deletion follows.
func (r *Resolver) showChanges(ctx context.Context, rows []*ent.Change) ([]*generated.VoicemailChange, error) {
	ids := make([]string, len(rows))
	for i, c := range rows {
		ids[i] = c.VoicemailID
	}
	found, err := r.byID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var shown []*generated.VoicemailChange
	for _, c := range rows {
		pushed := &generated.VoicemailChange{Cursor: *cursorAt(c.Place), Kind: c.Kind, VoicemailID: c.VoicemailID}
		if c.Kind != phone.ChangeDeleted {
			v := found[c.VoicemailID]
			if v == nil {
				continue
			}
			pushed.Voicemail, pushed.Edge = v, v.ToEdge(inPlace)
		}
		shown = append(shown, pushed)
	}
	return shown, nil
}

// byID are those of the voicemails that the viewer can see.
func (r *Resolver) byID(ctx context.Context, ids []string) (map[string]*ent.Voicemail, error) {
	found, err := r.DB.Voicemail.Query().Where(voicemail.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]*ent.Voicemail{}
	for _, v := range found {
		byID[v.ID] = v
	}
	return byID, nil
}

// callChanged pushes every running call and then each that changes, as it is when it is read.
func (r *Resolver) callChanged(ctx context.Context, numberID *string) (<-chan *ent.Call, error) {
	if err := r.mayFollow(ctx, numberID); err != nil {
		return nil, err
	}
	sub := r.Events.Subscribe(events.Call, r.concerns(ctx, numberID))
	f := &callFollower{r: r, numberID: numberID, sent: map[string]time.Time{}}
	return follow(ctx, r, sub, f.next), nil
}

// callFollower remembers what it has sent. Calls have no places, so whoever may have missed something looks at all that changed lately.
type callFollower struct {
	r        *Resolver
	numberID *string
	sent     map[string]time.Time // when each call that was sent lately had changed
	looked   time.Time            // what was named before that has been read
	lost     bool                 // what was named could not be read
}

func (f *callFollower) next(ctx context.Context, named events.Named) (some[*ent.Call], error) {
	now := f.r.Now()
	everything := f.looked.IsZero() || f.lost || named.Anything
	f.lost = true // until it was read
	found, err := f.read(ctx, everything, named)
	f.lost = err != nil
	if err != nil {
		return some[*ent.Call]{}, err
	}
	first := f.looked.IsZero()
	f.looked = now
	fresh := f.unsent(found)
	if first {
		fresh = slices.DeleteFunc(fresh, func(c *ent.Call) bool { return !f.running(c) })
	}
	f.r.sawCalls(ctx, fresh)
	return some[*ent.Call]{items: fresh}, nil
}

// running tells whether a call is not over, as far as we know.
func (f *callFollower) running(c *ent.Call) bool {
	return c.EndedAt == nil && c.StartedAt.After(f.looked.Add(-phone.LongestCall))
}

func (f *callFollower) read(ctx context.Context, everything bool, named events.Named) ([]*ent.Call, error) {
	var which predicate.Call
	now := f.r.Now()
	switch {
	case f.looked.IsZero(): // what is over is only remembered, so that it is not taken for news later
		which = call.Or(call.And(call.EndedAtIsNil(), call.StartedAtGT(now.Add(-phone.LongestCall))), call.ChangedAtGTE(now.Add(-events.ClocksApart)))
	case everything:
		which = call.ChangedAtGTE(f.looked.Add(-events.ClocksApart))
	case len(named.IDs) == 0:
		return nil, nil
	default:
		which = call.IDIn(slices.Collect(maps.Keys(named.IDs))...)
	}
	q := f.r.DB.Call.Query().Where(which).Order(ent.Asc(call.FieldChangedAt, call.FieldID))
	if f.numberID != nil {
		q.Where(call.NumberID(*f.numberID))
	}
	return q.All(ctx)
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
