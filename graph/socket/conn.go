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

// conn is one connection. Its goroutines are the reader, one per operation, and short ones for Init and for each ping.
type conn struct {
	transport *Transport
	exec      graphql.GraphExecutor
	header    http.Header
	remote    string
	stranger  *stranger
	ws        *websocket.Conn
	raw       net.Conn // under ws

	ctx    context.Context // ends as soon as it is decided that the connection does
	cancel context.CancelFunc
	ending sync.Once
	closed chan struct{}
	tasks  sync.WaitGroup // all goroutines but the reader

	turn    chan struct{} // filled by whoever writes; end does not wait for it
	stall   *time.Timer   // runs during a write
	writing atomic.Bool

	pings      *time.Timer  // runs between them
	unanswered atomic.Int32 // of them, since the peer was last heard

	mu      sync.Mutex // never held during a write
	phase   phase
	base    context.Context // of operations, from Init
	active  map[string]*operation
	running int // operations that have not returned, among them those that the client has completed
}

func newConn(t *Transport, r *http.Request, exec graphql.GraphExecutor) *conn {
	c := &conn{
		transport: t,
		exec:      exec,
		header:    r.Header,
		remote:    r.RemoteAddr,
		closed:    make(chan struct{}),
		turn:      make(chan struct{}, 1),
		active:    map[string]*operation{},
	}
	// A hijacked connection outlives what may end the context of its request.
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	c.stall = stopped(c.stalled)
	c.pings = stopped(func() { c.due(c.beat) })
	return c
}

// stopped is a timer that does f once it is set.
func stopped(f func()) *time.Timer {
	t := time.AfterFunc(time.Hour, f)
	t.Stop()
	return t
}

// serve reads until the connection ends and returns when nothing of it is left.
func (c *conn) serve() {
	if c.ws.Subprotocol() != subprotocol {
		c.end(closing{4406, "Subprotocol not acceptable"})
	} else {
		t := c.transport.cfg
		defer time.AfterFunc(t.InitTimeout, c.mustHaveBegun).Stop()
		defer time.AfterFunc(2*t.InitTimeout, c.mustBeReady).Stop() // Init has its own time
		c.pings.Reset(t.PingEvery)
		defer c.pings.Stop()
		c.guard(c.read)
	}
	<-c.closed
	c.tasks.Wait()
}

func (c *conn) mustHaveBegun() {
	if c.in(opened) {
		c.end(closing{4408, "Connection initialisation timeout"})
	}
}

func (c *conn) mustBeReady() {
	if !c.in(ready) {
		c.end(later)
	}
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

// beat sends a ping, twice: as a frame, which every WebSocket library answers by itself, and as a message, by which a page notices
// that the server is gone. The answer to either will do, and so will anything else that the peer sends.
func (c *conn) beat() {
	if c.unanswered.Add(1) > 2 {
		c.end(closing{websocket.StatusTryAgainLater, "No pong"})
		return
	}
	c.control(pingFrame, nil)
	c.tell(message{Type: "ping"})
	c.pings.Reset(c.transport.cfg.PingEvery)
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
	frame := append([]byte{kind, byte(len(payload))}, payload...) // #nosec G115 -- a control frame has at most 125 bytes
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
		late := time.AfterFunc(c.grace(), c.cut)
		go func() {
			defer close(c.closed)
			_ = c.ws.Close(why.code, why.reason) // the peer may be gone
			late.Stop()
			_ = c.raw.Close()
		}()
	})
}

// graceOfStranger is for a client to take the close code that never came to be signed in: there may be very many of them.
const graceOfStranger = time.Second

func (c *conn) grace() time.Duration {
	if c.in(ready) {
		return c.transport.grace
	}
	return min(c.transport.grace, graceOfStranger)
}

// cut closes without more ado. When even a write is stuck, what the kernel holds for the peer is of no use: a reset frees it.
func (c *conn) cut() {
	if tcp := tcpOf(c.raw); tcp != nil && c.writing.Load() {
		_ = tcp.SetLinger(0)
	}
	_ = c.raw.Close()
}

func (c *conn) spawn(f func()) { c.tasks.Go(func() { c.guard(f) }) }

// due does what a timer is set for, unless the connection ends: then nobody may wait for it any more.
func (c *conn) due(f func()) {
	c.mu.Lock()
	if c.ctx.Err() != nil {
		c.mu.Unlock()
		return
	}
	c.tasks.Add(1)
	c.mu.Unlock()
	defer c.tasks.Done()
	c.guard(f)
}

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
