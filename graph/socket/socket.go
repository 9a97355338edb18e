// Package socket speaks GraphQL over WebSocket: the subprotocol graphql-transport-ws and no other, as a transport of gqlgen.
//
// It promises:
//
//   - Each way to break the protocol has the close code that the protocol gives it; see the table in protocol.go. What passes (a
//     restart, a reader that stalls, a peer that is gone) closes with a code after which clients come back by themselves: 1012 and 1013.
//   - A client hears `complete` only when an operation is really over, never because its connection is being closed: clients do not
//     subscribe again after `complete`. There is one `error` or one `complete` for an operation, and nothing after it; nor is anything
//     sent for an operation after the client's own `complete`.
//   - Nothing that a client does, or fails to do, holds a connection: no lock that closing needs is held while something is written, so
//     that a drain and a revoked token close stalled connections too. A stalled reader costs about 128 KiB of the kernel's memory, not megabytes.
//   - A panic in an operation costs that operation.
//   - When a connection ends, so do the contexts of its operations. It counts as open until they have all returned.
//
// Its ends come from its session, [Transport.Drain] and the peer, never from the context of the HTTP request: that only lends its values,
// and the request is over once the connection is upgraded.
package socket

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// ErrUnavailable, wrapped in the error of [Config.Init], says that the token could not be checked now: it closes with 1013, try again
// later, where any other error closes with 4403.
var ErrUnavailable = errors.New("the token cannot be checked now")

// Config is what a [Transport] needs to know. All durations and numbers may be left out.
type Config struct {
	// Init says who connects, by the text under "authorization" (in any case) in the payload of connection_init, "" when there is
	// none. Operations run under the context that it returns, which must descend from the one that it is given: that ends with the
	// connection, and may be used to let go of what belongs to it. It is the session: when it ends, since the token has expired (by a
	// deadline) or was revoked (cancelled), the connection is closed with 4403.
	Init func(ctx context.Context, authorization string) (context.Context, error)

	// Origins says whether the page that a browser's request names in Origin may connect; if not, it is answered 403 before the
	// upgrade. It is not asked when there is no Origin. Without it only pages of the request's own host may.
	Origins func(r *http.Request) bool

	// Peer names who sent a request, or is empty when no limit of one peer applies. Without it none does.
	Peer func(r *http.Request) string

	InitTimeout    time.Duration // from the upgrade to connection_init (else 4408), and again for Init (else 1013); 10 s
	PingEvery      time.Duration // a peer that leaves two of them unanswered is gone: 1013; 20 s
	WriteTimeout   time.Duration // for the peer to take one message (else 1013); 10 s
	MaxMessage     int64         // bytes that a client's message may have (else 1009); 64 KiB
	MaxOperations  int           // that may be active on one connection (one more is answered TOO_COMPLEX); 50
	MaxConnections int           // that may be open after connection_init, whoever's they are (one more is answered 503); 10,000

	MaxWaiting      int // connections that may wait for connection_init (the first of them makes room for one more: 1013); 256
	MaxWaitingOfOne int // of one peer (one more is answered 429); 20

	Panicked func() // is told of each panic that no recover function of gqlgen was asked about

	Log *slog.Logger // nothing is logged without it
}

// Transport serves WebSocket connections; it is a [graphql.Transport].
type Transport struct {
	cfg   Config        // with its defaults
	grace time.Duration // from the decision to close a connection to cutting it

	mu        sync.Mutex
	draining  bool
	conns     map[*conn]struct{}
	strangers strangers
	users     int            // connections that have sent connection_init
	open      sync.WaitGroup // for all connections, and requests that are being upgraded
}

var _ graphql.Transport = (*Transport)(nil)

// New is a transport. It panics without [Config.Init], which would let everybody in.
func New(c Config) *Transport {
	if c.Init == nil {
		panic("socket: Config.Init is missing")
	}
	c.InitTimeout = cmp.Or(c.InitTimeout, 10*time.Second)
	c.PingEvery = cmp.Or(c.PingEvery, 20*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.MaxMessage = cmp.Or(c.MaxMessage, 64<<10)
	c.MaxOperations = cmp.Or(c.MaxOperations, 50)
	c.MaxConnections = cmp.Or(c.MaxConnections, 10_000)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 256)
	c.MaxWaitingOfOne = cmp.Or(c.MaxWaitingOfOne, 20)
	if c.Peer == nil {
		c.Peer = func(*http.Request) string { return "" }
	}
	if c.Panicked == nil {
		c.Panicked = func() {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Transport{cfg: c, grace: min(c.WriteTimeout, 3*time.Second), conns: map[*conn]struct{}{}, strangers: strangers{of: map[string]int{}}}
}

// Supports tells whether r asks to become a WebSocket, and nothing else.
func (t *Transport) Supports(r *http.Request) bool {
	upgrade := r.Header.Values("Upgrade")
	return len(upgrade) == 1 && strings.EqualFold(strings.TrimSpace(upgrade[0]), "websocket")
}

// Do opens one connection, and leaves it to a goroutine of its own: what the HTTP server has built up to come here is not needed any more.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if !t.mayConnect(r) {
		refuse(w, http.StatusForbidden, "FORBIDDEN", "This page may not connect.")
		return
	}
	one, no := t.admit(t.cfg.Peer(r))
	if no != nil {
		w.Header().Set("Retry-After", "1")
		refuse(w, no.status, no.code, no.message)
		return
	}
	served := false
	defer func() {
		if !served {
			t.leave(one)
		}
	}()
	c, err := t.upgrade(w, r, exec)
	if err != nil { // and w has the answer
		t.cfg.Log.DebugContext(r.Context(), "socket refused", "error", err)
		return
	}
	served = true
	c.stranger = one
	go t.serve(c)
}

func (t *Transport) serve(c *conn) {
	defer t.leave(c.stranger)
	defer t.forget(c)
	t.remember(c)
	c.serve()
}

// Connections is how many connections there are.
func (t *Transport) Connections() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns)
}

// Drain closes all connections with 1012, evenly over the time spread lest their clients return all at once, and answers new ones with
// 503 from now on. No subscription hears `complete` from it. It returns when every connection is closed and its operations have
// returned; when ctx ends first, it cuts what is left and returns the context's error.
func (t *Transport) Drain(ctx context.Context, spread time.Duration) error {
	conns := t.refuseMore()
	start := time.Now()
	for i, c := range conns {
		if wait(ctx, time.Until(start.Add(spread*time.Duration(i)/time.Duration(len(conns))))) {
			c.end(restarts)
		}
	}
	gone := make(chan struct{})
	go func() {
		t.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	for _, c := range conns {
		c.end(restarts)
		c.cut()
	}
	return ctx.Err()
}

func (t *Transport) refuseMore() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draining = true
	conns := make([]*conn, 0, len(t.conns))
	for c := range t.conns {
		conns = append(conns, c)
	}
	return conns
}

// remember makes c known to Drain. One that was admitted before a drain and upgraded after its start is closed here.
func (t *Transport) remember(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns[c] = struct{}{}
	c.stranger.conn = c
	if t.draining {
		c.end(restarts)
	}
}

func (t *Transport) forget(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

// wait tells whether d passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
