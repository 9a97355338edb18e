package twilio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/maskline/maskline/internal/twilio"
)

const active = `{"sid":"` + account + `","status":"active","type":"Trial","auth_token":"hidden","friendly_name":null}`

func askAccount(ctx context.Context, c *twilio.Client) func() error {
	return func() error {
		_, err := c.Account(ctx)
		return err
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusOK, active, "Content-Type", "application/json", "Date", "Wed, 25 Nov 2026 01:02:03 GMT"))
	got, err := h.client(t).Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (twilio.Account{Status: "active", Type: "Trial", Date: time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC)}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	request := h.asked()[0]
	if got, want := request.Method+" "+request.RequestURI, "GET /2010-04-01/Accounts/"+account+".json"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if user, password, _ := request.BasicAuth(); user != "SKuser" || password != "secret" {
		t.Errorf("asked as %q with %q", user, password)
	}
	if request.Host != strings.TrimPrefix(h.URL, "http://") {
		t.Errorf("asked for host %s", request.Host)
	}
}

func TestTheTimeIsToldWithARefusalToo(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusUnauthorized, `{"code":20003,"message":"Authenticate"}`, "Date", "Wed, 25 Nov 2026 01:02:03 GMT"))
	got, err := h.client(t).Account(t.Context())
	if err == nil || got.Date.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The library lets the environment choose another host, and takes an IP address apart as if it were one of Twilio's names.
func TestTheEnvironmentTakesRequestsNowhereElse(t *testing.T) {
	t.Setenv("TWILIO_EDGE", "dublin")
	t.Setenv("TWILIO_REGION", "ie1")
	h := newHost(t, says(http.StatusOK, active))
	if _, err := h.client(t).Account(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBaseURLWithAPath(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusOK, active))
	c, err := twilio.New(twilio.Config{BaseURL: h.URL + "/twilio/", AccountSID: account, User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := h.asked()[0].RequestURI, "/twilio/2010-04-01/Accounts/"+account+".json"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

// The library refuses, without asking, whatever is not made of letters and digits.
func TestCredentialsAreNotJudgedHere(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusOK, active))
	c, err := twilio.New(twilio.Config{BaseURL: h.URL, AccountSID: account, User: "an-API key", Password: "with_signs: é"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	if user, password, _ := h.asked()[0].BasicAuth(); user != "an-API key" || password != "with_signs: é" {
		t.Errorf("asked as %q with %q", user, password)
	}
}

// The library would ask for v1, and for near 37,-122.
func TestQueriesKeepTheirDots(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusOK, `{"incoming_phone_numbers":[]}`))
	const name = "v1.2.3 &c"
	params := new(api.ListIncomingPhoneNumberParams).SetPathAccountSid(account).SetFriendlyName(name)
	if _, err := h.client(t).Library(t.Context()).PageIncomingPhoneNumber(params, "", ""); err != nil {
		t.Fatal(err)
	}
	if got := h.asked()[0].URL.Query().Get("FriendlyName"); got != name {
		t.Errorf("asked for %q, want %q", got, name)
	}
}

func TestRESTErrors(t *testing.T) {
	t.Parallel()
	const page = "<html><body>Bad gateway</body></html>"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   twilio.Error
	}{
		{"too many", says(429, `{"code":20429,"message":"Too Many Requests","status":429}`, "Retry-After", "7"),
			twilio.Error{Status: 429, Code: 20429, Message: "Too Many Requests", RetryAfter: 7 * time.Second}},
		{"a page of a proxy", says(502, page), twilio.Error{Status: 502, Message: "Bad Gateway"}},
		{"credentials", says(401, `{"code":20003,"message":"Authenticate"}`), twilio.Error{Status: 401, Code: 20003, Message: "Authenticate"}},
		{"a redirect", redirectsTo("/elsewhere"), twilio.Error{Status: 302, Message: "Found"}},
		{"a page in place of JSON", says(200, page), twilio.Error{Status: 200, Message: "but not with what was asked for"}},
		{"nothing in place of JSON", says(200, ""), twilio.Error{Status: 200, Message: "but not with what was asked for"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, c.answer)
			if got := refusal(t, askAccount(t.Context(), h.client(t))); *got != c.want {
				t.Errorf("got %#v, want %#v", *got, c.want)
			}
			if n := len(h.asked()); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
	other := newHost(t, says(200, `{"status":7}`))
	if got := refusal(t, askAccount(t.Context(), other.client(t))); got.Status != 200 || !strings.Contains(got.Message, "status") {
		t.Errorf("another kind of JSON: got %#v", got)
	}
}

// stalls sends the beginning of an answer and then nothing, until the request or the test is over.
func stalls(t *testing.T, begin string) http.HandlerFunc {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, begin)
		if begin != "" {
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-over:
		}
	}
}

func TestContextsEndRESTCalls(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"before the answer": "", "in the midst of it": `{"sid":`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.answers = []http.HandlerFunc{stalls(t, begin)}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			if got := refusal(t, askAccount(ctx, h.client(t))); got.Status != 0 || !errors.Is(got, context.DeadlineExceeded) || !got.Temporary() {
				t.Errorf("got %#v", got)
			}
			if took := time.Since(began); took > twilio.AnswerWithin/2 {
				t.Errorf("it took %v", took)
			}
		})
	}
	if twilio.AnswerWithin > time.Minute {
		t.Errorf("without a context's end a call may take %v", twilio.AnswerWithin)
	}
}

func TestAnswersCutShort(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, active)
	})
	if got := refusal(t, askAccount(t.Context(), h.client(t))); !errors.Is(got, io.ErrUnexpectedEOF) || !got.Temporary() {
		t.Errorf("got %#v", got)
	}
}

func TestEndlessAnswersAreNotRead(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, `{"status":"`)
		for err == nil {
			_, err = io.WriteString(w, strings.Repeat("x", 64<<10))
		}
	})
	if got := refusal(t, askAccount(t.Context(), h.client(t))); got.Status != 200 {
		t.Errorf("got %#v", got)
	}
}

// tracked is a transport that knows which bodies are still open.
type tracked struct {
	t    *testing.T
	next http.RoundTripper
	open int
}

func (k *tracked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := k.next.RoundTrip(r)
	if err == nil {
		k.open++
		resp.Body = &body{resp.Body, func() { k.open-- }}
	}
	return resp, err
}

type body struct {
	io.ReadCloser
	closed func()
}

func (b *body) Close() error {
	b.closed()
	return b.ReadCloser.Close()
}

func TestEveryAnswerIsClosed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 401, 404, 500} {
		h := newHost(t, says(status, `{"code":1,"message":"x"}`))
		k := &tracked{t: t, next: http.DefaultTransport}
		c, err := twilio.New(twilio.Config{BaseURL: h.URL, AccountSID: account, User: "u", Password: "p", HTTP: &http.Client{Transport: k}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Account(t.Context()) // how it ends is of no interest here
		if k.open != 0 || len(h.asked()) != 1 {
			t.Errorf("%d: %d answers of %d are open", status, k.open, len(h.asked()))
		}
	}
}

func TestNoAnswerFromREST(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(http.NotFoundHandler())
	h.Close()
	c, err := twilio.New(twilio.Config{BaseURL: h.URL, AccountSID: account, User: "u", Password: "hidden"})
	if err != nil {
		t.Fatal(err)
	}
	if got := refusal(t, askAccount(t.Context(), c)); got.Status != 0 || !got.Temporary() || strings.Contains(got.Error(), "hidden") {
		t.Errorf("got %v", got)
	}
}
