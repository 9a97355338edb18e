package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/graph"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// friend is a browser origin that may call the API.
const friend = "https://app.example"

// world is the clients' door with one database behind it, served over HTTP. Its clock stands still until a test moves it.
type world struct {
	t        testing.TB
	ctx      context.Context // the system's
	db       *database.DB
	desk     *switchboard.Switchboard
	store    *recordings.Store
	links    *links.Signer
	resolver *graph.Resolver
	handler  http.Handler
	url      string
	admin    string // a token
	log      *record
	metrics  *prometheus.Registry

	clock atomic.Pointer[time.Time]
	count atomic.Int64
}

// each runs body in a world on SQLite and in one on PostgreSQL.
func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, db *database.DB) { body(t, newWorld(t, db)) }, jobs.Migrate)
}

// light is a world for what no database can make different.
func light(t *testing.T) *world {
	t.Helper()
	return newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, ctx: viewer.System(t.Context()), db: db, log: &record{also: t.Output()}, metrics: prometheus.NewRegistry()}
	w.setClock(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
	log := slog.New(slog.NewTextHandler(w.log, nil))
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }))
	w.url = "http://" + front.Listener.Addr().String()
	var err error
	w.store, err = recordings.Open(w.ctx, "file://"+t.TempDir())
	check(t, err)
	mailer, err := mail.New(mail.Config{From: "maskline@example.com", Dir: t.TempDir(), Now: w.now})
	check(t, err)
	w.links = links.New(w.url)
	w.links.SetKey([]byte("a key for tests"))
	hub := events.NewHub()
	w.desk = switchboard.New(switchboard.Config{
		DB: db, Events: hub, Recordings: w.store, Mail: mailer, Links: w.links, Log: log, Now: w.now, Metrics: switchboard.NewMetrics(w.metrics),
		Settings: switchboard.Settings{Transcriber: "off", MailLinkDays: 7, MailDays: 30, BinDays: 7, AuditDays: 365, CallDays: 365},
	})
	queue, err := jobs.New(jobs.Config{DB: db.Writer(), Dialect: db.Dialect(), Log: log, Now: w.now, Work: w.desk.Work(), ID: "test"})
	check(t, err)
	w.desk.Queue = queue
	w.admin, err = w.desk.Prepare(w.ctx, "")
	check(t, err)
	w.resolver = &graph.Resolver{DB: db.Client(), Desk: w.desk, Events: hub, Links: w.links, Now: w.now, Log: log, Room: db.Readers(), WaitAtMost: time.Minute}
	w.handler = w.door(t, w.resolver)
	front.Start()
	t.Cleanup(front.Close)
	return w
}

// door is everything that the package serves, on r.
func (w *world) door(t testing.TB, r *graph.Resolver) http.Handler {
	t.Helper()
	origins := graph.Origins{Own: w.url, Others: []string{friend}}
	server := graph.NewServer(r, origins)
	t.Cleanup(func() { check(t, server.Drain(context.Background(), 0)) })
	mux := http.NewServeMux()
	mux.Handle("/graphql", server)
	graph.Audio{Resolver: r, Origins: origins}.Routes(mux)
	return mux
}

func (w *world) now() time.Time { return *w.clock.Load() }

func (w *world) setClock(to time.Time) { w.clock.Store(&to) }

// panics is how many were caught.
func (w *world) panics() float64 {
	w.t.Helper()
	all, err := w.metrics.Gather()
	check(w.t, err)
	for _, m := range all {
		if m.GetName() == "maskline_panics_total" {
			return m.GetMetric()[0].GetCounter().GetValue()
		}
	}
	w.t.Fatal("panics are not counted")
	return 0
}

func (w *world) advance(by time.Duration) { w.setClock(w.now().Add(by)) }

// record keeps what is logged.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
	also io.Writer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(b)
	return r.also.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// vars are the variables of an operation.
type vars map[string]any

// reply is what an operation was answered.
type reply struct {
	Status int
	Header http.Header
	Body   string
	Data   json.RawMessage
	Errors []problem
}

// problem is an error as clients see it.
type problem struct {
	Message    string
	Path       []any
	Locations  []any
	Extensions map[string]any
}

func (p problem) code() string { return fmt.Sprint(p.Extensions["code"]) }

// fields are those that an error names, with spaces between.
func (p problem) fields() string {
	var names []string
	all, _ := p.Extensions["fields"].([]any)
	for _, one := range all {
		fault, _ := one.(map[string]any)
		if fault["message"] == "" || len(fault) != 2 {
			return fmt.Sprint(all)
		}
		names = append(names, fmt.Sprint(fault["field"]))
	}
	return strings.Join(names, " ")
}

// path is the path of an error with dots.
func (p problem) path() string {
	parts := make([]string, len(p.Path))
	for i, part := range p.Path {
		parts[i] = fmt.Sprint(part)
	}
	return strings.Join(parts, ".")
}

// try sends an operation and returns whatever comes back.
func (w *world) try(token, query string, v vars) reply {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	check(w.t, err)
	return w.send(request(w.t, http.MethodPost, w.url+"/graphql", bytes.NewReader(body), "Authorization", "Bearer "+token, "Content-Type", "application/json"))
}

// request makes a request with the given header, names and values in turn.
func request(t testing.TB, method, url string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	check(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func (w *world) send(r *http.Request) reply {
	w.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	check(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(w.t, err)
	return parse(w.t, resp.StatusCode, resp.Header, body)
}

func parse(t testing.TB, status int, header http.Header, body []byte) reply {
	t.Helper()
	got := reply{Status: status, Header: header, Body: string(body)}
	if strings.Contains(header.Get("Content-Type"), "json") && len(body) > 0 {
		var out struct {
			Data   json.RawMessage
			Errors []problem
		}
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatalf("no JSON: %v\n%s", err, body)
		}
		got.Data, got.Errors = out.Data, out.Errors
	}
	return got
}

// ask sends an operation that must succeed, and returns what lies at each of the given paths of its data: names and places in lists
// between dots.
func (w *world) ask(token, query string, v vars, paths ...string) []string {
	w.t.Helper()
	got := w.try(token, query, v)
	if len(got.Errors) > 0 {
		w.t.Fatalf("%s\n%v\ngot %s", query, v, got.Body)
	}
	found := make([]string, len(paths))
	for i, p := range paths {
		found[i] = at(w.t, got.Data, p)
	}
	return found
}

// at is what lies at a path of some JSON: texts as they are, all else as JSON.
func at(t testing.TB, data json.RawMessage, path string) string {
	t.Helper()
	var v any
	check(t, json.Unmarshal(data, &v))
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(in) {
				t.Fatalf("%s: there is no %q in %s", path, step, data)
			}
			v = in[i]
		default:
			t.Fatalf("%s: there is no %q in %s", path, step, data)
		}
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	check(t, err)
	return string(b)
}

// wants sends an operation that must be answered with this data, and no error.
func (w *world) wants(token, query string, v vars, data string) {
	w.t.Helper()
	got := w.try(token, query, v)
	if len(got.Errors) > 0 {
		w.t.Fatalf("%s\n%v\ngot %s", query, v, got.Body)
	}
	if g, want := compact(w.t, got.Data), compact(w.t, json.RawMessage(data)); g != want {
		w.t.Fatalf("%s\n%v\ngot  %s\nwant %s", query, v, g, want)
	}
}

// compact is JSON without spaces and with sorted names.
func compact(t testing.TB, data json.RawMessage) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	b, err := json.Marshal(v)
	check(t, err)
	return string(b)
}

// refused sends an operation that must be refused with one error of this code, at this path, and returns it.
func (w *world) refused(token, query string, v vars, code phone.Code, path string) problem {
	w.t.Helper()
	got := w.try(token, query, v)
	if len(got.Errors) != 1 {
		w.t.Fatalf("%s\n%v\ngot %s\nwant one error", query, v, got.Body)
	}
	e := got.Errors[0]
	if e.code() != string(code) || e.path() != path || e.Message == "" {
		w.t.Fatalf("%s\n%v\ngot %s\nwant %s at %s", query, v, got.Body, code, path)
	}
	return e
}

// tenant is an owner with a number and all that belongs to it.
type tenant struct{ user, email, token, number, phone, subscription, plan string }

// tenant makes an owner with a number that is subscribed to a plan without limits.
func (w *world) tenant(name string) tenant {
	w.t.Helper()
	n := w.count.Add(1)
	tn := tenant{email: name + "@example.com", phone: fmt.Sprintf("+1555%07d", n)}
	tn.user = w.ask(w.admin, `mutation($e: String!, $n: String!) { createUser(input: {email: $e, name: $n}) { id } }`,
		vars{"e": tn.email, "n": name}, "createUser.id")[0]
	tn.token = w.token(tn.user)
	tn.number = w.ask(w.admin, `mutation($u: ID!, $p: PhoneNumber!, $l: String!) { createNumber(input: {ownerID: $u, phoneNumber: $p, label: $l}) { id } }`,
		vars{"u": tn.user, "p": tn.phone, "l": "line of " + name}, "createNumber.id")[0]
	tn.plan = w.ask(w.admin, `mutation { createPlan(input: {name: "Free", type: UNLIMITED, period: MONTH}) { id } }`, nil, "createPlan.id")[0]
	tn.subscription = w.ask(w.admin, `mutation($n: ID!, $p: ID!) { subscribeNumber(numberID: $n, planID: $p) { id } }`,
		vars{"n": tn.number, "p": tn.plan}, "subscribeNumber.id")[0]
	return tn
}

// token makes a token for a user.
func (w *world) token(user string) string {
	w.t.Helper()
	return w.ask(w.admin, `mutation($u: ID!) { createToken(userID: $u, name: "test") { token } }`, vars{"u": user}, "createToken.token")[0]
}

// sid is a new one of Twilio's names.
func (w *world) sid(kind string) string { return fmt.Sprintf("%s%032x", kind, w.count.Add(1)) }

// recorded reports a new recording of a call to a number, as Twilio's callback does, and returns the voicemail's id. It has not appeared yet.
func (w *world) recorded(tn tenant, from string) string {
	w.t.Helper()
	in := phone.Incoming{CallSID: w.sid("CA"), From: from, To: phone.Number(tn.phone)}
	sid := w.sid("RE")
	check(w.t, w.desk.Reported(w.ctx, in, phone.Reported{RecordingSID: sid, CallSID: in.CallSID, Status: "completed", Seconds: 7, StartedAt: w.now()}))
	id, err := w.db.Client().Voicemail.Query().Where(voicemail.RecordingSid(sid)).OnlyID(w.ctx)
	check(w.t, err)
	return id
}

// running is a call to a number that is forwarded just now.
func (w *world) running(tn tenant) (in phone.Incoming, id string) {
	w.t.Helper()
	in = phone.Incoming{CallSID: w.sid("CA"), From: "+15550200003", To: phone.Number(tn.phone)}
	_, err := w.desk.Receive(w.ctx, in)
	check(w.t, err)
	id, err = w.db.Client().Call.Query().Where(call.CallSid(in.CallSID)).OnlyID(w.ctx)
	check(w.t, err)
	return in, id
}

// appear lets voicemails appear, one after the other.
func (w *world) appear(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		check(w.t, w.desk.Work()[jobs.Appear](w.ctx, jobs.Job{Kind: jobs.Appear, Subject: id}))
	}
}

// voicemails leaves n voicemails on a number and returns their ids in the order in which they appeared.
func (w *world) voicemails(tn tenant, n int) (ids []string) {
	w.t.Helper()
	for range n {
		id := w.recorded(tn, "+15550200002")
		w.appear(id)
		ids = append(ids, id)
	}
	return ids
}

// write changes the database behind everybody's back.
func (w *world) write(change func(tx *ent.Client) error) {
	w.t.Helper()
	tx, err := w.db.Begin(w.ctx)
	check(w.t, err)
	if err := change(tx.Ent); err != nil {
		w.t.Fatal(err, tx.Rollback())
	}
	check(w.t, tx.Commit())
}

// exec runs a statement behind everybody's back.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	_, err := w.db.Writer().ExecContext(w.ctx, statement, args...)
	check(w.t, err)
}
