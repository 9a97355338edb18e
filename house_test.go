package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/network"
)

const (
	accountSID = "AC00000000000000000000000000000001"
	authToken  = "0123456789abcdef0123456789abcdef"
	mask       = "+15550006789" // the masked number
	owner      = "+15550100001" // its owner's phone
	customer   = "+15550200002"
	patience   = 20 * time.Second // in real time: long enough for a busy machine, and no test waits for it
)

// house is the whole program on one database, with the telephone network around it. Time is the network's: it stands still until a test
// lets it go on.
type house struct {
	t      *testing.T
	ctx    context.Context
	app    *app
	net    *network.Network
	url    string
	admin  string // a token
	logged *logbook
	// What stands at url, and the path that answers 500 instead, if any.
	handler *atomic.Pointer[http.Handler]
	down    *atomic.Pointer[string]
}

// option is what differs of the house that a test stands in.
type option struct {
	network  func(*network.Config)
	settings func(*Settings)
	parts    func(*parts)
}

// newHouse wires everything for a test. Nothing is mocked: webhooks go over HTTP, and so do GraphQL, REST and media.
func newHouse(t *testing.T, db *database.DB, with ...option) *house {
	t.Helper()
	ctx := viewer.System(t.Context())
	config := network.Config{AccountSID: accountSID, AuthToken: authToken, Seed: 1}
	for _, w := range with {
		if w.network != nil {
			w.network(&config)
		}
	}
	n := network.New(config)
	t.Cleanup(n.Close)
	twilio := httptest.NewServer(n.Handler())
	t.Cleanup(twilio.Close)
	var handler atomic.Pointer[http.Handler]
	var down atomic.Pointer[string]
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := down.Load(); path != nil && *path == r.URL.Path {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		(*handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	s := testSettings(t, front.URL, twilio.URL, with...)
	logged := &logbook{}
	p := parts{log: testLog(t, logged), now: n.Now, db: db, stderr: t.Output(), decideWithin: time.Minute, clientsWait: time.Minute}
	for _, w := range with {
		if w.parts != nil {
			w.parts(&p)
		}
	}
	a, err := build(ctx, s, p)
	check(t, err)
	t.Cleanup(func() { check(t, a.graphql.Drain(context.Background(), 0)) })
	handler.Store(&a.handler)
	token, err := a.prepare(ctx)
	check(t, err)
	n.AddNumber(numberAt(front.URL, mask))
	return &house{t: t, ctx: ctx, app: a, net: n, url: front.URL, admin: token, logged: logged, handler: &handler, down: &down}
}

func testSettings(t *testing.T, public, twilio string, with ...option) Settings {
	t.Helper()
	s := Settings{
		ListenAddr: "127.0.0.1:0", PublicURL: public, DataDir: t.TempDir(), TwilioAccountSID: accountSID, TwilioAuthToken: authToken,
		TwilioAPIURL: twilio, MailLinkDays: 7, MailDays: 30, CallDays: 365, Transcriber: "twilio", ReconcileEvery: 5 * time.Minute, MaxSimultaneousCalls: 100, RecordingsShared: true,
	}
	for _, w := range with {
		if w.settings != nil {
			w.settings(&s)
		}
	}
	check(t, s.complete())
	return s
}

func testLog(t *testing.T, also io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), also), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// numberAt is a number whose addresses at Twilio are those of the service at base.
func numberAt(base, number string) network.Number {
	return network.Number{
		PhoneNumber: number, VoiceURL: base + "/webhooks/voice", VoiceFallbackURL: base + "/webhooks/voice/fallback",
		StatusCallback: base + "/webhooks/status", SMSURL: base + "/webhooks/messages",
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// play lets everything happen that is bound to: calls, callbacks, jobs, in the order of their times.
func (h *house) play() {
	h.t.Helper()
	for {
		check(h.t, h.net.Run(h.ctx))
		worked, err := h.app.queue.Drain(h.ctx, h.net.Now())
		check(h.t, err)
		if worked > 0 {
			continue
		}
		at, more, err := h.app.queue.Next(h.ctx)
		check(h.t, err)
		if !more {
			return
		}
		check(h.t, h.net.RunUntil(h.ctx, at))
	}
}

// owner is a user with a masked number.
type tenant struct{ user, token, number, subscription string }

// newTenant makes a user, and a number that is subscribed to a plan with these limits. A limit below nought is none.
func (h *house) newTenant(email, number string, calls, voicemails int) tenant {
	h.t.Helper()
	var user struct{ CreateUser struct{ ID string } }
	h.ask(h.admin, `mutation($e: String!) { createUser(input: {email: $e, name: "Olivia", timeZone: "Europe/Berlin"}) { id } }`, map[string]any{"e": email}, &user)
	tn := tenant{user: user.CreateUser.ID}
	var token struct{ CreateToken struct{ Token string } }
	h.ask(h.admin, `mutation($u: ID!) { createToken(userID: $u, name: "test") { token } }`, map[string]any{"u": tn.user}, &token)
	tn.token = token.CreateToken.Token
	var num struct{ CreateNumber struct{ ID string } }
	h.ask(h.admin, `mutation($u: ID!, $n: PhoneNumber!, $f: [PhoneNumber!]) { createNumber(input: {ownerID: $u, phoneNumber: $n, label: "Front desk", forwardTo: $f}) { id } }`,
		map[string]any{"u": tn.user, "n": number, "f": []string{owner}}, &num)
	tn.number = num.CreateNumber.ID
	tn.subscription = h.subscribe(tn.number, calls, voicemails)
	return tn
}

// subscribe starts a subscription to a new plan and returns its id.
func (h *house) subscribe(number string, calls, voicemails int) string {
	h.t.Helper()
	var plan struct{ CreatePlan struct{ ID string } }
	h.ask(h.admin, `mutation($c: Int, $v: Int) { createPlan(input: {name: "Basic", type: PACKAGE, callsLimit: $c, voicemailsLimit: $v, period: MONTH}) { id } }`,
		map[string]any{"c": limit(calls), "v": limit(voicemails)}, &plan)
	var sub struct{ SubscribeNumber struct{ ID string } }
	h.ask(h.admin, `mutation($n: ID!, $p: ID!) { subscribeNumber(numberID: $n, planID: $p) { id } }`, map[string]any{"n": number, "p": plan.CreatePlan.ID}, &sub)
	return sub.SubscribeNumber.ID
}

func limit(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

// ask sends GraphQL over HTTP and fails the test on any error.
func (h *house) ask(token, query string, vars map[string]any, into any) {
	h.t.Helper()
	if errs := h.try(token, query, vars, into); len(errs) > 0 {
		h.t.Fatalf("GraphQL: %+v\n%s", errs, query)
	}
}

// graphError is an error as clients see it.
type graphError struct {
	Message    string
	Path       []any
	Extensions struct{ Code, Field string }
}

// try sends GraphQL over HTTP and returns the errors.
func (h *house) try(token, query string, vars map[string]any, into any) []graphError {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	check(h.t, err)
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.url+"/graphql", bytes.NewReader(body))
	check(h.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	defer resp.Body.Close()
	var out struct {
		Data   json.RawMessage
		Errors []graphError
	}
	check(h.t, json.NewDecoder(resp.Body).Decode(&out))
	if into != nil && len(out.Data) > 0 {
		check(h.t, json.Unmarshal(out.Data, into))
	}
	return out.Errors
}

// get fetches an address with a token, or without one when it is empty.
func (h *house) get(address, token string, header ...string) (*http.Response, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.ctx, http.MethodGet, address, nil)
	check(h.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(h.t, err)
	return resp, body
}

// follower is a GraphQL subscriber on a WebSocket.
type follower struct {
	t    *testing.T
	conn *websocket.Conn
}

type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// follow subscribes and returns once the server has taken the subscription: it answers messages in order, so a pong behind it says so.
func follow(t *testing.T, base, token, query string, vars map[string]any) *follower {
	t.Helper()
	f := connect(t, base, token)
	f.send(frame{ID: "1", Type: "subscribe", Payload: raw(t, map[string]any{"query": query, "variables": vars})})
	return f
}

// connect opens a socket and signs in.
func connect(t *testing.T, base, token string) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(base, "http")+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	check(t, err)
	f := &follower{t, conn}
	t.Cleanup(func() { _ = conn.CloseNow() })
	f.send(frame{Type: "connection_init", Payload: raw(t, map[string]string{"authorization": "Bearer " + token})})
	if got := f.read(); got.Type != "connection_ack" {
		t.Fatalf("got %s, want connection_ack", got.Type)
	}
	return f
}

func raw(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	check(t, err)
	return b
}

func (f *follower) send(m frame) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	check(f.t, wsjson.Write(ctx, f.conn, m))
}

func (f *follower) read() frame {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	for {
		var m frame
		check(f.t, wsjson.Read(ctx, f.conn, &m))
		switch m.Type {
		case "ping":
			f.send(frame{Type: "pong"})
		default:
			return m
		}
	}
}

// next is the data of the next push.
func (f *follower) next(into any) {
	f.t.Helper()
	m := f.read()
	if m.Type != "next" {
		f.t.Fatalf("got %s %s, want next", m.Type, m.Payload)
	}
	var payload struct{ Data json.RawMessage }
	check(f.t, json.Unmarshal(m.Payload, &payload))
	check(f.t, json.Unmarshal(payload.Data, into))
}

// mails are the mails of the house, as files.
func (h *house) mails() (all []string) {
	h.t.Helper()
	files, err := filepath.Glob(filepath.Join(h.app.DataDir, "mail", "*.eml"))
	check(h.t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		check(h.t, err)
		all = append(all, string(b))
	}
	return all
}

var errStillMissing = errors.New("it did not happen in time")

// eventually waits for what happens in another goroutine or process. It looks every few milliseconds at first, and less often the longer it
// has waited: looking is work for the machine that is to get there.
func eventually(t *testing.T, within time.Duration, ok func() bool) {
	t.Helper()
	for begun := time.Now(); !ok(); {
		waited := time.Since(begun)
		if waited > within {
			t.Fatal(errStillMissing)
		}
		time.Sleep(20*time.Millisecond + waited/20)
	}
}

// aside is what is set aside, with the reason.
func (h *house) aside() []string {
	h.t.Helper()
	return h.query("SELECT number, why, form FROM raw_webhooks WHERE why IS NOT NULL ORDER BY id")
}

// query gives each row as text.
func (h *house) query(statement string) (texts []string) {
	h.t.Helper()
	rows, err := h.app.db.Writer().QueryContext(h.ctx, statement)
	check(h.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	check(h.t, err)
	for rows.Next() {
		values, places := make([]sql.Null[any], len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		check(h.t, rows.Scan(places...))
		parts := make([]string, len(values))
		for i, v := range values {
			if b, ok := v.V.([]byte); ok {
				v.V = string(b)
			}
			parts[i] = fmt.Sprint(v.V)
		}
		texts = append(texts, strings.Join(parts, "|"))
	}
	check(h.t, rows.Err())
	return texts
}
