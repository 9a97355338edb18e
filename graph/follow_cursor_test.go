package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/jobs"
)

// placeOf is the place in a cursor.
func placeOf(t testing.TB, cursor string) int64 {
	t.Helper()
	var c ent.Cursor
	check(t, c.UnmarshalGQL(cursor))
	var place int64
	if _, err := fmt.Sscan(fmt.Sprint(c.Value), &place); err != nil {
		t.Fatalf("%v is no place", c)
	}
	return place
}

// waysToList are lists of all voicemails of a number's owner, and where they lie in the answer.
func waysToList(tn tenant) map[string]string {
	const page = " { followCursor edges { cursor node { id heardAt } } } }"
	at := func(args string) string { return "{ voicemails(first: 100" + args + ")" + page }
	return map[string]string{
		at(""): "voicemails",
		at(`, orderBy: {field: RECEIVED_AT, direction: ASC}`):                                                           "voicemails",
		at(`, where: {from: "+15550200002"}`):                                                                           "voicemails",
		at(`, where: {hasNumberWith: {id: "` + tn.number + `"}}`):                                                       "voicemails",
		at(`, where: {transcriptContainsFold: "INVOICE"}`):                                                              "voicemails",
		at(`, where: {transcriptContainsFold: "in"}`):                                                                   "voicemails",
		`{ node(id: "` + tn.number + `") { ... on MaskedNumber { voicemails(last: 100)` + page + ` } }`:                 "node.voicemails",
		`{ numbers { edges { node { voicemails(first: 100, where: {transcriptContainsFold: "voice"})` + page + ` } } }`: "numbers.edges.0.node.voicemails",
	}
}

func TestEveryListOfVoicemailsHasThePlaceToFollowItFrom(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		wants := func(what string) {
			t.Helper()
			lists := waysToList(a)
			for _, args := range []string{"first: 1", `first: 1, where: {from: "nobody"}`, `last: 1, orderBy: {field: RECEIVED_AT, direction: DESC}, where: {idIn: []}`, "after: " + fmt.Sprintf("%q", cursor("vm_", int64(2)))} {
				lists["{ voicemails("+args+") { followCursor edges { node { id } } } }"] = "voicemails"
				lists["{ voicemails("+args+") { followCursor } }"] = "voicemails"
				lists["{ voicemails("+args+") { ...f } } fragment f on VoicemailConnection { totalCount followCursor pageInfo { endCursor } }"] = "voicemails"
			}
			for query, at := range lists {
				if got := placeOf(t, w.ask(a.token, query, nil, at+".followCursor")[0]); got != w.place() {
					t.Errorf("%s: %s\ngot the place %d, want %d", what, query, got, w.place())
				}
			}
		}
		wants("with nothing")
		ids := w.voicemails(a, 3)
		wants("with voicemails")
		w.ask(a.token, mark, vars{"ids": ids[:2], "heard": true})
		wants("after a change")
		w.ask(a.token, deleteThem, vars{"ids": ids})
		wants("with all deleted")
		w.ask(a.token, restoreThem, vars{"ids": ids[:1]})
		wants("with one restored")
	})
}

// What is followed from startCursor is replayed: all changes since the newest voicemail appeared. From followCursor nothing is.
func TestFromFollowCursorOnNothingIsReplayed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 2)
		w.ask(a.token, mark, vars{"ids": ids, "heard": true})
		w.ask(a.token, deleteThem, vars{"ids": ids[1:]})
		from := w.ask(a.token, `{ voicemails { followCursor } }`, nil, "voicemails.followCursor")[0]
		changes := w.follow(a.token, changed, vars{"c": from})
		w.ask(a.token, restoreThem, vars{"ids": ids[1:]})
		got := changes.next("voicemailChanged.kind", "voicemailChanged.voicemailID", "voicemailChanged.edge.node.id", "voicemailChanged.voicemail.id", "voicemailChanged.edge.cursor")
		place := w.ask(a.token, `{ voicemails(first: 1) { edges { cursor } } }`, nil, "voicemails.edges.0.cursor")[0]
		if want := []string{"RESTORED", ids[1], ids[1], ids[1], place}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		w.ask(a.token, deleteThem, vars{"ids": ids[:1]})
		if got := changes.next("voicemailChanged.kind", "voicemailChanged.edge", "voicemailChanged.voicemail"); !slices.Equal(got, []string{"DELETED", "null", "null"}) {
			t.Errorf("got %v of what is deleted, want no edge and no voicemail", got)
		}
	})
}

// mirror is what a client knows of the voicemails: whether each is heard. It lists and then follows both subscriptions.
type mirror struct {
	*world
	query string
	known map[string]bool
	from  int64
	push  [2]*stream // received and changed
}

const (
	mirrorReceived = `subscription($c: Cursor) { voicemailReceived(after: $c) { cursor node { id heardAt } } }`
	mirrorChanged  = `subscription($c: Cursor) { voicemailChanged(after: $c) { cursor kind voicemailID edge { node { id heardAt } } } }`
)

type mirrored struct {
	Cursor string
	Node   struct {
		ID      string
		HeardAt *string
	}
}

// mirrors lists in a way and begins to follow.
func (w *world) mirrors(tn tenant, query, at string) *mirror {
	w.t.Helper()
	m := &mirror{world: w, query: query, known: map[string]bool{}}
	var list struct {
		FollowCursor string
		Edges        []mirrored
	}
	check(w.t, json.Unmarshal([]byte(w.ask(tn.token, query, nil, at)[0]), &list))
	m.from = placeOf(w.t, list.FollowCursor)
	for _, e := range list.Edges {
		m.known[e.Node.ID] = e.Node.HeardAt != nil
		if !strings.Contains(query, "orderBy") && placeOf(w.t, e.Cursor) > m.from {
			w.t.Errorf("%s: %s lies past the followCursor", query, e.Node.ID)
		}
	}
	for i, query := range []string{mirrorReceived, mirrorChanged} {
		m.push[i] = w.stream(tn.token, query, vars{"c": list.FollowCursor})
	}
	return m
}

// pushes are what comes up to a place, by their places.
func (m *mirror) pushes(to int64) map[int64]mirrorPush {
	m.t.Helper()
	all := map[int64]mirrorPush{}
	for _, s := range m.push {
		for last := int64(0); last < to; {
			var got struct{ Data mirrorPush }
			check(m.t, json.Unmarshal([]byte(s.next("next")), &got))
			before := last
			if last = placeOf(m.t, got.Data.cursor()); last <= before || last <= m.from {
				m.t.Errorf("%s: the place %d was pushed after %d", m.query, last, max(before, m.from))
			}
			if last <= to {
				all[last] = got.Data
			}
		}
	}
	return all
}

type mirrorPush struct {
	VoicemailReceived *mirrored
	VoicemailChanged  *struct {
		Cursor, Kind, VoicemailID string
		Edge                      mirrored
	}
}

func (p mirrorPush) cursor() string {
	if p.VoicemailReceived != nil {
		return p.VoicemailReceived.Cursor
	}
	return p.VoicemailChanged.Cursor
}

// take takes pushes in the order of their places. What appears or is restored must not be there.
func (m *mirror) take(all map[int64]mirrorPush) {
	m.t.Helper()
	for _, place := range slices.Sorted(maps.Keys(all)) {
		p, now := all[place], mirrored{}
		switch {
		case p.VoicemailReceived != nil:
			now = *p.VoicemailReceived
		case p.VoicemailChanged.Kind == "DELETED":
			delete(m.known, p.VoicemailChanged.VoicemailID)
			continue
		default:
			now = p.VoicemailChanged.Edge
		}
		_, there := m.known[now.Node.ID]
		if isUpdate := p.VoicemailReceived == nil && p.VoicemailChanged.Kind == "UPDATED"; there && !isUpdate {
			m.t.Errorf("%s: %s appears or is restored at %d, and was listed at %d", m.query, now.Node.ID, place, m.from)
		}
		m.known[now.Node.ID] = now.Node.HeardAt != nil
	}
}

// Lists that are read while voicemails appear, change, go and come back, and are then followed, end up the same: nothing is missed between
// list and push, and nothing that the list shows is pushed.
func TestListThenFollowHasNoGapAndNoReplayUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		var writers, readers sync.WaitGroup
		written := make(chan struct{})
		for n := range 3 {
			writers.Go(func() { w.churn(a, n) })
		}
		var mu sync.Mutex
		var all []*mirror
		for query, at := range waysToList(a) {
			readers.Go(func() {
				for range 4 {
					m := w.mirrors(a, query, at)
					mu.Lock()
					all = append(all, m)
					mu.Unlock()
				}
			})
		}
		go func() { writers.Wait(); close(written) }()
		readers.Wait()
		<-written
		last := w.voicemails(a, 1)
		check(t, w.desk.Mark(w.ctx, last, true))
		want := map[string]bool{}
		for query, at := range waysToList(a) {
			if strings.Contains(query, "first: 100)") && at == "voicemails" {
				want = w.mirrors(a, query, at).known
			}
		}
		to := w.place()
		for _, m := range all {
			m.take(m.pushes(to - 1))
			if m.known[last[0]] = true; !maps.Equal(m.known, want) {
				t.Errorf("%s\nends with %v, want %v", m.query, m.known, want)
			}
		}
		t.Logf("%d lists were read and followed to place %d", len(all), to)
	})
}

// churn has voicemails appear, be heard, go and come back.
func (w *world) churn(tn tenant, n int) {
	var ids []string
	for i := range 12 {
		id := w.recorded(tn, "+15550200002")
		w.write(func(tx *ent.Client) error {
			return tx.Voicemail.UpdateOneID(id).SetTranscript("The invoice.").Exec(w.ctx)
		})
		check(w.t, w.desk.Work()[jobs.Appear](w.ctx, jobs.Job{Kind: jobs.Appear, Subject: id}))
		ids = append(ids, id)
		some := ids[(i+n)%len(ids):][:1]
		check(w.t, w.desk.Delete(w.ctx, some))
		check(w.t, w.desk.Mark(w.ctx, ids[len(ids)-1:], i%2 == 0 && some[0] != id))
		check(w.t, w.desk.Restore(w.ctx, some))
		check(w.t, w.desk.Mark(w.ctx, some, i%3 == 0))
	}
}
