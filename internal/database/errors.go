package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/lib/pq"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrInDoubt says that the connection broke during a commit: what was written may be there or not. Only who writes nothing
	// twice may run such a transaction again.
	ErrInDoubt = errors.New("the transaction may or may not have been committed")

	// ErrNewer says that the database was migrated by a newer version of the program.
	ErrNewer = errors.New("the database belongs to a newer version of this program")
)

// Retryable tells that a transaction came to nothing through no fault of its own, and may be run again as a whole: it stood in
// another one's way, it stood still for too long, or its connection was lost before the commit. It is false for what would only
// fail again, such as a server that can't be reached, or a SQLite file that somebody else has been writing to for five seconds,
// see [Away].
func Retryable(err error) bool {
	if err == nil || errors.Is(err, ErrInDoubt) || errors.As(err, new(*connectError)) {
		return false
	}
	if isReadOnly(err) { // the connection is dropped, and the next may lead to the primary
		return true
	}
	if code := sqlState(err); code != "" {
		return class(code, "08") || outdated(err) ||
			slices.Contains([]string{"25P03", "40001", "40P01", "57P01", "57P02", "57P05"}, code)
	}
	return lost(err)
}

// Away tells that the database can't be reached, lets nobody in, takes no writes, or does not answer in time. It says nothing about a
// context that was cancelled, since then nobody waits any more.
func Away(err error) bool {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*connectError)) || isReadOnly(err):
		return true
	}
	if code := sqlState(err); code != "" { // no connection, no resources, shut down, crashed, starting, out of time, no files
		return class(code, "08", "53", "57", "58")
	}
	if isSQLite(err) {
		return awaySQLite(err)
	}
	var n net.Error // a timeout, and the end of a context
	return errors.As(err, &n) || lost(err)
}

// awaySQLite leaves out what a statement itself did wrong.
var awaySQLite = sqliteCode(
	sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
	sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
)

// connectError is why a connection could not be made.
type connectError struct{ error }

func (e *connectError) Unwrap() error { return e.error }

// sqlState is PostgreSQL's code of the error, or nothing.
func sqlState(err error) string {
	if e := (*pq.Error)(nil); errors.As(err, &e) {
		return string(e.Code)
	}
	return ""
}

func class(code string, classes ...string) bool {
	return slices.ContainsFunc(classes, func(c string) bool { return strings.HasPrefix(code, c) })
}

// lost tells that an open connection ended.
func lost(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var n *net.OpError
	return errors.As(err, &n) && n.Op != "dial" && !n.Timeout()
}

// inDoubt tells whether a commit that failed with err may have taken place all the same. When the server itself says why not, or the
// driver never asked, it has not.
func inDoubt(err error) bool {
	if e := (*pq.Error)(nil); errors.As(err, &e) {
		return e.Fatal()
	}
	var n net.Error
	if errors.As(err, &n) {
		return !errors.Is(err, context.DeadlineExceeded)
	}
	return lost(err) && !errors.Is(err, sql.ErrTxDone)
}
