//go:build unix

package events_test

import (
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/testdb"
)

// The server's process that serves our listener stops, and nothing ever comes from it again. The relay notices, and listens anew.
func TestF29AFrozenConnectionIsLeft(t *testing.T) {
	t.Parallel()
	db, err := database.Open(testdb.NewServer(t).DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	hub := events.NewHub()
	r := events.NewRelay(hub, db, slog.New(slog.NewTextHandler(t.Output(), nil)))
	r.SetQuiet(200 * time.Millisecond)
	go func() { _ = r.Run(t.Context()) }()
	listeners := func() (pids []int) {
		rows, err := db.Writer().QueryContext(t.Context(), `SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query = '' AND application_name = 'maskline' AND backend_type = 'client backend'`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var pid int
			if err := rows.Scan(&pid); err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
		return pids
	}
	eventually(t, func() bool { return len(listeners()) == 1 })
	frozen := listeners()[0]
	s := hub.Subscribe(events.Call, func(events.Event) bool { return true })
	if err := syscall.Kill(frozen, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(frozen, syscall.SIGCONT) }) // it may be gone
	eventually(t, func() bool { return woken(s) })
	if !s.Take().Anything {
		t.Error("woken for something in particular")
	}
}
