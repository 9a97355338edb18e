package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// TestF08WithEveryReaderBusyClientsAreSentAwayAndCallsAreAnswered has two users send a hundred requests each that wait for a lock of the
// database. Each holds half of the places at work, and what is beyond is refused. Another user is told to come back, over every transport,
// and a call that comes in meanwhile is answered.
func TestF08WithEveryReaderBusyClientsAreSentAwayAndCallsAreAnswered(t *testing.T) {
	t.Parallel()
	const clients = 200
	const heavy = `{ voicemails { edges { node { deliveries { state } } } } }`
	db := testdb.Open(t, testdb.Postgres, jobs.Migrate)
	h := newHouse(t, db, option{parts: func(p *parts) { p.clientsWait = 0 }}) // as it is shipped
	tn := h.newTenant("olivia@example.com", mask, -1, -1)
	h.net.AddPhone(owner, network.NoAnswer(), network.Human(0, time.Minute).Press("1", 0))
	h.net.Dial(network.From("+15550300001").LeaveMessage(5*time.Second, "I was the first."), mask)
	h.play()
	other := h.newTenant("oscar@example.com", "+15550006790", -1, -1)
	socket := connect(t, h.url, other.token)

	lock, err := db.Writer().BeginTx(h.ctx, nil)
	check(t, err)
	_, err = lock.ExecContext(h.ctx, `LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE`)
	check(t, err)
	answers := make(chan int, clients)
	for range clients / 2 {
		for _, token := range []string{tn.token, h.admin} {
			go func() {
				resp := h.post(token, heavy, "application/json")
				answers <- resp.StatusCode
			}()
		}
	}
	for range clients - db.Readers() {
		if got := <-answers; got != http.StatusTooManyRequests && got != http.StatusServiceUnavailable {
			t.Fatalf("got %d while everybody waits, want 429 or 503", got)
		}
	}
	for _, accept := range []string{"application/json", "application/graphql-response+json", "text/event-stream"} {
		if resp := h.post(other.token, heavy, accept); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("Accept %s: got %d %v, want 503 with Retry-After", accept, resp.StatusCode, resp.Header)
		}
	}
	socket.send(frame{ID: "1", Type: "subscribe", Payload: raw(t, map[string]any{"query": heavy})})
	if m := socket.read(); m.Type != "error" || !strings.Contains(string(m.Payload), string(phone.Unavailable)) {
		t.Errorf("over a socket: got %s %s, want UNAVAILABLE", m.Type, m.Payload)
	}
	call := h.net.Dial(network.From("+15550300002"), mask)
	h.play()
	check(t, call.Err())

	check(t, lock.Rollback())
	answered := 0
	for range db.Readers() {
		if <-answers == http.StatusOK {
			answered++
		}
	}
	if answered == 0 { // on a slow machine not every place is taken in time
		t.Error("nobody was answered after the wait")
	}
	var got struct {
		Calls struct {
			Edges []struct {
				Node struct{ Outcome phone.CallOutcome }
			}
		}
	}
	h.ask(tn.token, `{ calls(first: 1) { edges { node { outcome } } } }`, nil, &got)
	if got.Calls.Edges[0].Node.Outcome != phone.OutcomeAnswered {
		t.Errorf("the call meanwhile is %s, want ANSWERED", got.Calls.Edges[0].Node.Outcome)
	}
}

// post sends GraphQL with an Accept of its own.
func (h *house) post(token, query, accept string) *http.Response {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query})
	check(h.t, err)
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.url+"/graphql", bytes.NewReader(body))
	check(h.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	check(h.t, resp.Body.Close())
	return resp
}
