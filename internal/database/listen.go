package database

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"
)

const (
	listenAgain = 100 * time.Millisecond // after the connection is lost, and then twice as long, up to
	listenSlow  = time.Second
)

// Listener hears PostgreSQL's notifications on a connection of its own, for as long as its context lasts. Whenever that connection is lost,
// nothing is heard on it for too long, or its server takes no writes, it makes another, a second later at the most.
type Listener struct {
	ctx    context.Context
	health *health
	from   *pq.Listener
}

// Listen makes a listener. Each quiet time without a notification it asks the server whether it is there, and after two without an answer it
// leaves the connection. It calls hear with each notification, and with nil when some may have been missed.
func (d *DB) Listen(ctx context.Context, quiet time.Duration, hear func(*pq.Notification)) *Listener {
	dial := &listenDialer{dial: d.dial, silence: 2 * quiet, health: d.health}
	l := &Listener{ctx: ctx, health: d.health}
	l.from = pq.NewDialListener(dial, d.plain, listenAgain, listenSlow, l.happened)
	go l.run(quiet, hear)
	return l
}

func (l *Listener) happened(_ pq.ListenerEventType, err error) {
	if err != nil {
		l.failed(err)
	}
}

// failed has the pools dropped too when the server would not have us listen since it is a standby.
func (l *Listener) failed(err error) {
	if l.ctx.Err() != nil || errors.Is(err, net.ErrClosed) { // by us
		return
	}
	l.health.failedWith(&connectError{err})
	if isReadOnly(err) {
		l.health.lose(l.health.generation.Load())
	}
}

func (l *Listener) run(quiet time.Duration, hear func(*pq.Notification)) {
	defer func() { go l.end() }() // it waits for a ping that a frozen server does not answer, and we do not
	for {
		select {
		case <-l.ctx.Done():
			return
		case n := <-l.from.Notify:
			hear(n)
		case <-time.After(quiet):
			go func() { _ = l.from.Ping() }() // what it hears shows that the connection lives; otherwise it ends, and there will be another
		}
	}
}

func (l *Listener) end() {
	_ = l.from.Close()
	for range l.from.Notify { // until it has ended
	}
}

// On begins to listen on a channel, now or as soon as a server lets it.
func (l *Listener) On(channel string) {
	go func() {
		for {
			err := l.from.Listen(channel)
			if err == nil || errors.Is(err, pq.ErrChannelAlreadyOpen) || errors.Is(err, net.ErrClosed) {
				return
			}
			l.failed(err)
			if sleep(l.ctx, listenSlow) != nil {
				return
			}
		}
	}()
}

// listenDialer makes connections that end when nothing has come for so long, since lib/pq itself would wait for a frozen server for ever, and
// when the pools drop theirs.
type listenDialer struct {
	dial    dialFunc
	silence time.Duration
	health  *health
}

// Dial connects.
func (d *listenDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialTimeout(network, address, d.silence)
}

// DialTimeout connects within a time.
func (d *listenDialer) DialTimeout(network, address string, within time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	c, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	forget := d.health.onLoss(func() { _ = c.Close() })
	return &mortal{Conn: c, silence: d.silence, forget: forget}, nil
}

type mortal struct {
	net.Conn
	silence time.Duration
	forget  func()
	once    sync.Once
}

// Read reads what comes before the silence gets too long.
func (m *mortal) Read(p []byte) (int, error) {
	if err := m.SetReadDeadline(time.Now().Add(m.silence)); err != nil {
		return 0, err
	}
	return m.Conn.Read(p)
}

// Close ends the connection.
func (m *mortal) Close() error {
	m.once.Do(m.forget)
	return m.Conn.Close()
}
