package database

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	// grace is how much longer than its context a request may take: time for PostgreSQL to obey the cancellation, so that the
	// connection lives on.
	grace = 500 * time.Millisecond
	// cancelBound is for each step of asking a server to cancel something.
	cancelBound = time.Second
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// dialer gives lib/pq connections on which nothing waits for ever: by itself it goes on waiting for a frozen server, or a network
// that swallows everything, long after a request's context has ended.
type dialer struct {
	dial  dialFunc
	bound time.Duration // of one read or write; 0: none
}

// wireKey is where a context takes the *wire of a connection from the dialer to the pool.
type wireKey struct{}

// DialContext connects. Whoever dials without a place for the wire wants to cancel a request.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	place, pooled := ctx.Value(wireKey{}).(**wire)
	if !pooled {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cancelBound)
		defer cancel()
		d.bound = cancelBound
	}
	c, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: c, bound: d.bound}
	if pooled {
		*place = w
	}
	return w, nil
}

// Dial is there for lib/pq's interface, which prefers DialContext.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout is there for lib/pq's interface, which prefers DialContext.
func (d dialer) DialTimeout(network, address string, t time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), t)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// wire is a connection of which each read and write has an end.
type wire struct {
	net.Conn
	bound  time.Duration
	limit  atomic.Pointer[time.Time] // of the present request; nil: none
	broken atomic.Bool
	silent atomic.Bool // nothing came, or was taken, in time
}

// SetDeadline sets when the present request ends; lib/pq calls it too, around signing in.
func (w *wire) SetDeadline(t time.Time) error {
	if t.IsZero() {
		w.limit.Store(nil)
	} else {
		w.limit.Store(&t)
	}
	return nil
}

func (w *wire) deadline() time.Time {
	var end time.Time
	if w.bound > 0 {
		end = time.Now().Add(w.bound)
	}
	if l := w.limit.Load(); l != nil && (end.IsZero() || l.Before(end)) {
		end = *l
	}
	return end
}

func (w *wire) Read(p []byte) (int, error) {
	if err := w.Conn.SetReadDeadline(w.deadline()); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(p)
	return n, w.note(err)
}

func (w *wire) Write(p []byte) (int, error) {
	if err := w.Conn.SetWriteDeadline(w.deadline()); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(p)
	return n, w.note(err)
}

func (w *wire) note(err error) error {
	if err != nil {
		w.broken.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.silent.Store(true)
	}
	return err
}
