package graph

import (
	"context"
	"sync"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/events"
)

const (
	readAhead  = 100 // rows a follower reads at once
	readAgain  = time.Second
	pushesWait = 1 // a slow client is waited for by its own follower only
)

// some is what a follower has read, and whether there is more at once.
type some[T any] struct {
	items []T
	more  bool
}

// follow sends what next reads, whenever something may have happened, until ctx ends. Only then the channel closes: clients take that for
// the end of the subscription and do not come back, so a failed read is tried again instead. What the hub names is taken from it for every
// read, also by those who only ask for what is past a place: it would pile up.
func follow[T any](ctx context.Context, r *Resolver, sub *events.Subscription, next func(context.Context, events.Named) (some[T], error)) <-chan T {
	out := make(chan T, pushesWait)
	go func() {
		defer close(out)
		defer sub.Close()
		for ctx.Err() == nil {
			read, err := apart(r, func() (some[T], error) { return next(ctx, sub.Take()) })
			if err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "read what is to be pushed", "error", err)
			}
			if !send(ctx, out, read.items...) || (err != nil || !read.more) && !waitFor(ctx, sub, err != nil) {
				return
			}
		}
	}()
	return out
}

// apart reads on a goroutine that is gone afterwards: that takes a large stack, and waiting, maybe for days, a small one.
func apart[T any](r *Resolver, read func() (T, error)) (got T, err error) {
	var reading sync.WaitGroup
	reading.Go(func() { got, err = guarded(r, read) })
	reading.Wait()
	return got, err
}

func send[T any](ctx context.Context, out chan<- T, items ...T) bool {
	for _, item := range items {
		select {
		case out <- item:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// waitFor waits until there may be something to read.
func waitFor(ctx context.Context, sub *events.Subscription, failed bool) bool {
	var again <-chan time.Time
	if failed {
		again = time.After(readAgain)
	}
	select {
	case <-ctx.Done():
		return false
	case <-sub.Wake():
	case <-again:
	}
	return true
}

// voicemailReceived pushes each voicemail past a place, in the order of places, as the viewer may see it.
func (r *Resolver) voicemailReceived(ctx context.Context, numberID *string, after *ent.Cursor) (<-chan *ent.VoicemailEdge, error) {
	sub, place, err := r.listen(ctx, numberID, after)
	if err != nil {
		return nil, err
	}
	return follow(ctx, r, sub, func(ctx context.Context, _ events.Named) (some[*ent.VoicemailEdge], error) {
		edges, err := r.appeared.read(ctx, viewOf(ctx, numberID, place), func(ctx context.Context) ([]*ent.VoicemailEdge, error) {
			return r.appearedPast(ctx, place, numberID)
		})
		if len(edges) > 0 {
			place = *edges[len(edges)-1].Node.Place
		}
		return some[*ent.VoicemailEdge]{edges, len(edges) == readAhead}, err
	}), nil
}

// listen subscribes to what happens to voicemails from a place on. It listens first and looks then, so that nothing falls between the two.
func (r *Resolver) listen(ctx context.Context, numberID *string, after *ent.Cursor) (*events.Subscription, int64, error) {
	if err := r.mayFollow(ctx, numberID); err != nil {
		return nil, 0, err
	}
	sub := r.Events.Subscribe(events.Voicemail, r.concerns(ctx, numberID))
	place, err := r.startAt(ctx, after)
	if err != nil {
		sub.Close()
	}
	return sub, place, err
}

// mayFollow refuses a number that the viewer does not see.
func (r *Resolver) mayFollow(ctx context.Context, numberID *string) error {
	if numberID == nil {
		return nil
	}
	_, err := r.DB.MaskedNumber.Get(ctx, anID(*numberID))
	return err
}

// concerns says yes to the events that a subscriber may have to look for.
func (r *Resolver) concerns(ctx context.Context, numberID *string) func(events.Event) bool {
	v, _ := viewer.From(ctx)
	return func(e events.Event) bool {
		return (v.SeesAll() || e.Owner == v.ID) && (numberID == nil || e.Number == *numberID)
	}
}

// startAt is the place that a subscription begins behind: the cursor's, or the present one.
func (r *Resolver) startAt(ctx context.Context, after *ent.Cursor) (int64, error) {
	if after == nil {
		return r.Desk.LastPlace(ctx)
	}
	if err := placed.takes("after", after); err != nil {
		return 0, err
	}
	place, _ := placeOf(after.Value)
	return place, nil
}

func (r *Resolver) appearedPast(ctx context.Context, place int64, numberID *string) ([]*ent.VoicemailEdge, error) {
	q := r.DB.Voicemail.Query().Where(voicemail.PlaceGT(place)).Order(ent.Asc(voicemail.FieldPlace)).Limit(readAhead)
	if v, _ := viewer.From(ctx); numberID != nil {
		q.Where(voicemail.NumberID(*numberID))
	} else if v.SeesAll() {
		q.Where(viewer.SeesEverybodys)
	}
	found, err := q.All(ctx)
	if err != nil {
		return nil, err
	}
	edges := make([]*ent.VoicemailEdge, len(found))
	for i, v := range found {
		edges[i] = v.ToEdge(inPlace)
	}
	return edges, nil
}
