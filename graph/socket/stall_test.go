package socket_test

import (
	"context"
	"net"
	"net/http"
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
		{"by a drain", socket.Config{WriteTimeout: time.Hour}, func(t *testing.T, s *server, _ func()) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.Drain(ctx, 100*time.Millisecond); err != nil {
				t.Errorf("drain: %v", err)
			}
		}, 1012},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			revoked := make(chan struct{})
			tt.config.Init = func(ctx context.Context, _ string) (context.Context, *socket.Session, error) {
				return ctx, &socket.Session{Revoked: revoked}, nil
			}
			srv := serve(t, newSchema(), tt.config)
			const stalled = 10
			var clients []*client
			for range stalled {
				c := srv.dial(t, &websocket.DialOptions{Subprotocols: []string{protocol}, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: narrow}}})
				c.send(initialise)
				c.want(ack)
				c.send(subscribe("1", "subscription { flood }"), subscribe("2", "subscription { flood }"))
				clients = append(clients, c)
			}
			tt.trigger(t, srv, func() { close(revoked) })
			srv.left(t, stalled)
			if n := srv.Connections(); n != 0 {
				t.Errorf("%d connections are left", n)
			}
			for _, c := range clients {
				for {
					if frame, err := c.next(); err != nil {
						if got := int(websocket.CloseStatus(err)); got != tt.code {
							t.Errorf("got %v, want %d", err, tt.code)
						}
						break
					} else if frame == complete("1") || frame == complete("2") {
						t.Errorf("got %s", frame)
					}
				}
			}
		})
	}
}

// narrow connects with little room on the client's side.
func narrow(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
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
