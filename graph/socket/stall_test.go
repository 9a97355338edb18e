package socket_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/graph/socket"
)

// Clients over TCP that ask for a flood and do not read: each is given up in its time, holds up nobody, and finds the code when it
// reads on later, after the server has long forgotten it.
func TestStalledReaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		config  socket.Config
		trigger func(*testing.T, *server, func())
		code    int
	}{
		{"by the write timeout", socket.Config{WriteTimeout: 500 * time.Millisecond}, func(*testing.T, *server, func()) {}, 1013},
		{"by a revoked token", socket.Config{WriteTimeout: time.Hour}, func(_ *testing.T, _ *server, revoke func()) { revoke() }, 4403},
		{"by a drain", socket.Config{WriteTimeout: time.Hour}, func(t *testing.T, s *server, _ func()) { s.drain(t) }, 1012},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			signedIn, revoke := context.WithCancel(t.Context())
			defer revoke()
			tt.config.Init = func(ctx context.Context, _ string) (context.Context, error) {
				ctx, end := context.WithCancel(ctx)
				context.AfterFunc(signedIn, end)
				return ctx, nil
			}
			s := newSchema()
			srv := serve(t, s, tt.config)
			const stalled = 5
			var clients []*client
			for range stalled {
				c := srv.dial(t, &websocket.DialOptions{Subprotocols: []string{protocol}, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: narrow}}})
				c.send(initialise)
				c.want(ack)
				c.send(subscribe("1", "subscription { flood }"), subscribe("2", "subscription { flood }"))
				clients = append(clients, c)
			}
			still(t, &s.flooded)
			tt.trigger(t, srv, revoke)
			srv.left(t)
			if n := srv.Connections(); n != 0 {
				t.Errorf("%d connections are left", n)
			}
			var reading sync.WaitGroup
			for _, c := range clients {
				reading.Go(func() {
					frame, err := "", error(nil)
					for ; err == nil; frame, err = c.next() {
						if frame == complete("1") || frame == complete("2") {
							t.Errorf("got %s", frame)
						}
					}
					if got := int(websocket.CloseStatus(err)); got != tt.code {
						t.Errorf("got %v, want %d", err, tt.code)
					}
				})
			}
			reading.Wait()
		})
	}
}

// still waits until the counter has stopped for a while.
func still(t *testing.T, counter *atomic.Int64) {
	t.Helper()
	for start, last := time.Now(), int64(-1); last != counter.Load(); <-time.After(100 * time.Millisecond) {
		if last = counter.Load(); time.Since(start) > patience {
			t.Fatal("nobody stalls")
		}
	}
}

// narrow connects with little room on the client's side, though more than a segment: with less, loopback crawls.
func narrow(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(128 << 10)
	}
	return c, err
}

// A stalled reader does not delay others.
func TestStalledReaderIsAlone(t *testing.T) {
	t.Parallel()
	s := newSchema()
	feeds := fed(s)
	srv := serve(t, s, socket.Config{WriteTimeout: patience})
	stuck := srv.connect(t)
	stuck.send(subscribe("1", "subscription { flood }"))
	c := srv.connect(t)
	c.send(subscribe("1", "subscription { fed }"))
	f := <-feeds
	for range 1000 {
		f.events <- `"one"`
		c.want(next("1", `{"fed":"one"}`))
	}
}

// Over TLS a connection is cut as surely, though the reset and the buffers are those of the TCP connection below.
func TestStalledReaderOverTLS(t *testing.T) {
	t.Parallel()
	srv := newServer(t, newSchema(), socket.Config{WriteTimeout: 500 * time.Millisecond})
	web := httptest.NewTLSServer(srv)
	t.Cleanup(web.Close)
	t.Cleanup(func() { srv.drain(t) })
	srv.url = web.URL
	c := srv.dial(t, &websocket.DialOptions{Subprotocols: []string{protocol}, HTTPClient: web.Client()})
	c.send(initialise)
	c.want(ack)
	c.send(subscribe("1", "subscription { flood }"))
	srv.left(t)
	err := error(nil)
	for err == nil {
		_, err = c.next()
	}
	if got := websocket.CloseStatus(err); got != websocket.StatusTryAgainLater {
		t.Errorf("got %v", err)
	}
}
