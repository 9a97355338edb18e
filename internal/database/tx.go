package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
)

// Tx is one transaction, in which ent, hand-written SQL and the job queue write together. After an error in one of its statements it
// must be rolled back: PostgreSQL does nothing else in it any more.
type Tx struct {
	Ent *ent.Client
	SQL *sql.Tx
}

type urgentKey struct{}

// Urgent marks transactions for which a caller waits on the line: on PostgreSQL they have connections of their own.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// Begin begins a transaction, READ COMMITTED on PostgreSQL. On SQLite it waits until no other transaction is open. It is rolled back
// when ctx ends.
func (d *DB) Begin(ctx context.Context) (*Tx, error) {
	pool := d.writer
	if ctx.Value(urgentKey{}) != nil {
		pool = d.urgent
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	drv := inside{entsql.NewDriver(d.dialect, entsql.Conn{ExecQuerier: tx})}
	return &Tx{Ent: ent.NewClient(ent.Driver(drv)), SQL: tx}, nil
}

// Commit makes what was written last. When the connection breaks in the middle of it, the error is an [ErrInDoubt].
func (t *Tx) Commit() error {
	err := t.SQL.Commit()
	switch {
	case err == nil:
		return nil
	case inDoubt(err):
		return fmt.Errorf("%w: %w", ErrInDoubt, err)
	}
	return fmt.Errorf("commit transaction: %w", err)
}

// Rollback undoes what was written; after the transaction has ended it does nothing.
func (t *Tx) Rollback() error {
	if err := ended(t.SQL.Rollback()); err != nil {
		return fmt.Errorf("roll back transaction: %w", err)
	}
	return nil
}

func ended(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// inside is ent's driver within a transaction of ours. To write edges ent begins a transaction of its own, which here is this one.
type inside struct{ *entsql.Driver }

func (d inside) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }

func (d inside) BeginTx(context.Context, *sql.TxOptions) (dialect.Tx, error) {
	return dialect.NopTx(d), nil
}

func (d inside) Close() error { return nil }
