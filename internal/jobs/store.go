package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// store holds what has to be said in the database's own tongue.
type store struct {
	leaseTable string

	renew    string // client id
	takeOver string // seconds of silence
	forget   string // seconds of silence
	drop     string // client id

	claim string // now: the first job due then is running; returns its id
	next  string // when the next waiting job is due
	due   string // now: what waits for a time that has come waits no longer
	stamp func(time.Time) any
}

const waiting = `state IN ('available', 'scheduled', 'retryable')`

// takeOver on PostgreSQL passes over rows that somebody holds: waiting for one, the
// statement could find it in the hands of a client whose lease it is too old to see.
var postgres = store{
	leaseTable: `CREATE TABLE IF NOT EXISTS job_leases (client_id text PRIMARY KEY, renewed_at timestamptz NOT NULL)`,
	renew: `INSERT INTO job_leases (client_id, renewed_at) VALUES ($1, now())
		ON CONFLICT (client_id) DO UPDATE SET renewed_at = excluded.renewed_at`,
	takeOver: `UPDATE river_job SET state = 'available' WHERE id IN (
		SELECT id FROM river_job j
		WHERE state = 'running' AND attempt < max_attempts AND NOT EXISTS (
			SELECT 1 FROM job_leases
			WHERE client_id = j.attempted_by[array_upper(j.attempted_by, 1)]
			AND renewed_at > now() - make_interval(secs => $1))
		FOR UPDATE SKIP LOCKED)`,
	forget: `DELETE FROM job_leases WHERE renewed_at <= now() - make_interval(secs => $1)`,
	drop:   `DELETE FROM job_leases WHERE client_id = $1`,
	claim: `UPDATE river_job SET state = 'running', attempt = attempt + 1, attempted_at = $1 WHERE id = (
		SELECT id FROM river_job
		WHERE ` + waiting + ` AND scheduled_at <= $1
		ORDER BY scheduled_at, id LIMIT 1)
		RETURNING id`,
	next:  `SELECT scheduled_at FROM river_job WHERE ` + waiting + ` ORDER BY scheduled_at LIMIT 1`,
	due:   `UPDATE river_job SET state = 'available' WHERE state IN ('scheduled', 'retryable') AND scheduled_at <= $1`,
	stamp: func(t time.Time) any { return t },
}

// River writes times into SQLite in two spellings that do not sort as text, with
// milliseconds and with a zone; only unixepoch reads both.
var sqlite = store{
	leaseTable: `CREATE TABLE IF NOT EXISTS job_leases (client_id text PRIMARY KEY, renewed_at real NOT NULL)`,
	renew: `INSERT INTO job_leases (client_id, renewed_at) VALUES ($1, unixepoch('subsec'))
		ON CONFLICT (client_id) DO UPDATE SET renewed_at = excluded.renewed_at`,
	takeOver: `UPDATE river_job SET state = 'available'
		WHERE state = 'running' AND attempt < max_attempts AND NOT EXISTS (
			SELECT 1 FROM job_leases
			WHERE client_id = river_job.attempted_by ->> '$[#-1]'
			AND renewed_at > unixepoch('subsec') - $1)`,
	forget: `DELETE FROM job_leases WHERE renewed_at <= unixepoch('subsec') - $1`,
	drop:   `DELETE FROM job_leases WHERE client_id = $1`,
	claim: `UPDATE river_job SET state = 'running', attempt = attempt + 1, attempted_at = $1 WHERE id = (
		SELECT id FROM river_job
		WHERE ` + waiting + ` AND unixepoch(scheduled_at, 'subsec') <= unixepoch($1, 'subsec')
		ORDER BY unixepoch(scheduled_at, 'subsec'), id LIMIT 1)
		RETURNING id`,
	next: `SELECT scheduled_at FROM river_job WHERE ` + waiting + ` ORDER BY unixepoch(scheduled_at, 'subsec') LIMIT 1`,
	due: `UPDATE river_job SET state = 'available' WHERE state IN ('scheduled', 'retryable')
		AND unixepoch(scheduled_at, 'subsec') <= unixepoch($1, 'subsec')`,
	stamp: func(t time.Time) any { return t.UTC().Round(time.Millisecond).Format("2006-01-02 15:04:05.999") },
}

func storeFor(name string) (store, error) {
	switch name {
	case dialect.Postgres:
		return postgres, nil
	case dialect.SQLite:
		return sqlite, nil
	}
	return store{}, fmt.Errorf("jobs: no support for the database dialect %q", name)
}

func driverFor(cfg Config) riverdriver.Driver[*sql.Tx] {
	switch {
	case cfg.Dialect == dialect.SQLite:
		return riversqlite.New(cfg.DB)
	case cfg.Listen == nil:
		return riverdatabasesql.New(cfg.DB)
	}
	return &listeningDriver{Driver: riverdatabasesql.New(cfg.DB), db: cfg.DB, listen: cfg.Listen}
}

// Migrate brings River's tables and our own up to date; it may be run again. The caller
// holds the lock on migrations, and on SQLite no transaction, since there is one
// connection to be had.
func Migrate(ctx context.Context, db *sql.DB, dialect string) error {
	st, err := storeFor(dialect)
	if err != nil {
		return err
	}
	m, err := rivermigrate.New(driverFor(Config{DB: db, Dialect: dialect}), &rivermigrate.Config{
		Logger: slog.New(slog.DiscardHandler), // each migration that fails is in the error too
	})
	if err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	if _, err := db.ExecContext(ctx, st.leaseTable); err != nil {
		return fmt.Errorf("migrate job leases: %w", err)
	}
	return nil
}
