package twilio_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/twilio"
)

const (
	account   = "AC00000000000000000000000000000001"
	recording = "RE0123456789abcdef0123456789abcdef"
	mediaPath = "/2010-04-01/Accounts/" + account + "/Recordings/" + recording + ".wav"
	audio     = "RIFF\x04\x00\x00\x00WAVE"
)

// host is a server that answers by the next of its handlers, the last one for ever, and remembers what it was asked.
type host struct {
	*httptest.Server
	mu       sync.Mutex
	answers  []http.HandlerFunc
	requests []*http.Request
}

func newHost(t *testing.T, answers ...http.HandlerFunc) *host {
	t.Helper()
	h := &host{answers: answers}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r)
	answer := h.answers[0]
	if len(h.answers) > 1 {
		h.answers = h.answers[1:]
	}
	h.mu.Unlock()
	answer(w, r)
}

func (h *host) asked() []*http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests
}

func (h *host) client(t *testing.T) *twilio.Client {
	t.Helper()
	c, err := twilio.New(twilio.Config{BaseURL: h.URL + "/", AccountSID: account, User: "SKuser", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func plays(body string) http.HandlerFunc {
	return says(http.StatusOK, body, "Content-Type", "audio/x-wav")
}

func redirectsTo(address string) http.HandlerFunc {
	return says(http.StatusFound, "", "Location", address)
}

// refusal calls f, which must fail with a refusal of Twilio.
func refusal(t *testing.T, f func() error) *twilio.Error {
	t.Helper()
	var refused *twilio.Error
	if err := f(); !errors.As(err, &refused) {
		t.Fatalf("got error %v, want one of Twilio", err)
	}
	return refused
}

func open(ctx context.Context, c *twilio.Client) func() error {
	return func() error {
		media, err := c.OpenRecording(ctx, recording)
		if err == nil {
			return media.Body.Close()
		}
		return err
	}
}

func heard(t *testing.T, c *twilio.Client) string {
	t.Helper()
	media, err := c.OpenRecording(t.Context(), recording)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(media.Body)
	if err := errors.Join(err, media.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if media.ContentType != "audio/x-wav" || media.Length != int64(len(body)) {
		t.Errorf("got %d bytes of %s, %d announced", len(body), media.ContentType, media.Length)
	}
	return string(body)
}

func TestOpenRecording(t *testing.T) {
	t.Parallel()
	h := newHost(t, plays(audio))
	if got := heard(t, h.client(t)); got != audio {
		t.Errorf("heard %q, want %q", got, audio)
	}
	request := h.asked()[0]
	if user, password, ok := request.BasicAuth(); !ok || user != "SKuser" || password != "secret" {
		t.Errorf("asked as %q with %q", user, password)
	}
	if got, want := request.RequestURI, mediaPath+"?RequestedChannels=1"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	if got := request.Header.Get("Accept-Encoding"); got != "identity" {
		t.Errorf("accepts encoding %q", got)
	}
}

func TestRecordingThatIsNotReadyYet(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusNotFound, `{"code":20404,"message":"The requested resource was not found","status":404}`), plays(audio))
	c := h.client(t)
	refused := refusal(t, open(t.Context(), c))
	if !refused.NotFound() || refused.Temporary() || refused.Code != 20404 {
		t.Errorf("got %#v, want a recording that is not found", refused)
	}
	if got := heard(t, c); got != audio {
		t.Errorf("then heard %q", got)
	}
}

func TestRecordingWithoutAWishForChannels(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusBadRequest, `{"code":20001,"message":"RequestedChannels"}`), plays(audio))
	if got := heard(t, h.client(t)); got != audio {
		t.Errorf("heard %q", got)
	}
	if got := h.asked()[1].RequestURI; got != mediaPath {
		t.Errorf("then asked for %s", got)
	}
	stubborn := newHost(t, says(http.StatusBadRequest, "no"))
	if refused := refusal(t, open(t.Context(), stubborn.client(t))); refused.Temporary() || len(stubborn.asked()) != 2 {
		t.Errorf("got %v after %d requests", refused, len(stubborn.asked()))
	}
}

func TestMalformedSIDsAreNeverAsked(t *testing.T) {
	t.Parallel()
	h := newHost(t, plays(audio))
	c := h.client(t)
	for _, sid := range []string{"", "RE", recording + "0", recording[:33], strings.ToUpper(recording), "CA" + recording[2:], recording + "\n",
		"RE../../../../../../../../etc/passw", "RE%2e%2e%2f0123456789abcdef01234567", "http://169.254.169.254/latest/meta",
		"RE0123456789abcdef0123456789abcd\x00f", "RE0123456789abcdef0123456789abc?#f", "@evil.example/789abcdef0123456789a", strings.Repeat("RE", 150)} {
		_, err := c.OpenRecording(t.Context(), sid)
		if !errors.Is(err, twilio.ErrSID) {
			t.Errorf("open %q: got %v", sid, err)
		}
		if err := c.DeleteRecording(t.Context(), sid); !errors.Is(err, twilio.ErrSID) {
			t.Errorf("delete %q: got %v", sid, err)
		}
	}
	if n := len(h.asked()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestRedirectToAnotherHostGetsNoCredentials(t *testing.T) {
	t.Parallel()
	storage := newHost(t, plays(audio))
	h := newHost(t, redirectsTo("/elsewhere"), redirectsTo(storage.URL+"/bucket/x?sig=1"))
	if got := heard(t, h.client(t)); got != audio {
		t.Errorf("heard %q", got)
	}
	if got := h.asked()[1]; got.URL.Path != "/elsewhere" || got.Header.Get("Authorization") == "" {
		t.Errorf("on the same host asked for %s with authorization %q", got.URL, got.Header.Get("Authorization"))
	}
	// Both hosts are 127.0.0.1, on different ports: for net/http one and the same.
	for _, name := range []string{"Authorization", "Cookie", "Referer"} {
		if got := storage.asked()[0].Header.Get(name); got != "" {
			t.Errorf("the other host got %s %q", name, got)
		}
	}
}

func TestRedirectWithAUserOfItsOwnGetsNotOurs(t *testing.T) {
	t.Parallel()
	h := newHost(t, plays(audio))
	h.answers = []http.HandlerFunc{redirectsTo("http://other:word@" + strings.TrimPrefix(h.URL, "http://") + "/x"), plays(audio)}
	heard(t, h.client(t))
	if user, _, _ := h.asked()[1].BasicAuth(); user != "other" {
		t.Errorf("asked as %q", user)
	}
}

func TestRedirectsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"/again", "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "http://[::1", "javascript:x", ""} {
		h := newHost(t, redirectsTo(location))
		if err := open(t.Context(), h.client(t))(); err == nil {
			t.Errorf("redirect to %q is followed", location)
		}
		if n := len(h.asked()); n > 6 {
			t.Errorf("redirect to %q made %d requests", location, n)
		}
	}
}

func TestRedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	t.Parallel()
	plain := newHost(t, plays(audio))
	secure := httptest.NewTLSServer(redirectsTo(plain.URL + "/x"))
	t.Cleanup(secure.Close)
	c, err := twilio.New(twilio.Config{BaseURL: secure.URL, AccountSID: account, HTTP: secure.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t.Context(), c)(); err == nil || len(plain.asked()) != 0 {
		t.Errorf("got %v, the plain host was asked %d times", err, len(plain.asked()))
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const page = "<html><body>Bad gateway</body></html>"
	for _, c := range []struct {
		name      string
		answer    http.HandlerFunc
		want      twilio.Error
		temporary bool
	}{
		{"too many", says(429, `{"code":20429,"message":"Too Many Requests","status":429}`, "Retry-After", "7"),
			twilio.Error{Status: 429, Code: 20429, Message: "Too Many Requests", RetryAfter: 7 * time.Second}, true},
		{"wait in the past", says(503, page, "Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"), twilio.Error{Status: 503, Message: "Service Unavailable"}, true},
		{"wait for ever", says(503, "", "Retry-After", "2000000000"), twilio.Error{Status: 503, Message: "Service Unavailable", RetryAfter: time.Hour}, true},
		{"wait less than nothing", says(500, "", "Retry-After", "-5"), twilio.Error{Status: 500, Message: "Internal Server Error"}, true},
		{"wait for nonsense", says(500, "", "Retry-After", "soon"), twilio.Error{Status: 500, Message: "Internal Server Error"}, true},
		{"a page", says(502, page), twilio.Error{Status: 502, Message: "Bad Gateway"}, true},
		{"other JSON", says(500, `["x"]`), twilio.Error{Status: 500, Message: "Internal Server Error"}, true},
		{"JSON cut short", says(500, `{"code":20500,"mess`), twilio.Error{Status: 500, Message: "Internal Server Error"}, true},
		{"credentials", says(401, `{"code":20003,"detail":"x","message":"Authenticate"}`), twilio.Error{Status: 401, Code: 20003, Message: "Authenticate"}, true},
		{"gone", says(410, ""), twilio.Error{Status: 410, Message: "Gone"}, false},
		{"a part only", says(206, "x"), twilio.Error{Status: 206, Message: "Partial Content"}, false},
		{"nothing", says(204, ""), twilio.Error{Status: 204, Message: "No Content"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := refusal(t, open(t.Context(), newHost(t, c.answer).client(t)))
			if *got != c.want || got.Temporary() != c.temporary {
				t.Errorf("got %#v, temporary %t; want %#v, %t", *got, got.Temporary(), c.want, c.temporary)
			}
		})
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)
	got := refusal(t, open(t.Context(), newHost(t, says(503, "", "Retry-After", at)).client(t))).RetryAfter
	if got < 9*time.Minute || got > 10*time.Minute {
		t.Errorf("wait %v, want about 10 minutes", got)
	}
}

func TestEndlessErrorBodyIsNotRead(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, err := io.WriteString(w, `{"message":"`)
		for err == nil {
			_, err = io.WriteString(w, strings.Repeat("x", 4096))
		}
	})
	if refused := refusal(t, open(t.Context(), h.client(t))); len(refused.Message) > 100 {
		t.Errorf("got a message of %d bytes", len(refused.Message))
	}
}

func TestBodyCutShort(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, audio)
	})
	media, err := h.client(t).OpenRecording(t.Context(), recording)
	if err != nil {
		t.Fatal(err)
	}
	defer media.Body.Close()
	if n, err := io.Copy(io.Discard, media.Body); !errors.Is(err, io.ErrUnexpectedEOF) || media.Length != 1000 {
		t.Errorf("read %d of %d bytes with error %v", n, media.Length, err)
	}
}

func TestPackedAnswersAreRefused(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, says(http.StatusOK, packed.String(), "Content-Encoding", "gzip"))
	if err := open(t.Context(), h.client(t))(); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("got %v", err)
	}
}

func TestNoAnswerIsTemporary(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	c := h.client(t)
	if refused := refusal(t, open(t.Context(), c)); !refused.Temporary() || refused.Status != 0 {
		t.Errorf("aborted: got %#v", refused)
	}
	if refused := refusal(t, func() error { return c.DeleteRecording(t.Context(), recording) }); !refused.Temporary() {
		t.Errorf("aborted delete: got %#v", refused)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if refused := refusal(t, open(ctx, c)); !refused.Temporary() || !errors.Is(refused, context.Canceled) {
		t.Errorf("cancelled: got %#v", refused)
	}
	h.Close()
	if refused := refusal(t, open(t.Context(), c)); !refused.Temporary() || strings.Contains(refused.Error(), recording) {
		t.Errorf("closed: got %v", refused)
	}
}

func TestDeleteRecording(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusNoContent, ""), says(http.StatusNotFound, `{"code":20404,"message":"gone"}`), says(http.StatusServiceUnavailable, ""))
	c := h.client(t)
	for range 2 {
		if err := c.DeleteRecording(t.Context(), recording); err != nil {
			t.Error(err)
		}
	}
	if refused := refusal(t, func() error { return c.DeleteRecording(t.Context(), recording) }); !refused.Temporary() {
		t.Errorf("got %v", refused)
	}
	want := "DELETE /2010-04-01/Accounts/" + account + "/Recordings/" + recording + ".json"
	if got := fmt.Sprintf("%s %s", h.asked()[0].Method, h.asked()[0].RequestURI); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, cfg := range []twilio.Config{
		{BaseURL: "", AccountSID: account},
		{BaseURL: "api.twilio.com", AccountSID: account},
		{BaseURL: "ftp://api.twilio.com", AccountSID: account},
		{BaseURL: "https://user:secret@api.twilio.com", AccountSID: account},
		{BaseURL: "https://api.twilio.com?x=1", AccountSID: account},
		{BaseURL: "https://user:secret@api twilio", AccountSID: account},
		{BaseURL: "https://api.twilio.com", AccountSID: ""},
		{BaseURL: "https://api.twilio.com", AccountSID: "AC/../x"},
	} {
		if _, err := twilio.New(cfg); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: got %v", cfg, err)
		}
	}
}
