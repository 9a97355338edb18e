package graph_test

import (
	"net/http"
	"net/http/httptest"
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
