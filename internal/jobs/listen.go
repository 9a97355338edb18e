package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
)

// listeningDriver is River's driver for database/sql, which notifies but cannot listen,
// with ears: a job inserted elsewhere is started at once instead of at the next poll.
type listeningDriver struct {
	*riverdatabasesql.Driver
	db  *sql.DB
	dsn string
}

func (d *listeningDriver) SupportsListener() bool { return true }

func (d *listeningDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{db: d.db, dsn: d.dsn}
}

const pingWithin = 5 * time.Second

// listener is one connection that listens. It does not reconnect: River closes a
// listener that failed and connects it again, with growing pauses, for as long as it
// runs. pq.Listener, which reconnects by itself, would do that under River's feet, and
// blocks in Listen for as long as the database is away, past any context.
type listener struct {
	db     *sql.DB
	dsn    string
	schema string
	conn   *pq.ListenerConn
	heard  chan *pq.Notification
}

func (l *listener) Connect(ctx context.Context) error {
	// River notifies on channels that begin with the schema its tables are in.
	if err := l.db.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&l.schema); err != nil {
		return fmt.Errorf("find current schema: %w", err)
	}
	raw := make(chan *pq.Notification)
	type dialled struct {
		conn *pq.ListenerConn
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		conn, err := pq.NewListenerConn(l.dsn, raw)
		done <- dialled{conn, err}
	}()
	select {
	case d := <-done:
		if d.err != nil {
			return fmt.Errorf("connect to listen: %w", d.err)
		}
		l.conn, l.heard = d.conn, make(chan *pq.Notification, 64)
		go relay(raw, l.heard)
		return nil
	case <-ctx.Done():
		go func() { // it may still connect, with nobody left to use it
			if d := <-done; d.err == nil {
				go relay(raw, make(chan *pq.Notification))
				_ = d.conn.Close() // fails only if it is closed already
			}
		}()
		return ctx.Err()
	}
}

// relay never lets the connection wait: a reader who is behind has enough to wake up
// for, and pq answers no query while a notification waits to be read.
func relay(from <-chan *pq.Notification, to chan<- *pq.Notification) {
	defer close(to)
	for n := range from {
		select {
		case to <- n:
		default:
		}
	}
}

func (l *listener) Close(context.Context) error {
	if l.conn == nil {
		return nil
	}
	// The connection is often lost before River closes it, and pq calls that an error.
	_ = l.conn.Close()
	l.conn = nil
	return nil
}

func (l *listener) Listen(ctx context.Context, topic string) error {
	return l.exec(ctx, "LISTEN "+pq.QuoteIdentifier(l.prefix()+topic))
}

func (l *listener) Unlisten(ctx context.Context, topic string) error {
	return l.exec(ctx, "UNLISTEN "+pq.QuoteIdentifier(l.prefix()+topic))
}

func (l *listener) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	return l.exec(ctx, "")
}

// exec gives up when ctx ends, which pq does not: River then closes the connection, and
// with it what still waits for an answer.
func (l *listener) exec(ctx context.Context, query string) error {
	conn := l.conn
	if conn == nil {
		return errors.New("listener is not connected")
	}
	done := make(chan error, 1)
	go func() {
		_, err := conn.ExecSimpleQuery(query)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case n, ok := <-l.heard:
		if !ok {
			return nil, errors.New("listener lost its connection")
		}
		return &riverdriver.Notification{Topic: strings.TrimPrefix(n.Channel, l.prefix()), Payload: n.Extra}, nil
	}
}

func (l *listener) prefix() string { return l.schema + "." }

func (l *listener) Schema() string { return l.schema }

func (l *listener) SetAfterConnectExec(string) {} // only River's own tests ask for it
