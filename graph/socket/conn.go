package socket

import (
	"context"
	"errors"
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

	ctx      context.Context // ends when it is decided that the connection does
	cancel   context.CancelFunc
	ending   sync.Once
	closed   chan struct{}
	tasks    sync.WaitGroup // all goroutines but the reader
	sessions chan admitted  // from Init to the keeper, once

	turn    chan struct{} // filled by whoever writes; end does not wait for it
	stall   *time.Timer   // runs during a write
	writing atomic.Int64  // since when, in Unix nanoseconds; 0: nobody is

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
	var peers websocket.CloseError
	switch {
	case errors.As(err, &peers):
		return closing{peers.Code, "closed by the peer"}
	case errors.Is(err, websocket.ErrMessageTooBig):
		return closing{websocket.StatusMessageTooBig, "Message too big"}
	default:
		return closing{websocket.StatusProtocolError, "Unreadable frame"} // most often nobody is there to see it
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
	initialising := false
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-opening.C:
			switch {
			case c.in(opened):
				c.end(closing{4408, "Connection initialisation timeout"})
			case initialising:
				c.end(later)
			default:
				initialising = true
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

// beat sends a ping, twice: as a message, by which clients notice when the server is gone, and as a frame, which every WebSocket
// library answers by itself. The answer to either will do, and so will any other message.
func (c *conn) beat() {
	if c.unanswered.Add(1) > 2 {
		c.end(closing{websocket.StatusTryAgainLater, "No pong"})
		return
	}
	if !c.beating.CompareAndSwap(false, true) {
		return // the last one still waits for its turn
	}
	c.spawn(func() {
		c.tell(message{Type: "ping"})
		c.beating.Store(false)
		ctx, cancel := context.WithTimeout(c.ctx, c.transport.cfg.PingEvery)
		defer cancel()
		_ = c.ws.Ping(ctx) // what matters is ponged
	})
}

func (c *conn) heard() { c.unanswered.Store(0) }

func (c *conn) ponged(context.Context, []byte) { c.heard() }

// pinged tells whether to answer a WebSocket ping. While a write is stuck the pong would be stuck as well, and the websocket package
// gives up the whole connection after 5 s of that.
func (c *conn) pinged(context.Context, []byte) bool {
	c.heard()
	since := c.writing.Load()
	return since == 0 || time.Since(time.Unix(0, since)) < time.Second
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
	c.writing.Store(time.Now().UnixNano())
	c.stall.Reset(c.transport.cfg.WriteTimeout)
	err := c.ws.Write(context.Background(), websocket.MessageText, data) // ended by raw
	c.stall.Stop()
	c.writing.Store(0)
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
	if c.writing.Load() != 0 {
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
	if tcp := tcpOf(c.raw); tcp != nil && c.writing.Load() != 0 {
		_ = tcp.SetLinger(0)
	}
	_ = c.raw.Close()
}

func (c *conn) spawn(f func()) { c.tasks.Go(func() { c.guard(f) }) }

// guard closes the connection when f panics.
func (c *conn) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.transport.cfg.Log.Error("socket panicked", "panic", r, "stack", string(debug.Stack()))
			c.end(closing{4500, "Internal server error"})
		}
	}()
	f()
}
