package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

const patience = 20 * time.Second // in real time: long enough for a busy machine, and no test waits for it

// frame is one message of graphql-transport-ws.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// follower is a subscriber on a socket of its own.
type follower struct {
	t    testing.TB
	conn *websocket.Conn
}

// follow subscribes. The server may still be about to take the subscription when it returns; [follower.taken] waits for that.
func (w *world) follow(token, query string, v vars) *follower {
	w.t.Helper()
	f := w.dial(token)
	if got := f.read(); got.Type != "connection_ack" {
		w.t.Fatalf("got %s %s, want connection_ack", got.Type, got.Payload)
	}
	f.send(frame{ID: "1", Type: "subscribe", Payload: f.raw(vars{"query": query, "variables": v})})
	return f
}

// dial opens a socket and says who it is for.
func (w *world) dial(token string) *follower {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.url, "http")+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	check(w.t, err)
	f := &follower{w.t, conn}
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	f.send(frame{Type: "connection_init", Payload: f.raw(vars{"authorization": "Bearer " + token})})
	return f
}

func (f *follower) raw(v any) json.RawMessage {
	f.t.Helper()
	b, err := json.Marshal(v)
	check(f.t, err)
	return b
}

func (f *follower) send(m frame) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	check(f.t, wsjson.Write(ctx, f.conn, m))
}

// read is the next message that is no ping.
func (f *follower) read() frame {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	for {
		var m frame
		check(f.t, wsjson.Read(ctx, f.conn, &m))
		if m.Type == "ping" {
			f.send(frame{Type: "pong"})
			continue
		}
		return m
	}
}

// next is what lies at each of the paths in the data of the next push.
func (f *follower) next(paths ...string) (found []string) {
	f.t.Helper()
	m := f.read()
	if m.Type != "next" {
		f.t.Fatalf("got %s %s, want next", m.Type, m.Payload)
	}
	for _, p := range paths {
		found = append(found, at(f.t, m.Payload, "data."+p))
	}
	return found
}

// refused is the error that a subscription ends in.
func (f *follower) refused() problem {
	f.t.Helper()
	m := f.read()
	var list []problem
	if m.Type != "error" || json.Unmarshal(m.Payload, &list) != nil || len(list) != 1 {
		f.t.Fatalf("got %s %s, want one error", m.Type, m.Payload)
	}
	return list[0]
}

const received = `subscription($n: ID, $c: Cursor) { voicemailReceived(numberID: $n, after: $c) { cursor node { id } } }`

func TestFromAnEmptyListOnEverythingIsPushedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		earlier := w.voicemails(b, 2) // the place is not nought any more
		const empty = `query($n: ID!) { voicemails { edges { cursor } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } }
			node(id: $n) { ... on MaskedNumber { voicemails(where: {heardAtIsNil: true}) { pageInfo { startCursor } } } } }`
		got := w.ask(a.token, empty, vars{"n": a.number},
			"voicemails.pageInfo.startCursor", "node.voicemails.pageInfo.startCursor", "voicemails.edges", "voicemails.pageInfo.hasNextPage")
		if got[0] == "null" || got[0] != got[1] || got[2] != "[]" || got[3] != "false" {
			t.Fatalf("got %v, want the present place in both lists", got)
		}
		missed := w.voicemails(a, 2)
		f := w.follow(a.token, received, vars{"c": got[0]})
		others := w.voicemails(b, 1)
		live := w.voicemails(a, 2)
		for _, want := range slices.Concat(missed, live) {
			if id := f.next("voicemailReceived.node.id")[0]; id != want {
				t.Errorf("got %s, want %s", id, want)
			}
		}
		all := w.follow(w.admin, received, vars{"c": cursor("vm_", int64(0))})
		for _, want := range slices.Concat(earlier, missed, others, live) {
			if id := all.next("voicemailReceived.node.id")[0]; id != want {
				t.Errorf("the administrator got %s, want %s", id, want)
			}
		}
	})
}

func TestOnAnEmptyDatabaseThePresentPlaceIsBeforeEverything(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		l := list{operation: "{ list: voicemails%s }", at: "list"}
		start := *w.page(a.token, l, "").PageInfo.StartCursor
		ids := w.voicemails(a, 2)
		f := w.follow(a.token, received, vars{"c": start})
		for _, want := range ids {
			if id := f.next("voicemailReceived.node.id")[0]; id != want {
				t.Errorf("got %s, want %s", id, want)
			}
		}
		newer := w.page(a.token, l, `last: 5 before: "`+start+`"`).ids()
		older := w.page(a.token, l, `after: "`+start+`"`).ids()
		if !slices.Equal(newer, []string{ids[1], ids[0]}) || len(older) > 0 {
			t.Errorf("got %v newer than that, and %v older; want all, and none", newer, older)
		}
	})
}

// The cursor of any edge, whatever the filter or the parent of its list, and that of any push is a place to go on from.
func TestAnyCursorInTheOrderOfAppearanceIsAPlaceToFollowFrom(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 4)
		listed := w.ask(a.token, `query($n: ID!, $v: ID!) { voicemails(where: {id: $v}) { edges { cursor } }
			node(id: $n) { ... on MaskedNumber { voicemails(first: 3) { edges { cursor } pageInfo { endCursor } } } } }`,
			vars{"n": a.number, "v": ids[1]}, "voicemails.edges.0.cursor", "node.voicemails.edges.2.cursor", "node.voicemails.pageInfo.endCursor")
		first := w.follow(a.token, received, vars{"c": cursor("vm_", int64(0)), "n": a.number})
		first.next()
		pushed := first.next("voicemailReceived.cursor")[0]
		for _, c := range append(listed, pushed) {
			f := w.follow(a.token, received, vars{"c": c})
			for _, want := range ids[2:] {
				if id := f.next("voicemailReceived.node.id")[0]; id != want {
					t.Errorf("after %s: got %s, want %s", c, id, want)
				}
			}
		}
	})
}

func TestASubscriptionThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.voicemails(a, 1)
		byTime := w.ask(a.token, `{ voicemails(orderBy: {field: RECEIVED_AT}) { edges { cursor } } }`, nil, "voicemails.edges.0.cursor")[0]
		ofCalls := w.ask(a.token, `{ calls { edges { cursor } } }`, nil, "calls.edges.0.cursor")[0]
		for _, c := range append(noCursors(), byTime, ofCalls) {
			e := w.follow(a.token, received, vars{"c": c}).refused()
			if e.code() != string(phone.BadUserInput) || e.Extensions["field"] != "after" {
				t.Errorf("after %.60q: got %v", c, e)
			}
		}
		var want *problem
		for _, id := range w.others(b) {
			e := w.follow(a.token, received, vars{"n": id}).refused()
			if want == nil {
				want = &e
			}
			if e.code() != string(phone.NotFound) || e.Message != want.Message || e.path() != want.path() {
				t.Errorf("numberID %.40q: got %v", id, e)
			}
		}
	})
}

func TestWhatIsDeletedMeanwhileIsNotPushedAfterwards(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 3)
		w.write(func(tx *ent.Client) error { return tx.Voicemail.UpdateOneID(ids[1]).SetDeletedAt(w.now()).Exec(w.ctx) })
		f := w.follow(a.token, received, vars{"c": cursor("vm_", int64(0))})
		for _, want := range []string{ids[0], ids[2]} {
			if id := f.next("voicemailReceived.node.id")[0]; id != want {
				t.Errorf("got %s, want %s", id, want)
			}
		}
	})
}

func TestARevokedTokenEndsItsSocket(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		f := w.follow(a.token, received, vars{"c": cursor("vm_", int64(0))})
		w.voicemails(a, 1)
		f.next() // it is subscribed
		w.ask(a.token, `mutation($id: ID!) { revokeToken(id: $id) }`, vars{"id": w.ask(a.token, `{ viewer { tokens { id } } }`, nil, "viewer.tokens.0.id")[0]})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, _, err := f.conn.Read(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != 4403 {
			t.Errorf("got %v, want close code 4403", err)
		}
	})
}

func TestASocketOfAStrangePageIsRefused(t *testing.T) {
	t.Parallel()
	w := light(t)
	for origin, want := range map[string]int{
		"": http.StatusSwitchingProtocols, w.url: http.StatusSwitchingProtocols, friend: http.StatusSwitchingProtocols,
		"null": http.StatusForbidden, "https://evil.example": http.StatusForbidden, friend + ".evil.example": http.StatusForbidden, "http://app.example": http.StatusForbidden,
	} {
		r := request(t, http.MethodGet, w.url+"/graphql", nil, "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
			"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "graphql-transport-ws")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode != want {
			t.Errorf("Origin %q: got %d, want %d", origin, resp.StatusCode, want)
		}
	}
}
