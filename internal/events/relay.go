package events

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"github.com/maskline/maskline/internal/database"
)

const (
	channel = "maskline_events"
	batch   = 10 * time.Millisecond
	payload = 7000 // PostgreSQL allows 7,999 bytes

	// quiet is how long nothing needs to be heard before the server is asked whether it is there.
	quiet = 10 * time.Second
)

// Relay carries events between the replicas that share a PostgreSQL. One notification every few milliseconds holds what was published
// meanwhile: NOTIFY takes a lock of the whole database at commit, so it is never sent in the transaction that rings a phone.
type Relay struct {
	hub *Hub
	db  *database.DB
	log *slog.Logger
	me  string
	out chan []Event
	all atomic.Bool // the next letter names nothing: there was too much

	quiet time.Duration // only tests change it
}

// NewRelay relays between hub and the other replicas of a PostgreSQL database.
func NewRelay(hub *Hub, db *database.DB, log *slog.Logger) *Relay {
	return &Relay{hub: hub, db: db, log: log, me: rand.Text(), out: make(chan []Event, 1024), quiet: quiet}
}

// Publish wakes this process's subscribers at once and the others' soon.
func (r *Relay) Publish(events ...Event) {
	r.hub.Publish(events...)
	select {
	case r.out <- events:
	default:
		r.all.Store(true) // a letter is on its way, since out is full
	}
}

// Run relays until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	r.db.Listen(ctx, r.quiet, r.deliver).On(channel)
	r.send(ctx)
	return nil
}

type letter struct {
	From   string  `json:"f"`
	Events []Event `json:"e"` // empty: too many to name
}

func (r *Relay) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-r.out:
			if err := r.notify(ctx, r.collect(ctx, first)); err != nil && ctx.Err() == nil {
				r.log.Warn("notify other replicas", "error", err)
			}
		}
	}
}

// collect waits a moment for more, so that a burst costs one notification.
func (r *Relay) collect(ctx context.Context, events []Event) []Event {
	events = append([]Event(nil), events...)
	enough := time.NewTimer(batch)
	defer enough.Stop()
	for {
		select {
		case more := <-r.out:
			events = append(events, more...)
		case <-enough.C:
			return events
		case <-ctx.Done():
			return events
		}
	}
}

func (r *Relay) notify(ctx context.Context, events []Event) error {
	body, err := json.Marshal(letter{r.me, events})
	if err != nil {
		return err
	}
	if len(body) > payload || r.all.Swap(false) {
		if body, err = json.Marshal(letter{From: r.me}); err != nil {
			return err
		}
	}
	_, err = r.db.Writer().ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, string(body))
	return err
}

// deliver passes on what another replica published. After a lost connection there comes nil: anything may have been missed.
func (r *Relay) deliver(n *pq.Notification) {
	var in letter
	if n == nil {
		r.hub.WakeAll()
		return
	}
	if err := json.Unmarshal([]byte(n.Extra), &in); err != nil {
		r.log.Warn("read an event", "error", fmt.Errorf("payload of %d bytes: %w", len(n.Extra), err))
		return
	}
	switch {
	case in.From == r.me:
	case len(in.Events) == 0:
		r.hub.WakeAll()
	default:
		r.hub.Publish(in.Events...)
	}
}
