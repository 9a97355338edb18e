package graph_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/change"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
)

func TestAVoicemailIsNowhereUntilItAppears(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.recorded(a, "+15550200002")
		const look = `query($n: ID!) {
			voicemails { totalCount edges { node { id } } }
			calls { edges { node { outcome voicemail { id } } } }
			node(id: $n) { ... on MaskedNumber { unheardVoicemails voicemails { totalCount edges { node { id } } } } } }`
		const nothing = `{"voicemails": {"totalCount": 0, "edges": []}, "calls": {"edges": [{"node": {"outcome": "VOICEMAIL", "voicemail": null}}]},
			"node": {"unheardVoicemails": 0, "voicemails": {"totalCount": 0, "edges": []}}}`
		const mark = `mutation($id: ID!) { markVoicemails(ids: [$id], heard: true) { id } }`
		for _, token := range []string{a.token, w.admin} {
			w.wants(token, look, vars{"n": a.number}, nothing)
			w.refused(token, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": vm}, phone.NotFound, "node")
			w.refused(token, mark, vars{"id": vm}, phone.NotFound, "markVoicemails")
		}
		link := w.links.To(links.Audio, vm, w.now().Add(time.Hour))
		if got := w.send(request(t, http.MethodGet, link, nil)); got.Status != http.StatusNotFound {
			t.Errorf("its audio: got %d, want 404", got.Status)
		}
		if got := w.send(request(t, http.MethodGet, w.links.To(links.Page, vm, w.now().Add(time.Hour)), nil)); got.Status != http.StatusNotFound {
			t.Errorf("its page: got %d, want 404", got.Status)
		}
		w.appear(vm)
		something := strings.NewReplacer(`"edges": []`, fmt.Sprintf(`"edges": [{"node": {"id": %q}}]`, vm), `"voicemail": null`, fmt.Sprintf(`"voicemail": {"id": %q}`, vm),
			`"totalCount": 0`, `"totalCount": 1`, `"unheardVoicemails": 0`, `"unheardVoicemails": 1`).Replace(nothing)
		w.wants(a.token, look, vars{"n": a.number}, something)
		w.ask(a.token, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": vm}, "node.id")
		w.ask(a.token, mark, vars{"id": vm})
	})
}

func TestAVoicemailShowsAllThatIsKnownOfIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.voicemails(a, 1)[0]
		const all = `query($id: ID!) { node(id: $id) { ... on Voicemail { from durationSeconds receivedAt heardAt audio audioError audioURL
			transcript transcription transcriptionError
			number { phoneNumber } call { from to outcome startedAt endedAt durationSeconds } deliveries { channel recipient state attempts lastError deliveredAt } } } }`
		w.wants(a.token, all, vars{"id": vm}, `{"node": {"from": "+15550200002", "durationSeconds": 7, "receivedAt": "2026-01-15T12:00:00Z", "heardAt": null,
			"audio": "PENDING", "audioError": null, "audioURL": null, "transcript": null, "transcription": "OFF", "transcriptionError": null,
			"number": {"phoneNumber": "`+a.phone+`"},
			"call": {"from": "+15550200002", "to": "`+a.phone+`", "outcome": "VOICEMAIL", "startedAt": "2026-01-15T12:00:00Z", "endedAt": null, "durationSeconds": null},
			"deliveries": [{"channel": "email", "recipient": "ann@example.com", "state": "PENDING", "attempts": 0, "lastError": null, "deliveredAt": null}]}}`)
		at := w.now().Add(1500 * time.Millisecond)
		w.write(func(tx *ent.Client) error {
			return tx.Voicemail.UpdateOneID(vm).SetAudio(phone.AudioStored).SetTranscript("<b>hello</b> \u202e 👋").
				SetTranscription(phone.TranscriptionCompleted).SetHeardAt(at).Exec(w.ctx)
		})
		w.wants(a.token, `query($id: ID!) { node(id: $id) { ... on Voicemail { audio audioURL transcript transcription heardAt } } }`, vars{"id": vm},
			fmt.Sprintf(`{"node": {"audio": "STORED", "audioURL": %q, "transcript": "<b>hello</b> \u202e 👋", "transcription": "COMPLETED", "heardAt": "2026-01-15T12:00:01.5Z"}}`,
				w.links.To(links.Audio, vm, time.Date(2026, 1, 15, 13, 15, 0, 0, time.UTC))))
	})
}

func TestTheVoicemailOfACallIsTheFirstOfIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		in := phone.Incoming{CallSID: w.sid("CA"), From: "+15550200002", To: phone.Number(a.phone)}
		for i, sid := range []string{"REb", "REa", "REc"} {
			check(t, w.desk.Reported(w.ctx, in, phone.Reported{RecordingSID: sid, Status: "completed", Seconds: 5, StartedAt: w.now().Add(time.Duration(i-10) * time.Second)}))
		}
		found, err := w.db.Client().Voicemail.Query().All(w.ctx)
		check(t, err)
		for _, v := range found {
			w.appear(v.ID)
		}
		w.wants(a.token, `{ calls { edges { node { voicemail { recordingSid } } } } voicemails { totalCount } }`, nil,
			`{"calls": {"edges": [{"node": {"voicemail": {"recordingSid": "REb"}}}]}, "voicemails": {"totalCount": 3}}`)
	})
}

const mark = `mutation($ids: [ID!]!, $heard: Boolean!) { markVoicemails(ids: $ids, heard: $heard) { id heardAt } }`

// changes are the ids of the voicemails that changed, in the order of their places, which must follow those of the voicemails.
func (w *world) changes() (ids []string) {
	w.t.Helper()
	rows, err := w.db.Client().Change.Query().Order(ent.Asc(change.FieldPlace)).All(w.ctx)
	check(w.t, err)
	newest, err := w.desk.LastPlace(w.ctx)
	check(w.t, err)
	for i, c := range rows {
		if c.Kind != phone.ChangeUpdated || c.Place != newest-int64(len(rows)-1-i) {
			w.t.Errorf("got change %v, want UPDATED at the last places before %d", c, newest)
		}
		ids = append(ids, c.VoicemailID)
	}
	return ids
}

func TestMarkingChangesAndPushesOnlyWhatWasOtherwise(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 3)
		heard := func(id string) string { return fmt.Sprintf(`{"id": %q, "heardAt": "2026-01-15T12:00:00Z"}`, id) }
		w.wants(a.token, mark, vars{"ids": []string{ids[2], ids[0], ids[2]}, "heard": true}, `{"markVoicemails": [`+heard(ids[2])+`,`+heard(ids[0])+`]}`)
		if got := w.changes(); len(got) != 2 || !slices.Contains(got, ids[0]) || !slices.Contains(got, ids[2]) {
			t.Fatalf("got changes of %v, want one of each that was marked", got)
		}
		w.advance(time.Minute)
		w.wants(a.token, mark, vars{"ids": ids, "heard": true},
			`{"markVoicemails": [`+heard(ids[0])+`,`+strings.Replace(heard(ids[1]), "12:00", "12:01", 1)+`,`+heard(ids[2])+`]}`)
		if got := w.changes(); len(got) != 3 || got[2] != ids[1] {
			t.Errorf("got changes of %v, want one more, of %s", got, ids[1])
		}
		w.wants(w.admin, mark, vars{"ids": ids[:1], "heard": false}, fmt.Sprintf(`{"markVoicemails": [{"id": %q, "heardAt": null}]}`, ids[0]))
		w.wants(a.token, mark, vars{"ids": ids[:1], "heard": false}, fmt.Sprintf(`{"markVoicemails": [{"id": %q, "heardAt": null}]}`, ids[0]))
		w.wants(a.token, mark, vars{"ids": []string{}, "heard": false}, `{"markVoicemails": []}`)
		if got := w.changes(); len(got) != 4 || got[3] != ids[0] {
			t.Errorf("got changes of %v, want one more, of %s", got, ids[0])
		}
	})
}

func TestMarkingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		mine := w.voicemails(a, 2)
		hidden := w.recorded(a, "anonymous")
		want := w.refused(a.token, mark, vars{"ids": unknown[:1], "heard": true}, phone.NotFound, "markVoicemails")
		for _, id := range append(w.others(b), hidden, strings.ToUpper(mine[0])) {
			for _, ids := range [][]string{{id}, {mine[0], id, mine[1]}} {
				if e := w.refused(a.token, mark, vars{"ids": ids, "heard": true}, phone.NotFound, "markVoicemails"); e.Message != want.Message {
					t.Errorf("%.40q: got %v, want %v", id, e, want)
				}
			}
		}
		if got := w.changes(); len(got) != 0 {
			t.Errorf("got changes of %v, want none", got)
		}
		w.wants(w.admin, `{ voicemails(where: {heardAtIsNil: true}) { totalCount } }`, nil, `{"voicemails": {"totalCount": 3}}`)
	})
}

func TestMarkingTheSameAtOncePushesItOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 5)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { w.try(a.token, mark, vars{"ids": ids, "heard": true}) })
		}
		all.Wait()
		if got := slices.Sorted(slices.Values(w.changes())); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
			t.Errorf("got changes of %v, want one of each of %v", got, ids)
		}
	})
}
