package database

import (
	"context"
	"database/sql"
	"net"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
)

// What the tests see of the inside.
var (
	SQLiteFile = sqliteFile
	SQLiteURI  = sqliteURI
	Migrations = migrations
)

const (
	KeptStatements   = keptStatements
	FirstOverwriting = firstOverwriting
)

// ConnectError is why a connection could not be made.
func ConnectError(err error) error { return &connectError{err} }

// OpenDialing is Open for PostgreSQL with the network in the caller's hands.
func OpenDialing(address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*DB, error) {
	return openPostgres(address, dial)
}

// Bounded is a connection of which each read and write takes bound at the most.
func Bounded(c net.Conn, bound time.Duration) net.Conn { return &wire{Conn: c, bound: bound} }

// MigrateFrom migrates by other migrations than the embedded ones.
func (d *DB) MigrateFrom(ctx context.Context, dir atlas.Dir) error {
	return d.alone(ctx, func(db *sql.DB) error { return migrator{db, d.dialect, dir}.run(ctx) })
}

// Kept is how many statements the one connection of SQLite's writer keeps.
func (d *DB) Kept(ctx context.Context) (n int, err error) {
	c, err := d.writer.Conn(ctx)
	if err != nil {
		return 0, err
	}
	err = c.Raw(func(c any) error { n = len(c.(*conn).kept); return nil })
	if e := c.Close(); err == nil {
		err = e
	}
	return n, err
}
