package graph_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/mailrecipient"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
)

const oneClick = "List-Unsubscribe=One-Click"

// click posts to an unsubscribe link as mail readers do, who are not signed in.
func (w *world) click(link, body string) reply {
	w.t.Helper()
	return w.send(request(w.t, http.MethodPost, link, strings.NewReader(body), "Content-Type", "application/x-www-form-urlencoded"))
}

// mailed has a voicemail of an owner be mailed, and returns the unsubscribe link of a recipient.
func (w *world) mailed(tn tenant, address string) string {
	w.t.Helper()
	vm := w.voicemails(tn, 1)[0]
	for _, m := range w.db.Client().Delivery.Query().Where(delivery.VoicemailID(vm)).AllX(w.ctx) {
		w.do(jobs.SendMail, m.ID)
	}
	r := w.db.Client().MailRecipient.Query().Where(mailrecipient.Address(address)).OnlyX(w.ctx)
	return w.links.To(links.Unsubscribe, r.ID, w.now().AddDate(10, 0, 0))
}

const notified = `query($id: ID!) { node(id: $id) { ... on MaskedNumber { notifyEmails leftOutEmails { address reason since } } } }`

func TestOneClickTakesAnAddressOffItsNumber(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		set := `mutation($id: ID!) { updateNumber(id: $id, input: {notifyEmails: ["x@example.com", "y@example.com"]}) { id } }`
		w.ask(a.token, set, vars{"id": a.number})
		w.ask(b.token, set, vars{"id": b.number})
		w.voicemails(b, 1)
		link := w.mailed(a, "x@example.com")
		audit := w.audit(map[string]string{a.user: "ann", a.number: "number"})
		before := `{"node": {"notifyEmails": ["x@example.com", "y@example.com"], "leftOutEmails": []}}`
		for range 2 { // programs follow links too
			got := w.send(request(t, http.MethodGet, link, nil))
			for _, want := range []string{`<form method="post">`, "x@example.com", strings.TrimPrefix(a.phone, "+")} {
				if got.Status != http.StatusOK || !strings.Contains(got.Body, want) || strings.Contains(got.Body, "<script") {
					t.Errorf("the page is %d and lacks %q:\n%s", got.Status, want, got.Body)
				}
			}
		}
		w.wants(a.token, notified, vars{"id": a.number}, before)
		audit.wants("looking")

		if got := w.click(link, oneClick); got.Status != http.StatusOK || !strings.Contains(got.Body, "gets no more mails") {
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
		audit.wants("unsubscribing", "unsubscribe number of ann by : x@example.com")
		w.click(link, oneClick)
		audit.wants("unsubscribing twice")
		at := w.now().Format(time.RFC3339)
		w.wants(a.token, notified, vars{"id": a.number},
			`{"node": {"notifyEmails": ["y@example.com"], "leftOutEmails": [{"address": "x@example.com", "reason": "UNSUBSCRIBED", "since": "`+at+`"}]}}`)
		w.wants(b.token, notified, vars{"id": b.number}, before) // the same address at another number
		w.refused(b.token, notified, vars{"id": a.number}, phone.NotFound, "node")

		if got := w.click(link, "again=yes"); got.Status != http.StatusOK || !strings.Contains(got.Body, "No more mails of this number?") {
			t.Errorf("got %d %s", got.Status, got.Body)
		}
		audit.wants("coming back", "resubscribe number of ann by : x@example.com")
		w.wants(a.token, notified, vars{"id": a.number}, `{"node": {"notifyEmails": ["y@example.com"], "leftOutEmails": []}}`)
	})
}

func TestAnUnsubscribeLinkCannotBeForged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.ask(a.token, `mutation($id: ID!) { updateNumber(id: $id, input: {notifyEmails: ["x@example.com", "y@example.com"]}) { id } }`, vars{"id": a.number})
		link := w.mailed(a, "x@example.com")
		id := w.db.Client().MailRecipient.Query().Where(mailrecipient.Address("y@example.com")).OnlyX(w.ctx).ID
		u, err := url.Parse(link)
		check(t, err)
		for name, forged := range map[string]string{
			"no signature":           w.url + u.Path,
			"another recipient":      w.url + "/unsubscribe/" + id + "?" + u.RawQuery,
			"another time":           strings.Replace(link, "expires=", "expires=1", 1),
			"over":                   w.links.To(links.Unsubscribe, id, w.now()),
			"a link to a voicemail":  strings.Replace(w.links.To(links.Page, id, w.now().Add(time.Hour)), "/v/", "/unsubscribe/", 1),
			"a recipient that isn't": w.links.To(links.Unsubscribe, "rcp_0", w.now().Add(time.Hour)),
		} {
			for _, token := range []string{"", a.token} {
				r := request(t, http.MethodPost, forged, strings.NewReader(oneClick), "Content-Type", "application/x-www-form-urlencoded", "Authorization", "Bearer "+token)
				if got := w.send(r); got.Status != http.StatusNotFound {
					t.Errorf("%s: got %d, want 404", name, got.Status)
				}
			}
		}
		for method, want := range map[string]int{http.MethodPut: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusMethodNotAllowed} {
			if got := w.send(request(t, method, link, nil)); got.Status != want {
				t.Errorf("%s: got %d", method, got.Status)
			}
		}
		w.wants(a.token, notified, vars{"id": a.number}, `{"node": {"notifyEmails": ["x@example.com", "y@example.com"], "leftOutEmails": []}}`)
	})
}

func TestAMailReaderMayPostAForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		link := w.mailed(a, "ann@example.com") // the owner's
		const form = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"
		if got := w.send(request(t, http.MethodPost, link, strings.NewReader(form), "Content-Type", "multipart/form-data; boundary=b")); got.Status != http.StatusOK {
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
		at := w.now().Format(time.RFC3339)
		w.wants(a.token, notified, vars{"id": a.number},
			`{"node": {"notifyEmails": [], "leftOutEmails": [{"address": "ann@example.com", "reason": "UNSUBSCRIBED", "since": "`+at+`"}]}}`)
	})
}

func TestOwnersReadNothingOfTheOperatorsErrors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const cause = "dial tcp 127.0.0.1:1: connection refused"
		a := w.tenant("ann")
		vm := w.voicemails(a, 1)[0]
		q := `query($id: ID!) { node(id: $id) { ... on Voicemail { audioError transcriptionError deliveries { lastError } } } }`
		for _, c := range []struct{ kept, owner, admin string }{
			{phone.Failure{Said: "It could not be reached.", Cause: cause}.Kept(), "It could not be reached.", "It could not be reached. (" + cause + ")"},
			{cause, "It failed for a technical reason, which administrators can see.", cause}, // of before
		} {
			w.write(func(tx *ent.Client) error {
				tx.Delivery.Update().Where(delivery.VoicemailID(vm)).SetLastError(c.kept).ExecX(w.ctx)
				return tx.Voicemail.Update().Where(voicemail.ID(vm)).SetAudioError(c.kept).SetTranscriptionError(c.kept).Exec(w.ctx)
			})
			for token, want := range map[string]string{a.token: c.owner, w.admin: c.admin} {
				w.wants(token, q, vars{"id": vm}, `{"node": {"audioError": "`+want+`", "transcriptionError": "`+want+`", "deliveries": [{"lastError": "`+want+`"}]}}`)
			}
		}
	})
}

func TestTheMailOfAMissedCallIsSeenAndSentAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		call, m := "", ""
		w.write(func(tx *ent.Client) error {
			c := tx.Call.Create().SetOwnerID(a.user).SetNumberID(a.number).SetCallSid(w.sid("CA")).SetFrom("+15550200002").SetTo(phone.Number(a.phone)).
				SetState(phone.Missed).SetOutcome(phone.OutcomeMissed).SetStartedAt(w.now()).SetEndedAt(w.now()).SetChangedAt(w.now()).SetAnswers(map[string]phone.Stored{}).SetTimeline([]phone.CallEvent{}).SaveX(w.ctx)
			call = c.ID
			m = tx.Delivery.Create().SetOwnerID(a.user).SetCallID(call).SetNumberID(a.number).SetChannel("email").SetRecipient("ann@example.com").
				SetState(phone.DeliveryFailed).SetCreatedAt(w.now()).SaveX(w.ctx).ID
			return nil
		})
		q := `query($id: ID!) { node(id: $id) { ... on Call { deliveries { id channel recipient state } } } }`
		retry := `mutation($id: ID!) { retryDelivery(id: $id) { state } }`
		seen := func(state string) string {
			return `{"node": {"deliveries": [{"id": "` + m + `", "channel": "email", "recipient": "ann@example.com", "state": "` + state + `"}]}}`
		}
		w.wants(a.token, q, vars{"id": call}, seen("FAILED"))
		w.refused(b.token, retry, vars{"id": m}, phone.NotFound, "retryDelivery")
		w.wants(a.token, retry, vars{"id": m}, `{"retryDelivery": {"state": "PENDING"}}`)
		w.do(jobs.SendMail, m)
		w.wants(a.token, q, vars{"id": call}, seen("DELIVERED"))
	})
}
