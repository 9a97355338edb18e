package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// below are selections below a number, and how many statements each takes whatever the number of numbers.
var below = []struct {
	selection string
	want      int
}{
	{`label`, 0},
	{`calls(first: 3) { edges { node { id } } }`, 1},
	{`calls(first: 3) { totalCount }`, 1},
	{`calls(first: 3) { totalCount pageInfo { hasNextPage } edges { cursor node { id from } } }`, 2},
	{`calls(last: 3, where: {outcomeIn: [MISSED, VOICEMAIL]}) { edges { node { id voicemail { id from } } } }`, 2},
	{`voicemails(first: 3) { edges { node { id } } }`, 1},
	{`voicemails(first: 3, orderBy: {field: RECEIVED_AT}) { edges { node { deliveries { state } one: deliveries { id } } } }`, 3},
	{`voicemails(first: 3) { edges { node { call { outcome voicemail { id } } } } }`, 3},
	{`voicemails(first: 3) { edges { node { number { owner { tokens { id } blockedCallers } } } } }`, 5},
	{`voicemails(first: 3, where: {from: "nobody"}) { pageInfo { startCursor } }`, 3}, // the lists, the present place, the lists again
	{`voicemails(first: 3, where: {from: "nobody"}) { followCursor edges { node { id } } }`, 3},
	{`a: voicemails(first: 3) { edges { node { id } } } b: voicemails(first: 2) { edges { node { id } } }`, 2},
	{`subscriptions(first: 3) { edges { node { active plan { name } callsUsed voicemailsUsed periodStart periodEnd } } }`, 2},
	{`subscription { id }`, 1},
	{`subscription { callsUsed voicemailsUsed periodStart periodEnd }`, 2},
	{`unheardVoicemails`, 1},
	{`owner { numbers(first: 2) { edges { node { unheardVoicemails } } } }`, 3},
	{`subscription { plan { name } } unheardVoicemails calls(first: 1) { totalCount edges { node { voicemail { deliveries { state } } } } }`, 7},
}

// What lies below takes as many statements for a hundred objects as for one, and is right for each.
func TestALevelCostsTheSameForAnyNumberOfObjects(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.branches(a, 100)
		w.ask(a.token, `{ viewer { id } }`, nil) // notes the use of the token
		for _, b := range below {
			for _, n := range []int{1, 20, 100} {
				query := fmt.Sprintf(`{ numbers(first: %d) { edges { node { %s } } } }`, n, b.selection)
				got := w.statements(a.token, query, nil)
				if len(got) != 1+b.want {
					t.Errorf("%d numbers { %s }: got %d statements, want %d below them:\n%s", n, b.selection, len(got), b.want, strings.Join(got, "\n"))
				}
			}
		}
		t.Logf("%d selections below 1, 20 and 100 objects", len(below))
	})
}

// So does what a mutation of many gives.
func TestWhatManyWereMadeOfIsReadAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 12)
		w.ask(a.token, `{ viewer { id } }`, nil) // notes the use of the token
		selected := `{ id number { owner { tokens { id } } unheardVoicemails } call { voicemail { id } } deliveries { state } }`
		counts, last := map[int]int{}, []string{}
		for _, n := range []int{1, 12} {
			got := w.statements(a.token, `mutation($ids: [ID!]!) { restoreVoicemails(ids: $ids) `+selected+` }`, vars{"ids": ids[:n]})
			last = got
			for _, s := range got {
				if strings.HasPrefix(s, "SELECT") {
					counts[n]++
				}
			}
		}
		if counts[1] == 0 || counts[12] > counts[1] {
			t.Errorf("got %v reads:\n%s", counts, strings.Join(last, "\n"))
		}
	})
}

// Levels below levels: each number is known by what hangs from it.
func TestEachObjectGetsWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.branches(a, 30)
		w.branches(b, 30)
		answer := w.ask(w.admin, `{ users { edges { node { email numbers(first: 31) { edges { node { label unheardVoicemails
			calls(first: 2) { totalCount edges { node { from voicemail { from } } } } voicemails(last: 2) { edges { node { from number { label } call { from } } } } } } } } } } }`, nil, "users")[0]
		var got struct {
			Edges []struct {
				Node struct {
					Numbers struct{ Edges []struct{ Node branch } }
				}
			}
		}
		check(t, json.Unmarshal([]byte(answer), &got))
		seen := 0
		for _, user := range got.Edges {
			for _, number := range user.Node.Numbers.Edges {
				if strings.HasPrefix(number.Node.Label, "branch") {
					number.Node.check(t)
					seen++
				}
			}
		}
		if seen != 60 {
			t.Errorf("got %d numbers, want 60", seen)
		}
	})
}

// branch is a number as the test reads it.
type branch struct {
	Label             string
	UnheardVoicemails int
	Calls             struct {
		TotalCount int
		Edges      []struct {
			Node struct {
				From      string
				Voicemail struct{ From string }
			}
		}
	}
	Voicemails struct {
		Edges []struct {
			Node struct {
				From   string
				Number struct{ Label string }
				Call   struct{ From string }
			}
		}
	}
}

func (b branch) check(t *testing.T) {
	t.Helper()
	if b.UnheardVoicemails != perBranch || b.Calls.TotalCount != perBranch || len(b.Calls.Edges) != 2 || len(b.Voicemails.Edges) != 2 {
		t.Errorf("%+v", b)
	}
	for i, e := range b.Calls.Edges {
		if want := caller(b.Label, perBranch-1-i); e.Node.From != want || e.Node.Voicemail.From != want {
			t.Errorf("%s: got the call %+v, want %s", b.Label, e.Node, want)
		}
	}
	for i, e := range b.Voicemails.Edges {
		if want := caller(b.Label, 1-i); e.Node.From != want || e.Node.Call.From != want || e.Node.Number.Label != b.Label {
			t.Errorf("%s: got the voicemail %+v, want %s", b.Label, e.Node, want)
		}
	}
}

const perBranch = 4 // calls and voicemails

// caller is the one of the call k to the number with this label.
func caller(label string, k int) string {
	var i int
	_, _ = fmt.Sscanf(label, "branch %d", &i)
	return fmt.Sprintf("+1888%07d", 10*i+k)
}

// branches gives an owner n more numbers, with a subscription, calls and voicemails on each.
func (w *world) branches(of tenant, n int) {
	w.t.Helper()
	w.write(func(tx *ent.Client) error {
		for range n {
			i := int(w.count.Add(1))
			label, number := fmt.Sprintf("branch %d", i), phone.Number(fmt.Sprintf("+1666%07d", i))
			id := tx.MaskedNumber.Create().SetOwnerID(of.user).SetPhoneNumber(number).SetLabel(label).SetForwardTo([]phone.Number{}).SetNotifyEmails([]string{}).SaveX(w.ctx).ID
			tx.NumberSubscription.Create().SetOwnerID(of.user).SetNumberID(id).SetPlanID(of.plan).SetStartedAt(w.now()).SetUsedSince(w.now()).SaveX(w.ctx)
			for k := range perBranch {
				at := w.now().Add(time.Duration(k) * time.Second)
				call := tx.Call.Create().SetOwnerID(of.user).SetNumberID(id).SetCallSid(w.sid("CA")).SetFrom(caller(label, k)).SetTo(number).SetOutcome(phone.OutcomeVoicemail).
					SetStartedAt(at).SetChangedAt(at).SetTimeline([]phone.CallEvent{}).SetAnswers(map[string]phone.Stored{}).SaveX(w.ctx)
				vm := tx.Voicemail.Create().SetOwnerID(of.user).SetNumberID(id).SetCallID(call.ID).SetRecordingSid(w.sid("RE")).SetFrom(caller(label, k)).
					SetDurationSeconds(1).SetReceivedAt(at).SetLearnedAt(at).SetPlace(1_000_000 + w.count.Add(1)).SaveX(w.ctx)
				tx.Delivery.Create().SetOwnerID(of.user).SetVoicemailID(vm.ID).SetChannel("email").SetRecipient("a@example.com").SaveX(w.ctx)
			}
		}
		return nil
	})
}
