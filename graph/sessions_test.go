package graph_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/phone"
)

// attentive is a world that looks often at whether tokens still hold.
func (w *world) attentive() {
	w.resolver.LookAgain = 10 * time.Millisecond
	w.handler = w.door(w.t, w.resolver)
}

// wantForbidden waits for the socket to be closed because its token is over.
func (f *follower) wantForbidden() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	_, _, err := f.conn.Read(ctx)
	if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != 4403 {
		f.t.Errorf("got %v, want close code 4403", err)
	}
}

// wantOpen shows that the socket still answers.
func (f *follower) wantOpen() {
	f.t.Helper()
	f.send(frame{ID: "open", Type: "subscribe", Payload: f.raw(vars{"query": "{ viewer { id } }"})})
	for m := f.read(); m.ID != "open" || m.Type != "complete"; m = f.read() {
		if m.Type == "error" {
			f.t.Fatalf("got %s", m.Payload)
		}
	}
}

func TestOnlyTheSocketsOfTheRevokedTokenEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		lost := w.ask(a.token, `mutation($u: ID!) { createToken(userID: $u, name: "lost") { accessToken { id } token } }`, vars{"u": a.user}, "createToken.accessToken.id", "createToken.token")
		open := func(token string) *follower {
			f := w.follow(token, received, nil)
			f.wantOpen()
			return f
		}
		first, second, others, kept := open(lost[1]), open(lost[1]), open(b.token), open(a.token)
		w.ask(a.token, `mutation($id: ID!) { revokeToken(id: $id) }`, vars{"id": lost[0]})
		first.wantForbidden()
		second.wantForbidden()
		kept.wantOpen()
		others.wantOpen()
	})
}

// The news of a revoked token may get lost, and a machine may have slept through its expiry: all sessions are looked at again and again,
// also those that come after there were none.
func TestSessionsAreLookedAtAgainAndAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.attentive()
		for range 2 {
			secret := w.token(a.user)
			f := w.follow(secret, received, nil)
			f.wantOpen()
			w.write(func(tx *ent.Client) error {
				return tx.Token.Update().Where(token.Name("test"), token.OwnerID(a.user)).SetRevokedAt(w.now()).Exec(w.ctx)
			})
			f.wantForbidden()
		}
		expires := w.now().Add(time.Hour).Format(time.RFC3339)
		short := w.ask(w.admin, `mutation($u: ID!, $e: Time) { createToken(userID: $u, name: "short", expiresAt: $e) { token } }`, vars{"u": a.user, "e": expires}, "createToken.token")[0]
		f := w.follow(short, received, nil)
		f.wantOpen()
		w.advance(time.Hour)
		f.wantForbidden()
	})
}

// Until the database is there for the first time, clients are told so, also those of other origins.
func TestNobodyIsServedBeforeTheDatabaseIsPrepared(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	ready := false
	w.resolver.Ready = func() bool { return ready }
	got := w.try(a.token, `{ viewer { id } }`, nil)
	if got.Status != http.StatusServiceUnavailable || len(got.Errors) == 0 || got.Errors[0].code() != string(phone.Unavailable) || got.Header.Get("Retry-After") != "5" {
		t.Errorf("got %d %v %s", got.Status, got.Header, got.Body)
	}
	asked := func(method string) *http.Response {
		r := request(t, method, w.url+"/graphql", http.NoBody, "Origin", friend)
		resp, err := http.DefaultClient.Do(r)
		check(t, err)
		check(t, resp.Body.Close())
		return resp
	}
	for method, status := range map[string]int{http.MethodGet: 503, http.MethodOptions: 204, http.MethodPut: 405} {
		if resp := asked(method); resp.StatusCode != status || resp.Header.Get("Access-Control-Allow-Origin") != friend {
			t.Errorf("%s: got %s %v", method, resp.Status, resp.Header)
		}
	}
	if _, resp, err := websocket.Dial(t.Context(), w.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}); err == nil || resp.StatusCode != 503 {
		t.Errorf("a socket: got %v", err)
	}
	ready = true
	w.ask(a.token, `{ viewer { id } }`, nil)
}
