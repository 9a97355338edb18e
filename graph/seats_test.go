package graph_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

func TestNobodyTakesAllSockets(t *testing.T) {
	t.Parallel()
	w := light(t)
	a, b := w.tenant("ann"), w.tenant("bob")
	narrow := *w.resolver
	narrow.SeatsOfOne = 2
	srv := httptest.NewServer(w.door(t, &narrow))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	first := w.follow(a.token, received, nil)
	stream := w.stream(a.token, received, nil)
	stream.comment()

	third := w.dial(a.token)
	var m frame
	if err := wsjson.Read(t.Context(), third.conn, &m); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
		t.Errorf("a third socket got %v %v, want close code 1013", m, err)
	}
	ask := func() *http.Response { return w.streamOrNot(http.DefaultTransport, w.url, a.token, received, nil) }
	if resp := ask(); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a third stream: got %d %v, want 429 with Retry-After", resp.StatusCode, resp.Header)
	}
	w.ask(a.token, `{ viewer { id } }`, nil) // whatever does not last needs no seat
	w.follow(b.token, received, nil)
	check(t, first.conn.CloseNow())
	for end := time.Now().Add(patience); ask().StatusCode != http.StatusOK; { // the server is about to notice
		if time.Now().After(end) {
			t.Fatal("a socket is closed, and its seat is still taken")
		}
	}
}

// A user may have so many subscriptions, however many sockets and streams they are spread over.
func TestAUserHasSoManySubscriptionsOverAllSockets(t *testing.T) {
	t.Parallel()
	w := light(t)
	a, b := w.tenant("ann"), w.tenant("bob")
	narrow := *w.resolver
	narrow.SubscriptionsOfOne = 3
	srv := httptest.NewServer(w.door(t, &narrow))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	one, two := w.dial(a.token), w.dial(w.token(a.user)) // by another token
	for _, f := range []*follower{one, two} {
		if got := f.read(); got.Type != "connection_ack" {
			t.Fatalf("got %s", got.Type)
		}
	}
	subscribe := func(f *follower, ids ...string) {
		for _, id := range ids {
			f.send(frame{ID: id, Type: "subscribe", Payload: f.raw(vars{"query": received})})
		}
	}
	refused := func(f *follower) string {
		got := f.read()
		if got.Type != "error" || !strings.Contains(string(got.Payload), `"code":"RATE_LIMITED"`) {
			t.Errorf("a fourth subscription: got %s %s", got.Type, got.Payload)
		}
		return got.ID
	}
	subscribe(one, "1", "2", "3", "4") // they begin in any order
	no := refused(one)
	subscribe(two, "1")
	refused(two)
	ask := func() *http.Response { return w.streamOrNot(http.DefaultTransport, w.url, a.token, received, nil) }
	if resp := ask(); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a fourth as a stream: got %d %v, want 429 with Retry-After", resp.StatusCode, resp.Header)
	}
	w.ask(a.token, `{ viewer { id } }`, nil)
	w.follow(b.token, received, nil)
	one.send(frame{ID: map[bool]string{true: "2", false: "1"}[no == "1"], Type: "complete"})
	for end := time.Now().Add(patience); ask().StatusCode != http.StatusOK; { // the server is about to notice
		if time.Now().After(end) {
			t.Fatal("a subscription is over, and still counts")
		}
	}
}
