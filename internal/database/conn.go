package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

const (
	keptStatements = 400      // on one connection
	keptLength     = 16 << 10 // a longer text was made for one occasion
)

// connector makes connections that keep the statements they have prepared.
//
// The statements are kept here, below database/sql, and not as a *sql.Stmt above it, for three reasons. A *sql.Stmt is prepared on a
// connection of the pool's choice: within a transaction that holds SQLite's only one, or while sixteen transactions hold all of
// PostgreSQL's, that would wait for ever. What is written by hand and what the job queue sends profits as much as what ent does.
// And no lock is needed, since a connection serves one goroutine at a time.
type connector struct {
	driver.Connector
	health *health
	setUp  func(context.Context, *conn) error // nil: nothing is to be done
	unmade func() bool                        // whether there is no database yet, which is no trouble; nil: never
}

// Connect makes a connection.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	born := c.health.generation.Load()
	made, err := c.connect(ctx)
	if err != nil {
		err = &connectError{because(ctx, err)}
		if c.unmade == nil || !c.unmade() {
			c.health.failedWith(err)
		}
		return nil, err
	}
	made.born = born
	c.health.succeeded(false)
	return made, nil
}

func (c connector) connect(ctx context.Context) (*conn, error) {
	var w *wire
	base, err := c.Connector.Connect(context.WithValue(ctx, wireKey{}, &w))
	if err != nil {
		return nil, err
	}
	b, ok := base.(baseConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("database: %T cannot be used", base), base.Close())
	}
	made := &conn{baseConn: b, health: c.health, wire: w, kept: map[string]*statement{}}
	if c.setUp != nil {
		if err := c.setUp(ctx, made); err != nil {
			_ = base.Close() // the first error is the one that counts
			return nil, err
		}
	}
	return made, nil
}

// baseConn is what both drivers can do.
type baseConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type conn struct {
	baseConn
	health *health
	born   int64 // the generation that it belongs to
	wire   *wire // nil on SQLite
	kept   map[string]*statement
	old    []*statement // to be closed when nothing is open on them any more
	uses   uint64
	inTx   bool
	last   context.Context // of the latest statement, until the connection is given back
}

// saw has the health learn from how something went, and returns the error.
func (c *conn) saw(err error, wrote bool) error {
	switch {
	case err == nil:
		c.health.succeeded(wrote)
	case isReadOnly(err):
		c.health.failedWith(err)
		c.health.lose(c.born)
	case c.wire != nil && c.wire.silent.Load():
		c.health.silence(err)
	default:
		c.health.failedWith(err)
	}
	return err
}

type statement struct {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	used uint64
}

// ExecContext runs a statement.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	c.starts(ctx, query)
	if !worthKeeping(query, args) {
		res, err = c.baseConn.ExecContext(ctx, query, args)
		return res, c.saw(because(ctx, err), !c.inTx)
	}
	err = c.run(ctx, query, func(st *statement) (err error) {
		res, err = st.ExecContext(ctx, args)
		return err
	})
	return res, c.saw(because(ctx, err), !c.inTx)
}

// QueryContext runs a statement that has rows for an answer.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	c.starts(ctx, query)
	if !worthKeeping(query, args) {
		rows, err = c.baseConn.QueryContext(ctx, query, args)
		return rows, c.saw(because(ctx, err), false)
	}
	err = c.run(ctx, query, func(st *statement) (err error) {
		rows, err = st.QueryContext(ctx, args)
		return err
	})
	return rows, c.saw(because(ctx, err), false)
}

// worthKeeping leaves out what has no parameters: it may be several statements in one text, which cannot be prepared.
func worthKeeping(query string, args []driver.NamedValue) bool {
	return len(args) > 0 && len(query) <= keptLength
}

func (c *conn) starts(ctx context.Context, query string) {
	countStatement(ctx, query)
	c.within(ctx)
	c.last = ctx
}

// within has what follows end with the context.
func (c *conn) within(ctx context.Context) {
	if c.wire == nil {
		return
	}
	var end time.Time
	if d, ok := ctx.Deadline(); ok {
		end = d.Add(grace)
	}
	_ = c.wire.SetDeadline(end) // never fails
}

// run does something with the kept statement. When another version of the program has changed the tables, it prepares anew: outside
// a transaction at once, inside one for those who run the transaction again, see [Retryable].
func (c *conn) run(ctx context.Context, query string, do func(*statement) error) error {
	for again := true; ; again = false {
		st, err := c.statement(ctx, query)
		if err != nil {
			return err
		}
		err = do(st)
		if !outdated(err) {
			return err
		}
		delete(c.kept, query)
		c.old = append(c.old, st)
		if c.inTx || !again {
			return err
		}
	}
}

func (c *conn) statement(ctx context.Context, query string) (*statement, error) {
	c.uses++
	if st, ok := c.kept[query]; ok {
		st.used = c.uses
		return st, nil
	}
	countPrepared(ctx)
	p, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	ex, ok1 := p.(driver.StmtExecContext)
	qu, ok2 := p.(driver.StmtQueryContext)
	if !ok1 || !ok2 {
		return nil, errors.Join(fmt.Errorf("database: %T cannot be used", p), p.Close())
	}
	st := &statement{Stmt: p, StmtExecContext: ex, StmtQueryContext: qu, used: c.uses}
	c.kept[query] = st
	return st, nil
}

// outdated tells that a prepared statement no longer fits the tables, or that a proxy in between has lost it.
func outdated(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && (e.Code == "26000" || e.Code == "0A000" && e.Message == "cached plan must not change result type")
}

// because puts the end of the context before what the driver makes of it.
func because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ctx.Err()) || errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// CheckNamedValue converts an argument as the driver does.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if nv, ok := c.baseConn.(driver.NamedValueChecker); ok {
		return nv.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Ping asks for a sign of life, and PostgreSQL whether it takes writes. Whatever is wrong, the pool then tries another connection.
func (c *conn) Ping(ctx context.Context) error {
	if c.wire == nil {
		return c.baseConn.Ping(ctx)
	}
	if c.saw(c.wantsWrites(ctx, "SELECT "+takesNoWrites), false) != nil {
		return driver.ErrBadConn
	}
	return nil
}

// ResetSession prepares the connection for its next user. Now that no rows can be open, statements can be closed.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.outlived() {
		return driver.ErrBadConn
	}
	c.within(ctx)
	for len(c.kept) > keptStatements {
		c.dropOldest()
	}
	for _, st := range c.old {
		if st.Close() != nil {
			return driver.ErrBadConn
		}
	}
	c.old = nil
	return c.baseConn.ResetSession(ctx)
}

func (c *conn) dropOldest() {
	var text string
	var oldest *statement
	for q, st := range c.kept {
		if oldest == nil || st.used < oldest.used {
			text, oldest = q, st
		}
	}
	delete(c.kept, text)
	c.old = append(c.old, oldest)
}

// IsValid tells whether the connection can serve others. lib/pq asks the server to cancel a statement whose context has ended, and
// the server might come to it only in the next one: such a connection is given up.
func (c *conn) IsValid() bool {
	cancelled := c.wire != nil && c.last != nil && c.last.Err() != nil
	c.last = nil
	return !cancelled && !c.outlived() && (c.wire == nil || !c.wire.broken.Load()) && c.baseConn.IsValid()
}

// outlived tells that all connections of its generation are dropped.
func (c *conn) outlived() bool { return c.born != c.health.generation.Load() }

// Close ends the connection. PostgreSQL forgets the statements by itself, and that it is not there to take our farewell is no error; SQLite
// keeps the file open until each is closed.
func (c *conn) Close() error {
	c.within(context.Background()) // saying goodbye is nobody's request any more
	if c.wire != nil {
		if err := c.baseConn.Close(); !Away(err) {
			return err
		}
		return nil
	}
	var errs []error
	for _, st := range c.kept {
		errs = append(errs, st.Close())
	}
	for _, st := range c.old {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.baseConn.Close())...)
}

// BeginTx begins a transaction.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.within(ctx)
	tx, err := c.begin(ctx, opts)
	if sqlState(err) == "0A000" { // PostgreSQL's code for BEGIN READ WRITE on a standby
		err = fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if err := c.saw(because(ctx, err), false); err != nil {
		return nil, err
	}
	c.inTx = true
	return &connTx{tx, c, ctx}, nil
}

// begin leaves it to PostgreSQL's setting whether a transaction may write. lib/pq's BeginTx says READ WRITE, which overrides what an operator
// has set to keep an old primary as it is.
func (c *conn) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.wire == nil || opts != (driver.TxOptions{}) {
		return c.baseConn.BeginTx(ctx, opts)
	}
	return c.baseConn.Begin()
}

// connTx ends a transaction within the time of the context that it was begun with, not of its last statement's.
type connTx struct {
	driver.Tx
	c   *conn
	ctx context.Context
}

// Commit makes it last.
func (t *connTx) Commit() error {
	t.c.within(t.ctx)
	t.c.inTx = false
	return t.c.saw(t.Tx.Commit(), true)
}

// Rollback undoes it, which takes little and is needed most when the context has ended.
func (t *connTx) Rollback() error {
	t.c.within(context.Background())
	t.c.inTx = false
	return t.Tx.Rollback()
}
