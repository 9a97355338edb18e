package events

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
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
	db  *sql.DB
	dsn string
	log *slog.Logger
	me  string
	out chan []Event
	all atomic.Bool // the next letter names nothing: there was too much

	quiet time.Duration // only tests change it
}

// NewRelay relays between hub and the other replicas of the database at dsn.
func NewRelay(hub *Hub, db *sql.DB, dsn string, log *slog.Logger) *Relay {
	return &Relay{hub: hub, db: db, dsn: dsn, log: log, me: rand.Text(), out: make(chan []Event, 1024), quiet: quiet}
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
	go r.send(ctx)
	r.receive(ctx)
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
	_, err = r.db.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, string(body))
	return err
}

func (r *Relay) receive(ctx context.Context) {
	l := pq.NewDialListener(impatient{2 * r.quiet}, r.dsn, 100*time.Millisecond, 10*time.Second, r.logTrouble)
	defer func() { go func() { _ = l.Close() }() }() // it waits for a ping that a frozen server does not answer, and we do not
	go r.listen(ctx, l)
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-l.Notify:
			r.deliver(n)
		case <-time.After(r.quiet):
			go func() { _ = l.Ping() }() // what it hears shows that the connection lives; otherwise it ends, and the listener makes another
		}
	}
}

func (r *Relay) listen(ctx context.Context, l *pq.Listener) {
	if err := l.Listen(channel); err != nil && ctx.Err() == nil {
		r.log.Error("listen for events", "error", err)
	}
}

func (r *Relay) logTrouble(_ pq.ListenerEventType, err error) {
	if err != nil {
		r.log.Warn("listen for events", "error", err)
	}
}

// deliver passes on what another replica published. After a lost connection lib/pq sends nil: anything may have been missed.
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

// impatient gives connections that end when nothing has come for so long: lib/pq itself would wait for a frozen server for ever.
type impatient struct{ silence time.Duration }

// Dial connects.
func (i impatient) Dial(network, address string) (net.Conn, error) {
	return i.DialTimeout(network, address, i.silence)
}

// DialTimeout connects within a time.
func (i impatient) DialTimeout(network, address string, within time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, within)
	if err != nil {
		return nil, err
	}
	return &mortal{c, i.silence}, nil
}

type mortal struct {
	net.Conn
	silence time.Duration
}

func (m *mortal) Read(p []byte) (int, error) {
	if err := m.SetReadDeadline(time.Now().Add(m.silence)); err != nil {
		return 0, err
	}
	return m.Conn.Read(p)
}
