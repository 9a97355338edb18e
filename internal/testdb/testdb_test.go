package testdb_test

import (
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

func TestEachTestHasItsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				if _, err := db.Writer().ExecContext(t.Context(), "INSERT INTO counters (id, last) VALUES ('place', 1)"); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, kind := range []string{testdb.SQLite, testdb.Postgres} {
		b.Run(kind, func(b *testing.B) {
			open(b, kind) // makes the template
			for b.Loop() {
				open(b, kind)
			}
		})
	}
}

// open opens, uses and drops a database, as a test does.
func open(b *testing.B, kind string) {
	t := &once{TB: b, dir: b.TempDir()}
	db := testdb.Open(t, kind)
	if err := db.Ping(b.Context()); err != nil {
		b.Fatal(err)
	}
	for i := range t.cleanups {
		t.cleanups[len(t.cleanups)-1-i]()
	}
}

// once is a test within a benchmark.
type once struct {
	testing.TB
	dir      string
	cleanups []func()
}

func (o *once) Cleanup(f func()) { o.cleanups = append(o.cleanups, f) }
