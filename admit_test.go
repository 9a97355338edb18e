package main

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
)

// proxied is a house behind a proxy on this machine, whose word for who asks is taken.
var proxied = option{settings: func(s *Settings) { s.TrustedProxies = []string{"127.0.0.0/8"} }}

// knock asks at a door with a token, in the name of a peer unless that is empty, and returns the status, or the close code of a socket.
type knock func(h *house, token, peer string) int

// doors are the ways in for who has a token.
var doors = map[string]knock{
	"GraphQL": func(h *house, token, peer string) int { return h.knock(http.MethodPost, "/graphql", token, peer) },
	"events": func(h *house, token, peer string) int {
		return h.knock(http.MethodPost, "/graphql", token, peer, "Accept", "text/event-stream")
	},
	"audio":         func(h *house, token, peer string) int { return h.knock(http.MethodGet, "/recordings/x", token, peer) },
	"a mail's page": func(h *house, token, peer string) int { return h.knock(http.MethodGet, "/v/x", token, peer) },
	"metrics": func(h *house, token, peer string) int {
		return h.knock(http.MethodGet, "/metrics", token, peer, "Via", "1.1 proxy")
	},
	"connection_init": (*house).initialise,
}

func (h *house) knock(method, path, token, peer string, header ...string) int {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.ctx, method, h.url+path, strings.NewReader(`{"query":"{ viewer { id } }"}`))
	check(h.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	if peer != "" {
		req.Header.Set("X-Forwarded-For", peer)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	check(h.t, resp.Body.Close())
	if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "1" {
		h.t.Errorf("%s: 429 with Retry-After %q, want 1", path, resp.Header.Get("Retry-After"))
	}
	return resp.StatusCode
}

func (h *house) initialise(token, peer string) int {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	o := &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{}}
	if peer != "" {
		o.HTTPHeader.Set("X-Forwarded-For", peer)
	}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(h.url, "http")+"/graphql", o)
	check(h.t, err)
	defer func() { _ = conn.CloseNow() }()
	check(h.t, wsjson.Write(ctx, conn, frame{Type: "connection_init", Payload: raw(h.t, map[string]string{"authorization": "Bearer " + token})}))
	var m frame
	if err := wsjson.Read(ctx, conn, &m); err != nil {
		return int(websocket.CloseStatus(err))
	}
	return http.StatusOK
}

// TestGuessingIsRefusedOnEveryWayIn guesses at each door in turn. Ten guesses a second, over all of them, are looked up.
func TestGuessingIsRefusedOnEveryWayIn(t *testing.T) {
	t.Parallel()
	wrong := map[string]int{"GraphQL": 401, "events": 401, "audio": 401, "a mail's page": 401, "metrics": 404, "connection_init": 4403}
	right := map[string]int{"GraphQL": 200, "events": 200, "audio": 404, "a mail's page": 404, "metrics": 200, "connection_init": 200}
	refused := map[string]int{"GraphQL": 429, "events": 429, "audio": 429, "a mail's page": 429, "metrics": 429, "connection_init": 1013}
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, proxied)
		want := func(door, token, peer string, status int) {
			t.Helper()
			if got := doors[door](h, token, peer); got != status {
				t.Errorf("%s with the token %.5s… from %q: got %d, want %d", door, token, peer, got, status)
			}
		}
		for door := range doors {
			for range 10 {
				want(door, "guess", "203.0.113.7", wrong[door])
			}
			for at := range doors { // the same everywhere, whatever the token
				want(at, "guess", "203.0.113.7", refused[at])
				want(at, h.admin, "203.0.113.7", refused[at])
				want(at, h.admin, "203.0.113.8", right[at])
			}
			check(t, h.net.Advance(h.ctx, time.Second))
			want(door, h.admin, "203.0.113.7", right[door])
		}
		for range 30 { // the proxy itself is nobody's peer
			want("GraphQL", "guess", "", 401)
		}
		want("GraphQL", h.admin, "", 200)
		_, metrics := h.get(h.url+"/metrics", "")
		for _, line := range []string{`maskline_sign_ins_failed_total{why="token"} 90`, `maskline_sign_ins_failed_total{why="refused"} 72`} {
			if !strings.Contains(string(metrics), line) {
				t.Errorf("the metrics lack %s", line)
			}
		}
		if n := strings.Count(h.logged.String(), `msg="sign-ins failed"`); n != 1 {
			t.Errorf("the log warns %d times in a minute, want once", n)
		}
	}, jobs.Migrate)
}

// TestGuessingFromThisMachineIsCountedOnly since without TRUSTED_PROXIES everybody may come from there.
func TestGuessingFromThisMachineIsCountedOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
	for range 50 {
		if got := doors["GraphQL"](h, "guess", "203.0.113.7"); got != http.StatusUnauthorized {
			t.Fatalf("got %d, want 401", got)
		}
	}
	_, metrics := h.get(h.url+"/metrics", "")
	if !strings.Contains(string(metrics), `maskline_sign_ins_failed_total{why="token"} 50`) {
		t.Error("they are not counted")
	}
	if n := strings.Count(h.logged.String(), "TRUSTED_PROXIES is not set"); n != 1 {
		t.Errorf("the log tells of the proxy %d times, want once", n)
	}
}

// silent opens a socket that does not send connection_init, and returns the status of its handshake.
func (h *house) silent(peer string) (*websocket.Conn, int) {
	h.t.Helper()
	o := &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{}}
	if peer != "" {
		o.HTTPHeader.Set("X-Forwarded-For", peer)
	}
	conn, resp, err := websocket.Dial(h.t.Context(), "ws"+strings.TrimPrefix(h.url, "http")+"/graphql", o)
	if resp == nil {
		h.t.Fatal(err)
	}
	if err == nil {
		h.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, resp.StatusCode
}

// TestSocketsOfStrangersTakeNoPlacesOfUsers opens more than may wait for connection_init, from addresses that may be limited and from one that may not.
func TestSocketsOfStrangersTakeNoPlacesOfUsers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), proxied)
	for i := range 25 {
		want := http.StatusSwitchingProtocols
		if i >= 20 {
			want = http.StatusTooManyRequests
		}
		if _, status := h.silent("203.0.113.7"); status != want {
			t.Errorf("socket %d of one address: got %d, want %d", i, status, want)
		}
	}
	if got := h.initialise(h.admin, "203.0.113.8"); got != http.StatusOK {
		t.Errorf("a user at another address: got %d", got)
	}
	var open atomic.Int32
	for range 400 {
		conn, status := h.silent("")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("got %d", status)
		}
		open.Add(1)
		closed := conn.CloseRead(h.ctx).Done()
		go func() {
			<-closed
			open.Add(-1)
		}()
	}
	if got := h.initialise(h.admin, ""); got != http.StatusOK {
		t.Errorf("a user among strangers: got %d", got)
	}
	eventually(t, patience, func() bool { return open.Load() <= 256 })
}

// TestMetricsAreForThisMachineAndAdministrators asks as proxies on this machine do, which set any of these.
func TestMetricsAreForThisMachineAndAdministrators(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
	tn := h.newTenant("olivia@example.com", mask, 1, 1)
	want := func(status int, token string, header ...string) {
		t.Helper()
		if resp, _ := h.get(h.url+"/metrics", token, header...); resp.StatusCode != status {
			t.Errorf("%v: got %d, want %d", header, resp.StatusCode, status)
		}
	}
	want(http.StatusOK, "")
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "CF-Connecting-IP"} {
		want(http.StatusNotFound, "", header, "203.0.113.7")
		want(http.StatusNotFound, tn.token, header, "203.0.113.7")
		want(http.StatusNotFound, "guess", header, "127.0.0.1")
		want(http.StatusOK, h.admin, header, "203.0.113.7")
	}
}

func TestBrowsersKeepToHTTPSWherePublicURLDoes(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{"https://calls.example.com": "max-age=31536000", "https://example.com/calls": "max-age=31536000", "http://calls.example.com": ""} {
		h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), option{settings: func(s *Settings) { s.PublicURL = public }})
		for _, path := range []string{"/", "/playground", "/graphql", "/healthz", "/recordings/x", "/nowhere", "/webhooks/voice"} {
			if resp, _ := h.get(h.url+path, ""); resp.Header.Get("Strict-Transport-Security") != want {
				t.Errorf("%s of %s: got %q, want %q", path, public, resp.Header.Get("Strict-Transport-Security"), want)
			}
		}
	}
}

// TestPagesAreCompressed asks for what browsers load.
func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
	for path, want := range map[string]string{"/": "gzip", "/playground": "gzip", "/healthz": ""} {
		resp, _ := h.get(h.url+path, "", "Accept-Encoding", "gzip")
		if got := resp.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
