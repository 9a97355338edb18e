package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/99designs/gqlgen/graphql"
)

// conn is one connection. Its goroutines are the reader, which is the HTTP handler's own; the keeper, which minds the time and never
// writes; one per operation; and short ones for Init and for each ping.
type conn struct {
	transport *Transport
	exec      graphql.GraphExecutor
	header    http.Header
	remote    string
	ws        *websocket.Conn
	raw       net.Conn // under ws

	ctx      context.Context // ends as soon as it is decided that the connection does
	cancel   context.CancelFunc
	ending   sync.Once
	closed   chan struct{}
	tasks    sync.WaitGroup // all goroutines but the reader
	sessions chan admitted  // from Init to the keeper, once

	turn    chan struct{} // filled by whoever writes; end does not wait for it
	stall   *time.Timer   // runs during a write
	writing atomic.Bool

	unanswered atomic.Int32 // pings, since the peer was last heard
	beating    atomic.Bool

	mu      sync.Mutex // never held during a write
	phase   phase
	base    context.Context // of operations, from Init
	active  map[string]*operation
	running int // operations that have not returned, among them those that the client has completed
}

type admitted struct {
	ctx     context.Context
	session *Session
}

func newConn(t *Transport, r *http.Request, exec graphql.GraphExecutor) *conn {
	c := &conn{
		transport: t,
		exec:      exec,
		header:    r.Header,
		remote:    r.RemoteAddr,
		closed:    make(chan struct{}),
		sessions:  make(chan admitted, 1),
		turn:      make(chan struct{}, 1),
		active:    map[string]*operation{},
	}
	// A hijacked connection outlives what may end the context of its request.
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	c.stall = time.AfterFunc(time.Hour, c.stalled)
	c.stall.Stop()
	return c
}

// serve reads until the connection ends and returns when nothing of it is left.
func (c *conn) serve() {
	if c.ws.Subprotocol() != subprotocol {
		c.end(closing{4406, "Subprotocol not acceptable"})
	} else {
		c.spawn(c.keep)
		c.guard(c.read)
	}
	<-c.closed
	c.tasks.Wait()
}

func (c *conn) read() {
	for c.ctx.Err() == nil {
		kind, data, err := c.ws.Read(context.Background()) // ended by raw
		if err != nil {
			c.end(afterReading(err))
			return
		}
		c.heard()
		c.take(kind, data)
	}
}

// afterReading is how to close a connection that cannot be read any more.
func afterReading(err error) closing {
	var (
		peers   websocket.CloseError
		network net.Error
	)
	switch {
	case errors.As(err, &peers):
		return closing{peers.Code, "Closed by the peer"}
	case errors.Is(err, websocket.ErrMessageTooBig):
		return closing{websocket.StatusMessageTooBig, "Message too big"}
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.As(err, &network):
		return closing{websocket.StatusGoingAway, "Peer gone"} // nobody hears it
	default:
		return closing{websocket.StatusProtocolError, "Invalid frame"}
	}
}

// keep ends the connection when its time is over.
func (c *conn) keep() {
	t := c.transport.cfg
	opening := time.NewTimer(t.InitTimeout)
	defer opening.Stop()
	pings := time.NewTicker(t.PingEvery)
	defer pings.Stop()
	expiry := time.NewTimer(time.Hour)
	expiry.Stop()
	defer expiry.Stop()
	now := admitted{ctx: context.Background(), session: &Session{}}
	again := false
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-opening.C:
			switch {
			case c.in(opened):
				c.end(closing{4408, "Connection initialisation timeout"})
			case again:
				c.end(later)
			default: // Init has its own time
				again = true
				opening.Reset(t.InitTimeout)
			}
		case now = <-c.sessions:
			opening.Stop()
			if !now.session.Expires.IsZero() {
				expiry.Reset(time.Until(now.session.Expires))
			}
		case <-expiry.C:
			c.end(closing{4403, "Token expired"})
		case <-now.session.Revoked:
			c.end(closing{4403, "Token revoked"})
		case <-now.ctx.Done():
			c.end(closing{4403, "Session over"})
		case <-pings.C:
			c.beat()
		}
	}
}

// beat sends a ping, twice: as a frame, which every WebSocket library answers by itself, and as a message, by which a page notices
// that the server is gone. The answer to either will do, and so will anything else that the peer sends.
func (c *conn) beat() {
	if c.unanswered.Add(1) > 2 {
		c.end(closing{websocket.StatusTryAgainLater, "No pong"})
		return
	}
	if !c.beating.CompareAndSwap(false, true) {
		return // the last one still waits for its turn
	}
	c.spawn(func() {
		c.control(pingFrame, nil)
		c.tell(message{Type: "ping"})
		c.beating.Store(false)
	})
}

func (c *conn) heard() { c.unanswered.Store(0) }

func (c *conn) ponged(context.Context, []byte) { c.heard() }

// pinged answers a WebSocket ping, and tells the websocket package not to.
func (c *conn) pinged(_ context.Context, payload []byte) bool {
	c.heard()
	c.control(pongFrame, payload)
	return false
}

// hold waits for the turn to write. It returns false, without the turn, when ctx is over: then nothing may be sent any more.
func (c *conn) hold(ctx context.Context) bool {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if ctx.Err() != nil {
		c.pass()
		return false
	}
	return true
}

func (c *conn) pass() { <-c.turn }

// write sends what encode made. The caller has the turn.
func (c *conn) write(data []byte) {
	c.watch(func() error { return c.ws.Write(context.Background(), websocket.MessageText, data) }) // ended by raw
}

const pingFrame, pongFrame = 0x89, 0x8a

// control sends a frame that the websocket package would give only 5 s, and then cut the connection rather than close it. A frame in
// one piece may go past the package: between its messages, by the turn, and not into its control frames, which go in one piece as well.
func (c *conn) control(kind byte, payload []byte) {
	frame := append([]byte{kind, byte(len(payload))}, payload...)
	if c.hold(c.ctx) {
		defer c.pass()
		c.watch(func() error { _, err := c.raw.Write(frame); return err })
	}
}

// watch gives what writes its time, and ends the connection when that is over.
func (c *conn) watch(write func() error) {
	c.writing.Store(true)
	c.stall.Reset(c.transport.cfg.WriteTimeout)
	err := write()
	c.stall.Stop()
	c.writing.Store(false)
	if err != nil {
		c.end(later)
	}
}

// tell sends a message that belongs to no operation.
func (c *conn) tell(m message) {
	data := encode(m)
	if c.hold(c.ctx) {
		defer c.pass()
		c.write(data)
	}
}

func (c *conn) stalled() {
	if c.writing.Load() {
		c.end(closing{websocket.StatusTryAgainLater, "Reader stalled"})
	}
}

// end closes the connection; what is said first counts. It does not wait, and nothing can make it wait.
func (c *conn) end(why closing) {
	c.ending.Do(func() {
		c.transport.cfg.Log.Debug("socket closes", "remote", c.remote, "code", int(why.code), "reason", why.reason)
		c.cancel()
		c.mu.Lock()
		for _, o := range c.active { // in case that Init's context does not descend from ours
			o.cancel()
		}
		c.mu.Unlock()
		if tcp := tcpOf(c.raw); tcp != nil {
			_ = tcp.SetWriteBuffer(lastBuffer) // else the code will not reach a stalled reader
		}
		late := time.AfterFunc(c.transport.grace, c.cut)
		go func() {
			defer close(c.closed)
			_ = c.ws.Close(why.code, why.reason) // the peer may be gone
			late.Stop()
			_ = c.raw.Close()
		}()
	})
}

// cut closes without more ado. When even a write is stuck, what the kernel holds for the peer is of no use: a reset frees it.
func (c *conn) cut() {
	if tcp := tcpOf(c.raw); tcp != nil && c.writing.Load() {
		_ = tcp.SetLinger(0)
	}
	_ = c.raw.Close()
}

func (c *conn) spawn(f func()) { c.tasks.Go(func() { c.guard(f) }) }

// guard closes the connection when f panics.
func (c *conn) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.transport.cfg.Panicked()
			c.transport.cfg.Log.Error("socket panicked", "panic", r, "stack", string(debug.Stack()))
			c.end(closing{4500, "Internal server error"})
		}
	}()
	f()
}
