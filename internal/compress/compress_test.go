package compress_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/compress"
)

func TestWhoAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"gzip": true, "GZIP": true, "x-gzip": true, "gzip, deflate, br": true, "br, gzip;q=0.8": true, "*": true, "gzip;q=0.001": true, "gzip; q=1.0": true, "identity;q=0, gzip": true,
		"": false, "br": false, "gzip;q=0": false, "gzip;q=0.0": false, "*;q=0": false, "*, gzip;q=0": false, "identity": false, "gzip;q=0.5, identity": false,
		"gzip;q=x": false, "gzippy": false, "gzip;q=0, *": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if header != "" {
			r.Header.Set("Accept-Encoding", header)
		}
		if got := compress.Accepted(r); got != want {
			t.Errorf("%q: got %t", header, got)
		}
	}
}

func TestLargeAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size   int
		accept string
		want   bool
	}{{1024, "gzip", false}, {1025, "gzip", true}, {100_000, "gzip", true}, {100_000, "", false}, {100_000, "gzip;q=0", false}, {0, "gzip", false}} {
		body := strings.Repeat("x", c.size)
		h := compress.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, body[:c.size/2]) // it never fails
			_, _ = io.WriteString(w, body[c.size/2:])
		}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", c.accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != c.want || w.Code != http.StatusTeapot || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%d bytes for %q: got %d %v", c.size, c.accept, w.Code, w.Header())
		}
		if got := read(t, w); got != body {
			t.Errorf("%d bytes for %q: got %d other bytes", c.size, c.accept, len(got))
		}
	}
}

func TestWhatIsEncodedStaysSo(t *testing.T) {
	t.Parallel()
	h := http.Header{"Content-Encoding": {"br"}}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	body := []byte(strings.Repeat("x", 2000))
	if got := compress.Answer(h, r, body); string(got) != string(body) || h.Get("Content-Encoding") != "br" {
		t.Errorf("got %v", h)
	}
}

func read(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body io.Reader = w.Body
	if w.Header().Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	all, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
