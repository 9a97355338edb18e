// Package events tells subscribers that something changed. It carries wake-ups, not messages: an event names what changed by its ids, a
// subscriber has one slot that remembers whether it was woken and which ids, and on waking it reads the rows itself, as the viewer that
// it is. So nothing queues, nothing is dropped, and whoever publishes never waits.
//
// On PostgreSQL a [Relay] carries events between replicas. A lost notification costs latency, never an event: [Hub.Watch] looks every two
// seconds whether there is more than was told.
package events

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Kind is what sort of thing changed.
type Kind string

// The kinds of events.
const (
	Voicemail Kind = "voicemail" // one appeared or changed: it took a place
	Call      Kind = "call"
	Token     Kind = "token" // one was revoked
)

// Event says that something of an owner changed.
type Event struct {
	Kind   Kind   `json:"k"`
	Owner  string `json:"o"`
	Number string `json:"n,omitempty"`
	ID     string `json:"i"`
}

// Publisher is told of events after the transaction that made them was committed.
type Publisher interface{ Publish(...Event) }

// Hub wakes the subscribers of one process.
type Hub struct {
	mu   sync.Mutex
	subs map[*Subscription]struct{}
}

// NewHub is a hub without subscribers.
func NewHub() *Hub { return &Hub{subs: map[*Subscription]struct{}{}} }

// Subscription is one subscriber's slot.
type Subscription struct {
	hub   *Hub
	match func(Event) bool
	wake  chan struct{}
	ids   map[string]struct{} // guarded by hub.mu
}

// Subscribe listens for the events that match says yes to, until Close.
func (h *Hub) Subscribe(match func(Event) bool) *Subscription {
	s := &Subscription{hub: h, match: match, wake: make(chan struct{}, 1), ids: map[string]struct{}{}}
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

// Take is the ids named since the last Take.
func (s *Subscription) Take() map[string]struct{} {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	ids := s.ids
	s.ids = map[string]struct{}{}
	return ids
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
	for s := range h.subs {
		for _, e := range events {
			if s.match(e) {
				s.ids[e.ID] = struct{}{}
				s.rouse()
			}
		}
	}
}

// WakeAll wakes everybody: something may have happened that nobody told us of.
func (h *Hub) WakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.rouse()
	}
}

const watchEvery = 2 * time.Second

// Watch wakes everybody whenever tail, the last place taken, has moved since it last looked. It returns when ctx ends.
func (h *Hub) Watch(ctx context.Context, log *slog.Logger, tail func(context.Context) (int64, error)) error {
	var seen int64
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		last, err := tail(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			log.Warn("look for the last place", "error", err)
		case last != seen:
			seen = last
			h.WakeAll()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
