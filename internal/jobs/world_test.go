package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/maskline/maskline/internal/database"
)

// deadline is long enough for a busy machine; nothing waits for it unless it fails.
const deadline = 60 * time.Second

// world is a fresh, migrated database.
type world struct {
	db      *sql.DB
	dialect string
	dsn     string
}

func onEachDatabase(t *testing.T, body func(t *testing.T, w world)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		body(t, sqliteWorld(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		body(t, postgresWorld(t))
	})
}

func sqliteWorld(t testing.TB) world {
	dsn := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "jobs.db")) +
		"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)" +
		"&_txlock=immediate&_time_format=sqlite&_timezone=UTC"
	w := world{db: open(t, "sqlite", dsn), dialect: dialect.SQLite}
	w.db.SetMaxOpenConns(1)
	w.migrate(t)
	return w
}

func postgresWorld(t testing.TB) world {
	server := os.Getenv("TEST_POSTGRES")
	if server == "" {
		const why = "PostgreSQL was not used: TEST_POSTGRES is not set"
		if os.Getenv("TEST_POSTGRES_REQUIRED") == "1" {
			t.Fatal(why + ", and TEST_POSTGRES_REQUIRED is")
		}
		t.Skip(why)
	}
	admin := open(t, "postgres", server)
	name := "jobs_" + strings.ToLower(rand.Text())
	exec(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0")
	t.Cleanup(func() { exec(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })

	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	w := world{db: open(t, "postgres", u.String()), dialect: dialect.Postgres, dsn: u.String()}
	w.db.SetMaxOpenConns(16)
	w.migrate(t)
	return w
}

func open(t testing.TB, driver, dsn string) *sql.DB {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (w world) migrate(t testing.TB) {
	t.Helper()
	for range 2 { // the second time there is nothing to do
		if err := Migrate(t.Context(), w.db, w.dialect); err != nil {
			t.Fatal(err)
		}
	}
}

// queue fills in of cfg what the test leaves open, and makes its pace that of a test.
func (w world) queue(t testing.TB, cfg Config) *Queue {
	t.Helper()
	cfg.DB, cfg.Dialect, cfg.Listen = w.db, w.dialect, w.listen(t)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	q, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// listen is how to listen on the world's database; nil on SQLite.
func (w world) listen(t testing.TB) Listen {
	t.Helper()
	if w.dsn == "" {
		return nil
	}
	db, err := database.Open(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db.Listen
}

// run works q's jobs until stop, which the test's end calls too.
func run(t testing.TB, q *Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := receive(t, ended, "Run to return"); err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func (w world) insert(t testing.TB, q *Queue, jobs ...Job) {
	t.Helper()
	w.inTx(t, func(tx *sql.Tx) error { return q.Insert(context.Background(), tx, jobs...) })
}

func (w world) inTx(t testing.TB, body func(tx *sql.Tx) error) {
	t.Helper()
	if err := inTx(w.db, body); err != nil {
		t.Fatal(err)
	}
}

func inTx(db *sql.DB, body func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := body(tx); err != nil {
		return fmt.Errorf("%w (rolled back: %v)", err, tx.Rollback())
	}
	return tx.Commit()
}

func receive[T any](t testing.TB, from <-chan T, what string) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(deadline):
		t.Fatalf("waited %s for %s", deadline, what)
	}
	return got
}

// wantRow checks in which state, after how many attempts, the one job about subject is.
func (w world) wantRow(t testing.TB, subject, state string, attempts int) {
	t.Helper()
	rows, err := w.db.QueryContext(context.Background(),
		`SELECT state, attempt FROM river_job WHERE args ->> 'subject' = $1`, subject)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var state string
		var attempt int
		if err := rows.Scan(&state, &attempt); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s after %d", state, attempt))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%s after %d", state, attempts); len(got) != 1 || got[0] != want {
		t.Errorf("job about %q is %q, want one %q", subject, got, want)
	}
}

func (w world) count(t testing.TB, query string, args ...any) (n int) {
	t.Helper()
	if err := w.db.QueryRowContext(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tell is a Work that succeeds and says what it was given.
func tell(to chan<- Job) Work {
	return func(_ context.Context, j Job) error {
		to <- j
		return nil
	}
}
