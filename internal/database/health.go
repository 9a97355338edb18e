package database

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sayAgain is how long an outage lasts until it is said again.
	sayAgain = time.Minute
	// calm is how long there must be no failure until an outage counts as over, so that a database that fails now and then does not
	// fill the log.
	calm = 2 * time.Second
)

// health is what the connections of one database have last seen. All pools, and who listens, share it.
type health struct {
	secrets    []string     // never to be logged
	generation atomic.Int64 // of connections: those of an earlier one are dropped
	uneasy     atomic.Bool  // there is trouble, or an outage that was said
	now        func() time.Time

	mu      sync.Mutex
	log     *slog.Logger
	trouble Trouble // of the latest failure, until something succeeds; without a class: none
	cause   error
	failed  time.Time // the latest failure
	cut     time.Time // when a connection was last lost

	since  time.Time       // the outage that was said, until its end is said; zero: none
	said   map[string]bool // the classes that were said of it
	saidAt time.Time
	drop   map[*func()]func() // what else to end when connections are dropped
}

func newHealth(secrets ...string) *health {
	h := &health{now: time.Now, log: slog.New(slog.DiscardHandler), drop: map[*func()]func(){}}
	for _, s := range secrets {
		if s != "" {
			h.secrets = append(h.secrets, s)
		}
	}
	return h
}

// failedWith notes an error, if it is about the database and not about a statement. A connection that is merely lost is none yet: the next
// attempt to connect tells.
func (h *health) failedWith(err error) {
	if errors.Is(err, context.Canceled) || !Away(err) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if !isConnect(err) && (class(sqlState(err), "08", "57P0") || sqlState(err) == "" && !isReadOnly(err) && !isSQLite(err)) {
		h.cut = now
		return
	}
	h.trouble, _ = Explain(err)
	h.cause, h.failed = err, now
	h.uneasy.Store(true)
	h.say(now)
}

// silence notes that the server answered neither a statement nor the request to cancel it.
func (h *health) silence(err error) {
	h.failedWith(&connectError{err})
}

// say logs the beginning of an outage, another reason for it, and once a minute that it goes on.
func (h *health) say(now time.Time) {
	message := "the database is still away: "
	switch {
	case h.since.IsZero():
		h.since, h.said, message = now, map[string]bool{}, "the database is away: "
	case !h.said[h.trouble.Class] && now.Sub(h.saidAt) >= calm:
		message = "the database is away for another reason: "
	case now.Sub(h.saidAt) < sayAgain:
		return
	}
	h.said[h.trouble.Class], h.saidAt = true, now
	h.log.Warn(message+h.trouble.What, "remedy", h.trouble.Remedy, "since", h.since.UTC().Format(time.RFC3339), "error", h.clean(h.cause))
}

// clean is an error without the secrets of the address.
func (h *health) clean(err error) string {
	text := err.Error()
	for _, s := range h.secrets {
		text = strings.ReplaceAll(text, s, "…")
	}
	return text
}

// succeeded notes that the database did something; wrote: that it took a write. After trouble with writing only that shows that it is over.
func (h *health) succeeded(wrote bool) {
	if !h.uneasy.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble.Class != "" && (wrote || !h.trouble.Writes) {
		h.trouble = Trouble{}
	}
	now := h.now()
	if h.since.IsZero() || h.trouble.Class != "" || now.Sub(h.failed) < calm {
		return
	}
	h.log.Info("the database answers again", "after", now.Sub(h.since).Round(time.Second).String())
	h.since = time.Time{}
	h.uneasy.Store(false)
}

// troubled is what is wrong now, as far as anybody has seen.
func (h *health) troubled() (Trouble, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trouble, h.trouble.Class != ""
}

// quiet tells that failures of the database have been said, or that a connection was lost a moment ago.
func (h *health) quiet() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.since.IsZero() || h.now().Sub(h.cut) < calm
}

// lose drops all connections of a generation, the idle ones and those that listen at once, the others when they are given back.
func (h *health) lose(generation int64) {
	if !h.generation.CompareAndSwap(generation, generation+1) {
		return // somebody else has seen it first
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, end := range h.drop {
		go end() // it may wait for the connection on which this was seen
	}
}

// onLoss has end called when connections are dropped, until it is told to forget it.
func (h *health) onLoss(end func()) (forget func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := &end
	h.drop[key] = end
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.drop, key)
	}
}

// LogTo has the beginning and the end of each outage logged, and once a minute that it goes on.
func (d *DB) LogTo(log *slog.Logger) {
	d.health.mu.Lock()
	defer d.health.mu.Unlock()
	d.health.log = log
}

// Note tells of an error of the database that its connections may not have seen, such as that of a check.
func (d *DB) Note(err error) { d.health.failedWith(err) }

// Trouble asks whether the database answers, and returns what is wrong with it.
func (d *DB) Trouble(ctx context.Context) (Trouble, bool) {
	if err := d.Ping(ctx); err != nil {
		if t, known := Explain(err); known {
			return t, true
		}
		return Trouble{Class: "unreachable", What: "The database cannot be asked", Remedy: "See the log."}, true
	}
	return d.health.troubled()
}

// Away tells that an outage has been logged and is not over.
func (d *DB) Away() bool { return d.health.quiet() }

// Describe puts before an error what it says about the installation, if anything, and takes the secrets of the address out of it.
func (d *DB) Describe(err error) error {
	t, known := Explain(err)
	if !known {
		return err
	}
	return &described{t.String() + " (" + d.health.clean(err) + ")", err}
}

type described struct {
	text string
	err  error
}

func (d *described) Error() string { return d.text }
func (d *described) Unwrap() error { return d.err }

// Clean is the text of an error without the secrets of the database's address.
func (d *DB) Clean(err error) string { return d.health.clean(err) }

// Hush returns a log without the records that only repeat, with an error or in the words of a library, what the database's own lines say of
// an outage.
func (d *DB) Hush(log *slog.Logger) *slog.Logger { return slog.New(hushed{log.Handler(), d.health}) }

type hushed struct {
	slog.Handler
	health *health
}

func (h hushed) Handle(ctx context.Context, r slog.Record) error {
	if repeats(r) && h.health.quiet() {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// repeats tells whether a record is about an error as the database has when it is away.
func repeats(r slog.Record) (yes bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		yes = ok && (Away(err) || Retryable(err))
		return !yes
	})
	return yes
}

func (h hushed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return hushed{h.Handler.WithAttrs(attrs), h.health}
}

func (h hushed) WithGroup(name string) slog.Handler {
	return hushed{h.Handler.WithGroup(name), h.health}
}
