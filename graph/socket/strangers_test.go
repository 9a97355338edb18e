package socket_test

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/graph/socket"
)

// dialAs dials in the name of a peer; a handshake that is refused has its status.
func (s *server) dialAs(t *testing.T, peer string) (*client, int) {
	t.Helper()
	o := &websocket.DialOptions{Subprotocols: []string{protocol}, HTTPHeader: http.Header{"Peer": {peer}}}
	ws, resp, err := websocket.Dial(t.Context(), s.url, o)
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return nil, resp.StatusCode
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{t: t, ws: ws}, resp.StatusCode
}

func byHeader(r *http.Request) string { return r.Header.Get("Peer") }

func TestStrangersMakeRoomForEachOther(t *testing.T) {
	t.Parallel()
	srv := serve(t, newSchema(), socket.Config{MaxWaiting: 3, MaxConnections: 3})
	user := srv.connect(t)
	var strangers []*client
	for range 5 {
		c := srv.dial(t, nil)
		c.play(`> {"type":"ping"}`, `< {"type":"pong"}`) // the server is done with the handshake
		strangers = append(strangers, c)
	}
	for _, first := range strangers[:2] {
		first.wantClose(1013)
	}
	another := srv.connect(t) // users find room all the same
	strangers[2].wantClose(1013)
	for _, c := range []*client{user, another, strangers[3], strangers[4]} {
		c.quiet()
	}
	strangers[3].send(initialise) // who says who it is makes room
	strangers[3].want(ack)
	if c, status := srv.dialAs(t, ""); c != nil || status != http.StatusServiceUnavailable {
		t.Errorf("more than users may have: got %d, want 503", status)
	}
	strangers[4].quiet()
}

func TestOnePeerHasFewStrangers(t *testing.T) {
	t.Parallel()
	srv := serve(t, newSchema(), socket.Config{MaxWaitingOfOne: 2, Peer: byHeader})
	a, _ := srv.dialAs(t, "a")
	b, _ := srv.dialAs(t, "a")
	if _, status := srv.dialAs(t, "a"); status != http.StatusTooManyRequests {
		t.Errorf("a third: got %d, want 429", status)
	}
	for range 5 {
		srv.dialAs(t, "") // no limit of one peer applies
	}
	if c, status := srv.dialAs(t, "b"); c == nil {
		t.Errorf("another peer: got %d", status)
	}
	a.send(initialise)
	a.want(ack)
	c, status := srv.dialAs(t, "a")
	if c == nil {
		t.Fatalf("after one has said who it is: got %d", status)
	}
	b.quiet()
	c.quiet()
}
