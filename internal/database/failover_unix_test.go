//go:build unix

package database_test

import (
	"context"
	"database/sql"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// found is how soon another server must be in use. A connection is tried every second by who listens, here by everybody.
const found = 10 * time.Second

// address leads to one of several servers.
type address struct {
	mu     sync.Mutex
	folder string
	open   []net.Conn
}

func (a *address) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", a.folder+"/.s.PGSQL.5432")
	if err == nil {
		a.open = append(a.open, c)
	}
	return c, err
}

// lead has new connections go to a server, and cuts the others or leaves them be.
func (a *address) lead(s *testdb.Server, cut bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, a.folder, _ = strings.Cut(s.DSN(""), "host=")
	for _, c := range a.open {
		if cut {
			_ = c.Close()
		}
	}
	a.open = nil
}

// replicated is a primary, a standby of it, and a database at an address that leads to the primary.
func replicated(t *testing.T) (primary, standby *testdb.Server, at *address, db *database.DB) {
	t.Helper()
	primary = testdb.NewServer(t)
	primary.Create("calls")
	standby = testdb.NewStandby(t, primary)
	at = &address{}
	at.lead(primary, false)
	db, err := database.OpenDialing("postgres://postgres@somewhere/calls?sslmode=disable", at.dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its server may be gone
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return primary, standby, at, db
}

// tries are what each pool does, by name: the job queue's statements need no transaction.
func tries(t *testing.T, db *database.DB) map[string]func() error {
	ctx := viewer.System(t.Context())
	write := func(tx *database.Tx) error {
		return tx.Ent.Counter.Create().SetID("n").OnConflictColumns("id").Ignore().Exec(ctx)
	}
	return map[string]func() error{
		"transaction": func() error { return inTx(ctx, db, write) },
		"urgent":      func() error { return inTx(database.Urgent(ctx), db, write) },
		"statement": func() error {
			_, err := db.Writer().ExecContext(ctx, "UPDATE counters SET last = last + 1 WHERE id = $1", "n")
			return err
		},
		"fetch": func() error {
			return query(ctx, db.Writer(), "UPDATE counters SET last = last + 1 WHERE id <> $1 RETURNING id")
		},
		"read": func() error { _, err := db.Client().Counter.Query().Count(ctx); return err },
		"ping": func() error { return db.Ping(ctx) },
	}
}

// settles waits until each pool works, or is away for one reason.
func settles(t *testing.T, db *database.DB, class string) {
	t.Helper()
	for name, try := range tries(t, db) {
		for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			err := try()
			got, _ := database.Explain(err)
			if got.Class == class && (class != "" || err == nil) {
				break
			}
			if err != nil && !database.Away(err) {
				t.Fatalf("%s: got %v", name, err)
			}
			if time.Since(begun) > found {
				t.Fatalf("%s: want %q, got %v", name, class, err)
			}
		}
	}
	if trouble, _ := db.Trouble(t.Context()); trouble.Class != class {
		t.Errorf("want %q, got %+v", class, trouble)
	}
}

// sessions waits until so many of ours are on a server.
func sessions(t *testing.T, s *testdb.Server, enough func(n int) bool) {
	t.Helper()
	admin, err := sql.Open("postgres", s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		var n int
		if err := admin.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'calls'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if enough(n) {
			return
		}
		if time.Since(begun) > found {
			t.Fatalf("%d sessions", n)
		}
	}
}

func none(n int) bool { return n == 0 }

// hears waits until a notification is heard.
func hears(t *testing.T, db *database.DB, heard <-chan string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < found; {
		if _, err := db.Writer().ExecContext(t.Context(), "SELECT pg_notify('news', '')"); err != nil && !database.Away(err) {
			t.Fatal(err)
		}
		select {
		case <-heard:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("nothing was heard")
}

// The address leads to a standby, back, to the standby that becomes the primary, and back to the old primary that became a standby and the
// primary again.
func TestF05EveryPoolLeavesAStandbyAndFindsThePrimary(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]bool{"connections are cut": true, "connections stay open": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, at, db := replicated(t)
			heard := make(chan string, 1000)
			db.Listen(t.Context(), time.Second, func(n *pq.Notification) {
				if n != nil {
					heard <- n.Channel
				}
			}).On("news")
			settles(t, db, "")
			hears(t, db, heard)

			if cut {
				at.lead(b, true)
				settles(t, db, "read_only")
				at.lead(a, true)
				settles(t, db, "")
				sessions(t, b, none)
				hears(t, db, heard)
			}
			b.CatchUp(a)
			at.lead(b, cut)
			if cut {
				a.Stop()
			} else { // the old primary is fenced, and its connections are left open
				a.Exec("ALTER SYSTEM SET default_transaction_read_only = on")
				a.Exec("SELECT pg_reload_conf()")
			}
			settles(t, db, "read_only")
			b.Promote()
			settles(t, db, "")
			hears(t, db, heard)
			if !cut {
				sessions(t, a, none)
			}

			a.Follow(b)
			at.lead(a, true)
			settles(t, db, "read_only")
			a.CatchUp(b)
			b.Stop()
			a.Promote()
			settles(t, db, "")
			hears(t, db, heard)
		})
	}
}

// The address names both servers: whichever takes writes is used.
func TestF05OneOfSeveralHostsIsThePrimary(t *testing.T) {
	t.Parallel()
	a := testdb.NewServer(t)
	home := a.Create("calls")
	b := testdb.NewStandby(t, a)
	_, folderA, _ := strings.Cut(a.DSN(""), "host=")
	_, folderB, _ := strings.Cut(b.DSN(""), "host=")
	db, err := database.Open(strings.Replace(home, folderA, folderB+","+folderA, 1)) // the standby first
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	settles(t, db, "")
	b.CatchUp(a)
	a.Stop()
	settles(t, db, "read_only")
	b.Promote()
	settles(t, db, "")
}

// Sessions that were made before become read-only, and the next statement of any pool shows it to all.
func TestF05SessionsThatBecomeReadOnlyAreDropped(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"found by a job's statement": "statement", "found by the health check": "ping"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testdb.NewServer(t)
			db, err := database.Open(server.Create("calls"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			settles(t, db, "")
			server.Exec("ALTER DATABASE calls SET default_transaction_read_only = on")
			server.Exec("ALTER SYSTEM SET default_transaction_read_only = on")
			server.Exec("SELECT pg_reload_conf()")
			for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
				if err := tries(t, db)[first](); database.Away(err) {
					break
				}
				if time.Since(begun) > found {
					t.Fatal("nobody noticed")
				}
			}
			sessions(t, server, none)
			settles(t, db, "read_only")
			server.Exec("SET default_transaction_read_only = off")
			server.Exec("BEGIN READ WRITE; ALTER DATABASE calls RESET default_transaction_read_only; COMMIT")
			server.Exec("ALTER SYSTEM RESET default_transaction_read_only")
			server.Exec("SELECT pg_reload_conf()")
			settles(t, db, "")
		})
	}
}
