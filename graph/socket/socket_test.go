package socket_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/graph/socket"
)

func TestDrain(t *testing.T) {
	t.Parallel()
	s := newSchema()
	feeds := fed(s)
	srv := serve(t, s, socket.Config{InitTimeout: time.Hour})
	const sockets, each = 100, 3
	heard := make(chan string, sockets*(each+2))
	var wg sync.WaitGroup
	for i := range sockets {
		var c *client
		if i%10 == 0 {
			c = srv.dial(t, nil) // not initialised
		} else {
			c = srv.connect(t)
			for n := range each {
				c.send(subscribe(fmt.Sprint(n), "subscription { fed }"))
				f := <-feeds
				context.AfterFunc(f.ctx, func() { close(f.events) })
			}
		}
		wg.Go(func() {
			for {
				frame, err := c.next()
				if err != nil {
					heard <- fmt.Sprint(websocket.CloseStatus(err))
					return
				}
				heard <- frame
			}
		})
	}
	if n := srv.Connections(); n != sockets {
		t.Errorf("%d connections, want %d", n, sockets)
	}
	if err := srv.Drain(t.Context(), 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n := srv.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	wg.Wait()
	close(heard)
	got := map[string]int{}
	for h := range heard {
		got[h]++
	}
	if len(got) != 1 || got[websocket.StatusServiceRestart.String()] != sockets {
		t.Errorf("heard %v, want only %d × 1012", got, sockets)
	}

	resp := srv.handshake(t, nil)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a new connection is answered %s, %v", resp.Status, resp.Header)
	}
}

// A drain that may not take longer cuts what is left.
func TestDrainInAHurry(t *testing.T) {
	t.Parallel()
	srv := serve(t, newSchema(), socket.Config{})
	c := srv.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Drain(ctx, time.Hour); err != context.Canceled { //nolint:errorlint // the very one
		t.Errorf("got %v", err)
	}
	srv.left(t)
	if frame, err := c.next(); err == nil {
		t.Errorf("got %s", frame)
	}
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	strict := serve(t, newSchema(), socket.Config{})
	ruled := serve(t, newSchema(), socket.Config{Origins: func(r *http.Request) bool { return r.Header.Get("Origin") == "https://m.example.com" }})
	same := "http://" + strings.TrimPrefix(strict.url, "http://")
	for _, tt := range []struct {
		name   string
		srv    *server
		header map[string][]string
		status int
	}{
		{"as it should be", strict, nil, 101},
		{"websocket in capitals", strict, map[string][]string{"Upgrade": {"WebSocket"}}, 101},
		{"no Origin", ruled, nil, 101},
		{"the page's own host", strict, map[string][]string{"Origin": {same}}, 101},
		{"a foreign page", strict, map[string][]string{"Origin": {"https://evil.example.com"}}, 403},
		{"a page from nowhere", strict, map[string][]string{"Origin": {"null"}}, 403},
		{"an allowed page", ruled, map[string][]string{"Origin": {"https://m.example.com"}}, 101},
		{"an allowed page, another scheme", ruled, map[string][]string{"Origin": {"http://m.example.com"}}, 403},
		{"the own host where there is a rule", ruled, map[string][]string{"Origin": {"http://" + strings.TrimPrefix(ruled.url, "http://")}}, 403},
		{"null where there is a rule", ruled, map[string][]string{"Origin": {"null"}}, 403},
		{"an empty Origin where there is a rule", ruled, map[string][]string{"Origin": {""}}, 403},
		{"two Origins", ruled, map[string][]string{"Origin": {"https://m.example.com", "https://m.example.com"}}, 403},
		{"another Upgrade", strict, map[string][]string{"Upgrade": {"h2c"}}, 400},
		{"a second Upgrade", strict, map[string][]string{"Upgrade": {"h2c, websocket"}}, 400},
		{"two Upgrade headers", strict, map[string][]string{"Upgrade": {"websocket", "h2c"}}, 400},
		{"no Upgrade", strict, map[string][]string{"Upgrade": nil}, 400},
		{"no Connection", strict, map[string][]string{"Connection": {"keep-alive"}}, 426},
		{"an old version", strict, map[string][]string{"Sec-WebSocket-Version": {"8"}}, 400},
		{"no key", strict, map[string][]string{"Sec-WebSocket-Key": nil}, 400},
		{"a wrong key", strict, map[string][]string{"Sec-WebSocket-Key": {"x"}}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.srv.handshake(t, tt.header); got.StatusCode != tt.status {
				t.Errorf("got %s, want %d", got.Status, tt.status)
			}
		})
	}
	t.Run("what cannot be taken over", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, newSchema(), socket.Config{}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(struct{ http.ResponseWriter }{w}, r) })
		})
		if got := srv.handshake(t, nil); got.StatusCode != http.StatusNotImplemented {
			t.Errorf("got %s", got.Status)
		}
	})
}

// handshake sends a raw request, with these headers in place of the right ones, and gives the answer.
// A client may say something before it has heard that the connection is upgraded.
func TestEarlyMessages(t *testing.T) {
	t.Parallel()
	s := serve(t, newSchema(), socket.Config{})
	for name, early := range map[string]string{"small": "", "larger than the buffer": strings.Repeat(" ", 3000)} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			message := early + initialise
			frame := []byte{0x81, 0x80 | 126, byte(len(message) >> 8), byte(len(message)), 0, 0, 0, 0} // masked with zeros
			all := "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + protocol + "\r\n\r\n" + string(frame) + message
			if _, err := io.WriteString(conn, all); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("got %v, %v", resp, err)
			}
			answer := make([]byte, 2+len(ack))
			if _, err := io.ReadFull(r, answer); err != nil || string(answer[2:]) != ack {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
}

func (s *server) handshake(t *testing.T, header map[string][]string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h := map[string][]string{
		"Host": {conn.RemoteAddr().String()}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-WebSocket-Version": {"13"},
		"Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-WebSocket-Protocol": {protocol},
	}
	for name, values := range header {
		h[name] = values
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\n")
	for name, values := range h {
		for _, v := range values {
			fmt.Fprintf(conn, "%s: %s\r\n", name, v)
		}
	}
	fmt.Fprintf(conn, "\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// What ends the context of the HTTP request does not end the connection.
func TestRequestContext(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	srv := serve(t, newSchema(), socket.Config{}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			go func() {
				<-over
				cancel()
				close(over)
			}()
			h.ServeHTTP(w, r.WithContext(ctx))
		})
	})
	c := srv.connect(t)
	c.send(subscribe("s", "subscription { forever }"))
	over <- struct{}{}
	<-over // it is cancelled
	c.send(subscribe("1", "{ hello }"))
	c.want(next("1", `{"hello":"world"}`), complete("1"))
	c.quiet()
}

// It must not run beside others, whose goroutines it would count.
func TestNoGoroutineIsLeft(t *testing.T) { //nolint:paralleltest
	s := newSchema()
	srv := serve(t, s, socket.Config{})
	goroutines := func() int {
		buf := make([]byte, 16<<20)
		all := string(buf[:runtime.Stack(buf, true)])
		return strings.Count(all, "graph/socket.(")
	}
	before := goroutines()
	const sockets = 50
	for i := range sockets {
		c := srv.connect(t)
		c.send(subscribe("f", "subscription { forever }"), subscribe("q", "{ slow }"), subscribe("h", "{ hello }"))
		c.want(next("h", `{"hello":"world"}`), complete("h"))
		switch i % 3 {
		case 0:
			_ = c.ws.CloseNow()
		case 1:
			_ = c.ws.Close(1000, "")
		default:
			c.send("?")
			c.wantClose(4400)
		}
	}
	srv.left(t)
	for start := time.Now(); goroutines() != before; runtime.Gosched() { // the last ones may be about to return
		if time.Since(start) > patience {
			t.Fatalf("%d goroutines' frames, %d before", goroutines(), before)
		}
	}
}

func TestOneConnectionTooMany(t *testing.T) {
	t.Parallel()
	srv := serve(t, newSchema(), socket.Config{MaxConnections: 2})
	srv.connect(t)
	left := srv.connect(t)
	third := func() (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(t.Context(), srv.url, &websocket.DialOptions{Subprotocols: []string{protocol}})
	}
	_, resp, err := third()
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("a third: got %v %v, want 503 with Retry-After", resp, err)
	}
	if err := left.ws.CloseNow(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; {
		if ws, _, err := third(); err == nil {
			_ = ws.CloseNow()
			return
		}
		if time.Now().After(end) {
			t.Fatal("a connection that was cut still counts")
		}
	}
}
