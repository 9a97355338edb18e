// Package database opens SQLite or PostgreSQL, keeps the pools, begins the transactions in which ent and the job queue write
// together, and brings the schema up to date.
//
// It promises:
//   - [Open] checks the address and goes nowhere: that a database is away shows when it is first used, and [Away] tells it from
//     every other failure.
//   - Everything is written in a transaction of [DB.Begin]; [DB.Client] only reads, on both databases.
//   - A statement with parameters is prepared once per connection, inside transactions too, and whoever sends it.
//   - A connection to a server that takes no writes is dropped, with all others: a standby counts as away, and after a fail-over
//     everything that connects anew finds the primary.
//   - An outage is logged when it begins, when it ends and once a minute, for all connections together.
//   - Nothing waits for a silent PostgreSQL longer than its context allows, nor longer than 30 seconds for one answer.
//   - Times come back in UTC.
//   - [DB.Migrate] may be run by several processes at once, and refuses a database that is newer than the program.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	_ "github.com/maskline/maskline/ent/runtime" // without it no hook and no interceptor runs: everybody would see everything
)

// DB is one database with its pools.
type DB struct {
	dialect string
	dsn     string
	file    string // of SQLite
	health  *health
	writer  *sql.DB
	urgent  *sql.DB // the writer on SQLite, which has only one connection
	reader  *sql.DB
	client  *ent.Client

	// alone runs do while no other process does so, with a pool fit for changing the schema.
	alone func(ctx context.Context, do func(migrator *sql.DB) error) error
	check func(ctx context.Context, db *sql.DB) error
	plain string // PostgreSQL's address without settings of the session
	dial  dialFunc
}

// errAddress quotes nothing of the address, as no error of [Open] does: there may be a password in each part of it.
var errAddress = errors.New("a database address begins with sqlite:// or postgres://")

// Open makes ready to use the database at rawURL: sqlite://PATH or postgres://…. It connects to nothing, so it fails only for an
// address that can never work, or when the folder of a SQLite file cannot be made.
func Open(rawURL string) (*DB, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return nil, errAddress
	}
	switch scheme {
	case "sqlite":
		return openSQLite(rest)
	case "postgres", "postgresql":
		return openPostgres(rawURL, dialTCP)
	}
	return nil, errAddress
}

func newDB(name, dsn string, h *health, writer, urgent, reader *sql.DB) *DB {
	d := &DB{dialect: name, dsn: dsn, health: h, writer: writer, urgent: urgent, reader: reader}
	d.client = ent.NewClient(ent.Driver(entsql.OpenDB(name, reader)))
	d.client.Use(readsOnly)
	return d
}

var errReadsOnly = errors.New("database: this client only reads; write in a transaction")

// readsOnly makes PostgreSQL refuse what SQLite's readers refuse, so that a write past the transactions fails on both.
func readsOnly(ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) { return nil, errReadsOnly })
}

// Dialect is [dialect.SQLite] or [dialect.Postgres].
func (d *DB) Dialect() string { return d.dialect }

// DSN is the address that the driver was given. It contains the password.
func (d *DB) DSN() string { return d.dsn }

// Writer is the pool that may write; on SQLite it has one connection.
func (d *DB) Writer() *sql.DB { return d.writer }

// Client reads what is committed. It has connections of its own, so it never waits for a writer, nor any writer for it; on SQLite it
// fails until the first migration has made the file. Inside a transaction use that transaction's client instead: with all connections in
// transactions that wait for one more, nothing would ever move.
func (d *DB) Client() *ent.Client { return d.client }

// Readers is how many connections [DB.Client] has.
func (d *DB) Readers() int { return d.reader.Stats().MaxOpenConnections }

// Connections is how many connections are open.
func (d *DB) Connections() (n int) {
	pools := []*sql.DB{d.reader, d.writer}
	if d.urgent != d.writer {
		pools = append(pools, d.urgent)
	}
	for _, pool := range pools {
		n += pool.Stats().OpenConnections
	}
	return n
}

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// Close closes the pools. On SQLite the writer goes last, since the last one out tidies up the write-ahead log.
func (d *DB) Close() error {
	return errors.Join(d.reader.Close(), d.urgent.Close(), d.writer.Close())
}

// Check refuses a database that takes no writes, cannot store every character, acknowledges a commit before it is safe, or is behind a
// pooler that gives each transaction another session.
func (d *DB) Check(ctx context.Context) error { return d.check(ctx, d.writer) }
