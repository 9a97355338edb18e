package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// theBin is the list of what is deleted.
var theBin = list{name: "bin", operation: "{ list: deletedVoicemails%s }", at: "list"}

func TestTheBinIsListedLastDeletedFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		ids := w.voicemails(a, 12)
		w.ask(b.token, deleteThem, vars{"ids": w.voicemails(b, 1)})
		if got := w.page(a.token, theBin, ""); len(got.Edges) != 0 || got.TotalCount != 0 || got.PageInfo.StartCursor != nil {
			t.Errorf("got %v of an empty bin", got)
		}
		var want []string
		deleted := func(some ...string) { // at one moment: then the id decides
			w.advance(time.Second)
			w.ask(a.token, deleteThem, vars{"ids": some})
			slices.Sort(some)
			slices.Reverse(some)
			want = append(some, want...)
		}
		deleted(ids[3])
		deleted(slices.Clone(ids[5:12])...)
		deleted(ids[0])
		for size := 1; size <= 10; size++ {
			var got []string
			for after := ""; ; {
				page := w.page(a.token, theBin, fmt.Sprintf("first: %d%s", size, after))
				if got = append(got, page.ids()...); page.TotalCount != len(want) || len(page.Edges) > size {
					t.Errorf("got %d of %d, want %d at most of %d", len(page.Edges), page.TotalCount, size, len(want))
				}
				if !page.PageInfo.HasNextPage {
					break
				}
				after = fmt.Sprintf(", after: %q", *page.PageInfo.EndCursor)
			}
			if !slices.Equal(got, want) {
				t.Errorf("by pages of %d: got %v, want %v", size, got, want)
			}
		}
		w.ask(a.token, restoreThem, vars{"ids": []string{ids[3], ids[7]}})
		want = slices.DeleteFunc(want, func(id string) bool { return id == ids[3] || id == ids[7] })
		if got := w.page(a.token, theBin, "").ids(); !slices.Equal(got, want) {
			t.Errorf("after restoring got %v, want %v", got, want)
		}
		w.advance(time.Second)
		w.ask(w.admin, deleteThem, vars{"ids": ids[3:4]}) // into Ann's bin
		if got := w.page(w.admin, theBin, "").ids(); len(got) != 0 {
			t.Errorf("the administrator's own bin has %v", got)
		}
		if got := w.page(a.token, theBin, "first: 1").ids(); !slices.Equal(got, ids[3:4]) {
			t.Errorf("got %v, want what the administrator deleted", got)
		}
		w.ask(a.token, `mutation { emptyBin }`, nil)
		if got := w.page(a.token, theBin, ""); len(got.Edges) != 0 || got.TotalCount != 0 {
			t.Errorf("got %v of a bin that was emptied", got)
		}
	})
}

func TestWhatIsInTheBinIsReadableButForItsAudio(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm, _ := w.stored(a)
		w.write(func(tx *ent.Client) error {
			return tx.Voicemail.UpdateOneID(vm).SetTranscript("The invoice.").Exec(w.ctx)
		})
		w.ask(a.token, deleteThem, vars{"ids": []string{vm}})
		w.wants(a.token, `{ deletedVoicemails { totalCount edges { node { id from audio audioURL transcript number { label unheardVoicemails voicemails { totalCount } }
			call { outcome voicemail { id } } deliveries { recipient } } } } }`, nil,
			`{"deletedVoicemails": {"totalCount": 1, "edges": [{"node": {"id": "`+vm+`", "from": "+15550200002", "audio": "STORED", "audioURL": null, "transcript": "The invoice.",
			"number": {"label": "line of ann", "unheardVoicemails": 0, "voicemails": {"totalCount": 0}},
			"call": {"outcome": "VOICEMAIL", "voicemail": null}, "deliveries": [{"recipient": "ann@example.com"}]}}]}}`)
		w.wants(a.token, `{ deletedVoicemails { edges { node { audioURL } } } }`, nil, `{"deletedVoicemails": {"edges": [{"node": {"audioURL": null}}]}}`)
		if got := placeOf(t, w.ask(a.token, `{ deletedVoicemails { followCursor edges { node { id } } } }`, nil, "deletedVoicemails.followCursor")[0]); got != w.place() {
			t.Errorf("the followCursor is the place %d, want %d", got, w.place())
		}
	})
}

// The cursors of the bin are good for the bin alone, and those of other lists are none of its.
func TestACursorOfTheBinIsOfNoOtherListAndTheReverse(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	lists := w.crowded(a)
	w.ask(a.token, deleteThem, vars{"ids": w.voicemails(a, 2)})
	own := w.page(a.token, theBin, "").Edges[0].Cursor
	cursors := noCursors()
	for _, l := range lists {
		for _, sort := range l.kinds() {
			cursors = append(cursors, w.page(w.admin, l, "first: 1 "+sort).Edges[0].Cursor)
			got := w.try(w.admin, l.with(fmt.Sprintf("%s after: %q", sort, own)), nil)
			if len(got.Errors) != 1 || got.Errors[0].code() != string(phone.BadUserInput) || got.Errors[0].Extensions["field"] != "after" {
				t.Errorf("%s %s takes a cursor of the bin: %s", l.operation, sort, got.Body)
			}
		}
	}
	cursors = append(cursors, w.ask(a.token, `{ deletedVoicemails { followCursor } }`, nil, "deletedVoicemails.followCursor")...)
	for _, c := range cursors {
		got := w.try(a.token, "query($c: Cursor) { deletedVoicemails(after: $c) { totalCount edges { cursor } } }", vars{"c": c})
		if len(got.Errors) != 1 || got.Errors[0].code() != string(phone.BadUserInput) || got.Errors[0].Extensions["field"] != "after" {
			t.Errorf("the bin takes %.60q: %s", c, got.Body)
		}
	}
	for _, query := range []string{received, changed} {
		if e := w.follow(a.token, query, vars{"c": own}).refused(); e.code() != string(phone.BadUserInput) {
			t.Errorf("%s is followed from a cursor of the bin: %v", query, e)
		}
	}
	for _, first := range []string{"0", "-1", "101"} {
		if e := w.try(a.token, theBin.with("first: "+first), nil); len(e.Errors) != 1 || e.Errors[0].Extensions["field"] != "first" {
			t.Errorf("first: %s: got %s", first, e.Body)
		}
	}
}

// The bin is read by its index, however much lies in it and in the bins of others.
func TestTheBinIsReadByItsIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		few := w.tenant("carl")
		w.grow(a, b, 20_000)
		w.exec(`UPDATE voicemails SET deleted_at = received_at WHERE place > 6000`)
		w.analyze(w.exec)
		w.ask(few.token, deleteThem, vars{"ids": w.voicemails(few, 3)})
		s := w.spied()
		for who, token := range map[string]string{"an owner": a.token, "an owner of few": few.token, "the administrator": w.admin} {
			s.seen = nil
			after := ""
			for range 2 {
				got := s.asks(token, "{ list: deletedVoicemails(first: 20"+after+") { followCursor edges { node { id } } pageInfo { hasNextPage endCursor } } }")
				if at(t, got.Data, "list.pageInfo.hasNextPage") == "false" {
					break
				}
				after = fmt.Sprintf(", after: %q", at(t, got.Data, "list.pageInfo.endCursor"))
			}
			for _, st := range slices.Clone(s.seen) {
				if !strings.Contains(st.text, "deleted_at") {
					continue
				}
				if s.lite() {
					s.explainSQLite(who, filter{"", "voicemail_binned_owner_id", false}, st)
				} else {
					s.explainPostgres(who, st)
				}
			}
		}
	})
}
