package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

const (
	settings = `label forwardingEnabled forwardTo ringSeconds callerID screening voicemailEnabled greeting
		 language maxVoicemailSeconds finishOnKey transcribe notifyEmails keepVoicemailsDays`
	createNumber = `mutation($i: CreateNumberInput!) { createNumber(input: $i) { phoneNumber state owner { email } ` + settings + ` } }`
	updateNumber = `mutation($id: ID!, $i: UpdateNumberInput!) { updateNumber(id: $id, input: $i) { ` + settings + ` } }`
	subscribe    = `mutation($n: ID!, $p: ID!) { subscribeNumber(numberID: $n, planID: $p) { id active startedAt endsAt callsUsed voicemailsUsed plan { id } number { id } } }`
)

// defaults is how a number is set that nobody set.
var defaults = vars{
	"label": "", "forwardingEnabled": true, "forwardTo": []any{}, "ringSeconds": 15, "callerID": "CALLER", "screening": "PRESS_1", "voicemailEnabled": true,
	"greeting": nil, "language": "en-US", "maxVoicemailSeconds": 60, "finishOnKey": "*", "transcribe": true, "notifyEmails": []any{}, "keepVoicemailsDays": nil,
}

// custom sets everything otherwise.
var custom = vars{
	"label": "Front desk", "forwardingEnabled": false, "forwardTo": []any{"+15550100001", "+15550100002"}, "ringSeconds": 60, "callerID": "MASKED", "screening": "OFF",
	"voicemailEnabled": false, "greeting": "Hello\n<&> 👋", "language": "de-DE", "maxVoicemailSeconds": 600, "finishOnKey": "#1", "transcribe": false,
	"notifyEmails": []any{"a@example.com", "b@example.com"}, "keepVoicemailsDays": 30,
}

// with is v with some fields set otherwise.
func (v vars) with(field string, value any) vars {
	w := maps.Clone(v)
	w[field] = value
	return w
}

func (v vars) json(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(v)
	check(t, err)
	return string(b)
}

func TestANumberIsCreatedWithDefaultsOrAsWanted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		base := vars{"phoneNumber": "+15550001111", "state": "ACTIVE", "owner": vars{"email": a.email}}
		for written, in := range map[string]vars{"+1 (555) 000-1111": {}, "+15550002222": defaults.with("callerID", nil), "+15550003333": custom} {
			in = in.with("phoneNumber", written).with("ownerID", a.user)
			want := base.with("phoneNumber", phone.Number(strings.NewReplacer(" ", "", "(", "", ")", "", "-", "").Replace(written)))
			maps.Copy(want, defaults)
			if written == "+15550003333" {
				maps.Copy(want, custom)
			}
			w.wants(w.admin, createNumber, vars{"i": in}, `{"createNumber": `+want.json(t)+`}`)
		}
	})
}

func TestANumberThatCannotBeIsNotCreated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		in := vars{"phoneNumber": "+15550001111", "ownerID": a.user}
		for _, bad := range []any{
			"", "15550001111", "+0555", "+1555", "+1555000111122223", "+1555000111a", "tel:+15550001111", "+1 555 000 1111 ext 5", 15550001111, "+1555000\x001111",
		} {
			e := w.refused(w.admin, createNumber, vars{"i": in.with("phoneNumber", bad)}, phone.BadUserInput, "createNumber")
			if !strings.Contains(e.Message, "+15550006789") || e.Extensions["field"] != "phoneNumber" {
				t.Errorf("%v: got %v, want the wanted form and the field", bad, e)
			}
		}
		for _, id := range append(malformed, unknown...) {
			w.refused(w.admin, createNumber, vars{"i": in.with("ownerID", id)}, phone.NotFound, "createNumber")
		}
		for _, written := range []string{a.phone, a.phone[:5] + " " + a.phone[5:]} {
			if e := w.refused(w.admin, createNumber, vars{"i": in.with("phoneNumber", written)}, phone.Conflict, "createNumber"); e.Extensions["field"] != "phoneNumber" {
				t.Errorf("got %v, want the field phoneNumber", e)
			}
		}
		w.exec(`UPDATE masked_numbers SET state = 'RELEASED' WHERE id = $1`, a.number)
		w.ask(w.admin, createNumber, vars{"i": in.with("phoneNumber", a.phone)}) // it may be created anew
		w.refused(w.admin, createNumber, vars{"i": in.with("phoneNumber", a.phone)}, phone.Conflict, "createNumber")
	})
}

func TestOfANumberWhatIsLeftOutStaysAndAListReplacesAndNullIsForWhatMayBeNull(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		now := defaults.with("label", "line of ann")
		update := func(in vars) {
			t.Helper()
			w.wants(a.token, updateNumber, vars{"id": a.number, "i": in}, `{"updateNumber": `+now.json(t)+`}`)
		}
		update(vars{})
		for field, value := range custom { // one by one: nothing else changes
			now = now.with(field, value)
			update(vars{field: value})
			update(vars{})
		}
		for field := range custom {
			if nullable[field] {
				now = now.with(field, nil)
				update(vars{field: nil})
			} else if e := w.refused(a.token, updateNumber, vars{"id": a.number, "i": vars{field: nil}}, phone.BadUserInput, "updateNumber"); e.fields() != field {
				t.Errorf("%s: null: got %v", field, e)
			}
			update(vars{})
		}
		now = maps.Clone(custom)
		update(custom)
		for _, numbers := range [][]any{{"+15550100003"}, {}, {"+15550100001", "+15550100004"}} {
			now = now.with("forwardTo", numbers)
			update(vars{"forwardTo": numbers})
		}
		now = now.with("notifyEmails", []any{"c@example.com"}).with("finishOnKey", "")
		update(vars{"notifyEmails": []any{"C@Example.com", "c@example.com"}, "finishOnKey": ""})
		all := vars{}
		for field := range custom {
			all[field] = nil
		}
		e := w.refused(a.token, updateNumber, vars{"id": a.number, "i": all}, phone.BadUserInput, "updateNumber")
		if n := len(strings.Fields(e.fields())); n != len(custom)-len(nullable) {
			t.Errorf("got %d fields that may not be null in %v", n, e)
		}
		update(vars{})
	})
}

// nullable are the settings that may be null.
var nullable = map[string]bool{"greeting": true, "keepVoicemailsDays": true}

// badSettings are what a number cannot be set to: the rules of phone.Settings.Check, from both sides.
func badSettings(own string) map[string][]any {
	eleven, twentyOne := []any{}, []any{}
	for i := range 21 {
		twentyOne = append(twentyOne, fmt.Sprintf("%d@example.com", i))
		if i < 11 {
			eleven = append(eleven, fmt.Sprintf("+1555010%04d", i))
		}
	}
	return map[string][]any{
		"label":               {strings.Repeat("ü", 101), "a\x00b", "a\tb"},
		"forwardTo":           {[]any{own}, eleven},
		"ringSeconds":         {4, 61, 0, -1},
		"greeting":            {strings.Repeat("ü", 1001), "", " \n"},
		"language":            {"", "xx-XX", "en", "en-us"},
		"maxVoicemailSeconds": {1, 601, 0, -5},
		"finishOnKey":         {"a", "12a", " ", "##########1234"},
		"notifyEmails":        {[]any{"nobody"}, []any{"a@example.com", ""}, twentyOne},
		"keepVoicemailsDays":  {0, -1, 36501},
	}
}

func TestSettingsOutOfTheirRulesAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for field, values := range badSettings(a.phone) {
			for _, v := range values {
				e := w.refused(a.token, updateNumber, vars{"id": a.number, "i": vars{field: v, "transcribe": false}}, phone.BadUserInput, "updateNumber")
				if !isOf(e, field) {
					t.Errorf("%s %.40v: got %v, want the field", field, v, e)
				}
				in := vars{"phoneNumber": a.phone, "ownerID": a.user, field: v}
				if e := w.refused(w.admin, createNumber, vars{"i": in}, phone.BadUserInput, "createNumber"); !isOf(e, field) {
					t.Errorf("createNumber, %s %.40v: got %v, want the field", field, v, e)
				}
			}
		}
		for field, v := range map[string]any{"forwardTo": []any{"+15550100001", "0555"}, "callerID": "masked", "screening": "off"} {
			in := vars{"id": a.number, "i": vars{field: v}}
			if got := w.try(a.token, updateNumber, in); len(got.Errors) != 1 || got.Errors[0].code() != string(phone.BadUserInput) || !isOf(got.Errors[0], field) {
				t.Errorf("%s %v: got %s", field, v, got.Body)
			}
		}
		edge := vars{
			"label": strings.Repeat("ü", 100), "ringSeconds": 5, "greeting": strings.Repeat("ü", 1000), "maxVoicemailSeconds": 2,
			"finishOnKey": "0123456789#*", "keepVoicemailsDays": 36500,
			"forwardTo": badSettings(a.phone)["forwardTo"][1].([]any)[:10], "notifyEmails": badSettings(a.phone)["notifyEmails"][2].([]any)[:20],
		}
		want := defaults
		for field, v := range edge {
			want = want.with(field, v)
		}
		w.wants(a.token, updateNumber, vars{"id": a.number, "i": edge}, `{"updateNumber": `+want.json(t)+`}`)
	})
}

// isOf tells whether an error names a field first, or an element of it.
func isOf(e problem, field string) bool {
	first, _, _ := strings.Cut(fmt.Sprint(e.Extensions["field"]), ".")
	return first == field
}

func TestForwardingInACircleOrAbroadIsRefusedWhenItIsSet(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		set := func(to any) vars { return vars{"id": a.number, "i": vars{"forwardTo": to}} }
		for _, bad := range [][]any{{b.phone}, {"+15550100001", b.phone}, {"+4930123456"}} {
			if e := w.refused(a.token, updateNumber, set(bad), phone.BadUserInput, "updateNumber"); !isOf(e, "forwardTo") {
				t.Errorf("%v: got %v, want the field forwardTo", bad, e)
			}
		}
		const later = "+15550100009" // becomes ours after it was set
		w.ask(a.token, updateNumber, set([]any{later}))
		w.ask(w.admin, createNumber, vars{"i": vars{"phoneNumber": later, "ownerID": b.user}})
		w.ask(a.token, updateNumber, vars{"id": a.number, "i": vars{"label": "still mine to set"}})
		w.refused(a.token, updateNumber, set([]any{later, "+15550100001"}), phone.BadUserInput, "updateNumber")
	})
}

func TestChangesOfDifferentSettingsAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		var all sync.WaitGroup
		for field, v := range custom {
			all.Go(func() {
				if got := w.try(a.token, updateNumber, vars{"id": a.number, "i": vars{field: v}}); len(got.Errors) > 0 {
					t.Errorf("got %s", got.Body)
				}
			})
		}
		all.Wait()
		w.wants(a.token, updateNumber, vars{"id": a.number, "i": vars{}}, `{"updateNumber": `+custom.json(t)+`}`)
	})
}

func TestANewSubscriptionEndsTheOldOneAndHasNothingUsed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.exec(`UPDATE number_subscriptions SET used_calls = 5, used_voicemails = 3 WHERE id = $1`, a.subscription)
		w.advance(time.Hour)
		second := w.ask(w.admin, subscribe, vars{"n": a.number, "p": b.plan}, "subscribeNumber.id")[0]
		w.wants(a.token, `query($n: ID!) { node(id: $n) { ... on MaskedNumber { subscription { id }
			subscriptions { totalCount edges { node { id active startedAt endsAt callsUsed voicemailsUsed plan { id } number { id } } } } } } }`,
			vars{"n": a.number}, fmt.Sprintf(`{"node": {"subscription": {"id": %q}, "subscriptions": {"totalCount": 2, "edges": [
			{"node": {"id": %q, "active": true, "startedAt": "2026-01-15T13:00:00Z", "endsAt": null, "callsUsed": 0, "voicemailsUsed": 0, "plan": {"id": %q}, "number": {"id": %q}}},
			{"node": {"id": %q, "active": false, "startedAt": "2026-01-15T12:00:00Z", "endsAt": "2026-01-15T13:00:00Z",
				"callsUsed": 5, "voicemailsUsed": 3, "plan": {"id": %q}, "number": {"id": %q}}}]}}}`,
				second, second, b.plan, a.number, a.subscription, a.plan, a.number))
		for _, id := range append(malformed, unknown...) {
			w.refused(w.admin, subscribe, vars{"n": id, "p": a.plan}, phone.NotFound, "subscribeNumber")
			w.refused(w.admin, subscribe, vars{"n": a.number, "p": id}, phone.NotFound, "subscribeNumber")
		}
		w.wants(b.token, `{ numbers { edges { node { subscription { active } } } } }`, nil, `{"numbers": {"edges": [{"node": {"subscription": {"active": true}}}]}}`)
		w.exec(`UPDATE masked_numbers SET state = 'RELEASED' WHERE id = $1`, b.number)
		w.refused(w.admin, subscribe, vars{"n": b.number, "p": a.plan}, phone.Conflict, "subscribeNumber")
	})
}

func TestSubscribingANumberManyTimesAtOnceLeavesOneActive(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if got := w.try(w.admin, subscribe, vars{"n": a.number, "p": a.plan}); len(got.Errors) > 0 {
					t.Errorf("got %s", got.Body)
				}
			})
		}
		all.Wait()
		got := w.ask(a.token, `query($n: ID!) { node(id: $n) { ... on MaskedNumber { subscription { id } subscriptions { totalCount edges { node { active } } } } } }`,
			vars{"n": a.number}, "node.subscriptions.totalCount", "node.subscriptions.edges")
		if got[0] != "7" || strings.Count(got[1], "true") != 1 {
			t.Errorf("got %v, want 7 with one active", got)
		}
	})
}

func TestThePeriodOfASubscriptionComesFromTheClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.setClock(time.Date(2026, 1, 31, 10, 30, 0, 0, time.UTC))
		a := w.tenant("ann")
		plan := func(period string) string {
			return w.ask(w.admin, `mutation($p: PlanPeriod!) { createPlan(input: {name: "Basic", type: PACKAGE, callsLimit: 5, period: $p}) { id } }`,
				vars{"p": period}, "createPlan.id")[0]
		}
		const read = `query($s: ID!) { node(id: $s) { ... on NumberSubscription { periodStart periodEnd callsUsed voicemailsUsed } } }`
		for _, c := range []struct {
			period string
			at     time.Time
			from   string
			to     string
			used   string
		}{
			{"MONTH", time.Date(2026, 1, 31, 10, 30, 0, 0, time.UTC), `"2026-01-31T10:30:00Z"`, `"2026-02-28T10:30:00Z"`, "4"},
			{"MONTH", time.Date(2026, 2, 28, 10, 29, 59, 0, time.UTC), `"2026-01-31T10:30:00Z"`, `"2026-02-28T10:30:00Z"`, "4"},
			{"MONTH", time.Date(2026, 2, 28, 10, 30, 0, 0, time.UTC), `"2026-02-28T10:30:00Z"`, `"2026-03-31T10:30:00Z"`, "0"},
			{"MONTH", time.Date(2028, 2, 29, 10, 30, 0, 0, time.UTC), `"2028-02-29T10:30:00Z"`, `"2028-03-31T10:30:00Z"`, "0"},
			{"YEAR", time.Date(2027, 1, 31, 10, 29, 0, 0, time.UTC), `"2026-01-31T10:30:00Z"`, `"2027-01-31T10:30:00Z"`, "4"},
			{"YEAR", time.Date(2027, 1, 31, 10, 30, 0, 0, time.UTC), `"2027-01-31T10:30:00Z"`, `"2028-01-31T10:30:00Z"`, "0"},
			{"ONCE", time.Date(2036, 1, 31, 10, 30, 0, 0, time.UTC), `"2026-01-31T10:30:00Z"`, `null`, "4"},
		} {
			w.setClock(time.Date(2026, 1, 31, 10, 30, 0, 0, time.UTC))
			sub := w.ask(w.admin, subscribe, vars{"n": a.number, "p": plan(c.period)}, "subscribeNumber.id")[0]
			w.exec(`UPDATE number_subscriptions SET used_calls = 4, used_voicemails = 4 WHERE id = $1`, sub)
			w.setClock(c.at)
			w.wants(a.token, read, vars{"s": sub}, `{"node": {"periodStart": `+c.from+`, "periodEnd": `+c.to+`, "callsUsed": `+c.used+`, "voicemailsUsed": `+c.used+`}}`)
		}
	})
}

func TestPlansAreCheckedAndSeenByEverybody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		const create = `mutation($i: CreatePlanInput!) { createPlan(input: $i) { name type callsLimit voicemailsLimit period } }`
		good := vars{"name": "Basic", "type": "PACKAGE", "callsLimit": 0, "voicemailsLimit": 100, "period": "ONCE"}
		w.wants(w.admin, create, vars{"i": good}, `{"createPlan": `+good.json(t)+`}`)
		w.wants(w.admin, create, vars{"i": vars{"name": "Free", "type": "UNLIMITED", "period": "YEAR"}},
			`{"createPlan": {"name": "Free", "type": "UNLIMITED", "callsLimit": null, "voicemailsLimit": null, "period": "YEAR"}}`)
		for field, bad := range map[string][]any{
			"name": {"", " ", strings.Repeat("x", 101), "a\x00"}, "callsLimit": {-1}, "voicemailsLimit": {-1}, "type": {"UNLIMITED"},
		} {
			for _, v := range bad {
				if e := w.refused(w.admin, create, vars{"i": good.with(field, v)}, phone.BadUserInput, "createPlan"); e.Extensions["field"] != field {
					t.Errorf("%s %.40v: got %v, want the field", field, v, e)
				}
			}
		}
		w.wants(a.token, `{ plans(orderBy: {field: NAME}) { totalCount edges { node { name } } } }`, nil,
			`{"plans": {"totalCount": 3, "edges": [{"node": {"name": "Basic"}}, {"node": {"name": "Free"}}, {"node": {"name": "Free"}}]}}`)
	})
}

func TestACallShowsAllThatIsKnownOfIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		at := w.now()
		w.write(func(tx *ent.Client) error {
			return tx.Call.Create().SetOwnerID(a.user).SetNumberID(a.number).SetCallSid("CA1").SetFrom("anonymous").SetTo(phone.Number(a.phone)).
				SetOutcome(phone.OutcomeAnswered).SetStartedAt(at).SetEndedAt(at.Add(90 * time.Second)).SetDurationSeconds(88).SetChangedAt(at).
				SetTimeline([]phone.CallEvent{{At: at, Kind: "called", Detail: "a <withheld> caller called"}}).SetAnswers(map[string]phone.Stored{}).Exec(w.ctx)
		})
		w.wants(a.token, `{ calls { edges { node { callSid from to outcome startedAt endedAt durationSeconds voicemail { id }
			timeline { at kind detail } number { id } } } } }`, nil,
			fmt.Sprintf(`{"calls": {"edges": [{"node": {"callSid": "CA1", "from": "anonymous", "to": %q, "outcome": "ANSWERED", "startedAt": "2026-01-15T12:00:00Z",
			"endedAt": "2026-01-15T12:01:30Z", "durationSeconds": 88, "voicemail": null, "number": {"id": %q},
			"timeline": [{"at": "2026-01-15T12:00:00Z", "kind": "called", "detail": "a <withheld> caller called"}]}}]}}`, a.phone, a.number))
	})
}
