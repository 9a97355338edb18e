package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/sqlite"
	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

//go:embed migrations
var embedded embed.FS

// Migration brings up to date what is not ent's, such as the job queue's tables.
type Migration = func(ctx context.Context, db *sql.DB, dialect string) error

// Migrate brings the schema up to this version of the program, and then runs also, in order, while no other process migrates the same
// database; it waits for one that does. Each migration is a transaction of its own. On PostgreSQL none waits for a table longer
// than two seconds, since a statement in service would have to wait behind it; it then tries again for a while.
func (d *DB) Migrate(ctx context.Context, also ...Migration) error {
	dir, err := migrations(d.dialect)
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	err = d.alone(ctx, func(db *sql.DB) error {
		if err := (migrator{db, d.dialect, dir}).run(ctx); err != nil {
			return err
		}
		for _, m := range also {
			if err := m(ctx, db, d.dialect); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// migrations are the embedded ones of a dialect.
func migrations(name string) (*atlas.MemDir, error) {
	folders := map[string]string{dialect.SQLite: "migrations/sqlite", dialect.Postgres: "migrations/postgres"}
	sub, err := fs.Sub(embedded, folders[name])
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(sub, "*")
	if err != nil {
		return nil, err
	}
	dir := &atlas.MemDir{}
	for _, n := range names {
		b, err := fs.ReadFile(sub, n)
		if err != nil {
			return nil, err
		}
		if err := dir.WriteFile(n, b); err != nil {
			return nil, err
		}
	}
	return dir, nil
}

type migrator struct {
	db      *sql.DB
	dialect string
	dir     atlas.Dir
}

func (m migrator) run(ctx context.Context) error {
	if _, err := m.db.ExecContext(ctx, createRevisions); err != nil {
		return fmt.Errorf("create %s: %w", revisionTable, err)
	}
	if err := m.recognise(ctx); err != nil {
		return err
	}
	if m.dialect == dialect.SQLite {
		if err := m.rewriteOld(ctx); err != nil {
			return err
		}
	}
	for {
		err := m.patiently(ctx)
		if errors.Is(err, atlas.ErrNoPendingFiles) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// recognise refuses a database that has had migrations which this program does not know, or knows otherwise.
func (m migrator) recognise(ctx context.Context) error {
	sums, err := m.dir.Checksum()
	if err != nil {
		return err
	}
	files, err := m.dir.Files()
	if err != nil {
		return err
	}
	ours := map[string]string{} // name by version
	for _, f := range files {
		ours[f.Version()] = f.Name()
	}
	revs, err := revisions{m.db}.ReadRevisions(ctx)
	if err != nil {
		return err
	}
	for _, r := range revs {
		name, ok := ours[r.Version]
		if !ok {
			return fmt.Errorf("%w: it has had the migration %s (%s), which this version does not know; run the newer version, or restore a backup",
				ErrNewer, r.Version, r.Description)
		}
		if sum, err := sums.SumByName(name); err != nil || sum != r.Hash {
			return fmt.Errorf("the migration %s was another one when it was applied to this database", name)
		}
	}
	return nil
}

const (
	lockTries = 10
	lockPause = time.Second
)

// patiently runs the next migration. When it does not get hold of a table in time it lets others pass and tries again.
func (m migrator) patiently(ctx context.Context) error {
	for try := 1; ; try++ {
		err := m.next(ctx)
		var e *pq.Error
		if !errors.As(err, &e) || e.Code != "55P03" || try == lockTries {
			return err
		}
		if err := sleep(ctx, lockPause); err != nil {
			return err
		}
	}
}

// next runs the next migration in a transaction, or returns [atlas.ErrNoPendingFiles].
func (m migrator) next(ctx context.Context) error {
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a failure, which is the error that counts
	open := postgres.Open
	if m.dialect == dialect.SQLite {
		open = sqlite.Open
	}
	drv, err := open(tx)
	if err != nil {
		return err
	}
	ex, err := atlas.NewExecutor(drv, m.dir, revisions{tx}, atlas.WithAllowDirty(true))
	if err != nil {
		return err
	}
	if err := ex.ExecuteN(ctx, 1); err != nil {
		return err
	}
	if m.dialect == dialect.SQLite {
		if err := checkReferences(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// checkReferences makes up for foreign keys being switched off while tables are made anew.
func checkReferences(ctx context.Context, tx *sql.Tx) error {
	var table, parent string
	var row, key sql.NullInt64
	err := tx.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &row, &parent, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("check foreign keys: %w", err)
	}
	return fmt.Errorf("row %d of %s refers to a row of %s that is not there", row.Int64, table, parent)
}
