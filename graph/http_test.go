package graph_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/maskline/maskline/phone"
)

const (
	jsonType     = "application/json; charset=utf-8"
	responseType = "application/graphql-response+json; charset=utf-8"
)

// post sends a body with the administrator's token; the header may say otherwise.
func (w *world) post(body io.Reader, header ...string) reply {
	w.t.Helper()
	r := request(w.t, http.MethodPost, w.url+"/graphql", body)
	r.Header.Set("Authorization", "Bearer "+w.admin)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	return w.send(r)
}

// get asks by GET with the administrator's token.
func (w *world) get(q url.Values, header ...string) reply {
	w.t.Helper()
	return w.send(request(w.t, http.MethodGet, w.url+"/graphql?"+q.Encode(), nil, append(header, "Authorization", "Bearer "+w.admin)...))
}

// failed checks a reply that is no answer to an operation: a status, one error with a code, and nothing of what was sent.
func (w *world) failed(got reply, status int, code phone.Code, sent string) {
	w.t.Helper()
	if got.Status != status || len(got.Errors) != 1 || got.Errors[0].code() != string(code) || got.Errors[0].Message == "" || got.Data != nil {
		w.t.Errorf("got %d %.300s, want %d with one error %s and no data", got.Status, got.Body, status, code)
	}
	if sent != "" && strings.Contains(got.Body, sent) {
		w.t.Errorf("what was sent comes back: %.300s", got.Body)
	}
	if kind := got.Header.Get("Content-Type"); kind != jsonType && kind != responseType {
		w.t.Errorf("got the type %q", kind)
	}
}

const hello = `{"query": "{ viewer { email } }"}`

func TestOtherMethodsAreRefusedAndTheRightOnesNamed(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND", http.MethodTrace} {
		for _, token := range []string{"", w.admin} {
			got := w.send(request(t, method, w.url+"/graphql", strings.NewReader(hello), "Content-Type", "application/json", "Authorization", "Bearer "+token))
			w.failed(got, http.StatusMethodNotAllowed, phone.BadUserInput, "")
			if got.Header.Get("Allow") != "GET, POST, OPTIONS" {
				t.Errorf("%s: got Allow %q", method, got.Header.Get("Allow"))
			}
		}
	}
	if got := w.send(request(t, http.MethodHead, w.url+"/graphql", nil)); got.Status != http.StatusMethodNotAllowed || got.Body != "" {
		t.Errorf("HEAD: got %d %q, want 405 and no body", got.Status, got.Body)
	}
}

func TestTheAnswerHasTheTypeThatTheClientLikesBest(t *testing.T) {
	t.Parallel()
	w := light(t)
	for accept, want := range map[string]string{
		"": jsonType, "*/*": jsonType, "application/*": jsonType, "application/json": jsonType, "application/graphql-response+json": responseType,
		"application/graphql-response+json, application/json":             responseType,
		"application/json, application/graphql-response+json":             jsonType,
		"application/json;q=0.5, application/graphql-response+json;q=0.9": responseType,
		"application/graphql-response+json;q=0, application/json":         jsonType,
		"text/html, */*;q=0.1":                jsonType,
		"text/event-stream, application/json": jsonType,
		"application/json; charset=utf-8":     jsonType,
		"APPLICATION/JSON":                    jsonType,
		"application/graphql-response+json; charset=utf-8, text/plain; q=x": responseType,
		"garbage, ;;, application/json":                                     jsonType,
	} {
		good := w.post(strings.NewReader(hello), "Accept", accept)
		if good.Status != http.StatusOK || good.Header.Get("Content-Type") != want || at(t, good.Data, "viewer.email") != "admin@localhost" {
			t.Errorf("Accept %q: got %d %s %s, want %s", accept, good.Status, good.Header.Get("Content-Type"), good.Body, want)
		}
		bad := w.post(strings.NewReader(`{"query": "{ nothing }"}`), "Accept", accept)
		status := map[string]int{jsonType: http.StatusOK, responseType: http.StatusBadRequest}[want]
		if w.failed(bad, status, phone.BadUserInput, ""); bad.Header.Get("Content-Type") != want {
			t.Errorf("Accept %q: got %s of a refusal, want %s", accept, bad.Header.Get("Content-Type"), want)
		}
	}
	split := request(t, http.MethodPost, w.url+"/graphql", strings.NewReader(hello),
		"Authorization", "Bearer "+w.admin, "Content-Type", "application/json", "Accept", "text/html", "Accept", "application/json")
	if got := w.send(split); got.Status != http.StatusOK || got.Header.Get("Content-Type") != jsonType {
		t.Errorf("Accept in two lines: got %d %s", got.Status, got.Header.Get("Content-Type"))
	}
}

func TestWhoAcceptsNoneOfOurTypesIsRefused(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, accept := range []string{"text/html", "text/*", "application/xml", "application/json;q=0", "text/event-stream;q=0", "image/png, text/plain"} {
		w.failed(w.post(strings.NewReader(hello), "Accept", accept), http.StatusNotAcceptable, phone.BadUserInput, "")
		w.failed(w.get(url.Values{"query": {"{ viewer { id } }"}}, "Accept", accept), http.StatusNotAcceptable, phone.BadUserInput, "")
	}
}

func TestABodyOf128KiBIsTakenAndOneMoreByteIsNot(t *testing.T) {
	t.Parallel()
	w := light(t)
	const limit = 128 << 10
	full := hello + strings.Repeat(" ", limit-len(hello))
	inside := `{"query": "{ viewer { email } } #` + strings.Repeat("x", limit) + `"}`
	for name, reader := range map[string]func(string) io.Reader{
		"with a length": func(s string) io.Reader { return strings.NewReader(s) },
		"in chunks":     func(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} },
	} {
		if got := w.post(reader(full)); got.Status != http.StatusOK {
			t.Errorf("128 KiB %s: got %d, want 200", name, got.Status)
		}
		for _, body := range []string{full + " ", inside, full + strings.Repeat(" ", limit), strings.Repeat("a", limit+1), "{} " + full} {
			w.failed(w.post(reader(body)), http.StatusRequestEntityTooLarge, phone.BadUserInput, "xxx")
		}
	}
}

func TestOnlyJSONInUTF8IsTaken(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"} {
		if got := w.post(strings.NewReader(hello), "Content-Type", kind); got.Status != http.StatusOK {
			t.Errorf("%s: got %d %s, want 200", kind, got.Status, got.Body)
		}
	}
	for _, kind := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql", "application/json; charset=utf-16",
		"application/jsonx", "application/json, text/plain", "*/*", "application/json; charset=",
	} {
		w.failed(w.post(strings.NewReader(hello), "Content-Type", kind), http.StatusUnsupportedMediaType, phone.BadUserInput, "viewer")
	}
	w.failed(w.post(strings.NewReader(hello), "Content-Encoding", "gzip"), http.StatusUnsupportedMediaType, phone.BadUserInput, "viewer")
}

func TestABodyThatIsNotOneRequestIsRefusedAndNotEchoed(t *testing.T) {
	t.Parallel()
	w := light(t)
	const secret = "S3CR3T"
	for _, body := range []string{
		``, ` `, `null`, `5`, `"` + secret + `"`, `[]`, `[` + hello + `]`, `[` + hello + `,` + hello + `]`,
		hello + hello, hello + `,` + hello, hello + secret, hello + "]", `{` + secret, `{"query": "` + secret,
		`{}`, `{"query": null}`, `{"query": ""}`, `{"query": 5}`, `{"query": ["` + secret + `"]}`, `{"query": {"a": "` + secret + `"}}`,
		`{"query": true}`, `{"id": "` + secret + `"}`,
		`{"query": "{ viewer { id } }", "variables": "` + secret + `"}`, `{"query": "{ viewer { id } }", "variables": ["` + secret + `"]}`,
		`{"query": "{ viewer { id } }", "variables": 5}`,
		`{"query": "{ viewer { id } }", "operationName": 5}`, `{"query": "{ viewer { id } }", "operationName": {"a": "` + secret + `"}}`,
		`{"query": "{ viewer { id } }", "extensions": "` + secret + `"}`,
		`query=` + secret, "\x00" + secret, "\xff\xfe" + secret,
	} {
		w.failed(w.post(strings.NewReader(body)), http.StatusBadRequest, phone.BadUserInput, secret)
	}
	if log := w.log.String(); strings.Contains(log, secret) {
		t.Errorf("what was sent is logged: %s", log)
	}
	for _, body := range []string{
		`{"query": "{ viewer { email } }", "variables": null, "operationName": null, "extensions": null}`, ` ` + hello + "\n\t ",
		`{"query": "query A { viewer { email } } query B { viewer { id } }", "operationName": "A", "variables": {"x": 1}, "extensions": {"a": {"b": 1}}, "doc": "ignored"}`,
	} {
		if got := w.post(strings.NewReader(body)); got.Status != http.StatusOK || at(t, got.Data, "viewer.email") != "admin@localhost" {
			t.Errorf("%s: got %d %s", body, got.Status, got.Body)
		}
	}
}

func TestGetAnswersQueriesAndNothingElse(t *testing.T) {
	t.Parallel()
	w := light(t)
	good := w.get(url.Values{
		"query": {`query A($id: ID!) { node(id: $id) { id } } query B { viewer { email } }`}, "operationName": {"B"}, "variables": {`{"id": "x"}`}, "extensions": {`{"a": 1}`},
	})
	if good.Status != http.StatusOK || at(t, good.Data, "viewer.email") != "admin@localhost" {
		t.Errorf("got %d %s", good.Status, good.Body)
	}
	for _, operation := range []string{
		`mutation { createPlan(input: {name: "made by get", type: TRIAL, period: ONCE}) { id } }`, `subscription { voicemailReceived { cursor } }`,
	} {
		for _, accept := range []string{"application/json", "application/graphql-response+json"} {
			got := w.get(url.Values{"query": {operation}}, "Accept", accept)
			w.failed(got, http.StatusMethodNotAllowed, phone.BadUserInput, "made")
			if got.Header.Get("Allow") != http.MethodPost {
				t.Errorf("got Allow %q, want POST", got.Header.Get("Allow"))
			}
		}
	}
	w.wants(w.admin, `{ plans { totalCount } }`, nil, `{"plans": {"totalCount": 0}}`)
	for _, q := range []url.Values{
		{}, {"query": {""}}, {"operationName": {"A"}}, {"query": {"{ viewer { id } }"}, "variables": {"S3CR3T"}}, {"query": {"{ viewer { id } }"}, "variables": {"[]"}},
		{"query": {"{ viewer { id } }"}, "variables": {`{} {}`}}, {"query": {"{ viewer { id } }"}, "extensions": {`5`}},
	} {
		w.failed(w.get(q), http.StatusBadRequest, phone.BadUserInput, "S3CR3T")
	}
}

func TestASubscriptionByPostIsRefusedAndNotExecuted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.voicemails(a, 1)
		body := `{"query": "subscription($c: Cursor) { voicemailReceived(after: $c) { node { id } } }", "variables": {"c": "` + cursor("vm_", int64(0)) + `"}}`
		for accept, status := range map[string]int{"application/json": http.StatusOK, "application/graphql-response+json": http.StatusBadRequest} {
			got := w.post(strings.NewReader(body), "Accept", accept, "Authorization", "Bearer "+a.token)
			w.failed(got, status, phone.BadUserInput, "")
			if m := got.Errors[0].Message; !strings.Contains(m, "WebSocket") || !strings.Contains(m, "text/event-stream") {
				t.Errorf("got %s, want a word on where subscriptions are to be had", got.Body)
			}
		}
	})
}

func TestAnotherUpgradeIsNoWayAroundTheToken(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, upgrade := range []string{"h2c", "foo", "websocket, h2c", "TLS/1.0"} {
		got := w.post(strings.NewReader(hello), "Upgrade", upgrade, "Connection", "Upgrade")
		if got.Status != http.StatusOK || at(t, got.Data, "viewer.email") != "admin@localhost" {
			t.Errorf("Upgrade %s: got %d %s, want 200", upgrade, got.Status, got.Body)
		}
		w.failed(w.post(strings.NewReader(hello), "Upgrade", upgrade, "Connection", "Upgrade", "Authorization", ""), http.StatusUnauthorized, phone.Unauthenticated, "")
	}
	got := w.post(strings.NewReader(hello), "Upgrade", "websocket", "Connection", "Upgrade", "Authorization", "")
	if got.Status < 400 || strings.Contains(got.Body, "admin@localhost") {
		t.Errorf("a POST that upgrades: got %d %s", got.Status, got.Body)
	}
}

func TestBrowsersOfOurOwnAndOfFriendlyOriginsMayReadOurAnswers(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, origin := range []string{
		friend, w.url, "", "null", "https://evil.example", friend + ".evil.example", "https://evil-app.example",
		"http://app.example", friend + ":8443", strings.ToUpper(friend), friend + "/", "*", "file://", "https://app.example@evil.example",
	} {
		allowed := ""
		if origin == friend {
			allowed = friend
		}
		preflight := w.send(request(t, http.MethodOptions, w.url+"/graphql", nil, "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type"))
		answer := w.post(strings.NewReader(hello), "Origin", origin)
		denied := w.post(strings.NewReader(hello), "Origin", origin, "Authorization", "")
		for name, got := range map[string]reply{"preflight": preflight, "answer": answer, "refusal": denied} {
			to, vary, credentials := got.Header.Get("Access-Control-Allow-Origin"), got.Header.Values("Vary"), got.Header.Get("Access-Control-Allow-Credentials")
			if to != allowed || !slices.Contains(vary, "Origin") || credentials != "" {
				t.Errorf("%s for %q: got %q with Vary %v, want %q", name, origin, to, vary, allowed)
			}
		}
		if preflight.Status != http.StatusNoContent || preflight.Header.Get("Allow") == "" || answer.Status != http.StatusOK || denied.Status != http.StatusUnauthorized {
			t.Errorf("%q: got %d, %d, %d, want 204, 200, 401", origin, preflight.Status, answer.Status, denied.Status)
		}
		methods, headers := preflight.Header.Get("Access-Control-Allow-Methods"), preflight.Header.Get("Access-Control-Allow-Headers")
		if (allowed != "") != strings.Contains(methods, "POST") || (allowed != "") != (strings.Contains(headers, "authorization") && strings.Contains(headers, "content-type")) {
			t.Errorf("preflight for %q: got the methods %q and headers %q", origin, methods, headers)
		}
	}
}

// TestPreflightsAllowWhatClientsSend walks the headers that clients of GraphQL and what watches them add to a request.
func TestPreflightsAllowWhatClientsSend(t *testing.T) {
	t.Parallel()
	w := light(t)
	allowed := func(path, method string) string {
		got := w.send(request(t, http.MethodOptions, w.url+path, nil, "Origin", friend, "Access-Control-Request-Method", method))
		if got.Status != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Origin") != friend || !strings.Contains(got.Header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("%s: got %d %v", path, got.Status, got.Header)
		}
		return got.Header.Get("Access-Control-Allow-Headers")
	}
	for path, names := range map[string][]string{
		"/graphql": {"authorization", "content-type", "apollo-require-preflight", "x-apollo-operation-name", "traceparent", "tracestate", "sentry-trace", "baggage",
			"apollographql-client-name", "apollographql-client-version"},
		"/recordings/x": {"authorization", "range", "traceparent", "tracestate", "sentry-trace", "baggage"},
	} {
		method := http.MethodGet
		got := strings.Split(allowed(path, method), ", ")
		for _, name := range names {
			if !slices.Contains(got, name) {
				t.Errorf("%s: %s is not among %v", path, name, got)
			}
		}
	}
}

// TestPagesOfFriendlyOriginsMayReadTheAudio asks for the audio as a page of another origin does, with a token and by its link.
func TestPagesOfFriendlyOriginsMayReadTheAudio(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	id, _ := w.stored(a)
	address := w.url + "/recordings/" + id
	link := w.ask(a.token, `query($id: ID!) { node(id: $id) { ... on Voicemail { audioURL } } }`, vars{"id": id}, "node.audioURL")[0]
	for origin, allowed := range map[string]string{friend: friend, "https://evil.example": "", "": ""} {
		for status, r := range map[int]*http.Request{
			http.StatusOK:             request(t, http.MethodGet, address, nil, "Origin", origin, "Authorization", "Bearer "+a.token),
			http.StatusPartialContent: request(t, http.MethodGet, link, nil, "Origin", origin, "Range", "bytes=0-3"),
			http.StatusUnauthorized:   request(t, http.MethodGet, address, nil, "Origin", origin),
		} {
			got := w.send(r)
			exposed := got.Header.Get("Access-Control-Expose-Headers")
			readable := strings.Contains(exposed, "Content-Range") && strings.Contains(exposed, "Accept-Ranges") && strings.Contains(exposed, "Content-Length")
			if got.Status != status || got.Header.Get("Access-Control-Allow-Origin") != allowed || readable != (allowed != "") || !slices.Contains(got.Header.Values("Vary"), "Origin") {
				t.Errorf("%q: got %d %v, want %d", origin, got.Status, got.Header, status)
			}
			if got.Header.Get("Content-Encoding") != "" {
				t.Error("audio is compressed")
			}
		}
	}
}

// TestAnswersOver1KiBAreCompressed asks with and without Accept-Encoding, which the transport would otherwise add by itself.
func TestAnswersOver1KiBAreCompressed(t *testing.T) {
	t.Parallel()
	w := light(t)
	plain := &http.Transport{DisableCompression: true}
	t.Cleanup(plain.CloseIdleConnections)
	long, short := `{ __schema { types { name fields { name } } } }`, `{ viewer { id } }`
	for _, c := range []struct {
		query, encoding string
		want            string
	}{
		{long, "gzip", "gzip"}, {long, "br, gzip;q=0.5", "gzip"}, {long, "", ""}, {long, "gzip;q=0", ""}, {long, "br", ""}, {short, "gzip", ""},
	} {
		r := request(t, http.MethodPost, w.url+"/graphql", bytes.NewReader(asQuery(t, c.query)), "Authorization", "Bearer "+w.admin, "Content-Type", "application/json")
		if c.encoding != "" {
			r.Header.Set("Accept-Encoding", c.encoding)
		}
		resp, err := plain.RoundTrip(r)
		check(t, err)
		sent, err := io.ReadAll(resp.Body)
		check(t, errors.Join(err, resp.Body.Close()))
		if got := resp.Header.Get("Content-Encoding"); got != c.want || !slices.Contains(resp.Header.Values("Vary"), "Accept-Encoding") {
			t.Errorf("%q for %.20s: got %q %v, want %q", c.encoding, c.query, got, resp.Header, c.want)
		}
		body := sent
		if c.want != "" {
			z, err := gzip.NewReader(bytes.NewReader(sent))
			check(t, err)
			body, err = io.ReadAll(z)
			check(t, err)
			if len(sent)*3 > len(body) {
				t.Errorf("%d bytes of %d were sent", len(sent), len(body))
			}
		}
		if got := parse(t, resp.StatusCode, resp.Header, body); got.Status != http.StatusOK || got.Errors != nil || got.Data == nil {
			t.Errorf("got %d %s", got.Status, got.Body)
		}
	}
	stream := request(t, http.MethodPost, w.url+"/graphql", bytes.NewReader(asQuery(t, long)), "Authorization", "Bearer "+w.admin, "Content-Type", "application/json",
		"Accept", "text/event-stream", "Accept-Encoding", "gzip")
	resp, err := plain.RoundTrip(stream)
	check(t, err)
	defer resp.Body.Close()
	if resp.Header.Get("Content-Encoding") != "" {
		t.Error("an event stream is compressed")
	}
}

func TestAQueryOfMoreThan2000TokensIsTooComplexAndNotExecuted(t *testing.T) {
	t.Parallel()
	w := light(t)
	names := []string{"id", "email", "name", "role", "locale", "timeZone", "createdAt", "blockedCallers"}
	of := func(tokens int) string { // five of which are not in the selections, that have eight each but the last
		all := "{ viewer { "
		for i := range (tokens - 5) / 8 {
			all += names[i%8] + " @include(if: true) "
		}
		return all + strings.Repeat("id ", (tokens-5)%8) + "} }"
	}
	if got := w.post(bytes.NewReader(asQuery(t, of(2000)))); got.Status != http.StatusOK || got.Errors != nil {
		t.Errorf("2,000 tokens: got %d %s", got.Status, got.Body)
	}
	made := strings.Replace(of(2003), "{ viewer", `mutation { createPlan(input: {name: "made", type: TRIAL, period: ONCE})`, 1)
	for _, q := range []string{of(2003), of(20_000), made} {
		for accept, status := range map[string]int{"application/json": http.StatusOK, "application/graphql-response+json": http.StatusBadRequest} {
			w.failed(w.post(bytes.NewReader(asQuery(t, q)), "Accept", accept), status, phone.TooComplex, "@include")
		}
	}
	if e := w.follow(w.admin, of(2003), nil).refused(); e.code() != string(phone.TooComplex) {
		t.Errorf("on a socket: got %v", e)
	}
	w.wants(w.admin, `{ plans { totalCount } }`, nil, `{"plans": {"totalCount": 0}}`)
}

func asQuery(t *testing.T, q string) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]string{"query": q})
	check(t, err)
	return b
}

func TestWhatIsDeferredWouldBeLostSoItIsRefused(t *testing.T) {
	t.Parallel()
	w := light(t)
	got := w.try(w.admin, `{ viewer { id ... @defer { tokens { id } } } }`, nil)
	w.failed(got, http.StatusOK, phone.BadUserInput, "")
}

func TestADocumentThatIsNotValidIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, q := range []string{
		`{`, `{ viewer { nothing } }`, `{ viewer }`, `query A { viewer { id } } query B { viewer { id } }`, `fragment F on User { id }`, `{ viewer { id } } { viewer { id } }`,
		`query($x: Int!) { calls(first: $x) { totalCount } }`, `{ node { id } }`, `{ node(id: 5.5) { id } }`,
		`{ viewer { tokens { hash } } }`, "{ viewer { id \x00 } }", `{ viewer { ...F } } fragment F on User { ...F }`,
	} {
		got := w.try(w.admin, q, nil)
		for _, e := range got.Errors {
			if e.code() != string(phone.BadUserInput) {
				t.Errorf("%s: got %v", q, e)
			}
		}
		if len(got.Errors) == 0 || got.Data != nil {
			t.Errorf("%s: got %s, want errors and no data", q, got.Body)
		}
	}
}

// Each fragment spreads the next in three places: 3 to the power of 40 selections, if anybody were to count them. That is refused also where
// limits are only logged.
func TestFragmentsWithinFragmentsAreRefusedBeforeTheyAreWrittenOut(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	w.resolver.OnlyWarn = true
	w.handler = w.door(t, w.resolver)
	q := `{ numbers { edges { node { ...f0 } } } viewer { numbers { edges { node { ...f0 } } pageInfo { hasNextPage } } } }`
	for i := range 40 {
		q += fmt.Sprintf(` fragment f%d on MaskedNumber { calls { edges { node { number { ...f%[2]d } } } }
			subscription { number { ...f%[2]d } } owner { numbers { edges { node { ...f%[2]d } } } } }`, i, i+1)
	}
	w.refused(a.token, q+" fragment f40 on MaskedNumber { id }", nil, phone.TooComplex, "")
}
