// Package events tells subscribers that something changed. It carries wake-ups, not messages: an event names what changed by its ids, a
// subscriber has one slot that remembers whether it was woken and which ids, and on waking it reads the rows itself, as the viewer that
// it is. So nothing queues, nothing is dropped, and whoever publishes never waits.
//
// On PostgreSQL a [Relay] carries events between replicas. A lost notification costs latency, never an event: [Hub.Watch] looks every two
// seconds whether there is more than was told: for voicemails by their places, which have no gaps, for calls by when each has changed. It looks
// once for all subscribers, and wakes only those whom what was missed concerns.
package events

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/faults"
)

// Kind is what sort of thing changed.
type Kind string

// The kinds of events.
const (
	Voicemail Kind = "voicemail" // one appeared or changed: it took a place
	Call      Kind = "call"
	Token     Kind = "token"  // one was revoked, or its user became another; the id is the user's
	Number    Kind = "number" // one is set up otherwise; the id is its own, or its owner's for all that the owner has
)

// Event says that something of an owner changed.
type Event struct {
	Kind   Kind   `json:"k"`
	Owner  string `json:"o"`
	Number string `json:"n,omitempty"`
	ID     string `json:"i"`
	Place  int64  `json:"p,omitempty"` // of a voicemail's event

	At time.Time `json:"t,omitzero"` // of a call's event: when it has changed
}

// Publisher is told of events after the transaction that made them was committed.
type Publisher interface{ Publish(...Event) }

// Hub wakes the subscribers of one process.
type Hub struct {
	mu     sync.Mutex
	subs   map[*Subscription]struct{}
	told   int64                // we were told of every place up to this one
	beyond map[int64]struct{}   // and of these
	calls  map[string]time.Time // the latest change that we were told of, of each call that has changed lately
}

// NewHub is a hub without subscribers.
func NewHub() *Hub {
	return &Hub{subs: map[*Subscription]struct{}{}, beyond: map[int64]struct{}{}, calls: map[string]time.Time{}}
}

// Subscription is one subscriber's slot.
type Subscription struct {
	hub   *Hub
	kind  Kind
	match func(Event) bool
	wake  chan struct{}
	named Named // guarded by hub.mu
}

// Named is what a subscriber was woken for: these ids, or anything.
type Named struct {
	IDs      map[string]struct{}
	Anything bool
}

// Any tells whether anything is named.
func (n Named) Any() bool { return n.Anything || len(n.IDs) > 0 }

// Add names what another names too.
func (n *Named) Add(other Named) {
	n.Anything = n.Anything || other.Anything
	if len(other.IDs) > 0 && n.IDs == nil {
		n.IDs = map[string]struct{}{}
	}
	maps.Copy(n.IDs, other.IDs)
}

// Subscribe listens for the events of a kind that match says yes to, until Close.
func (h *Hub) Subscribe(kind Kind, match func(Event) bool) *Subscription {
	s := &Subscription{hub: h, kind: kind, match: match, wake: make(chan struct{}, 1), named: Named{IDs: map[string]struct{}{}}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = struct{}{}
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}

// Wake receives after something happened since it last did, however much.
func (s *Subscription) Wake() <-chan struct{} { return s.wake }

// Take is what was named since the last Take.
func (s *Subscription) Take() Named {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	n := s.named
	s.named = Named{IDs: map[string]struct{}{}}
	return n
}

func (s *Subscription) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Publish wakes whoever listens for one of the events.
func (h *Hub) Publish(events ...Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		h.note(e)
		for s := range h.subs {
			if s.kind == e.Kind && s.match(e) {
				s.named.IDs[e.ID] = struct{}{}
				s.rouse()
			}
		}
	}
}

// note keeps count of what we were told of. Places come a little out of order, from several replicas.
func (h *Hub) note(e Event) {
	if e.At.After(h.calls[e.ID]) {
		h.calls[e.ID] = e.At
	}
	if e.Place <= h.told {
		return
	}
	h.beyond[e.Place] = struct{}{}
	for {
		if _, ok := h.beyond[h.told+1]; !ok {
			return
		}
		h.told++
		delete(h.beyond, h.told)
	}
}

// WakeAll wakes everybody: something may have happened that nobody told us of.
func (h *Hub) WakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.anything()
	}
}

func (s *Subscription) anything() {
	s.named.Anything = true
	s.rouse()
}

func (h *Hub) wakeKind(k Kind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if s.kind == k {
			s.anything()
		}
	}
}

// missed tells whether there is a place up to last that nobody told us of, and takes it for told from now on.
func (h *Hub) missed(last int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told >= last {
		return false
	}
	h.told = last
	for place := range h.beyond {
		if place <= last {
			delete(h.beyond, place)
		}
	}
	return true
}

// ClocksApart is how far the clocks of replicas may disagree.
const ClocksApart = 30 * time.Second

// Tail is how far the database is.
type Tail struct {
	At    time.Time // of the look, or up to which it has come
	Place int64     // the last one taken
	Calls []Event   // of each call that has changed since the time that was asked for
}

// untold are the calls that have changed later than we were told. What is older than a time is forgotten: it is not looked at any more.
func (h *Hub) untold(calls []Event, forget time.Time) (untold []Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range calls {
		if e.At.After(h.calls[e.ID]) {
			untold = append(untold, e)
		}
	}
	maps.DeleteFunc(h.calls, func(_ string, at time.Time) bool { return at.Before(forget) })
	return untold
}

var watchEvery = faults.Period(2 * time.Second)

// Watch compares what we were told with the database, until ctx ends. A place counts as missed when it was there at the last look and
// still nobody has told us of it; a change of a call at once. The tail is asked for the calls that have changed since a time, which is zero at
// first: then for those of the last [ClocksApart].
func (h *Hub) Watch(ctx context.Context, log *slog.Logger, tail func(ctx context.Context, since time.Time) (Tail, error)) error {
	var before Tail
	var since time.Time
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		now, err := tail(ctx, since)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			log.Warn("look for what nobody told us of", "error", err)
		default:
			h.compare(before, now)
			before, since = now, now.At.Add(-ClocksApart)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (h *Hub) compare(before, now Tail) {
	if h.missed(before.Place) {
		h.wakeKind(Voicemail)
	}
	h.Publish(h.untold(now.Calls, now.At.Add(-2*ClocksApart))...)
}
