package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// firstOverwriting is the migration from which on SQLite overwrites what is deleted.
const firstOverwriting = "20261201042254"

// rewriteOld rewrites a SQLite file of before: its free pages hold what was deleted. It needs as much free disk as the file has.
func (m migrator) rewriteOld(ctx context.Context) error {
	revs, err := revisions{m.db}.ReadRevisions(ctx)
	if err != nil || len(revs) == 0 || slices.ContainsFunc(revs, func(r *atlas.Revision) bool { return r.Version == firstOverwriting }) {
		return err
	}
	if err := vacuum(ctx, m.db); err != nil {
		return fmt.Errorf("rewrite the file without what was deleted, which needs as much free disk as the file has: %w", err)
	}
	return nil
}

// vacuum rewrites a file by way of a temporary one, or of memory where the system has no folder for that. The pool has one connection.
func vacuum(ctx context.Context, db *sql.DB) (err error) {
	for _, store := range []string{"FILE", "MEMORY"} {
		if _, err = db.ExecContext(ctx, "PRAGMA temp_store = "+store); err == nil {
			_, err = db.ExecContext(ctx, "VACUUM")
		}
		var e *sqlite.Error
		if !errors.As(err, &e) || e.Code() != sqlite3.SQLITE_IOERR_GETTEMPPATH {
			break
		}
	}
	_, back := db.ExecContext(ctx, "PRAGMA temp_store = MEMORY")
	return errors.Join(err, back)
}

const (
	scrubTries = 20
	scrubPause = 50 * time.Millisecond
)

var errLogInUse = errors.New("somebody reads or writes all the time")

// Scrub sees to it that a SQLite database's files hold nothing of what was deleted. It empties the write-ahead log, and rewrites the file if that
// has at most so many bytes, during which nobody else writes: SQLite overwrites what it deletes, but not the copies that it leaves where it moved
// a row. It waits a second for others at most. On PostgreSQL that is the server's affair.
func (d *DB) Scrub(ctx context.Context, rewriteAtMost int64) (err error) {
	if d.file == "" {
		return nil
	}
	// A connection of its own: the writer's would have others wait while this waits for readers.
	db, err := sqlitePool(sqliteURI(d.file)+"?mode=rw&_pragma=busy_timeout(50)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)&_pragma=temp_store(MEMORY)", 1,
		connector{health: newHealth()}) // that it has to wait is no trouble of the database
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for range scrubTries {
		if err = scrub(ctx, db, d.file, rewriteAtMost); !busy(err) {
			break
		}
		if err := sleep(ctx, scrubPause); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return nil
}

func scrub(ctx context.Context, db *sql.DB, file string, rewriteAtMost int64) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() <= rewriteAtMost {
		if _, err := db.ExecContext(ctx, "VACUUM"); err != nil {
			return err
		}
	}
	var inUse, pages, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&inUse, &pages, &moved); err != nil {
		return err
	}
	if inUse != 0 {
		return errLogInUse
	}
	return nil
}

func busy(err error) bool {
	var e *sqlite.Error
	return errors.Is(err, errLogInUse) || errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}
