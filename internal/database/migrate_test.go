package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// onEmpty runs body on an empty database of each kind.
func onEmpty(t *testing.T, body func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, kind := range []string{testdb.SQLite, testdb.Postgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			body(t, testdb.Empty(t, kind))
		})
	}
}

func TestTheMigrationsArriveAtTheSchema(t *testing.T) {
	t.Parallel()
	onEmpty(t, func(t *testing.T, db *database.DB) {
		dir, err := database.Migrations(db.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		if err := atlas.Validate(dir); err != nil {
			t.Fatalf("the migrations are not what atlas.sum says: %v", err)
		}
		before, err := dir.Files()
		if err != nil || len(before) == 0 {
			t.Fatal(before, err)
		}
		if err := database.Diff(t.Context(), db, dir, "missing"); err != nil {
			t.Fatal(err)
		}
		after, err := dir.Files()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range after[len(before):] {
			t.Errorf("the schema has changed; run go run ./ent/migrate/main.go NAME, which will write:\n%s", f.Bytes())
		}
	})
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	onEmpty(t, func(t *testing.T, db *database.DB) {
		runs := 0
		also := func(context.Context, *sql.DB, string) error { runs++; return nil }
		for range 2 {
			if err := db.Migrate(t.Context(), also, also); err != nil {
				t.Fatal(err)
			}
		}
		if runs != 4 {
			t.Errorf("the other migrations ran %d times, want 4", runs)
		}
		settle(viewer.System(t.Context()), t, db, 1)
		no := func(context.Context, *sql.DB, string) error { return errors.New("no such thing") }
		if err := db.Migrate(t.Context(), no); err == nil || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("got %v", err)
		}
	})
}

// migrateAddress is set in the processes that TestProcessesMigrateAtOnce starts.
const migrateAddress = "TEST_MIGRATE"

func TestProcessesMigrateAtOnce(t *testing.T) {
	if address := os.Getenv(migrateAddress); address != "" {
		migrateOnce(t, address)
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	onEmpty(t, func(t *testing.T, db *database.DB) {
		address := db.DSN()
		if db.Dialect() == dialect.SQLite {
			file, _, _ := strings.Cut(strings.TrimPrefix(address, "file:"), "?")
			address = "sqlite://" + file
		}
		var started []*exec.Cmd
		var outputs []*strings.Builder
		for range 4 {
			cmd, out := exec.CommandContext(t.Context(), self, "-test.run=^TestProcessesMigrateAtOnce$"), &strings.Builder{}
			cmd.Env = append(os.Environ(), migrateAddress+"="+address)
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			started, outputs = append(started, cmd), append(outputs, out)
		}
		for i, cmd := range started {
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, outputs[i])
			}
		}
		settle(viewer.System(t.Context()), t, db, 1)
	})
}

// migrateOnce is one of the processes. What it does besides would fail if another did it at the same time.
func migrateOnce(t *testing.T, address string) {
	db, err := database.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Migrate(t.Context(), func(ctx context.Context, db *sql.DB, _ string) error {
		if _, err := db.ExecContext(ctx, "CREATE TABLE alone (id integer)"); err != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
		_, err := db.ExecContext(ctx, "DROP TABLE alone")
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWaitingForAnotherMigrationEndsWithTheContext(t *testing.T) {
	t.Parallel()
	onEmpty(t, func(t *testing.T, db *database.DB) {
		err := db.Migrate(t.Context(), func(ctx context.Context, _ *sql.DB, _ string) error {
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			if err := db.Migrate(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for other migrations") {
				return fmt.Errorf("got %w", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		run(t, db, `INSERT INTO schema_revisions (version, description, hash, statements, applied, executed_at, milliseconds)
			VALUES ('20991231235959', 'colour', 'h', 1, 1, '2099-12-31 23:59:59', 1)`)
		err := db.Migrate(ctx)
		if !errors.Is(err, database.ErrNewer) || database.Away(err) {
			t.Fatalf("got %v", err)
		}
		const want = "migrate database: the database belongs to a newer version of this program: it has had the migration " +
			"20991231235959 (colour), which this version does not know; run the newer version, or restore a backup"
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		run(t, db, `DELETE FROM schema_revisions WHERE version = '20991231235959'`)
		run(t, db, `UPDATE schema_revisions SET hash = 'other'`)
		if err := db.Migrate(ctx); err == nil || !strings.Contains(err.Error(), "was another one") {
			t.Errorf("got %v", err)
		}
	})
}

func run(t *testing.T, db *database.DB, query string) {
	t.Helper()
	if _, err := db.Writer().ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// further are the embedded migrations and one more.
func further(t *testing.T, name string, text string) *atlas.MemDir {
	t.Helper()
	dir, err := database.Migrations(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.WriteFile("20990101000000_further.sql", []byte(text)); err != nil {
		t.Fatal(err)
	}
	sum, err := dir.Checksum()
	if err != nil {
		t.Fatal(err)
	}
	if err := atlas.WriteSumFile(dir, sum); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		bad := further(t, db.Dialect(), "CREATE TABLE colours (id integer);\nINSERT INTO colors VALUES (1);\n")
		if err := db.MigrateFrom(ctx, bad); err == nil || !strings.Contains(err.Error(), "colors") || strings.Contains(err.Error(), "aborted") {
			t.Fatalf("got %v", err)
		}
		good := further(t, db.Dialect(), "CREATE TABLE colours (id integer);\nINSERT INTO colours VALUES (1);\n")
		if err := db.MigrateFrom(ctx, good); err != nil {
			t.Fatal(err)
		}
		run(t, db, "INSERT INTO colours VALUES (2)")
	})
}

func TestMigrationsThatWereTamperedWithAreRefused(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		dir := further(t, db.Dialect(), "CREATE TABLE colours (id integer);\n")
		if err := dir.WriteFile("20990101000000_further.sql", []byte("DROP TABLE users;\n")); err != nil {
			t.Fatal(err)
		}
		if err := db.MigrateFrom(t.Context(), dir); !errors.Is(err, atlas.ErrChecksumMismatch) {
			t.Errorf("got %v", err)
		}
	})
}

// SQLite changes a column by making the table anew. What refers to its rows must survive that, and must not be left dangling.
func TestSQLiteTablesAreMadeAnew(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.SQLite)
	ctx := viewer.System(t.Context())
	h := settle(ctx, t, db, 1)
	const anew = "PRAGMA foreign_keys = off;\nCREATE TABLE new_calls AS SELECT * FROM calls%s;\nDROP TABLE calls;\n" +
		"ALTER TABLE new_calls RENAME TO calls;\nCREATE UNIQUE INDEX calls_id ON calls (id);\nPRAGMA foreign_keys = on;\n"
	err := db.MigrateFrom(ctx, further(t, dialect.SQLite, fmt.Sprintf(anew, " WHERE false")))
	if err == nil || !strings.Contains(err.Error(), "voicemails refers to a row of calls that is not there") {
		t.Fatalf("got %v", err)
	}
	if err := db.MigrateFrom(ctx, further(t, dialect.SQLite, fmt.Sprintf(anew, ""))); err != nil {
		t.Fatal(err)
	}
	v, err := db.Client().Voicemail.Get(ctx, h.voicemail.ID)
	if err != nil || v.CallID == nil || *v.CallID != h.call.ID {
		t.Errorf("the voicemail has lost its call: %v, %v", v, err)
	}
}

// Somebody reads a table in a long transaction. The migration lets go again and again, and comes to it when they have gone.
func TestF33AMigrationThatWaitsForATableHoldsUpNobody(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.Postgres)
	ctx := viewer.System(t.Context())
	long, err := db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.Ent.Counter.Query().All(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- db.MigrateFrom(ctx, further(t, dialect.Postgres, "ALTER TABLE counters ADD COLUMN colour text;\n"))
	}()
	time.Sleep(200 * time.Millisecond)
	begun := time.Now()
	if _, err := db.Client().Counter.Query().All(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("a read took %v", took)
	}
	if err := long.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
