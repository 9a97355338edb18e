package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// inside are words that only an error from within would use.
var inside = []string{"sql", "pq", "sqlite", "table", "column", "relation", "plans", "ent:", "goroutine", "panic", ".go", "nil pointer", "/"}

// hidden checks that an error tells nothing but a request id, under which the cause stands in the log.
func (w *world) hidden(e problem, cause string) {
	w.t.Helper()
	id, _ := e.Extensions["requestId"].(string)
	if e.code() != string(phone.Internal) || id == "" || !strings.Contains(e.Message, id) || len(e.Extensions) != 2 {
		w.t.Errorf("got %v, want INTERNAL with a request id", e)
	}
	for _, word := range inside {
		if strings.Contains(strings.ToLower(strings.ReplaceAll(e.Message, id, "")), word) {
			w.t.Errorf("%q tells of %q", e.Message, word)
		}
	}
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, "request="+id) && strings.Contains(line, cause) && strings.Contains(line, "level=ERROR") {
			return
		}
	}
	w.t.Errorf("the log has no %q under %s", cause, id)
}

func TestWhatIsWrongInsideIsLoggedAndNotTold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.exec(`ALTER TABLE plans RENAME TO gone`)
		w.hidden(w.refused(a.token, `{ list: plans { totalCount } }`, nil, phone.Internal, "list"), "plans")
		w.hidden(w.refused(w.admin, `mutation { createPlan(input: {name: "x", type: TRIAL, period: ONCE}) { id } }`, nil, phone.Internal, "createPlan"), "plans")
		got := w.try(a.token, `query($p: ID!) { viewer { email } node(id: $p) { id } nodes(ids: [$p, $p]) { id }
			numbers { edges { node { label subscription { plan { name } } } } } }`, vars{"p": a.plan})
		want := `{"viewer":{"email":"ann@example.com"},"node":null,"nodes":[null,null],"numbers":{"edges":[{"node":{"label":"line of ann","subscription":null}}]}}`
		if compact(t, got.Data) != compact(t, []byte(want)) || len(got.Errors) != 4 {
			t.Errorf("got %s, want %s and four errors: one request fails where it must and nowhere else", got.Body, want)
		}
		for _, e := range got.Errors {
			w.hidden(e, "plans")
		}
	})
}

func TestAPanicCostsOneFieldOfOneRequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.voicemails(a, 1)[0]
		w.write(func(tx *ent.Client) error {
			return tx.Voicemail.UpdateOneID(vm).SetAudio(phone.AudioStored).Exec(w.ctx)
		})
		broken := *w.resolver
		broken.Links = nil // so that making a link panics
		w.handler = w.door(t, &broken)
		got := w.try(a.token, `{ voicemails { edges { node { from audioURL } } } }`, nil)
		if len(got.Errors) != 1 || got.Errors[0].path() != "voicemails.edges.0.node.audioURL" || at(t, got.Data, "voicemails.edges.0.node.from") != "+15550200002" {
			t.Fatalf("got %s, want one error, and all else", got.Body)
		}
		w.hidden(got.Errors[0], "panic")
		w.ask(a.token, `{ viewer { id } }`, nil)
		if n := w.panics(); n != 1 {
			t.Errorf("%v panics were counted, want 1", n)
		}
	})
}

// A read for a push has a goroutine of its own, where a panic would end the process.
func TestAPanicWhileReadingWhatIsToBePushedDelaysThePush(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		broken := *w.resolver
		broken.DB = reopened(t, w.db).Client()
		var reads atomic.Int64
		broken.DB.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
			return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
				if reads.Add(1) <= 2 {
					panic("an odd row")
				}
				return next.Query(ctx, q)
			})
		}))
		w.handler = w.door(t, &broken)
		received := w.stream(a.token, `subscription { voicemailReceived { node { id } } }`, nil)
		called := w.follow(a.token, `subscription { callChanged { outcome } }`, nil)
		received.comment()
		vm := w.voicemails(a, 1)[0]
		if got, want := received.next("next"), `{"data":{"voicemailReceived":{"node":{"id":"`+vm+`"}}}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := called.read(); got.Type != "next" {
			t.Errorf("got %s %s, want the call", got.Type, got.Payload)
		}
		if n := w.panics(); n != 2 || !strings.Contains(w.log.String(), "an odd row") {
			t.Errorf("%v panics were counted, want 2, and in the log", n)
		}
	})
}

// reopened is another pool on the same database.
func reopened(t *testing.T, db *database.DB) *database.DB {
	t.Helper()
	address := db.DSN()
	if file, ok := strings.CutPrefix(address, "file:"); ok {
		file, _, _ = strings.Cut(file, "?")
		address = "sqlite://" + file
	}
	again, err := database.Open(address)
	check(t, err)
	t.Cleanup(func() { check(t, again.Close()) })
	return again
}

// tellings are the ways in which an operation can be sent, and what each is told of what went wrong.
var tellings = map[string]func(w *world, token, query string, v vars) []problem{
	"HTTP": func(w *world, token, query string, v vars) []problem { return w.try(token, query, v).Errors },
	"events": func(w *world, token, query string, v vars) []problem {
		body, err := json.Marshal(vars{"query": query, "variables": v})
		check(w.t, err)
		got := w.post(bytes.NewReader(body), "Authorization", "Bearer "+token, "Accept", acceptOfGraphqlSSE)
		if _, event, is := strings.Cut(got.Body, "event: next\ndata: "); is {
			event, _, _ = strings.Cut(event, "\n")
			return parse(w.t, got.Status, http.Header{"Content-Type": {jsonType}}, []byte(event)).Errors
		}
		return got.Errors
	},
	"socket": func(w *world, token, query string, v vars) (errs []problem) {
		m := w.follow(token, query, v).read()
		if m.Type == "next" {
			return parse(w.t, http.StatusOK, http.Header{"Content-Type": {jsonType}}, m.Payload).Errors
		}
		check(w.t, json.Unmarshal(m.Payload, &errs))
		return errs
	},
}

func TestEveryWayIsToldTheSameOfWhatWentWrong(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	gone := *w.resolver
	gone.DB = away(t, w.db.Dialect()).Client()
	working, unreachable := w.handler, w.door(t, &gone)
	update := `mutation($id: ID!, $in: UpdateNumberInput!) { updateNumber(id: $id, input: $in) { id } }`
	for _, c := range []struct {
		code               phone.Code
		token, query       string
		v                  vars
		path, field, says  string
		whileTheDatabaseIs http.Handler
	}{
		{phone.NotFound, a.token, `query($id: ID!) { it: node(id: $id) { id } }`, vars{"id": "vm_none"}, "it", "", "no such object", working},
		{phone.Forbidden, a.token, `mutation { createPlan(input: {name: "x", type: TRIAL, period: ONCE}) { id } }`, nil, "createPlan", "", "administrator", working},
		{phone.BadUserInput, a.token, update, vars{"id": a.number, "in": vars{"ringSeconds": 90}}, "updateNumber", "ringSeconds", "5 to 60", working},
		{phone.BadUserInput, a.token, update, vars{"id": a.number, "in": vars{"forwardTo": []string{"+15550200001", "0171 555"}}}, "updateNumber", "forwardTo.1", "+", working},
		{phone.BadUserInput, a.token, update, vars{"id": a.number, "in": vars{"nothing": 1}}, "updateNumber", "nothing", "has no field nothing", working},
		{phone.BadUserInput, a.token, `{ voicemails(where: {receivedAtLT: "yesterday"}) { totalCount } }`, nil, "voicemails", "receivedAtLT", "RFC 3339", working},
		{phone.BadUserInput, a.token, `{ voicemails(after: "!") { totalCount } }`, nil, "voicemails", "after", "cursor", working},
		{phone.BadUserInput, a.token, `{ nothing }`, nil, "", "", "nothing", working},
		{phone.Conflict, w.admin, `mutation($e: String!) { createUser(input: {email: $e}) { id } }`, vars{"e": a.email}, "createUser", "email", "already", working},
		{phone.TooComplex, a.token, "{ viewer { id " + many(31, "a%d: id ") + " } }", nil, "", "", "30 aliases", working},
		{phone.Unavailable, a.token, `{ it: numbers { totalCount } }`, nil, "it", "", "database", unreachable},
	} {
		w.handler = c.whileTheDatabaseIs
		for way, tell := range tellings {
			told := tell(w, c.token, c.query, c.v)
			if len(told) != 1 {
				t.Errorf("%s, %s: got %v, want one error", c.code, way, told)
				continue
			}
			e := told[0]
			field, _ := e.Extensions["field"].(string)
			if e.code() != string(c.code) || e.path() != c.path || field != c.field || !strings.Contains(e.Message, c.says) {
				t.Errorf("%s, %s: got %v, want it at %q, of the field %q, saying %q", c.code, way, e, c.path, c.field, c.says)
			}
			for _, word := range append(inside, "reach", "127.0.0.1") {
				if word != "/" && strings.Contains(strings.ToLower(e.Message), word) {
					t.Errorf("%s, %s: %q tells of %q", c.code, way, e.Message, word)
				}
			}
		}
	}
	w.handler = working
	w.exec(`ALTER TABLE plans RENAME TO gone`)
	for way, tell := range tellings {
		if told := tell(w, a.token, `{ plans { totalCount } }`, nil); len(told) != 1 || told[0].path() != "plans" {
			t.Errorf("%s: got %v, want one error", way, told)
		} else {
			w.hidden(told[0], "plans")
		}
	}
}

// away is a database that nobody can reach.
func away(t *testing.T, kind string) *database.DB {
	t.Helper()
	address := "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable"
	if kind == dialect.SQLite {
		address = "sqlite://" + filepath.Join(t.TempDir(), "nothing.db")
	}
	db, err := database.Open(address)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func TestWhileTheDatabaseIsAwayEverythingIsUnavailable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.voicemails(a, 1)[0]
		gone := *w.resolver
		gone.DB = away(t, w.db.Dialect()).Client()
		w.handler = w.door(t, &gone) // it goes away once the token is checked
		for _, field := range []string{"viewer { id }", "numbers { totalCount }", `node(id: "` + a.number + `") { id }`} {
			e := w.refused(a.token, "{ it: "+field+" }", nil, phone.Unavailable, "it")
			if strings.Contains(e.Message, "1:") || strings.Contains(e.Message, "open") {
				t.Errorf("%q tells of the cause", e.Message)
			}
		}
		for _, link := range []string{w.links.To(links.Audio, vm, w.now().Add(time.Hour)), w.links.To(links.Page, vm, w.now().Add(time.Hour))} {
			if got := w.send(request(t, http.MethodGet, link, nil)); got.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: got %d, want 503", link, got.Status)
			}
		}
		config := w.desk.Config
		config.DB = away(t, w.db.Dialect())
		gone.Desk = switchboard.New(config)
		w.handler = w.door(t, &gone) // now it is away from the beginning
		got := w.try(a.token, `{ viewer { id } }`, nil)
		if w.failed(got, http.StatusServiceUnavailable, phone.Unavailable, ""); got.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		if got := w.send(request(t, http.MethodGet, w.url+"/recordings/"+vm, nil, "Authorization", "Bearer "+a.token)); got.Status != http.StatusServiceUnavailable {
			t.Errorf("a recording: got %d, want 503", got.Status)
		}
	})
}

func TestATextThatNoDatabaseTakesIsBadInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for _, q := range []string{
			`calls(where: {callSid: $x})`, `voicemails(where: {transcriptContainsFold: $x})`, `numbers(where: {label: $x})`,
			`users(where: {email: $x})`, `voicemails(where: {from: $x})`,
		} {
			got := w.try(a.token, `query($x: String) { it: `+q+` { totalCount } }`, vars{"x": "a\x00b"})
			if len(got.Errors) == 0 && at(t, got.Data, "it.totalCount") == "0" {
				continue // SQLite looks for it, and finds nothing
			}
			if len(got.Errors) != 1 || got.Errors[0].code() != string(phone.BadUserInput) {
				t.Errorf("%s: got %s", q, got.Body)
			}
		}
	})
}
