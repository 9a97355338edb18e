package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"

	atlas "ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// file is the path of a SQLite database.
func file(db *database.DB) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(db.DSN(), "file:"), "?")
	return path
}

// holds tells whether one of a SQLite database's files has a text in it.
func holds(t *testing.T, db *database.DB, text string) bool {
	t.Helper()
	for _, name := range []string{file(db), file(db) + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			return true
		}
	}
	return false
}

// plain is a connection to a SQLite database that overwrites nothing, as ours were once.
func plain(t *testing.T, db *database.DB) *sql.Conn {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+file(db)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), pool.Close() })
	return c
}

func execOn(t *testing.T, c *sql.Conn, query string) {
	t.Helper()
	if _, err := c.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

const deletedText = "what nobody may find again"

func TestAFileOfBeforeIsRewrittenWithoutWhatWasDeleted(t *testing.T) {
	t.Parallel()
	db := testdb.Empty(t, testdb.SQLite)
	all, err := database.Migrations(dialect.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	files, err := all.Files()
	if err != nil {
		t.Fatal(err)
	}
	old := &atlas.MemDir{}
	for _, f := range files {
		if f.Version() < database.FirstOverwriting {
			if err := old.WriteFile(f.Name(), f.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
	}
	sum, err := old.Checksum()
	if err != nil {
		t.Fatal(err)
	}
	if err := atlas.WriteSumFile(old, sum); err != nil {
		t.Fatal(err)
	}
	if err := db.MigrateFrom(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	c := plain(t, db)
	execOn(t, c, "INSERT INTO settings (id, value) VALUES ('kept', 'x'), ('old', '"+deletedText+"')")
	execOn(t, c, "DELETE FROM settings WHERE id = 'old'")
	if !holds(t, db, deletedText) {
		t.Fatal("there is nothing to find: the test sees nothing")
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Scrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if holds(t, db, deletedText) {
		t.Error("what was deleted is still in the file")
	}
	var kept string
	if err := c.QueryRowContext(t.Context(), "SELECT value FROM settings WHERE id = 'kept'").Scan(&kept); err != nil || kept != "x" {
		t.Errorf("got %q, %v; want what was not deleted", kept, err)
	}
}

func TestWhatIsDeletedLeavesTheFilesOfSQLite(t *testing.T) {
	t.Parallel()
	for name, rewriteAtMost := range map[string]int64{"overwritten": 0, "rewritten": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := testdb.Open(t, testdb.SQLite)
			run(t, db, "INSERT INTO settings (id, value) VALUES ('old', '"+deletedText+"')")
			run(t, db, "DELETE FROM settings WHERE id = 'old'")
			if !holds(t, db, deletedText) {
				t.Fatal("there is nothing to find: the test sees nothing")
			}
			if err := db.Scrub(t.Context(), rewriteAtMost); err != nil {
				t.Fatal(err)
			}
			if holds(t, db, deletedText) {
				t.Error("what was deleted is still in a file")
			}
			run(t, db, "INSERT INTO settings (id, value) VALUES ('new', 'x')")
		})
	}
}

func TestScrubbingWaitsForOthersAMomentOnly(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"a reader": "BEGIN; SELECT count(*) FROM settings", "a writer": "BEGIN IMMEDIATE"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := testdb.Open(t, testdb.SQLite)
			c := plain(t, db)
			run(t, db, "INSERT INTO settings (id, value) VALUES ('one', 'x')")
			execOn(t, c, begin)
			if name == "a reader" {
				run(t, db, "INSERT INTO settings (id, value) VALUES ('two', 'x')") // the reader must not see it
			}
			if err := db.Scrub(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "write-ahead log") {
				t.Errorf("got %v, want that the log is in use", err)
			}
			execOn(t, c, "ROLLBACK")
			if err := db.Scrub(t.Context(), 0); err != nil {
				t.Error(err)
			}
			if info, err := os.Stat(file(db) + "-wal"); err != nil || info.Size() != 0 {
				t.Errorf("the log is %v, %v; want it empty", info, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := testdb.Open(t, testdb.SQLite).Scrub(ctx, 0); err == nil {
		t.Error("it scrubs though nobody waits any more")
	}
}

func TestPostgreSQLScrubsItself(t *testing.T) {
	t.Parallel()
	if err := testdb.Open(t, testdb.Postgres).Scrub(t.Context(), 1<<30); err != nil {
		t.Error(err)
	}
}
