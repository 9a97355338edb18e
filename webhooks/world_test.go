package webhooks_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
	"github.com/maskline/maskline/webhooks"
)

const (
	account  = "AC00000000000000000000000000000001"
	token    = "0123456789abcdef0123456789abcdef"
	public   = "https://masked.example.com"
	mask     = "+15550006789"
	desk     = "+15550100001" // the owner's phone
	customer = "+15550200002"
	callSID  = "CA00000000000000000000000000000001"
	childSID = "CA00000000000000000000000000000002"
	recSID   = "RE00000000000000000000000000000001"

	patient = time.Minute // for what is not about time
)

// world is the door on a real switchboard and a real database.
type world struct {
	t      *testing.T
	ctx    context.Context
	db     *database.DB
	desk   *switchboard.Switchboard
	server *httptest.Server
	log    *lines
	clock  *clock
	number string // the id of the masked number, once there is one
}

// on is the same world for a subtest.
func (w *world) on(t *testing.T) *world {
	other := *w
	other.t = t
	return &other
}

// clock moves when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newWorld opens the door with these settings on an installation that knows nobody.
func newWorld(t *testing.T, db *database.DB, with func(*webhooks.Config)) *world {
	t.Helper()
	return openWorld(t, db, with, func(c webhooks.Config) http.Handler { return webhooks.HandlerAt(c, patient, patient) })
}

func openWorld(t *testing.T, db *database.DB, with func(*webhooks.Config), handler func(webhooks.Config) http.Handler) *world {
	t.Helper()
	w := &world{t: t, ctx: viewer.System(t.Context()), db: db, log: &lines{t: t}, clock: &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	queue, err := jobs.New(jobs.Config{DB: db.Writer(), Dialect: db.Dialect(), Log: log, Now: w.clock.time})
	check(t, err)
	memory, err := switchboard.NewMemory(filepath.Join(t.TempDir(), "numbers.json"))
	check(t, err)
	w.desk = switchboard.New(switchboard.Config{
		Memory: memory, Journal: journal.New(t.TempDir()), DB: db, Queue: queue, Events: events.NewHub(), Log: log, Now: w.clock.time, Settings: switchboard.Settings{Transcriber: "twilio"},
	})
	config := webhooks.Config{
		Desk: w.desk, PublicURL: public, AccountSID: account, AuthTokens: []string{token}, Log: log, Metrics: prometheus.NewRegistry(),
	}
	if with != nil {
		with(&config)
	}
	h := handler(config)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(rw, r.WithContext(viewer.System(r.Context())))
	}))
	t.Cleanup(w.server.Close)
	return w
}

// inhabit gives the installation an owner with a masked number, subscribed to a plan with fifty calls and fifty voicemails.
func (w *world) inhabit() *world {
	w.t.Helper()
	user, err := w.desk.CreateUser(w.ctx, switchboard.NewUser{Email: "olivia@example.com", Name: "Olivia"})
	check(w.t, err)
	set := phone.DefaultSettings()
	set.ForwardTo = []phone.Number{desk}
	w.number, err = w.desk.CreateNumber(w.ctx, mask, user, set)
	check(w.t, err)
	plan, err := w.desk.CreatePlan(w.ctx, switchboard.NewPlan{Name: "Basic", Type: phone.PlanPackage, CallsLimit: new(50), VoicemailsLimit: new(50), Period: phone.PeriodMonth})
	check(w.t, err)
	_, err = w.desk.Subscribe(w.ctx, w.number, plan)
	check(w.t, err)
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines is a log that a test can read.
type lines struct {
	t  *testing.T
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	return l.t.Output().Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// hook is a request of Twilio's.
type hook struct {
	uri  string
	form url.Values
}

// with is the hook with something changed in its form.
func (h hook) with(change func(url.Values)) hook {
	h.form = maps.Clone(h.form)
	change(h.form)
	return h
}

// voice are the parameters that every request of a call has.
func voice(status string, more ...string) url.Values {
	v := form("AccountSid", account, "ApiVersion", "2010-04-01", "CallSid", callSID, "CallStatus", status, "Direction", "inbound",
		"From", customer, "Caller", customer, "To", mask, "Called", mask, "FromCity", "", "FromCountry", "US")
	maps.Copy(v, form(more...))
	return v
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

const carried = "?call=" + callSID + "&from=%2B15550200002&to=%2B15550006789"

func recordingForm(status string, more ...string) url.Values {
	v := form("AccountSid", account, "CallSid", callSID, "RecordingSid", recSID, "RecordingStatus", status, "RecordingDuration", "12",
		"RecordingUrl", "https://api.twilio.com/2010-04-01/Accounts/"+account+"/Recordings/"+recSID, "RecordingChannels", "1",
		"RecordingSource", "RecordVerb", "ErrorCode", "0", "RecordingStartTime", "Wed, 25 Nov 2026 11:59:30 +0000")
	maps.Copy(v, form(more...))
	return v
}

func transcriptionForm(text string) url.Values {
	return form("AccountSid", account, "CallSid", callSID, "RecordingSid", recSID, "TranscriptionSid", "TR00000000000000000000000000000001",
		"TranscriptionStatus", "completed", "TranscriptionText", text, "TranscriptionType", "fast", "From", customer, "To", mask, "CallStatus", "completed")
}

// decisions are a request to each route that a caller or a phone waits for.
func decisions() map[string]hook {
	return map[string]hook{
		"voice":              {"/webhooks/voice", voice("ringing")},
		"voice/fallback":     {"/webhooks/voice/fallback", voice("ringing", "ErrorCode", "11200", "ErrorUrl", public+"/webhooks/voice")},
		"voice/screen":       {"/webhooks/voice/screen" + carried + "&language=en-US", voice("in-progress", "CallSid", childSID, "ParentCallSid", callSID, "From", customer, "To", desk)},
		"voice/pressed":      {"/webhooks/voice/pressed" + carried, voice("in-progress", "CallSid", childSID, "Digits", "1")},
		"voice/dialed":       {"/webhooks/voice/dialed" + carried, voice("ringing", "DialCallStatus", "no-answer", "DialCallSid", childSID, "DialBridged", "false")},
		"voice/dialed-again": {"/webhooks/voice/dialed-again" + carried, voice("ringing", "DialCallStatus", "no-answer", "DialCallSid", childSID, "DialBridged", "false")},
		"voice/recorded":     {"/webhooks/voice/recorded" + carried, voice("completed", "RecordingSid", recSID, "RecordingDuration", "12", "Digits", "hangup")},
		"messages":           {"/webhooks/messages", form("AccountSid", account, "MessageSid", "SM00000000000000000000000000000001", "From", customer, "To", mask, "Body", "Hi")},
	}
}

// callbacks are a request to each route that only tells us something.
func callbacks() map[string]hook {
	return map[string]hook{
		"status":        {"/webhooks/status", voice("completed", "CallDuration", "30")},
		"recording":     {"/webhooks/recording" + carried, recordingForm("completed")},
		"transcription": {"/webhooks/transcription" + carried, transcriptionForm("Hello Olivia.")},
	}
}

func routes() map[string]hook {
	all := decisions()
	maps.Copy(all, callbacks())
	return all
}

// reply is what Twilio gets.
type reply struct {
	status int
	kind   string // Content-Type
	body   string
}

func (r reply) String() string { return fmt.Sprintf("%d %s\n%s", r.status, r.kind, r.body) }

var taken = reply{status: http.StatusNoContent}

// post sends a request as Twilio does, signed for the public address.
func (w *world) post(h hook) reply {
	w.t.Helper()
	r, _ := w.send(w.request(h))
	return r
}

// request is a hook on its way, signed.
func (w *world) request(h hook) *http.Request {
	w.t.Helper()
	r := w.unsigned(h)
	r.Header.Set("X-Twilio-Signature", sign(token, public+h.uri, h.form))
	return r
}

// sign signs as Twilio does, by the hand of the telephone network: nothing of what checks signatures is used. The values of a repeated
// name are signed as a sorted set.
func sign(by, address string, form url.Values) string {
	sets := url.Values{}
	for name, values := range form {
		sets[name] = slices.Compact(slices.Sorted(slices.Values(values)))
	}
	return network.Sign(by, address, sets)
}

func (w *world) unsigned(h hook) *http.Request {
	w.t.Helper()
	body := strings.ReplaceAll(h.form.Encode(), "+", "%20")
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+h.uri, strings.NewReader(body))
	check(w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return r
}

func (w *world) send(r *http.Request) (reply, http.Header) {
	w.t.Helper()
	resp, err := w.server.Client().Do(r)
	check(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(w.t, err)
	return reply{resp.StatusCode, resp.Header.Get("Content-Type"), string(body)}, resp.Header
}

// element is an element of TwiML.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []element  `xml:",any"`
}

func (e element) attr(name string) (value string) {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			value = a.Value
		}
	}
	return value
}

// shape is the tree of names, such as Response(Say,Hangup).
func (e element) shape() string {
	if len(e.Kids) == 0 {
		return e.XMLName.Local
	}
	var kids []string
	for _, k := range e.Kids {
		kids = append(kids, k.shape())
	}
	return e.XMLName.Local + "(" + strings.Join(kids, ",") + ")"
}

// twiml checks that a reply is a document as Twilio wants it, and returns its root.
func twiml(t *testing.T, r reply) element {
	t.Helper()
	if r.status != http.StatusOK || r.kind != "text/xml; charset=utf-8" {
		t.Fatalf("got %s, want 200 and text/xml", r)
	}
	var root element
	check(t, xml.Unmarshal([]byte(r.body), &root))
	if root.XMLName.Local != "Response" {
		t.Fatalf("the root is %s", root.XMLName.Local)
	}
	for _, verb := range root.Kids { // no call and no silence is left to Twilio's own bounds
		if bound := map[string]string{"Dial": "timeLimit", "Record": "timeout"}[verb.XMLName.Local]; bound != "" && verb.attr(bound) == "" {
			t.Errorf("<%s> without %s: %s", verb.XMLName.Local, bound, r)
		}
	}
	return root
}

// The shapes of what callers get.
const (
	nothing = "Response"
	hangsUp = "Response(Hangup)"
	dials   = "Response(Dial(Number))"
	records = "Response(Say,Record,Say,Hangup)"
	screens = "Response(Gather(Say),Gather(Say),Gather(Say),Hangup)"
	says    = "Response(Say,Hangup)"
	rejects = "Response(Reject)"
)

// gets checks the shape of what a hook gets.
func (w *world) gets(h hook, want string) element {
	w.t.Helper()
	root := twiml(w.t, w.post(h))
	if got := root.shape(); got != want {
		w.t.Errorf("%s gets %s, want %s", h.uri, got, want)
	}
	return root
}

// rows is all that is stored, table by table.
func (w *world) rows() map[string]string {
	w.t.Helper()
	list := `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`
	if w.db.Dialect() == dialect.Postgres {
		list = `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`
	}
	all := map[string]string{}
	for _, row := range w.query(list) {
		all[row] = strings.Join(w.query("SELECT * FROM "+row+" ORDER BY 1"), "\n")
	}
	return all
}

// query gives each row as text.
func (w *world) query(q string) (texts []string) {
	w.t.Helper()
	rows, err := w.db.Writer().QueryContext(w.ctx, q)
	check(w.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	check(w.t, err)
	for rows.Next() {
		values, places := make([]sql.Null[any], len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		check(w.t, rows.Scan(places...))
		var parts []string
		for _, v := range values {
			if b, ok := v.V.([]byte); ok {
				v.V = string(b)
			}
			parts = append(parts, fmt.Sprint(v.V))
		}
		texts = append(texts, strings.Join(parts, "|"))
	}
	check(w.t, rows.Err())
	return texts
}

// unchanged checks that nothing was stored since.
func (w *world) unchanged(before map[string]string) {
	w.t.Helper()
	after := w.rows()
	for _, table := range slices.Sorted(maps.Keys(after)) {
		if after[table] != before[table] {
			w.t.Errorf("%s changed from\n%s\nto\n%s", table, before[table], after[table])
		}
	}
}

// hold keeps everybody else from writing, as a frozen database or another process would, until it is let go.
func (w *world) hold() (release func()) {
	w.t.Helper()
	driver := map[string]string{dialect.SQLite: "sqlite", dialect.Postgres: "postgres"}[w.db.Dialect()]
	other, err := sql.Open(driver, w.db.DSN())
	check(w.t, err)
	tx, err := other.BeginTx(w.ctx, nil) // on SQLite this is the lock
	check(w.t, err)
	if driver == "postgres" {
		_, err = tx.ExecContext(w.ctx, "LOCK TABLE calls, masked_numbers IN ACCESS EXCLUSIVE MODE")
		check(w.t, err)
	}
	return func() {
		w.t.Helper()
		check(w.t, errors.Join(tx.Rollback(), other.Close()))
	}
}
