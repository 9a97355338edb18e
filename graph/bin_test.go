package graph_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
)

const (
	deleteThem  = `mutation($ids: [ID!]!) { deleteVoicemails(ids: $ids) }`
	restoreThem = `mutation($ids: [ID!]!) { restoreVoicemails(ids: $ids) { id } }`
)

// do works a job by hand, as the queue would.
func (w *world) do(kind jobs.Kind, subject string) {
	w.t.Helper()
	check(w.t, w.desk.Work()[kind](context.Background(), jobs.Job{Kind: kind, Subject: subject}))
}

func TestADeletedVoicemailIsGoneEverywhereAndComesBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		vm := w.voicemails(a, 2)[0]
		mail := w.ask(a.token, `query($id: ID!) { node(id: $id) { ... on Voicemail { deliveries { id } } } }`, vars{"id": vm}, "node.deliveries.0.id")[0]
		count := func() string {
			return w.ask(a.token, `query($n: ID!) { voicemails { totalCount } node(id: $n) { ... on MaskedNumber { unheardVoicemails } } }`, vars{"n": a.number},
				"voicemails.totalCount", "node.unheardVoicemails")[0]
		}
		w.refused(b.token, deleteThem, vars{"ids": []string{vm}}, phone.NotFound, "deleteVoicemails")
		w.refused(b.token, restoreThem, vars{"ids": []string{vm}}, phone.NotFound, "restoreVoicemails")
		w.wants(a.token, deleteThem, vars{"ids": []string{vm, vm}}, `{"deleteVoicemails": ["`+vm+`"]}`)

		if got := count(); got != "1" {
			t.Errorf("%s voicemails are left, want 1", got)
		}
		for _, token := range []string{a.token, w.admin} {
			for _, id := range []string{vm, mail} {
				w.refused(token, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}, phone.NotFound, "node")
			}
			w.refused(token, deleteThem, vars{"ids": []string{vm}}, phone.NotFound, "deleteVoicemails")
			w.refused(token, `mutation($id: ID!) { retryDelivery(id: $id) { id } }`, vars{"id": mail}, phone.NotFound, "retryDelivery")
		}
		for _, link := range []string{w.links.To(links.Audio, vm, w.now().Add(time.Hour)), w.links.To(links.Page, vm, w.now().Add(time.Hour))} {
			if got := w.send(request(t, http.MethodGet, link, nil)); got.Status != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", link, got.Status)
			}
		}
		w.refused(b.token, restoreThem, vars{"ids": []string{vm}}, phone.NotFound, "restoreVoicemails")
		w.wants(a.token, restoreThem, vars{"ids": []string{vm}}, `{"restoreVoicemails": [{"id": "`+vm+`"}]}`)
		w.wants(a.token, restoreThem, vars{"ids": []string{vm}}, `{"restoreVoicemails": [{"id": "`+vm+`"}]}`)
		if got := count(); got != "2" {
			t.Errorf("%s voicemails after restoring, want 2", got)
		}
	})
}

func TestOneUnknownIdInABulkMutationStopsAllOfIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		mine, others := w.voicemails(a, 1)[0], w.voicemails(b, 1)[0]
		w.refused(a.token, deleteThem, vars{"ids": []string{mine, others}}, phone.NotFound, "deleteVoicemails")
		w.refused(a.token, deleteThem, vars{"ids": strings.Split(strings.Repeat(mine+" ", 101), " ")[:101]}, phone.BadUserInput, "")
		w.wants(a.token, `{ voicemails { totalCount } }`, nil, `{"voicemails": {"totalCount": 1}}`)
		w.wants(a.token, deleteThem, vars{"ids": []string{}}, `{"deleteVoicemails": []}`)
	})
}

func TestWhatIsEmptiedOutCannotBeRestored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		ids, kept := w.voicemails(a, 3), w.voicemails(b, 1)
		w.ask(a.token, deleteThem, vars{"ids": ids[:2]})
		w.ask(b.token, deleteThem, vars{"ids": kept})
		w.wants(w.admin, `mutation { emptyBin }`, nil, `{"emptyBin": 0}`) // the viewer's own
		w.wants(a.token, `mutation { emptyBin }`, nil, `{"emptyBin": 2}`)
		w.wants(a.token, `mutation { emptyBin }`, nil, `{"emptyBin": 0}`)
		w.refused(a.token, restoreThem, vars{"ids": ids[:2]}, phone.NotFound, "restoreVoicemails")
		w.write(func(tx *ent.Client) error {
			return tx.Voicemail.UpdateOneID(ids[0]).SetTranscript("secret").Exec(w.ctx)
		})
		w.do(jobs.Purge, ids[0])
		v, err := w.db.Client().Voicemail.Get(w.ctx, ids[0])
		check(t, err)
		left, err := v.QueryDeliveries().Count(w.ctx)
		check(t, err)
		if v.Transcript != nil || v.Audio != phone.AudioDeleted || left != 0 {
			t.Errorf("%+v and %d deliveries are left of what was purged", v, left)
		}
		w.ask(b.token, restoreThem, vars{"ids": kept})
		w.do(jobs.Purge, kept[0]) // nobody asked for it
		w.wants(b.token, `{ voicemails { totalCount } }`, nil, `{"voicemails": {"totalCount": 1}}`)
	})
}

// TestTheBinIsEmptiedAfterSomeDays keeps house as the hourly job does.
func TestTheBinIsEmptiedAfterSomeDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 2)
		w.ask(a.token, deleteThem, vars{"ids": ids[:1]})
		w.advance(4 * 24 * time.Hour)
		w.ask(a.token, deleteThem, vars{"ids": ids[1:]})
		w.advance(3*24*time.Hour + time.Minute)
		w.do(jobs.KeepHouse, "")
		w.refused(a.token, restoreThem, vars{"ids": ids[:1]}, phone.NotFound, "restoreVoicemails")
		w.ask(a.token, restoreThem, vars{"ids": ids[1:]})
	})
}

func TestVoicemailsAreKeptAsLongAsTheNumberSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.voicemails(b, 1) // kept for ever
		old := w.voicemails(a, 2)
		w.ask(a.token, `mutation($id: ID!) { updateNumber(id: $id, input: {keepVoicemailsDays: 10}) { id } }`, vars{"id": a.number})
		w.advance(9 * 24 * time.Hour)
		fresh := w.voicemails(a, 1)[0]
		w.do(jobs.KeepHouse, "")
		w.wants(a.token, `{ voicemails { totalCount } }`, nil, `{"voicemails": {"totalCount": 3}}`)
		w.advance(25 * time.Hour)
		changes := w.follow(a.token, changed, vars{"c": cursor("vm_", w.place())})
		w.do(jobs.KeepHouse, "")
		for range old {
			if got := changes.next("voicemailChanged.kind", "voicemailChanged.voicemailID"); got[0] != "DELETED" || !slices.Contains(old, got[1]) {
				t.Errorf("got %v, want one of %v DELETED", got, old)
			}
		}
		w.wants(a.token, `{ voicemails { edges { node { id } } } }`, nil, `{"voicemails": {"edges": [{"node": {"id": "`+fresh+`"}}]}}`)
		w.ask(a.token, restoreThem, vars{"ids": old[:1]}) // it is kept as long as a new one from then on
		w.do(jobs.KeepHouse, "")
		w.wants(a.token, `{ voicemails { totalCount } }`, nil, `{"voicemails": {"totalCount": 2}}`)
		w.wants(b.token, `{ voicemails { totalCount } }`, nil, `{"voicemails": {"totalCount": 1}}`)
	})
}

// place is the present place.
func (w *world) place() int64 {
	w.t.Helper()
	p, err := w.desk.LastPlace(w.ctx)
	check(w.t, err)
	return p
}

func TestAMailThatWasGivenUpIsTriedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.voicemails(a, 1)
		const retry = `mutation($id: ID!) { retryDelivery(id: $id) { state } }`
		id := w.ask(a.token, `{ voicemails { edges { node { deliveries { id } } } } }`, nil, "voicemails.edges.0.node.deliveries.0.id")[0]
		w.write(func(tx *ent.Client) error {
			return tx.Delivery.UpdateOneID(id).SetState(phone.DeliveryFailed).Exec(w.ctx)
		})
		w.refused(b.token, retry, vars{"id": id}, phone.NotFound, "retryDelivery")
		w.wants(a.token, retry, vars{"id": id}, `{"retryDelivery": {"state": "PENDING"}}`)
		w.do(jobs.SendMail, id)
		w.wants(a.token, retry, vars{"id": id}, `{"retryDelivery": {"state": "DELIVERED"}}`)
	})
}

func TestATranscriptThatWasGivenUpIsTriedAgainByItsOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		ids := w.voicemails(a, 2)
		const retry = `mutation($id: ID!) { retryTranscription(id: $id) { transcription transcriptionError } }`
		w.refused(a.token, retry, vars{"id": ids[0]}, phone.Conflict, "retryTranscription") // transcripts are off
		w.write(func(tx *ent.Client) error {
			return tx.Voicemail.Update().SetTranscription(phone.TranscriptionFailed).SetTranscriptionError("It failed.").Exec(w.ctx)
		})
		for _, id := range []string{ids[0], "vm_none", "num_none", "x"} {
			w.refused(b.token, retry, vars{"id": id}, phone.NotFound, "retryTranscription")
		}
		again := `{"retryTranscription": {"transcription": "PENDING", "transcriptionError": null}}`
		w.wants(a.token, retry, vars{"id": ids[0]}, again)
		w.wants(a.token, retry, vars{"id": ids[0]}, again)
		w.wants(w.admin, retry, vars{"id": ids[1]}, again)
		w.ask(a.token, deleteThem, vars{"ids": ids[:1]})
		w.refused(a.token, retry, vars{"id": ids[0]}, phone.NotFound, "retryTranscription")
	})
}

func TestAMailOfADeletedVoicemailIsNotSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.voicemails(a, 1)
		id := w.ask(a.token, `{ voicemails { edges { node { deliveries { id } } } } }`, nil, "voicemails.edges.0.node.deliveries.0.id")[0]
		w.ask(a.token, deleteThem, vars{"ids": vm})
		w.do(jobs.SendMail, id)
		w.ask(a.token, restoreThem, vars{"ids": vm})
		w.wants(a.token, `{ voicemails { edges { node { deliveries { state lastError } } } } }`, nil, `{"voicemails": {"edges": [{"node": {"deliveries":
			[{"state": "FAILED", "lastError": "The voicemail was deleted before this mail was sent."}]}}]}}`)
	})
}
