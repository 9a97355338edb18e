package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lib/pq"
)

// takesNoWrites is true on a standby, and where transactions are read-only unless they say otherwise.
const takesNoWrites = `pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'`

// setUp makes a connection's session as all are, in one round trip, and refuses one that takes no writes.
func setUp(settings map[string]string) func(context.Context, *conn) error {
	var query strings.Builder
	query.WriteString("SELECT ")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&query, "set_config(%s, %s, false), ", pq.QuoteLiteral(name), pq.QuoteLiteral(settings[name]))
	}
	query.WriteString(takesNoWrites)
	return func(ctx context.Context, c *conn) error {
		ctx, cancel := context.WithTimeout(ctx, connectWithin)
		defer cancel()
		err := c.wantsWrites(ctx, query.String())
		if err != nil && sqlState(err) != "" {
			return &settingError{err}
		}
		return err
	}
}

// wantsWrites runs a query whose last column tells whether the session takes no writes.
func (c *conn) wantsWrites(ctx context.Context, query string) error {
	c.within(ctx)
	defer c.within(context.Background())
	rows, err := c.baseConn.QueryContext(ctx, query, nil)
	if err != nil {
		return because(ctx, err)
	}
	defer func() { _ = rows.Close() }() // all of it has been read
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return because(ctx, err)
	}
	if no, _ := row[len(row)-1].(bool); no {
		return ErrReadOnly
	}
	return nil
}

// check refuses what would lose or garble what is written, see [DB.Check].
func (s *server) check(ctx context.Context, db *sql.DB) error {
	var encoding, commit string
	if err := db.QueryRowContext(ctx, "SELECT current_setting('server_encoding'), current_setting('synchronous_commit')").Scan(&encoding, &commit); err != nil {
		return fmt.Errorf("ask how text is stored and commits are kept: %w", err)
	}
	switch {
	case encoding != "UTF8":
		return fmt.Errorf("%w, but %s", ErrEncoding, encoding)
	case commit == "off":
		return ErrForgetful
	}
	return keepsSessions(ctx, db)
}

// keepsSessions refuses a pooler that gives a client another session for each transaction: two connections that are open at the same time
// must stay with their own.
func keepsSessions(ctx context.Context, db *sql.DB) error {
	var conns [2]*sql.Conn
	for i := range conns {
		c, err := db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		defer func() { _ = c.Close() }() // nothing was written
		conns[i] = c
	}
	var first [2]int
	for range 5 {
		for i, c := range conns {
			var pid int
			if err := c.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
				return fmt.Errorf("ask which session it is: %w", err)
			}
			if first[i] == 0 {
				first[i] = pid
			}
			if pid != first[i] || first[0] == first[1] {
				return ErrShared
			}
		}
	}
	return nil
}
