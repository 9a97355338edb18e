package admission_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/maskline/maskline/internal/admission"
)

const patience = time.Minute // for what never takes long

// serve serves a handler in a room, and returns its address.
func serve(t *testing.T, c admission.Config, h http.HandlerFunc, outer ...func(net.Listener) net.Listener) string {
	t.Helper()
	c.Metrics = prometheus.NewRegistry()
	room := admission.New(c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	addr := l.Addr().String()
	for _, o := range outer {
		l = o(l)
	}
	s := &http.Server{Handler: room.Handler(h), ReadHeaderTimeout: patience}
	done := make(chan error, 1)
	go func() { done <- s.Serve(room.Serve(s, l)) }()
	t.Cleanup(func() {
		check(t, s.Close())
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return addr
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client is a connection that sends what it is told to.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr, text string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	check(t, c.SetDeadline(time.Now().Add(patience)))
	one := &client{t, c, bufio.NewReader(c)}
	one.send(text)
	return one
}

func (c *client) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c, text)
	check(c.t, err)
}

// want reads an answer of this status, and returns its body.
func (c *client) want(status int) string {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	check(c.t, err)
	body, err := io.ReadAll(resp.Body)
	check(c.t, err)
	if resp.StatusCode != status {
		c.t.Fatalf("got %d %s, want %d", resp.StatusCode, body, status)
	}
	return string(body)
}

// wantClosed expects the server to close the connection.
func (c *client) wantClosed() {
	c.t.Helper()
	if _, err := io.Copy(io.Discard, c.r); isTimeout(err) {
		c.t.Fatal("the connection is still open")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// quiet tells whether the server leaves the connection open, without an answer.
func (c *client) quiet() bool {
	check(c.t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	defer func() { check(c.t, c.SetReadDeadline(time.Now().Add(patience))) }()
	_, err := c.r.Peek(1)
	return isTimeout(err)
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }

// echo answers with the length of the body, or begins an answer on the path /hold and does not end it until the client is gone.
func echo(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/hold") {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	fmt.Fprintf(w, "%d %v", n, err)
}

// hold is a client whose request is being answered.
func hold(t *testing.T, addr, path string) *client {
	t.Helper()
	c := dial(t, addr, get(path))
	resp, err := http.ReadResponse(c.r, nil)
	check(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d", resp.StatusCode)
	}
	return c
}

func TestABodyThatDoesNotComeIsAnswered408(t *testing.T) {
	t.Parallel()
	within := func(*http.Request) time.Duration { return 100 * time.Millisecond }
	addr := serve(t, admission.Config{Within: within}, echo)
	for name, sent := range map[string]string{
		"a POST without its body":            "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
		"a part of it":                       "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"query\"",
		"a GET with a length":                "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
		"a chunk that never ends":            "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc",
		"chunks that never end":              "GET /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"a large body that stops half-way":   "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 50_000),
		"an expectation that nobody follows": "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr, sent)
			if strings.Contains(sent, "Expect") {
				c.want(http.StatusContinue)
			}
			c.want(http.StatusRequestTimeout)
			c.wantClosed()
		})
	}
}

func TestABodyThatComesIsPassedOn(t *testing.T) {
	t.Parallel()
	addr := serve(t, admission.Config{}, echo)
	for n, want := range map[int]string{0: "0 <nil>", 1: "1 <nil>", 8 << 10: "8192 <nil>", 8<<10 + 1: "8193 <nil>", 128 << 10: "131072 <nil>", 128<<10 + 1: "131073 <nil>", 300 << 10: "131073 <nil>"} {
		resp, err := http.Post("http://"+addr, "text/plain", strings.NewReader(strings.Repeat("x", n)))
		check(t, err)
		got, err := io.ReadAll(resp.Body)
		check(t, errors.Join(err, resp.Body.Close()))
		if string(got) != want {
			t.Errorf("%d bytes: got %s, want %s", n, got, want)
		}
	}
}

// The deadline of a body is no deadline of what comes after it.
func TestARequestMayTakeLongerThanItsBody(t *testing.T) {
	t.Parallel()
	within := func(*http.Request) time.Duration { return 50 * time.Millisecond }
	addr := serve(t, admission.Config{Within: within}, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			w.WriteHeader(http.StatusTeapot)
		case <-time.After(200 * time.Millisecond):
		}
	})
	c := dial(t, addr, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
	c.want(http.StatusOK)
	time.Sleep(60 * time.Millisecond)
	c.send(get("/"))
	c.want(http.StatusOK)
}

func TestWhoHasWaitedLongestMakesRoom(t *testing.T) {
	t.Parallel()
	addr := serve(t, admission.Config{Most: 5, Bytes: time.Nanosecond}, echo) // one of them is kept free
	held := hold(t, addr, "/hold")
	mute, half := dial(t, addr, ""), dial(t, addr, "GET / HT")
	idle := dial(t, addr, get("/"))
	idle.want(http.StatusOK)
	for _, next := range []*client{mute, half, idle} {
		if !next.quiet() {
			t.Fatal("it was closed too soon")
		}
		dial(t, addr, "").quiet()
		next.wantClosed()
	}
	if !held.quiet() {
		t.Error("a request that was being answered was cut")
	}
}

func TestAConnectionHasItsTimeToBringARequest(t *testing.T) {
	t.Parallel()
	addr := serve(t, admission.Config{Most: 3, Reserve: 1, Bytes: 300 * time.Millisecond}, echo)
	begun := time.Now()
	a, b, c := dial(t, addr, ""), dial(t, addr, ""), dial(t, addr, "")
	late := dial(t, addr, get("/")) // it waits in the system's queue
	late.want(http.StatusOK)
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("a connection was closed after %s", took)
	}
	a.wantClosed()
	b.wantClosed() // for the next
	if !c.quiet() {
		t.Error("more were closed than had to be")
	}
}

func TestTheReserveIsForReservedRequests(t *testing.T) {
	t.Parallel()
	reserved := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/webhooks/") }
	addr := serve(t, admission.Config{Most: 10, Reserve: 4, Reserved: reserved, Bytes: 200 * time.Millisecond}, echo)
	var held []*client
	for range 6 {
		held = append(held, hold(t, addr, "/hold"))
	}
	refused := dial(t, addr, get("/"))
	refused.want(http.StatusServiceUnavailable)
	refused.wantClosed()
	for range 6 { // who wait take the reserve, and give it up
		dial(t, addr, "GET / HT")
	}
	for range 3 {
		held = append(held, hold(t, addr, "/webhooks/hold"))
	}
	dial(t, addr, get("/webhooks/voice")).want(http.StatusOK)
	for i, h := range held {
		if !h.quiet() {
			t.Errorf("request %d was cut", i)
		}
	}
	check(t, held[0].Close())
	for end := time.Now().Add(patience); ; { // the server is about to notice
		resp, err := http.Get("http://" + addr)
		check(t, errors.Join(err, resp.Body.Close()))
		if resp.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a request is over, and its place is still taken")
		}
	}
}

// Who sends a byte now and then has no more time for a request than others.
func TestADripMakesRoom(t *testing.T) {
	t.Parallel()
	addr := serve(t, admission.Config{Most: 2, Reserve: 1, Bytes: patience, Request: 200 * time.Millisecond}, echo)
	drip := dial(t, addr, "GET / HTTP/1.1\r\nX: ")
	var all sync.WaitGroup
	defer all.Wait()
	over := make(chan struct{})
	all.Go(func() {
		defer close(over)
		for {
			if _, err := io.WriteString(drip, "x"); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	dial(t, addr, "")
	dial(t, addr, "")
	<-over
}

// outOfFiles has Accept fail, as it does for a process that is out of file descriptors, while short is set.
type outOfFiles struct {
	net.Listener
	short atomic.Bool
}

func (l *outOfFiles) Accept() (net.Conn, error) {
	if l.short.Load() {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func TestAcceptingGoesOnWithoutFileDescriptors(t *testing.T) {
	t.Parallel()
	var l *outOfFiles
	addr := serve(t, admission.Config{Bytes: 100 * time.Millisecond}, echo, func(inner net.Listener) net.Listener {
		l = &outOfFiles{Listener: inner}
		return l
	})
	mute := dial(t, addr, "")
	hold(t, addr, "/hold")
	l.short.Store(true)
	hold(t, addr, "/hold") // its Accept was under way
	mute.wantClosed()
	l.short.Store(false)
	dial(t, addr, get("/")).want(http.StatusOK)
}

func TestAHandlerWithoutConnectionsIsServedToo(t *testing.T) {
	t.Parallel()
	h := admission.New(admission.Config{Metrics: prometheus.NewRegistry()}).Handler(http.HandlerFunc(echo))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("abc")))
	if w.Code != http.StatusOK || w.Body.String() != "3 <nil>" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
