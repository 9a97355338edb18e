// Package testdb gives each test a fresh, migrated database of its own.
//
// A SQLite database is a file in the test's folder, with its write-ahead log and both pools. PostgreSQL is the server that the
// address in TEST_POSTGRES leads to, which must let us make databases; without it, one that is started for this process from the
// binaries on this machine, and that ends with the process however that ends. Where there are none the PostgreSQL half of a test is
// skipped, or fails when TEST_POSTGRES_REQUIRED is 1.
//
// The migrations run once per process and kind; every test gets a copy, which takes about 2 ms on SQLite, and on PostgreSQL about 50 ms
// where its files are in memory and several times that where they are on a disk.
package testdb

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
)

// The kinds of databases, by which [Each] names its subtests.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// connsPerTest is enough for one test, and leaves some of the hundred that a server usually has to all that run beside it.
const connsPerTest = 6

// patience is how long anything here may take, on a busy machine.
const patience = time.Minute

// Each runs body as the parallel subtests "sqlite" and "postgres", each with a database as of [Open].
func Each(t *testing.T, body func(t *testing.T, db *database.DB), also ...database.Migration) {
	t.Helper()
	for _, kind := range []string{SQLite, Postgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			body(t, Open(t, kind, also...))
		})
	}
}

// Open returns a fresh database of a kind, with the tables of ent and those that also makes; also is functions and no closures, since
// databases made by the same code are taken to be the same. The database is gone when the test ends.
func Open(t testing.TB, kind string, also ...database.Migration) *database.DB {
	t.Helper()
	if kind == SQLite || kind == dialect.SQLite {
		content, err := sqliteTemplates.get(also)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "maskline.db")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, "sqlite://"+file)
	}
	s := server(t)
	template, err := s.templates.get(also)
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, s.fresh(t, template))
	db.Writer().SetMaxOpenConns(connsPerTest)
	return db
}

// Empty returns a database of a kind in which there is nothing yet; on SQLite there is not even the file.
func Empty(t testing.TB, kind string) *database.DB {
	t.Helper()
	if kind == SQLite || kind == dialect.SQLite {
		return open(t, "sqlite://"+filepath.Join(t.TempDir(), "maskline.db"))
	}
	return open(t, server(t).fresh(t, "template0"))
}

func open(t testing.TB, address string) *database.DB {
	t.Helper()
	db, err := database.Open(address)
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

// templates makes one template for each set of migrations.
type templates[T any] struct {
	build func(ctx context.Context, n int, also []database.Migration) (T, error)

	mu   sync.Mutex
	made map[string]func() (T, error)
}

func (ts *templates[T]) get(also []database.Migration) (T, error) {
	var key string
	for _, m := range also {
		key += fmt.Sprintf("%x ", reflect.ValueOf(m).Pointer())
	}
	ts.mu.Lock()
	once, ok := ts.made[key]
	if !ok {
		n := len(ts.made)
		once = sync.OnceValues(func() (T, error) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			return ts.build(ctx, n, also)
		})
		if ts.made == nil {
			ts.made = map[string]func() (T, error){}
		}
		ts.made[key] = once
	}
	ts.mu.Unlock()
	return once()
}

var sqliteTemplates = templates[[]byte]{build: buildSQLite}

// buildSQLite returns the content of a migrated file.
func buildSQLite(ctx context.Context, _ int, also []database.Migration) (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "maskline-testdb-")
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "template.db")
	if err := migrate(ctx, "sqlite://"+file, also); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// migrate migrates and closes the database at address, after which all of a SQLite database is in its one file.
func migrate(ctx context.Context, address string, also []database.Migration) error {
	db, err := database.Open(address)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, also...); err != nil {
		_ = db.Close() // the first error is the one that counts
		return err
	}
	return db.Close()
}
