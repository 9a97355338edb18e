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

	"github.com/maskline/maskline/internal/database"
)

// Listen makes a listener for PostgreSQL's notifications, as [database.DB.Listen] does.
type Listen = func(ctx context.Context, quiet time.Duration, hear func(*pq.Notification)) *database.Listener

// listeningDriver is River's driver for database/sql, which notifies but cannot listen,
// with ears: a job inserted elsewhere is started at once instead of at the next poll.
type listeningDriver struct {
	*riverdatabasesql.Driver
	db     *sql.DB
	listen Listen
}

func (d *listeningDriver) SupportsListener() bool { return true }

func (d *listeningDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{db: d.db, listen: d.listen}
}

const (
	listenQuiet = 10 * time.Second
	heardAtMost = 64 // that nobody has read; a reader who is behind has enough to wake up for
)

// listener lets River listen on a connection that is made again by itself. River knows
// nothing of its being lost: it would wait for up to a minute before it connects again,
// and what it does not hear meanwhile its polls find.
type listener struct {
	db     *sql.DB
	listen Listen
	schema string
	from   *database.Listener
	stop   context.CancelFunc
	heard  chan *pq.Notification
}

func (l *listener) Connect(ctx context.Context) error {
	// River notifies on channels that begin with the schema its tables are in.
	if err := l.db.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&l.schema); err != nil {
		return fmt.Errorf("find current schema: %w", err)
	}
	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	heard := make(chan *pq.Notification, heardAtMost)
	l.from = l.listen(lasting, listenQuiet, func(n *pq.Notification) {
		if n == nil {
			return
		}
		select {
		case heard <- n:
		default:
		}
	})
	l.stop, l.heard = stop, heard
	return nil
}

func (l *listener) Close(context.Context) error {
	if l.stop != nil {
		l.stop()
	}
	l.stop, l.from = nil, nil
	return nil
}

func (l *listener) Listen(_ context.Context, topic string) error {
	if l.from == nil {
		return errors.New("listener is not connected")
	}
	l.from.On(l.prefix() + topic)
	return nil
}

// Unlisten leaves the few channels be until the listener is closed.
func (l *listener) Unlisten(context.Context, string) error { return nil }

// Ping is not for River to do: the connection is looked after beneath it.
func (l *listener) Ping(context.Context) error { return nil }

func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case n := <-l.heard:
		return &riverdriver.Notification{Topic: strings.TrimPrefix(n.Channel, l.prefix()), Payload: n.Extra}, nil
	}
}

func (l *listener) prefix() string { return l.schema + "." }

func (l *listener) Schema() string { return l.schema }

func (l *listener) SetAfterConnectExec(string) {} // only River's own tests ask for it
