package graph_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/graph"
	"github.com/maskline/maskline/phone"
)

// What real clients accept.
const (
	acceptOfGraphqlSSE        = "text/event-stream"
	acceptOfUrqlSubscriptions = "text/event-stream, multipart/mixed"
	acceptOfUrqlQueries       = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
	acceptOfApollo            = "application/graphql-response+json,application/json;q=0.9"
)

// stream is the reading end of a stream.
type stream struct {
	t    testing.TB
	resp *http.Response
	from *bufio.Reader
}

// stream subscribes, or asks, and waits until the stream is open.
func (w *world) stream(token, query string, v vars) *stream {
	w.t.Helper()
	return w.streamBy(http.DefaultTransport, w.url, token, query, v)
}

func (w *world) streamBy(by http.RoundTripper, at, token, query string, v vars) *stream {
	w.t.Helper()
	resp := w.streamOrNot(by, at, token, query, v)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-cache" {
		w.t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
	}
	return &stream{w.t, resp, bufio.NewReader(resp.Body)}
}

// streamOrNot is the answer to whoever asks for a stream.
func (w *world) streamOrNot(by http.RoundTripper, at, token, query string, v vars) *http.Response {
	w.t.Helper()
	body, err := json.Marshal(vars{"query": query, "variables": v})
	check(w.t, err)
	r := request(w.t, http.MethodPost, at+"/graphql", bytes.NewReader(body), "Authorization", "Bearer "+token, "Content-Type", "application/json", "Accept", acceptOfGraphqlSSE)
	resp, err := by.RoundTrip(r)
	check(w.t, err)
	w.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func (e *stream) line() string {
	e.t.Helper()
	line, err := e.from.ReadString('\n')
	check(e.t, err)
	return strings.TrimSuffix(line, "\n")
}

// comment reads a sign of life.
func (e *stream) comment() {
	e.t.Helper()
	if got := e.line() + e.line(); got != ":" {
		e.t.Fatalf("got %q, want a comment", got)
	}
}

// next is the data of the event that comes next, by name.
func (e *stream) next(name string) string {
	e.t.Helper()
	line := e.line()
	for line == ":" {
		e.line()
		line = e.line()
	}
	data := e.line()
	if blank := e.line(); line != "event: "+name || !strings.HasPrefix(data, "data:") || blank != "" {
		e.t.Fatalf("got %q, %q, %q, want an event %s", line, data, blank, name)
	}
	return strings.TrimSpace(strings.TrimPrefix(data, "data:"))
}

// completed reads the operation's end, and that of the stream.
func (e *stream) completed() {
	e.t.Helper()
	if data := e.next("complete"); data != "" {
		e.t.Errorf("got %s with complete", data)
	}
	e.cut()
}

// cut reads the end of the stream; there may be signs of life before it, and nothing else.
func (e *stream) cut() {
	e.t.Helper()
	rest, err := io.ReadAll(e.from)
	if got := strings.ReplaceAll(string(rest), ":\n\n", ""); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || got != "" {
		e.t.Fatalf("got %q, %v, want the end of the stream and no complete", got, err)
	}
}

func TestEachClientIsAnsweredInTheKindThatItMeans(t *testing.T) {
	t.Parallel()
	w := light(t)
	const (
		query    = `{"query": "{ viewer { email } }"}`
		mutation = `{"query": "mutation { emptyBin }"}`
		invalid  = `{"query": "{ nothing }"}`
		forever  = `{"query": "subscription { callChanged { id } }"}`
	)
	for _, tt := range []struct {
		accept, body string
		status       int
		kind         string
	}{
		{acceptOfGraphqlSSE, query, 200, "text/event-stream"},
		{acceptOfGraphqlSSE, mutation, 200, "text/event-stream"},
		{acceptOfGraphqlSSE, invalid, 200, "text/event-stream"},
		{acceptOfGraphqlSSE, forever, 200, "text/event-stream"},
		{acceptOfUrqlSubscriptions, forever, 200, "text/event-stream"},
		{acceptOfUrqlQueries, query, 200, responseType},
		{acceptOfUrqlQueries, mutation, 200, responseType},
		{acceptOfUrqlQueries, forever, 400, responseType},
		{acceptOfApollo, query, 200, responseType},
		{acceptOfApollo, forever, 400, responseType},
		{"application/json", forever, 200, jsonType}, // Relay
		{"*/*", forever, 200, jsonType},
		{"text/event-stream, */*;q=0.1", query, 200, jsonType},
		{"text/event-stream;q=0.1", query, 200, "text/event-stream"},
		{"TEXT/EVENT-STREAM; charset=utf-8", query, 200, "text/event-stream"},
		{"text/event-stream;q=0", query, 406, jsonType},
		{"text/event-streams", query, 406, jsonType},
		{acceptOfGraphqlSSE, `{"query": ""}`, 400, jsonType},
		{acceptOfGraphqlSSE, `[` + query + `]`, 400, jsonType},
		{acceptOfGraphqlSSE, query + strings.Repeat(" ", 128<<10), 413, jsonType},
	} {
		r := request(t, http.MethodPost, w.url+"/graphql", strings.NewReader(tt.body), "Accept", tt.accept, "Content-Type", "application/json", "Authorization", "Bearer "+w.admin)
		resp, err := http.DefaultTransport.RoundTrip(r)
		check(t, err)
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != tt.status || got != tt.kind {
			t.Errorf("Accept %s for %.50s: got %d %s, want %d %s", tt.accept, tt.body, resp.StatusCode, got, tt.status, tt.kind)
		}
		check(t, resp.Body.Close())
	}
	w.failed(w.get(url.Values{"query": {"{ viewer { id } }"}}, "Accept", acceptOfGraphqlSSE), http.StatusNotAcceptable, phone.BadUserInput, "")
	w.failed(w.post(strings.NewReader(query), "Accept", acceptOfGraphqlSSE, "Content-Type", "text/plain"), http.StatusUnsupportedMediaType, phone.BadUserInput, "")
	w.failed(w.post(strings.NewReader(forever), "Accept", acceptOfGraphqlSSE, "Authorization", "Bearer wrong"), http.StatusUnauthorized, phone.Unauthenticated, "")
}

func TestWhatEndsIsCompleteAfterItsOneResult(t *testing.T) {
	t.Parallel()
	w := light(t)
	for query, want := range map[string]string{
		`{ viewer { email } }`:        `{"data":{"viewer":{"email":"admin@localhost"}}}`,
		`mutation { emptyBin }`:       `{"data":{"emptyBin":0}}`,
		`{ node(id: "vm_x") { id } }`: "NOT_FOUND",
		`{ nothing }`:                 "BAD_USER_INPUT",
		`{`:                           "BAD_USER_INPUT",
		`{ ` + many(16, "a%d: viewer { id } ") + ` }`:               "TOO_COMPLEX",
		`subscription { callChanged(numberID: "x") { id } }`:        "NOT_FOUND",
		`subscription { voicemailReceived(after: "x") { cursor } }`: "BAD_USER_INPUT",
	} {
		e := w.stream(w.admin, query, nil)
		if got := e.next("next"); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
		e.completed()
	}
}

func TestPushesComeAsEventsFromAPlaceOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		missed := w.voicemails(a, 2)
		e := w.stream(a.token, received, vars{"c": cursor("vm_", int64(0))})
		live := w.voicemails(a, 3)
		for _, want := range append(missed, live...) {
			if got := at(t, json.RawMessage(e.next("next")), "data.voicemailReceived.node.id"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

func TestATokenThatIsOverCutsItsStreams(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, a tenant, token string){
		"revoked": func(w *world, _ tenant, token string) {
			w.ask(w.admin, `mutation($id: ID!) { revokeToken(id: $id) }`, vars{"id": token})
		},
		"another role": func(w *world, a tenant, _ string) {
			w.ask(w.admin, `mutation($id: ID!) { updateUser(id: $id, input: {role: ADMIN}) { id } }`, vars{"id": a.user})
		},
		"expired": func(*world, tenant, string) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := light(t)
			a := w.tenant("ann")
			v := vars{"u": a.user}
			if name == "expired" {
				v["at"] = w.now().Add(300 * time.Millisecond) // of real time, since the stream's begin
			}
			made := w.ask(w.admin, `mutation($u: ID!, $at: Time) { createToken(userID: $u, name: "t", expiresAt: $at) { accessToken { id } token } }`, v, "createToken.accessToken.id", "createToken.token")
			e := w.stream(made[1], received, nil)
			end(w, a, made[0])
			e.cut()
		})
	}
}

func TestADrainCutsSubscriptionsAndTakesNoMore(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	server := graph.NewServer(w.resolver, graph.Origins{Own: w.url})
	w.handler = server
	open := make([]*stream, 20)
	for i := range open {
		open[i] = w.stream(a.token, received, nil)
	}
	check(t, server.Drain(context.Background(), 20*time.Millisecond))
	for _, e := range open {
		e.cut()
	}
	for _, query := range []string{hello, `{"query": "subscription { callChanged { id } }"}`} {
		got := w.post(strings.NewReader(query), "Accept", acceptOfGraphqlSSE)
		if w.failed(got, http.StatusServiceUnavailable, phone.Unavailable, ""); got.Header.Get("Retry-After") == "" {
			t.Error("got no Retry-After")
		}
	}
}

// gqlgen's own transport beats in a goroutine that outlives the request: one hang-up around a beat ended the whole process.
func TestHangingUpAroundABeatHarmsNobody(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := light(t)
			a := w.tenant("ann")
			server := graph.NewServer(w.resolver, graph.Origins{Own: w.url})
			server.Hurry(200*time.Microsecond, time.Minute)
			web := httptest.NewUnstartedServer(server)
			web.EnableHTTP2 = http2
			web.StartTLS()
			t.Cleanup(web.Close)
			done := make(chan struct{})
			const callers = 10
			for range callers {
				go func() {
					defer func() { done <- struct{}{} }()
					for i := range 200 / callers {
						e := w.streamBy(web.Client().Transport, web.URL, a.token, received, nil)
						for range i % 5 {
							e.comment()
						}
						check(t, e.resp.Body.Close())
					}
				}()
			}
			for range callers {
				<-done
			}
			check(t, server.Drain(t.Context(), 0)) // all have returned
		})
	}
}

// pipes is a network without any buffers: what nobody reads cannot be written.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// stalled asks for a stream and reads but the first byte of it. The channel is closed when the stream is over.
func (w *world) stalled(server *graph.Server, token string) (over <-chan struct{}) {
	w.t.Helper()
	return w.unread(server, request(w.t, http.MethodPost, w.url+"/graphql", strings.NewReader(`{"query": "subscription { callChanged { id } }"}`),
		"Authorization", "Bearer "+token, "Content-Type", "application/json", "Accept", acceptOfGraphqlSSE))
}

// unread makes a request and reads but the first byte of the answer. The channel is closed when the handler has returned.
func (w *world) unread(server http.Handler, r *http.Request) (over <-chan struct{}) {
	w.t.Helper()
	network, done := make(pipes, 1), make(chan struct{})
	web := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer close(done)
		server.ServeHTTP(rw, r)
	})}
	go func() { _ = web.Serve(network) }() // till the end of the test
	client, theirs := net.Pipe()
	w.t.Cleanup(func() { _ = client.Close(); close(network); _ = web.Close() })
	network <- theirs
	first := make(chan error, 1)
	go func() { // it reads before there is an answer: those that stall are given little time
		_, err := client.Read(make([]byte, 1))
		first <- err
	}()
	check(w.t, r.Write(client))
	check(w.t, <-first)
	return done
}

func TestAReaderThatStallsIsCut(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	server := graph.NewServer(w.resolver, graph.Origins{Own: w.url})
	server.Hurry(time.Hour, 100*time.Millisecond)
	within(t, w.stalled(server, a.token))
}

func TestNothingHoldsTheStreamOfAReaderThatStalls(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, *graph.Server, string){
		"a drain": func(w *world, server *graph.Server, _ string) { check(w.t, server.Drain(w.t.Context(), 0)) },
		"a revoked token": func(w *world, _ *graph.Server, id string) {
			w.ask(w.admin, `mutation($id: ID!) { revokeToken(id: $id) }`, vars{"id": id})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := light(t)
			a := w.tenant("ann")
			made := w.ask(w.admin, `mutation($u: ID!) { createToken(userID: $u, name: "t") { accessToken { id } token } }`, vars{"u": a.user}, "createToken.accessToken.id", "createToken.token")
			server := graph.NewServer(w.resolver, graph.Origins{Own: w.url})
			server.Hurry(time.Hour, time.Hour)
			over := w.stalled(server, made[1])
			end(w, server, made[0])
			within(t, over)
		})
	}
}

func within(t *testing.T, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatal("the stream is still there")
	}
}
