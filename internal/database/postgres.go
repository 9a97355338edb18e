package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
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

// sessionSettings is what a session is set to unless the address says otherwise. Times come back in the session's zone. Plans for the
// values at hand are made anew at every execution, which costs more than it gains here. That pages are as good as in memory keeps
// it from reading all rows for the sake of reading them in the order of the disk. Compiling a plan takes a tenth of a second, at every
// execution, for statements that look at a few rows. A process whose machine vanishes, or stands still, in the middle of a transaction must not
// keep its locks: nothing waits there for anything but the database.
//
// They are set after connecting: a pooler such as PgBouncer refuses most of them in the startup message.
var sessionSettings = map[string]string{
	"timezone":         "UTC",
	"plan_cache_mode":  "force_generic_plan",
	"random_page_cost": "1.1",
	"jit":              "off",

	"idle_in_transaction_session_timeout": "10s",
	"tcp_keepalives_idle":                 "10",
	"tcp_keepalives_interval":             "5",
	"tcp_keepalives_count":                "3",
}

const connectWithin = 5 * time.Second // unless the address says otherwise

// server is how to connect to one PostgreSQL.
type server struct {
	config   pq.Config
	settings map[string]string // of each session
	dsn      string            // the address, with them
	plain    string            // the address without them, for who listens
	dial     dialFunc
	health   *health
}

func openPostgres(rawURL string, dial dialFunc) (*DB, error) {
	s, err := newServer(rawURL, dial)
	if err != nil {
		return nil, err
	}
	writer, urgent, reader := s.pool(postgresIO, postgresWriters), s.pool(urgentIO, postgresUrgent), s.pool(postgresIO, postgresReaders)
	d := newDB(dialect.Postgres, s.dsn, s.health, writer, urgent, reader)
	d.alone, d.check = s.alone, s.check
	d.plain, d.dial = s.plain, dial
	return d, nil
}

// newServer completes an address. Its errors never contain the address, since that contains the password.
func newServer(raw string, dial dialFunc) (*server, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errPostgres
	}
	q := u.Query()
	if q.Has("binary_parameters") {
		return nil, errors.New("a PostgreSQL address must not set binary_parameters: JSON cannot be written with it")
	}
	address := func() string { u.RawQuery = q.Encode(); return u.String() }
	addMissing(q, map[string]string{"fallback_application_name": "maskline", "connect_timeout": strconv.Itoa(int(connectWithin.Seconds()))})
	if strings.Contains(u.Host+q.Get("host"), ",") { // several servers: the one to write to
		addMissing(q, map[string]string{"target_session_attrs": "read-write"})
	}
	addMissing(q, sessionSettings)
	s := &server{dsn: address(), dial: dial}
	if s.config, err = pq.NewConfig(s.dsn); err != nil {
		return nil, errParameter
	}
	s.settings, s.config.Runtime = s.config.Runtime, nil
	for name := range s.settings {
		q.Del(name)
	}
	s.plain = address()
	_, spelled, _ := strings.Cut(u.User.String(), ":")
	s.health = newHealth(s.config.Password, spelled)
	return s, nil
}

// addMissing sets the parameters that an address does not set by itself.
func addMissing(q url.Values, params map[string]string) {
	for name, value := range params {
		if !says(q, name) {
			q.Set(name, value)
		}
	}
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

// pool is a pool whose connections are dropped together when one of them shows that the server takes no writes.
func (s *server) pool(bound time.Duration, size int) *sql.DB {
	db := s.open(bound, size, s.settings)
	s.health.onLoss(func() {
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(size)
	})
	return db
}

func (s *server) open(bound time.Duration, size int, settings map[string]string) *sql.DB {
	c, _ := pq.NewConnectorConfig(s.config) // never fails
	c.Dialer(dialer{dial: s.dial, bound: bound})
	db := sql.OpenDB(connector{Connector: c, health: s.health, setUp: setUp(settings)})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	return db
}

// alone holds an advisory lock, which ends with its session however that ends. It gives a pool of its own, since building an
// index may take longer than any other answer.
func (s *server) alone(ctx context.Context, do func(*sql.DB) error) (err error) {
	settings := maps.Clone(s.settings)
	settings["lock_timeout"] = lockTimeout
	db := s.open(0, 4, settings)
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
