package graph_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(w *world, token, vm string) *http.Request{
		"of GraphQL": func(w *world, token, _ string) *http.Request {
			return request(w.t, http.MethodPost, w.url+"/graphql", strings.NewReader(`{"query": "{ __schema { types { name description fields { name description } } } }"}`),
				"Authorization", "Bearer "+token, "Content-Type", "application/json")
		},
		"audio": func(w *world, token, vm string) *http.Request {
			return request(w.t, http.MethodGet, w.url+"/recordings/"+vm, nil, "Authorization", "Bearer "+token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := light(t)
			a := w.tenant("ann")
			vm, _ := w.stored(a)
			hurried := *w.resolver
			hurried.StallAfter = 100 * time.Millisecond
			within(t, w.unread(w.door(t, &hurried), ask(w, a.token, vm)))
		})
	}
}

// deadlines counts how often a writer was given more time.
type deadlines struct {
	*httptest.ResponseRecorder
	given int
}

func (d *deadlines) SetWriteDeadline(time.Time) error {
	d.given++
	return nil
}

func TestWhoReadsOnIsGivenMoreTime(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	slow := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	w.handler.ServeHTTP(slow, request(t, http.MethodPost, "/graphql", strings.NewReader(`{"query": "{ __schema { types { name description fields { name description args { name description } } inputFields { name description } } } }"}`),
		"Authorization", "Bearer "+a.token, "Content-Type", "application/json"))
	if size := slow.Body.Len(); size < 40<<10 || slow.given != (size+32<<10-1)/(32<<10) {
		t.Errorf("time was given %d times for %d bytes, want once for each 32 KiB", slow.given, size)
	}
}
