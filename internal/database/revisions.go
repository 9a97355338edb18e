package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
)

const (
	revisionTable = "schema_revisions"

	createRevisions = `CREATE TABLE IF NOT EXISTS schema_revisions (
		version varchar(20) PRIMARY KEY,
		description varchar(255) NOT NULL,
		hash varchar(64) NOT NULL,
		statements integer NOT NULL,
		applied integer NOT NULL,
		executed_at timestamp NOT NULL,
		milliseconds bigint NOT NULL
	)`
	readRevisions = `SELECT version, description, hash, statements, applied, executed_at, milliseconds FROM schema_revisions`
	writeRevision = `INSERT INTO schema_revisions (version, description, hash, statements, applied, executed_at, milliseconds)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (version) DO UPDATE SET applied = excluded.applied, executed_at = excluded.executed_at, milliseconds = excluded.milliseconds`
)

// querier is a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// revisions is the table of the migrations that a database has had, for atlas' executor. A migration and its revision are written in
// one transaction, so there are no half ones.
type revisions struct{ db querier }

// Ident is the table's name.
func (revisions) Ident() *atlas.TableIdent { return &atlas.TableIdent{Name: revisionTable} }

// ReadRevisions returns all, the oldest first.
func (r revisions) ReadRevisions(ctx context.Context) ([]*atlas.Revision, error) {
	return r.read(ctx, readRevisions+" ORDER BY version")
}

// ReadRevision returns one, or [atlas.ErrRevisionNotExist].
func (r revisions) ReadRevision(ctx context.Context, version string) (*atlas.Revision, error) {
	revs, err := r.read(ctx, readRevisions+" WHERE version = $1", version)
	if err != nil {
		return nil, err
	}
	if len(revs) == 0 {
		return nil, atlas.ErrRevisionNotExist
	}
	return revs[0], nil
}

func (r revisions) read(ctx context.Context, query string, args ...any) (revs []*atlas.Revision, err error) {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", revisionTable, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v := &atlas.Revision{Type: atlas.RevisionTypeExecute}
		var ms int64
		if err := rows.Scan(&v.Version, &v.Description, &v.Hash, &v.Total, &v.Applied, &v.ExecutedAt, &ms); err != nil {
			return nil, fmt.Errorf("read %s: %w", revisionTable, err)
		}
		v.ExecutionTime = time.Duration(ms) * time.Millisecond
		revs = append(revs, v)
	}
	return revs, rows.Err()
}

// WriteRevision writes how far a migration has come. Of one that failed nothing is written: its transaction is lost.
func (r revisions) WriteRevision(ctx context.Context, v *atlas.Revision) error {
	if v.Error != "" {
		return nil
	}
	_, err := r.db.ExecContext(ctx, writeRevision,
		v.Version, v.Description, v.Hash, v.Total, v.Applied, v.ExecutedAt.UTC(), v.ExecutionTime.Milliseconds())
	if err != nil {
		return fmt.Errorf("write %s: %w", revisionTable, err)
	}
	return nil
}

// DeleteRevision forgets one.
func (r revisions) DeleteRevision(ctx context.Context, version string) error {
	if _, err := r.db.ExecContext(ctx, `DELETE FROM schema_revisions WHERE version = $1`, version); err != nil {
		return fmt.Errorf("delete from %s: %w", revisionTable, err)
	}
	return nil
}
