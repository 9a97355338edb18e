package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
)

// A panic that nothing closer has caught costs one request, of which nobody gets half an answer, and is counted.
func TestAPanicAnywhereInARequestCostsThatRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), option{})
	half := httptest.NewServer(h.app.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			return
		}
		_, err := w.Write([]byte("half an ans"))
		check(t, err)
		panic("oops")
	})))
	defer half.Close()
	if resp, err := http.Get(half.URL + "/broken"); err == nil {
		check(t, resp.Body.Close())
		t.Errorf("got %s, want a connection that is cut", resp.Status)
	}
	resp, err := http.Get(half.URL)
	check(t, err)
	check(t, resp.Body.Close())
	if _, text := h.get(h.url+"/metrics", h.admin); !strings.Contains(string(text), "\nmaskline_panics_total 1\n") {
		t.Errorf("it is not counted:\n%s", text)
	}
}
