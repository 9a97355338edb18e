package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// query runs a query to its end.
func query(ctx context.Context, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, text string) error {
	rows, err := db.QueryContext(ctx, text, "")
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func TestKindsOfErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err             error
		retryable, away bool
	}{
		"none":                  {nil, false, false},
		"something else":        {errors.New("no"), false, false},
		"serialization failure": {&pq.Error{Code: "40001"}, true, false},
		"deadlock":              {fmt.Errorf("save: %w", &pq.Error{Code: "40P01"}), true, false},
		"shut down":             {&pq.Error{Code: "57P01"}, true, true},
		"connection failure":    {&pq.Error{Code: "08006"}, true, true},
		"starting":              {&pq.Error{Code: "57P03"}, false, true},
		"too many connections":  {&pq.Error{Code: "53300"}, false, true},
		"standby":               {&pq.Error{Code: "25006"}, true, true}, // another connection may lead to the primary
		"no standby wanted":     {fmt.Errorf("begin: %w", database.ErrReadOnly), true, true},
		"no standby connected":  {database.ConnectError(database.ErrReadOnly), false, true},
		"statement timeout":     {&pq.Error{Code: "57014"}, false, true},
		"idle for too long":     {&pq.Error{Code: "57P05"}, true, true},
		"no files":              {&pq.Error{Code: "58030"}, false, true},
		"not supported":         {&pq.Error{Code: "0A000"}, false, false},
		"unique violation":      {&pq.Error{Code: "23505"}, false, false},
		"broken connection":     {driver.ErrBadConn, true, true},
		"end of file":           {io.ErrUnexpectedEOF, true, true},
		"reset":                 {&net.OpError{Op: "read", Err: errors.New("reset")}, true, true},
		"refused":               {&net.OpError{Op: "dial", Err: errors.New("refused")}, false, true},
		"out of time":           {context.DeadlineExceeded, false, true},
		"given up":              {fmt.Errorf("query: %w", context.Canceled), false, false},
		"in doubt":              {fmt.Errorf("%w: %w", database.ErrInDoubt, driver.ErrBadConn), false, true},
	} {
		if got := database.Retryable(tt.err); got != tt.retryable {
			t.Errorf("%s: retryable is %v", name, got)
		}
		if got := database.Away(tt.err); got != tt.away {
			t.Errorf("%s: away is %v", name, got)
		}
	}
}

func TestWhatCannotBeReachedIsAway(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(testdb.Empty(t, testdb.Postgres).DSN())
	if err != nil {
		t.Fatal(err)
	}
	missing, stranger := *server, *server
	missing.Path = "/not_there"
	stranger.User = url.UserPassword("nobody", "s3cret")
	for name, address := range map[string]string{
		"no server":   "postgres://postgres:s3cret@127.0.0.1:1/x?sslmode=disable",
		"no database": missing.String(),
		"no login":    stranger.String(),
		"no folder":   "sqlite:///dev/null/maskline.db",
	} {
		db, err := database.Open(address)
		if name == "no folder" {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"ping": db.Ping(t.Context()), "migrate": db.Migrate(t.Context()), "begin": inTx(t.Context(), db, nil),
		} {
			if !database.Away(err) || database.Retryable(err) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %s: got %v", name, what, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestASerializationFailureIsRetryable(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.Postgres)
	ctx := viewer.System(t.Context())
	mustInTx(ctx, t, db, func(tx *database.Tx) error { return tx.Ent.Counter.Create().SetID("place").Exec(ctx) })
	next := func(tx *database.Tx) error { return tx.Ent.Counter.UpdateOneID("place").AddLast(1).Exec(ctx) }
	err := inTx(ctx, db, func(tx *database.Tx) error {
		if _, err := tx.SQL.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
			return err
		}
		if _, err := tx.Ent.Counter.Get(ctx, "place"); err != nil {
			return err
		}
		mustInTx(ctx, t, db, next)
		return next(tx)
	})
	if !database.Retryable(err) || database.Away(err) {
		t.Errorf("got %v", err)
	}
	mustInTx(ctx, t, db, next)
}

func TestATerminatedSessionIsRetryable(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.Postgres)
	ctx := viewer.System(t.Context())
	err := inTx(ctx, db, func(tx *database.Tx) error {
		var pid int
		if err := tx.SQL.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		var done bool
		if err := db.Writer().QueryRowContext(ctx, "SELECT pg_terminate_backend($1, 5000)", pid).Scan(&done); err != nil || !done {
			t.Fatal(done, err)
		}
		return tx.Ent.Counter.Create().SetID("place").Exec(ctx)
	})
	if !database.Retryable(err) || !database.Away(err) {
		t.Errorf("got %v", err)
	}
	mustInTx(ctx, t, db, func(tx *database.Tx) error { return tx.Ent.Counter.Create().SetID("place").Exec(ctx) })
}

// snap is a connection that breaks when it is told to commit; the server hears it or not.
type snap struct {
	net.Conn
	armed, heard *atomic.Bool
}

func (s snap) Write(p []byte) (int, error) {
	if !s.armed.Load() || !bytes.Contains(p, []byte("COMMIT")) {
		return s.Conn.Write(p)
	}
	if s.heard.Load() {
		if _, err := s.Conn.Write(p); err != nil {
			return 0, err
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.Conn.Close(); err != nil {
		return 0, err
	}
	return len(p), nil
}

func TestABrokenCommitIsInDoubt(t *testing.T) {
	t.Parallel()
	var armed, heard atomic.Bool
	db := dialing(t, func(c net.Conn) net.Conn { return snap{c, &armed, &heard} })
	ctx := viewer.System(t.Context())
	for want := range 2 {
		heard.Store(want == 1)
		armed.Store(true)
		err := inTx(ctx, db, func(tx *database.Tx) error { return tx.Ent.Counter.Create().SetID("place").Exec(ctx) })
		armed.Store(false)
		if !errors.Is(err, database.ErrInDoubt) || database.Retryable(err) || !database.Away(err) {
			t.Errorf("got %v", err)
		}
		if n, err := db.Client().Counter.Query().Count(ctx); n != want || err != nil {
			t.Errorf("%d rows, want %d; %v", n, want, err)
		}
	}
}

// Another process writes to the SQLite file for longer than the context allows.
func TestABusyFileIsAway(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.SQLite)
	mustInTx(t.Context(), t, db, func(*database.Tx) error {
		file, _, _ := strings.Cut(strings.TrimPrefix(db.DSN(), "file:"), "?")
		other, err := database.Open("sqlite://" + file)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begun := time.Now()
		err = inTx(ctx, other, nil)
		if took := time.Since(begun); !database.Away(err) || took > 4*time.Second {
			t.Errorf("got %v after %v", err, took)
		}
		return other.Close()
	})
}
