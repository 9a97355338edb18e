package database_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// hole is a connection into which everything falls while open is set, as into a network that drops packets.
type hole struct {
	net.Conn
	open *atomic.Bool
}

func (h hole) Write(p []byte) (int, error) {
	if h.open.Load() {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

func TestNothingWaitsLongForASilentServer(t *testing.T) {
	t.Parallel()
	var silent atomic.Bool
	db := dialing(t, func(c net.Conn) net.Conn { return hole{c, &silent} })
	system := viewer.System(t.Context())
	settle(system, t, db, 1)
	for name, do := range map[string]func(ctx context.Context) error{
		"a read":         func(ctx context.Context) error { _, err := db.Client().User.Query().All(ctx); return err },
		"a transaction":  func(ctx context.Context) error { return inTx(ctx, db, nil) },
		"a sign of life": db.Ping,
	} {
		silent.Store(true)
		ctx, cancel := context.WithTimeout(system, 100*time.Millisecond)
		begun := time.Now()
		err := do(ctx)
		if took := time.Since(begun); !database.Away(err) || took > 10*time.Second {
			t.Errorf("%s: got %v after %v", name, err, took)
		}
		cancel()
		silent.Store(false)
		if _, err := db.Client().User.Query().All(system); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

// A statement that takes too long is cancelled at the server, and the error is the context's.
func TestASlowStatementIsCancelled(t *testing.T) {
	t.Parallel()
	db := dialing(t, func(c net.Conn) net.Conn { return c })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := db.Writer().ExecContext(ctx, "SELECT pg_sleep($1)", 60)
	if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || !database.Away(err) || took > 10*time.Second {
		t.Errorf("got %v after %v", err, took)
	}
	var running int
	const still = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'`
	if err := db.Writer().QueryRowContext(t.Context(), still).Scan(&running); err != nil || running != 0 {
		t.Errorf("%d are running, %v", running, err)
	}
}

func TestEachReadIsBounded(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer there.Close()
	c := database.Bounded(here, 20*time.Millisecond)
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// The last request on a connection has long had its time when the connection is closed.
func TestClosingIsNotBoundByTheLastRequest(t *testing.T) {
	t.Parallel()
	db, err := database.Open(testdb.Empty(t, testdb.Postgres).DSN())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := db.Writer().ExecContext(ctx, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second) // it, and the grace of it
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
