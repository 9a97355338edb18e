package socket_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/graph/socket"
)

// These run on a clock of their own over pipes in memory, with the defaults of the contract. When a goroutine is left at the end, the
// bubble fails the test. Nothing is buffered in a pipe: who does not read stalls the writer at once.
func bubble(t *testing.T, c socket.Config, story func(t *testing.T, s *server, dial func(*websocket.DialOptions) *client)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t, newSchema(), c)
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		web := &http.Server{Handler: srv}
		go func() { _ = web.Serve(l) }()
		defer func() {
			_ = web.Close()
			synctest.Wait()
			if n := srv.Connections(); n != 0 {
				t.Errorf("%d connections are left", n)
			}
		}()
		srv.url = "http://pipe"
		via := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return l.dial() }}
		story(t, srv, func(o *websocket.DialOptions) *client {
			how := websocket.DialOptions{}
			if o != nil {
				how = *o
			}
			how.Subprotocols, how.HTTPClient = []string{protocol}, &http.Client{Transport: via}
			return srv.dial(t, &how)
		})
	})
}

type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, io.ErrClosedPipe
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// listen reads in the background, all frames and then the end, so that the bubble's clock can go on.
func (c *client) listen() (frames chan string, closed chan error) {
	frames, closed = make(chan string, 10_000), make(chan error, 1)
	go func() {
		for {
			_, data, err := c.ws.Read(context.Background())
			if err != nil {
				closed <- err
				return
			}
			frames <- string(data)
		}
	}()
	return frames, closed
}

// wantEnd waits for the end, which must come so long after start, with this code.
func wantEnd(t *testing.T, closed <-chan error, start time.Time, after time.Duration, code websocket.StatusCode) {
	t.Helper()
	err := <-closed
	if got := time.Since(start).Round(time.Millisecond); got != after {
		t.Errorf("closed after %v, want %v", got, after)
	}
	if got := websocket.CloseStatus(err); got != code {
		t.Errorf("closed with %v, want %v", err, code)
	}
}

func TestInitTimeout(t *testing.T) {
	bubble(t, socket.Config{}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
		start := time.Now()
		c := dial(nil)
		_, closed := c.listen()
		time.Sleep(9 * time.Second)
		c.send(`{"type":"ping"}`) // is no initialisation
		wantEnd(t, closed, start, 10*time.Second, 4408)
	})
}

func TestSlowInit(t *testing.T) {
	slow := func(ctx context.Context, _ string) (context.Context, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	bubble(t, socket.Config{Init: slow}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
		start := time.Now()
		c := dial(nil)
		_, closed := c.listen()
		c.send(initialise)
		wantEnd(t, closed, start, 20*time.Second, websocket.StatusTryAgainLater)
	})
}

func TestPings(t *testing.T) {
	deaf := &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool { return false }}
	t.Run("answered as WebSockets do", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
			c := dial(nil)
			frames, _ := c.listen()
			c.send(initialise)
			time.Sleep(10*time.Minute + time.Second)
			if got, want := len(frames), 1+30; got != want {
				t.Errorf("%d frames in ten minutes, want %d", got, want)
			}
			if got := <-frames; got != ack {
				t.Errorf("got %s", got)
			}
			for len(frames) > 0 {
				if got := <-frames; got != `{"type":"ping"}` {
					t.Errorf("got %s", got)
				}
			}
			if err := c.ws.Ping(t.Context()); err != nil {
				t.Errorf("the server does not answer: %v", err)
			}
			_ = c.ws.Close(1000, "")
			synctest.Wait()
		})
	})
	t.Run("answered by a message", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, srv *server, dial func(*websocket.DialOptions) *client) {
			c := dial(deaf)
			frames, _ := c.listen()
			c.send(initialise)
			<-frames
			for range 30 {
				<-frames
				c.send(`{"type":"pong"}`)
			}
			if n := srv.Connections(); n != 1 {
				t.Errorf("%d connections", n)
			}
			_ = c.ws.CloseNow()
			synctest.Wait()
		})
	})
	t.Run("not answered", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
			start := time.Now()
			c := dial(deaf)
			_, closed := c.listen()
			c.send(initialise)
			wantEnd(t, closed, start, 60*time.Second, websocket.StatusTryAgainLater) // two intervals after the first ping
		})
	})
}

func TestTokenEnds(t *testing.T) {
	for name, session := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"by its time": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		},
		"revoked": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, revoke := context.WithTimeout(ctx, 2*time.Hour)
			time.AfterFunc(time.Hour, revoke)
			return ctx, revoke
		},
	} {
		begin := func(ctx context.Context, _ string) (context.Context, error) {
			ctx, end := session(ctx)
			context.AfterFunc(ctx, end)
			return ctx, nil
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, socket.Config{Init: begin}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
				start := time.Now()
				c := dial(nil)
				frames, closed := c.listen()
				c.send(initialise)
				<-frames
				c.send(subscribe("1", "subscription { forever }"))
				wantEnd(t, closed, start, time.Hour, 4403)
				for len(frames) > 0 {
					if got := <-frames; got != `{"type":"ping"}` {
						t.Errorf("heard %s", got)
					}
				}
			})
		})
		t.Run(name+" while the reader is stalled", func(t *testing.T) {
			never := 100 * 365 * 24 * time.Hour
			c := socket.Config{Init: begin, WriteTimeout: never, PingEvery: never}
			bubble(t, c, func(t *testing.T, srv *server, dial func(*websocket.DialOptions) *client) {
				start := time.Now()
				c := dial(nil)
				c.send(initialise)
				c.want(ack)
				c.send(subscribe("1", "subscription { flood }"), subscribe("2", "subscription { flood }"))
				srv.Wait()
				if got := time.Since(start); got > time.Hour+3*time.Second {
					t.Errorf("served for %v", got)
				}
			})
		})
	}
	t.Run("before it began", func(t *testing.T) {
		over := func(ctx context.Context, _ string) (context.Context, error) {
			ctx, end := context.WithTimeout(ctx, 0)
			context.AfterFunc(ctx, end)
			return ctx, nil
		}
		bubble(t, socket.Config{Init: over}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
			c := dial(nil)
			c.send(initialise)
			c.wantClose(4403)
		})
	})
}

func TestStalledReader(t *testing.T) {
	t.Run("is given up", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, srv *server, dial func(*websocket.DialOptions) *client) {
			start := time.Now()
			c := dial(nil)
			c.send(initialise)
			c.want(ack)
			c.send(subscribe("1", "subscription { flood }"), subscribe("2", "subscription { flood }"))
			srv.Wait()
			if got := time.Since(start); got != 13*time.Second { // 10 to stall, 3 to take the code
				t.Errorf("served for %v", got)
			}
		})
	})
	t.Run("hears the code when it reads on", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
			c := dial(nil)
			c.send(initialise)
			c.want(ack)
			c.send(subscribe("1", "subscription { flood }"))
			time.Sleep(12 * time.Second)
			if got, err := c.next(); err != nil { // it was stuck
				t.Errorf("got %.100s, %v", got, err)
			}
			c.wantClose(1013)
		})
	})
	t.Run("that is merely slow is not", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, _ *server, dial func(*websocket.DialOptions) *client) {
			c := dial(nil)
			c.send(initialise)
			c.want(ack)
			c.send(subscribe("1", "subscription { flood }"))
			for range 100 {
				time.Sleep(9 * time.Second)
				if _, err := c.next(); err != nil {
					t.Fatal(err)
				}
			}
			_ = c.ws.CloseNow()
			synctest.Wait()
		})
	})
	t.Run("may send pings", func(t *testing.T) {
		bubble(t, socket.Config{}, func(t *testing.T, srv *server, dial func(*websocket.DialOptions) *client) {
			start := time.Now()
			c := dial(nil)
			c.send(initialise)
			c.want(ack)
			c.send(subscribe("1", "subscription { flood }"))
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.ws.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("ping: %v", err)
			}
			srv.Wait() // where the websocket package would have given up 5 s after the ping
			if got := time.Since(start); got != 13*time.Second {
				t.Errorf("served for %v", got)
			}
		})
	})
}

func TestDrainIsSpread(t *testing.T) {
	bubble(t, socket.Config{}, func(t *testing.T, srv *server, dial func(*websocket.DialOptions) *client) {
		const sockets = 10
		ends := make(chan time.Duration, sockets)
		start := time.Now()
		for i := range sockets {
			c := dial(nil)
			c.send(initialise)
			c.want(ack)
			if i == 0 {
				c.send(subscribe("1", "subscription { flood }")) // and never read
				continue
			}
			_, closed := c.listen()
			go func() {
				if err := <-closed; websocket.CloseStatus(err) != websocket.StatusServiceRestart {
					t.Errorf("closed with %v", err)
				}
				ends <- time.Since(start)
			}()
		}
		if err := srv.Drain(t.Context(), 5*time.Second); err != nil {
			t.Error(err)
		}
		if got := time.Since(start); got > 8*time.Second {
			t.Errorf("drained in %v", got)
		}
		late := 0
		for range sockets - 1 {
			if d := <-ends; d >= 2500*time.Millisecond {
				late++
			} else if d > 5*time.Second {
				t.Errorf("closed after %v", d)
			}
		}
		if late < 4 || late > 5 {
			t.Errorf("%d of %d closed in the second half", late, sockets)
		}
	})
}
