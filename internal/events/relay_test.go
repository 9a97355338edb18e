package events_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/testdb"
)

// The deadline is generous since no passing test waits for it.
const soon = 20 * time.Second

func TestEventsReachTheOtherReplica(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.Postgres)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	here, there := events.NewHub(), events.NewHub()
	a, b := events.NewRelay(here, db, log), events.NewRelay(there, db, log)
	go func() { _ = a.Run(t.Context()) }()
	go func() { _ = b.Run(t.Context()) }()
	far := there.Subscribe(events.Voicemail, func(events.Event) bool { return true })
	near := here.Subscribe(events.Voicemail, func(events.Event) bool { return true })

	// Until the listener is up nobody hears; a hub that watches would look by itself.
	eventually(t, func() bool {
		a.Publish(events.Event{Kind: events.Voicemail, Owner: "usr_1", ID: "vm_1", Place: 1})
		return woken(far)
	})
	if !woken(near) {
		t.Error("the publisher's own subscribers were not woken")
	}
	far.Take()

	many := make([]events.Event, 500)
	for i := range many {
		many[i] = events.Event{Kind: events.Voicemail, Owner: "usr_1", ID: fmt.Sprintf("vm_%s%d", strings.Repeat("x", 26), i)}
	}
	a.Publish(many...) // more than a notification holds: it names nothing, and wakes for anything
	eventually(t, func() bool { return woken(far) && far.Take().Anything })
}

// After its connection was killed the relay wakes everybody, since something may have been missed.
func TestF29ALostConnectionWakesEverybody(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.Postgres)
	hub := events.NewHub()
	r := events.NewRelay(hub, db, slog.New(slog.NewTextHandler(t.Output(), nil)))
	go func() { _ = r.Run(t.Context()) }()
	s := hub.Subscribe(events.Call, func(events.Event) bool { return true })
	eventually(t, func() bool {
		res, err := db.Writer().ExecContext(t.Context(),
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		if err != nil {
			t.Fatal(err)
		}
		n, err := res.RowsAffected()
		return err == nil && n > 0
	})
	eventually(t, func() bool { return woken(s) })
	if !s.Take().Anything {
		t.Error("woken for something in particular")
	}
}

func woken(s *events.Subscription) bool {
	select {
	case <-s.Wake():
		return true
	default:
		return false
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline, look := time.NewTimer(soon), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-deadline.C:
			t.Fatal("it did not happen in time")
		}
	}
}
