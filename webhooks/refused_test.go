package webhooks_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/webhooks"
)

const tooMuch = 64<<10 + 1

// refusals are requests that must not be taken, each made of a genuine one.
var refusals = []struct {
	name   string
	make   func(*world, hook) *http.Request
	status int
}{
	{"by another method", func(w *world, h hook) *http.Request { return method(w.request(h), http.MethodGet) }, 405},
	{"by HEAD", func(w *world, h hook) *http.Request { return method(w.request(h), http.MethodHead) }, 405},
	{"by PUT, though a header says POST", func(w *world, h hook) *http.Request {
		r := method(w.request(h), http.MethodPut)
		r.Header.Set("X-HTTP-Method-Override", http.MethodPost)
		return r
	}, 405},
	{"by another method, too large and unsigned", func(w *world, h hook) *http.Request {
		return method(w.unsigned(h.with(func(v url.Values) { v.Set("Padding", strings.Repeat("x", tooMuch)) })), http.MethodPut)
	}, 405},
	{"one byte too large, though signed", func(w *world, h hook) *http.Request { return w.request(padded(h, tooMuch)) }, 413},
	{"too large and unsigned", func(w *world, h hook) *http.Request { return w.unsigned(padded(h, tooMuch)) }, 413},
	{"too large without saying how large", func(w *world, h hook) *http.Request {
		r := w.request(padded(h, tooMuch))
		r.Body, r.ContentLength = io.NopCloser(io.LimitReader(r.Body, tooMuch)), -1
		return r
	}, 413},
	{"a gigabyte", func(w *world, h hook) *http.Request {
		r := w.request(h)
		r.Body, r.ContentLength, r.GetBody = io.NopCloser(io.LimitReader(zeros{}, 1<<30)), 1<<30, nil
		return r
	}, 413},
	{"without a signature", func(w *world, h hook) *http.Request { return w.unsigned(h) }, 403},
	{"with an empty signature", func(w *world, h hook) *http.Request { return signed(w.request(h), func(string) string { return "" }) }, 403},
	{"with half a signature", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(s string) string { return s[:14] })
	}, 403},
	{"with a signature that lacks its end", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(s string) string { return strings.TrimRight(s, "=") })
	}, 403},
	{"with a signature and more", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(s string) string { return s + "=" })
	}, 403},
	{"with a signature in other case", func(w *world, h hook) *http.Request { return signed(w.request(h), otherCase) }, 403},
	{"with a signature in the alphabet for URLs", func(w *world, h hook) *http.Request { return signed(special(w, h), forURLs) }, 403},
	{"signed with another token", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(string) string { return sign(strings.ToUpper(token), public+h.uri, h.form) })
	}, 403},
	{"signed with no token", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(string) string { return sign("", public+h.uri, h.form) })
	}, 403},
	{"signed for the address that it was sent to", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(string) string { return sign(token, w.server.URL+h.uri, h.form) })
	}, 403},
	{"signed for another host", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(string) string { return sign(token, "https://evil.example"+h.uri, h.form) })
	}, 403},
	{"signed without its parameters", func(w *world, h hook) *http.Request {
		return signed(w.request(h), func(string) string { return sign(token, public+h.uri, nil) })
	}, 403},
	{"with a parameter that was not signed", func(w *world, h hook) *http.Request {
		genuine := w.request(h)
		return signed(w.request(h.with(func(v url.Values) { v.Set("Extra", "1") })), func(string) string { return genuine.Header.Get("X-Twilio-Signature") })
	}, 403},
	{"without a parameter that was signed", func(w *world, h hook) *http.Request {
		genuine := w.request(h.with(func(v url.Values) { v.Set("Extra", "1") }))
		return signed(w.request(h), func(string) string { return genuine.Header.Get("X-Twilio-Signature") })
	}, 403},
	{"with the query of another call", func(w *world, h hook) *http.Request {
		r := w.request(h)
		r.URL.RawQuery += "&call=CA00000000000000000000000000000009"
		return r
	}, 403},
	{"with a hash of its body, which libraries take for proof", func(w *world, h hook) *http.Request {
		return w.request(hook{join(h.uri, "bodySHA256="+strings.Repeat("0", 64)), h.form})
	}, 403},
	{"as JSON", func(w *world, h hook) *http.Request {
		r := w.request(hook{h.uri, nil})
		r.Body = io.NopCloser(strings.NewReader(`{"AccountSid":"` + account + `"}`))
		r.ContentLength = -1
		return r
	}, 403},
	{"signed for another spelling of its query", func(w *world, h hook) *http.Request {
		r := w.request(hook{join(h.uri, "x=+"), h.form})
		r.URL.RawQuery = strings.TrimSuffix(r.URL.RawQuery, "+") + "%20"
		return r
	}, 403},
	{"with a form that cannot be read", func(w *world, h hook) *http.Request {
		r := w.request(hook{h.uri, nil})
		r.Body = io.NopCloser(strings.NewReader("CallSid=%zz"))
		r.ContentLength = -1
		return r
	}, 403},
	{"with its parameters in the query alone", func(w *world, h hook) *http.Request {
		return w.request(hook{join(h.uri, h.form.Encode()), url.Values{}})
	}, 400},
	{"of another account", func(w *world, h hook) *http.Request {
		return w.request(h.with(func(v url.Values) { v.Set("AccountSid", "AC00000000000000000000000000000002") }))
	}, 400},
	{"of no account", func(w *world, h hook) *http.Request {
		return w.request(h.with(func(v url.Values) { v.Del("AccountSid") }))
	}, 400},
	{"of a malformed account", func(w *world, h hook) *http.Request {
		return w.request(h.with(func(v url.Values) { v.Set("AccountSid", account+"0") }))
	}, 400},
	{"of two accounts", func(w *world, h hook) *http.Request {
		return w.request(h.with(func(v url.Values) { v["AccountSid"] = []string{account, "AC00000000000000000000000000000002"} }))
	}, 400},
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func method(r *http.Request, name string) *http.Request { r.Method = name; return r }

// padded is the hook with a body of so many bytes.
func padded(h hook, size int) hook {
	return h.with(func(v url.Values) {
		v.Set("Padding", "")
		v.Set("Padding", strings.Repeat("x", size-len(strings.ReplaceAll(v.Encode(), "+", "%20"))))
	})
}

func signed(r *http.Request, change func(string) string) *http.Request {
	r.Header.Set("X-Twilio-Signature", change(r.Header.Get("X-Twilio-Signature")))
	return r
}

func otherCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

func forURLs(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return base64.URLEncoding.EncodeToString(b)
}

// special is a genuine request whose signature has one of the two characters that the alphabets differ in.
func special(w *world, h hook) *http.Request {
	for i := range 1000 {
		r := w.request(h.with(func(v url.Values) { v.Set("Extra", fmt.Sprint(i)) }))
		if strings.ContainsAny(r.Header.Get("X-Twilio-Signature"), "+/") {
			return r
		}
	}
	w.t.Fatal("there is no such signature")
	return nil
}

func join(uri, query string) string {
	if strings.Contains(uri, "?") {
		return uri + "&" + query
	}
	return uri + "?" + query
}

// TestWhatIsRefused sends each of the refusals to each of the routes, and then looks whether anything was stored.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		before := w.rows()
		for _, path := range slices.Sorted(maps.Keys(routes())) {
			for _, c := range refusals {
				t.Run(path+" "+c.name, func(t *testing.T) {
					w := w.on(t)
					got, header := w.send(c.make(w, routes()[path]))
					if got.status != c.status || got.body != "" {
						t.Errorf("got %s, want %d and nothing else", got, c.status)
					}
					if allow := header.Get("Allow"); (allow == http.MethodPost) != (c.status == 405) {
						t.Errorf("got Allow: %q with status %d", allow, got.status)
					}
				})
			}
		}
		w.unchanged(before)
	}, jobs.Migrate)
}

func TestMalformedSIDsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	before := w.rows()
	read := map[string][]string{ // the sids that each route reads from its form
		"voice": {"CallSid"}, "voice/fallback": {"CallSid"}, "voice/dialed": {"DialCallSid"}, "voice/recorded": {"RecordingSid"},
		"status": {"CallSid"}, "recording": {"CallSid", "RecordingSid"}, "transcription": {"RecordingSid"},
	}
	for path, names := range read {
		for _, name := range names {
			genuine := routes()[path].form.Get(name)
			for _, bad := range []string{
				"x", genuine[:33], genuine + "0", strings.ToLower(genuine[:2]) + genuine[2:], "XX" + genuine[2:], genuine[:33] + "g",
				genuine + "\n", " " + genuine[:33], "../" + genuine[3:], genuine[:31] + "%2f", genuine[:33] + "０",
			} {
				if got := w.post(routes()[path].with(func(v url.Values) { v.Set(name, bad) })); got != (reply{status: 400}) {
					t.Errorf("%s with %s=%q: got %s, want 400", path, name, bad, got)
				}
			}
		}
	}
	for path, h := range routes() {
		for _, bad := range []string{"", "CA1", callSID + "0", "RE" + callSID[2:]} {
			uri := strings.Replace(h.uri, "call="+callSID, "call="+bad, 1)
			if uri == h.uri {
				continue // it carries no call
			}
			if got := w.post(hook{uri, h.form}); got != (reply{status: 400}) {
				t.Errorf("%s with call=%q: got %s, want 400", path, bad, got)
			}
		}
	}
	w.unchanged(before)
}

func TestOptionalSIDsMayBeMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	for path, name := range map[string]string{"voice/dialed": "DialCallSid", "voice/recorded": "RecordingSid"} {
		twiml(t, w.post(routes()[path].with(func(v url.Values) { v.Del(name) })))
		twiml(t, w.post(routes()[path].with(func(v url.Values) { v.Set(name, "") })))
	}
}

// readNames are the names that each route reads, from its form and from its query. Each must be there once at most.
var readNames = map[string]struct{ form, query []string }{
	"voice":              {form: []string{"CallSid", "From", "To", "CallStatus"}},
	"voice/fallback":     {form: []string{"CallSid", "From", "To", "CallStatus", "ErrorCode", "ErrorUrl"}},
	"voice/screen":       {form: []string{"CallStatus"}, query: []string{"call", "from", "to", "language"}},
	"voice/pressed":      {form: []string{"CallStatus", "Digits"}, query: []string{"call", "from", "to"}},
	"voice/dialed":       {form: []string{"CallStatus", "DialCallStatus", "DialBridged", "DialCallSid"}, query: []string{"call", "from", "to"}},
	"voice/dialed-again": {form: []string{"CallStatus", "DialCallStatus", "DialBridged", "DialCallSid"}, query: []string{"call", "from", "to"}},
	"voice/recorded":     {form: []string{"CallStatus", "RecordingSid", "Digits"}, query: []string{"call", "from", "to"}},
	"messages":           {},
	"status":             {form: []string{"CallSid", "From", "To", "CallStatus", "CallDuration", "Timestamp"}},
	"recording": {
		form:  []string{"RecordingSid", "CallSid", "RecordingStatus", "RecordingDuration", "RecordingStartTime", "ErrorCode"},
		query: []string{"call", "from", "to"},
	},
	"transcription": {form: []string{"RecordingSid", "TranscriptionStatus", "TranscriptionText"}, query: []string{"call", "from", "to"}},
}

func TestNamesThatAreReadMustNotRepeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	before := w.rows()
	for path, h := range routes() {
		for _, name := range readNames[path].form {
			value := h.form.Get(name)
			for _, twice := range [][]string{{value, value}, {value, "other"}, {"other", value}, {"", value}} {
				if got := w.post(h.with(func(v url.Values) { v[name] = twice })); got != (reply{status: 400}) {
					t.Errorf("%s with %s=%q: got %s, want 400", path, name, twice, got)
				}
			}
		}
		for _, name := range readNames[path].query {
			if got := w.post(hook{h.uri + "&" + name + "=other", h.form}); got != (reply{status: 400}) {
				t.Errorf("%s with a second %s in its query: got %s, want 400", path, name, got)
			}
		}
	}
	w.unchanged(before)
}

func TestNamesThatNobodyReadsDoNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	for path, h := range routes() {
		h.uri = join(h.uri, "utm=1&utm=2&CallSid=CA9&AccountSid=AC9") // what Twilio says stands in the form
		h = h.with(func(v url.Values) {
			v["FromCity"], v["AddOns"], v["SomethingNew"] = []string{"", ""}, []string{`{"a":1}`}, []string{"b", "a", "b"}
			v["call"], v["from"] = []string{"x", "y"}, []string{"z"} // and what we say in the query
			for _, name := range []string{"Caller", "Direction", "ApiVersion"} {
				v[name] = append(v[name], "again")
			}
		})
		if got := w.post(h); got.status != 200 && got != taken {
			t.Errorf("%s: got %s", path, got)
		}
	}
}

// TestTheQueryIsWhatTwilioSignedByteForByte: the address at Twilio may have a query of the operator's, in any spelling.
func TestTheQueryIsWhatTwilioSignedByteForByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	for path, h := range routes() {
		for _, odd := range []string{
			"'", `"`, `o'brien"s`, "%27", "%22", "[", "]", "|", "^", "ü", "%C3%BC", "\x80", "+", "%20", ";", "a;b=c", "&amp;", "&amp;y=1", "<>", "{}", "`", `\`, "?", "//", "&&=&", "%zz", "%",
		} {
			h := hook{join(h.uri, "x="+odd), h.form}
			if got := w.post(h); got.status != 200 && got != taken {
				t.Errorf("%s with %q: got %s", path, h.uri, got)
			}
			escaped := w.request(h)
			escaped.URL.RawQuery = strings.NewReplacer("'", "%27", `"`, "%22").Replace(escaped.URL.RawQuery)
			if got, _ := w.send(escaped); got.status != 200 && got != taken {
				t.Errorf("%s with %q, sent as %q: got %s", path, h.uri, escaped.URL.RawQuery, got)
			}
		}
	}
}

// TestAForgedBurstCostsNoConnection counts what the pool had to open. The genuine request at the end shows that it would have been seen.
func TestAForgedBurstCostsNoConnection(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil)
		names := slices.Sorted(maps.Keys(routes()))
		for i := range 1000 {
			h := routes()[names[i%len(names)]]
			r := signed(w.unsigned(h), func(string) string { return sign("guess", public+h.uri, h.form) })
			if got, _ := w.send(r); got.status != http.StatusForbidden {
				t.Fatalf("%s: got %s, want 403", h.uri, got)
			}
		}
		if n := db.Connections(); n != 0 {
			t.Errorf("%d connections were opened", n)
		}
		w.gets(decisions()["voice"], rejects)
		if db.Connections() == 0 {
			t.Error("a genuine request opened no connection either: the test sees nothing")
		}
	}, jobs.Migrate)
}

func TestWithoutATokenNothingIsBelieved(t *testing.T) {
	t.Parallel()
	for _, tokens := range [][]string{nil, {}} {
		w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), func(c *webhooks.Config) { c.AuthTokens = tokens })
		for path, h := range routes() {
			if got := w.post(h); got != (reply{status: 503}) {
				t.Errorf("%s: got %s, want 503", path, got)
			}
			if got, _ := w.send(signed(w.request(h), func(string) string { return sign("", public+h.uri, h.form) })); got.status != 503 {
				t.Errorf("%s, signed with no token: got %s, want 503", path, got)
			}
			if got, _ := w.send(method(w.request(h), http.MethodGet)); got.status != 405 {
				t.Errorf("%s by GET: got %s, want 405", path, got)
			}
			if got := w.post(padded(h, tooMuch)); got.status != 413 {
				t.Errorf("%s, too large: got %s, want 413", path, got)
			}
		}
	}
}

func TestAnEmptyTokenSignsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), func(c *webhooks.Config) { c.AuthTokens = []string{token, ""} })
	h := decisions()["voice"]
	if got, _ := w.send(signed(w.request(h), func(string) string { return sign("", public+h.uri, h.form) })); got.status != 403 {
		t.Errorf("got %s, want 403", got)
	}
}

func TestTheSecondaryTokenIsBelievedToo(t *testing.T) {
	t.Parallel()
	const next = "fedcba9876543210fedcba9876543210"
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), func(c *webhooks.Config) { c.AuthTokens = []string{token, next} }).inhabit()
	h := decisions()["voice"]
	for _, by := range []string{token, next} {
		got, _ := w.send(signed(w.request(h), func(string) string { return sign(by, public+h.uri, h.form) }))
		if shape := twiml(t, got).shape(); shape != dials {
			t.Errorf("signed with %s: got %s", by, shape)
		}
	}
}

func TestABodyMayHave64KiB(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	r := w.request(padded(decisions()["voice"], tooMuch-1))
	if r.ContentLength != 64<<10 {
		t.Fatalf("the body has %d bytes", r.ContentLength)
	}
	if got, _ := w.send(r); twiml(t, got).shape() != dials {
		t.Errorf("got %s", got)
	}
}

// TestSignedTextCannotBeCutElsewhere moves the boundaries of a signed request, whose parts Twilio signs without separators.
func TestSignedTextCannotBeCutElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	before := w.rows()
	for _, path := range slices.Sorted(maps.Keys(routes())) {
		h := routes()[path]
		text := h.uri + signedText(h.form)
		moved := map[string]hook{
			"a letter of the first name into the address": {h.uri + "A", renamed(h.form, "AccountSid", "ccountSid")},
			"the first name into the address":             {h.uri + "AccountSid", renamed(h.form, "AccountSid", "")},
			"the end of the address into the first name":  {h.uri[:len(h.uri)-1], renamed(h.form, "AccountSid", h.uri[len(h.uri)-1:]+"AccountSid")},
			"a letter of the first value into its name":   {h.uri, revalued(h.form, "AccountSid", "AccountSidA", account[1:])},
			"the end of the first name into its value":    {h.uri, revalued(h.form, "AccountSid", "AccountSi", "d"+account)},
			"the end of the first value into the next name": {h.uri, func() url.Values {
				names := slices.Sorted(maps.Keys(h.form))
				v := revalued(h.form, "AccountSid", "AccountSid", account[:33])
				return renamed(v, names[1], account[33:]+names[1])
			}()},
		}
		genuine := 0
		for what, m := range moved {
			if m.uri+signedText(m.form) == text {
				genuine++
			}
			r := w.unsigned(m)
			r.Header.Set("X-Twilio-Signature", w.request(h).Header.Get("X-Twilio-Signature"))
			got, _ := w.send(r)
			if got.status != 400 && got.status != 403 && got.status != 404 {
				t.Errorf("%s, moved %s: got %s", path, what, got)
			}
		}
		if genuine < 2 {
			t.Errorf("%s: %d of the texts are what was signed: the test tries nothing", path, genuine)
		}
	}
	w.unchanged(before)
}

func signedText(v url.Values) (text string) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		text += name + v.Get(name)
	}
	return text
}

func renamed(v url.Values, name, to string) url.Values { return revalued(v, name, to, v.Get(name)) }

func revalued(v url.Values, name, to, value string) url.Values {
	v = maps.Clone(v)
	delete(v, name)
	v[to] = []string{value}
	return v
}
