package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

const (
	// Calls have connections of their own, and so has what only reads: however much there is to do, and however many lists clients ask for,
	// calls are answered.
	postgresUrgent  = 6
	postgresWriters = 8
	postgresReaders = 10

	postgresIO = 30 * time.Second // for one read or write
	urgentIO   = 2 * time.Second  // nobody waits longer for what is urgent

	// lockTimeout is for how long a change of the schema may wait for a table, since all that comes after it waits too.
	lockTimeout = "2s"
	// migrationLock is the advisory lock of those who migrate.
	migrationLock = 0x6d61736b6c696e65
)

// session is what a session is set to unless the address says otherwise. Times come back in the session's zone. Plans for the
// values at hand are made anew at every execution, which costs more than it gains here. That pages are as good as in memory keeps
// it from reading all rows for the sake of reading them in the order of the disk. Compiling a plan takes a tenth of a second, at every
// execution, for statements that look at a few rows. A process whose machine vanishes, or stands still, in the middle of a transaction must not
// keep its locks: nothing waits there for anything but the database.
var session = map[string]string{
	"timezone":         "UTC",
	"plan_cache_mode":  "force_generic_plan",
	"random_page_cost": "1.1",
	"jit":              "off",

	"idle_in_transaction_session_timeout": "10s",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",

	"fallback_application_name": "maskline",
	"connect_timeout":           "5",
}

func openPostgres(rawURL string, dial dialFunc) (*DB, error) {
	u, err := postgresURL(rawURL)
	if err != nil {
		return nil, err
	}
	writer, err := postgresPool(u, dial, postgresIO, postgresWriters)
	if err != nil {
		return nil, err
	}
	urgent, err := postgresPool(u, dial, urgentIO, postgresUrgent)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader, err := postgresPool(u, dial, postgresIO, postgresReaders)
	if err != nil {
		return nil, errors.Join(err, writer.Close(), urgent.Close())
	}
	d := newDB(dialect.Postgres, u.String(), writer, urgent, reader)
	d.alone = func(ctx context.Context, do func(*sql.DB) error) error { return postgresAlone(ctx, u, dial, do) }
	return d, nil
}

// postgresURL completes an address. Its errors never contain the address, since that contains the password.
func postgresURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errPostgres
	}
	q := u.Query()
	if q.Has("binary_parameters") {
		return nil, errors.New("a PostgreSQL address must not set binary_parameters: JSON cannot be written with it")
	}
	for name, value := range session {
		if !says(q, name) {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u, nil
}

// says tells whether an address sets a parameter, by itself or among the options.
func says(q url.Values, name string) bool {
	for k := range q {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return slices.ContainsFunc(q["options"], func(o string) bool { return strings.Contains(strings.ToLower(o), name) })
}

var (
	errPostgres  = errors.New("the address of the PostgreSQL database cannot be read; percent-encode what is special in its user name and password")
	errParameter = errors.New("a parameter of the PostgreSQL address has a value that cannot be used; sslmode is disable, allow, prefer, require, verify-ca or verify-full")
)

func postgresPool(u *url.URL, dial dialFunc, bound time.Duration, size int) (*sql.DB, error) {
	c, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, errParameter
	}
	c.Dialer(dialer{dial: dial, bound: bound})
	db := sql.OpenDB(connector{c})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	return db, nil
}

// postgresAlone holds an advisory lock, which ends with its session however that ends. It gives a pool of its own, since building an
// index may take longer than any other answer.
func postgresAlone(ctx context.Context, u *url.URL, dial dialFunc, do func(*sql.DB) error) (err error) {
	with := *u
	q := u.Query()
	q.Set("lock_timeout", lockTimeout)
	with.RawQuery = q.Encode()
	db, err := postgresPool(&with, dial, 0, 4)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { err = cmp.Or(err, conn.Close()) }()
	if err := advisoryLock(ctx, conn); err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	return do(db)
}

// advisoryLock asks again and again: a statement that waits for the lock would hold up one that builds an index concurrently, which
// waits for all older statements.
func advisoryLock(ctx context.Context, conn *sql.Conn) error {
	for {
		var got bool
		err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(migrationLock)).Scan(&got)
		if ctx.Err() != nil {
			return ctx.Err() // the driver may call it a bad connection
		}
		if err != nil || got {
			return err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
