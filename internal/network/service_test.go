package network

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	account = "AC00000000000000000000000000000001"
	secret  = "0123456789abcdef0123456789abcdef"
	mask    = "+15005550006"
	bob     = "+15005550001" // who calls
	olga    = "+15005550100" // whose phone is masked
	otto    = "+15005550101"
)

// answers of the small service that the tests put behind the network: by path, what to say.
type answersByPath map[string]string

// asked is one request as it reached the service.
type asked struct {
	method, path string
	header       http.Header
	query, form  url.Values
	raw          string
}

// world is a network with a service behind it.
type world struct {
	t *testing.T
	*Network
	service *httptest.Server

	mu     sync.Mutex
	answer map[string]http.HandlerFunc
	asked  []asked
}

// open makes a world whose service answers each path with the TwiML given, "" meaning 204.
func open(t *testing.T, cfg Config, twiml answersByPath) *world {
	t.Helper()
	w := &world{t: t, answer: map[string]http.HandlerFunc{}}
	for path, text := range twiml {
		w.answer[path] = func(rw http.ResponseWriter, _ *http.Request) { writeTwiML(rw, text) }
	}
	w.service = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.service.Close)
	cfg.AccountSID, cfg.AuthToken = account, secret
	w.Network = New(cfg)
	t.Cleanup(w.Close)
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), StatusCallback: w.at("/status")})
	return w
}

func writeTwiML(w http.ResponseWriter, text string) {
	if text == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprint(w, text)
}

func (w *world) at(path string) string { return w.service.URL + path }

// on has the service answer a path by hand.
func (w *world) on(path string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer[path] = h
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.t.Errorf("form of %s: %v", r.URL, err)
	}
	w.checkSignature(r)
	w.mu.Lock()
	w.asked = append(w.asked, asked{
		method: r.Method, path: r.URL.Path, header: r.Header, query: r.URL.Query(), form: r.PostForm, raw: r.RequestURI,
	})
	h := w.answer[r.URL.Path]
	w.mu.Unlock()
	if h == nil {
		writeTwiML(rw, "")
		return
	}
	h(rw, r)
}

func (w *world) checkSignature(r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/files/") {
		return
	}
	want := Sign(secret, "http://"+r.Host+r.RequestURI, r.PostForm)
	if got := r.Header.Get("X-Twilio-Signature"); got != want {
		w.t.Errorf("signature of %s: got %s, want %s", r.RequestURI, got, want)
	}
}

// call dials the mask and runs everything to its end.
func (w *world) call(c Caller) *Call {
	w.t.Helper()
	call := w.Dial(c, mask)
	w.run()
	return call
}

func (w *world) run() {
	w.t.Helper()
	if err := w.Run(w.t.Context()); err != nil {
		w.t.Fatalf("run: %v", err)
	}
}

func (w *world) runTo(match func(Event) bool) {
	w.t.Helper()
	if err := w.RunTo(w.t.Context(), match); err != nil {
		w.t.Fatalf("run to an event: %v", err)
	}
}

func fine(t *testing.T, calls ...*Call) {
	t.Helper()
	for _, c := range calls {
		if err := c.Err(); err != nil {
			t.Errorf("faults: %v\n%s", err, c.Tell())
		}
	}
}

// requests lists what reached a path.
func (w *world) requests(path string) (found []asked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asked {
		if a.path == path {
			found = append(found, a)
		}
	}
	return found
}

// only is the one request that reached a path.
func (w *world) only(path string) asked {
	w.t.Helper()
	found := w.requests(path)
	if len(found) != 1 {
		w.t.Fatalf("%d requests for %s, want 1", len(found), path)
	}
	return found[0]
}

// has compares parameters; the value "-" wants it absent.
func has(t *testing.T, form url.Values, want map[string]string) {
	t.Helper()
	for name, value := range want {
		got, there := form.Get(name), form.Has(name)
		if value == "-" && there || value != "-" && (!there || got != value) {
			t.Errorf("%s: got %q (there: %v), want %q", name, got, there, value)
		}
	}
}

// kinds is a story in short.
func kinds(story []Event) string {
	var all []string
	for _, e := range story {
		all = append(all, string(e.Kind))
	}
	return strings.Join(all, " ")
}

func first(t *testing.T, c *Call, kind Kind) Event {
	t.Helper()
	story := c.Story()
	at := slices.IndexFunc(story, func(e Event) bool { return e.Kind == kind })
	if at < 0 {
		t.Fatalf("no %s in the story:\n%s", kind, c.Tell())
	}
	return story[at]
}

func is(kind Kind) func(Event) bool { return func(e Event) bool { return e.Kind == kind } }

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func response(verbs string) string { return "<Response>" + verbs + "</Response>" }

const nothing = "<Response/>"

// rest asks the network's REST API with the account's credentials.
func (w *world) rest(method, path string, form url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.restAs(account, secret, method, path, form)
}

func (w *world) restAs(user, password, method, path string, form url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, cmp.Or(path, "/"), strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.SetBasicAuth(user, password)
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return rec
}

// twiml answers with this document.
func twiml(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeTwiML(w, text) }
}

// failing answers with this status and no document.
func failing(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// wantFault wants exactly one fault, with this code and these words.
func wantFault(t *testing.T, c *Call, code int, words string) {
	t.Helper()
	var failures []Event
	for _, e := range c.Story() {
		if e.Kind == Failed {
			failures = append(failures, e)
		}
	}
	var fault *Fault
	if len(failures) != 1 || !errors.As(c.Err(), &fault) {
		t.Fatalf("%d faults, want 1: %v\n%s", len(failures), c.Err(), c.Tell())
	}
	equal(t, "code of the event", failures[0].Code, code)
	equal(t, "code of the error", fault.Code, code)
	if !strings.Contains(fault.Error(), words) {
		t.Errorf("fault %q, want something about %q", fault, words)
	}
}
