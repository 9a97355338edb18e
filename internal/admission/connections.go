package admission

import (
	"container/list"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// connections are all that are open. Each of them waits for its client to send a request, or is held by a request that is being answered, by a
// socket or by an event stream.
type connections struct {
	most   int // open
	others int // held without being reserved

	mu      sync.Mutex
	open    int
	held    int       // of those that are not reserved
	waiting list.List // of *conn, who has waited longest first
}

// conn is one connection.
type conn struct {
	*net.TCPConn
	all     *connections
	waiting *list.Element // nil while it is held
	since   time.Time     // it waits
	counts  bool          // in held
	gone    bool

	reads atomic.Int64 // since then, in nanoseconds since 1970; 0: not now
}

// Read notes how long the client keeps it waiting.
func (c *conn) Read(b []byte) (int, error) {
	c.reads.Store(time.Now().UnixNano())
	defer c.reads.Store(0)
	return c.TCPConn.Read(b)
}

// stalls tells whether a connection has had its time: it waits for the next bytes of its client, or for all of a request.
func (c *conn) stalls(now time.Time, bytes, request time.Duration) bool {
	reads := c.reads.Load()
	return now.Sub(c.since) >= request || reads > 0 && now.UnixNano()-reads >= int64(bytes)
}

// NetConn is what is beneath it.
func (c *conn) NetConn() net.Conn { return c.TCPConn }

// Close closes the connection and makes room for another.
func (c *conn) Close() error {
	c.all.leave(c)
	return c.TCPConn.Close()
}

func (a *connections) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}

func (a *connections) enter(tcp *net.TCPConn) *conn {
	c := &conn{TCPConn: tcp, all: a}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open++
	a.toWaiting(c)
	return c
}

// wait notes that a connection waits for its client from now on.
func (a *connections) wait(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !c.gone {
		a.release(c)
		a.toWaiting(c)
	}
}

// hold notes that the request of a connection is being answered. It returns false when only the reserve is left, and that is not for this one.
func (a *connections) hold(c *conn, reserved bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.gone || !reserved && a.held >= a.others {
		return false
	}
	a.release(c)
	if !reserved {
		c.counts = true
		a.held++
	}
	return true
}

func (a *connections) leave(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(c)
}

// forget, toWaiting and release are called with mu.
func (a *connections) forget(c *conn) {
	if !c.gone {
		c.gone = true
		a.release(c)
		a.open--
	}
}

func (a *connections) toWaiting(c *conn) {
	c.since = time.Now()
	c.waiting = a.waiting.PushBack(c)
}

func (a *connections) release(c *conn) {
	if c.waiting != nil {
		a.waiting.Remove(c.waiting)
		c.waiting = nil
	}
	if c.counts {
		c.counts = false
		a.held--
	}
}

func (a *connections) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open >= a.most
}

// lookAt is how many are looked at for one that stalls. Nearly always the first does.
const lookAt = 100

// takeStalled takes out the connection that has waited longest of those that stall.
func (a *connections) takeStalled(bytes, request time.Duration) *conn {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, at := time.Now(), a.waiting.Front()
	for i := 0; at != nil && i < lookAt; i, at = i+1, at.Next() {
		if c := at.Value.(*conn); c.stalls(now, bytes, request) {
			a.forget(c)
			return c
		}
	}
	return nil
}

// listener accepts a connection when there is room for it.
type listener struct {
	net.Listener
	room *Room
	once sync.Once
	done chan struct{}
}

// lookEvery is how often a full room is looked at.
const lookEvery = 2 * time.Millisecond

// Accept waits for room, and makes some if it can, before it takes a connection from the system's queue.
func (l *listener) Accept() (net.Conn, error) {
	for {
		for l.room.conns.full() && !l.room.closeStalled() {
			if !l.pause() {
				return nil, net.ErrClosed
			}
		}
		c, err := l.Listener.Accept()
		if isOutOfFiles(err) {
			if !l.room.closeStalled() && !l.pause() {
				return nil, net.ErrClosed
			}
			continue
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			return l.room.conns.enter(tcp), err
		}
		return c, err
	}
}

func (l *listener) pause() (open bool) {
	select {
	case <-l.done:
		return false
	case <-time.After(lookEvery):
		return true
	}
}

// Close closes the listener, and ends Accept.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// closeStalled closes the connection that has waited longest for its client, of those that have had their time.
func (r *Room) closeStalled() bool {
	c := r.conns.takeStalled(r.cfg.Bytes, r.cfg.Request)
	if c == nil {
		return false
	}
	r.refused.WithLabelValues("connection_closed").Inc()
	_ = c.SetLinger(0) // nothing that the client has sent or not yet read is kept
	_ = c.TCPConn.Close()
	return true
}

func isOutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
