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

// sieve is a database to filter: what each thing is called is found by its id.
type sieve struct {
	a, b  tenant
	names map[string]string
	ids   map[string]string
}

// sieved fills a database with things that differ in what can be filtered by.
func (w *world) sieved() sieve {
	w.t.Helper()
	s := sieve{a: w.tenant("ann"), b: w.tenant("bob"), names: map[string]string{}, ids: map[string]string{}}
	name := func(name, id string) { s.names[id], s.ids[name] = name, id }
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	name("ann", s.a.user)
	name("bob", s.b.user)
	name("basic", s.a.plan)
	name("sub", s.a.subscription)
	w.write(func(tx *ent.Client) error {
		number := func(n string, of tenant, p phone.Number, label string, state phone.NumberState) string {
			made := tx.MaskedNumber.Create().SetOwnerID(of.user).SetPhoneNumber(p).SetLabel(label).SetState(state).
				SetForwardTo([]phone.Number{}).SetNotifyEmails([]string{}).SetCreatedAt(at(1)).SaveX(w.ctx)
			name(n, made.ID)
			return made.ID
		}
		shop := number("shop", s.a, "+15550001001", "Shop 100% _open_", phone.NumberActive)
		number("desk", s.a, "+15550001002", `Front\desk`, phone.NumberPaused)
		number("gone", s.a, "+15550001003", "", phone.NumberReleased)
		bobs := number("bobs", s.b, "+15550001004", "Shop", phone.NumberActive)
		call := func(n string, of tenant, number, sid, from string, o phone.CallOutcome, day int) {
			name(n, tx.Call.Create().SetOwnerID(of.user).SetNumberID(number).SetCallSid(sid).SetFrom(from).SetTo("+15550001001").SetOutcome(o).
				SetStartedAt(at(day)).SetChangedAt(at(day)).SetTimeline([]phone.CallEvent{}).SetAnswers(map[string]phone.Stored{}).SaveX(w.ctx).ID)
		}
		call("c1", s.a, shop, "CA1", "+15550200001", phone.OutcomeMissed, 1)
		call("c2", s.a, shop, "CA2", "anonymous", phone.OutcomeVoicemail, 2)
		call("c3", s.a, s.a.number, "CA3", "+15550200001", phone.OutcomeAnswered, 3)
		call("c4", s.b, bobs, "CA4", "+15550200001", phone.OutcomeMissed, 2)
		place := int64(0)
		vm := func(n string, of tenant, number, sid, from string, heard bool, text string, day int) {
			place++
			c := tx.Voicemail.Create().SetOwnerID(of.user).SetNumberID(number).SetRecordingSid(sid).SetFrom(from).SetDurationSeconds(1).
				SetReceivedAt(at(day)).SetLearnedAt(at(day)).SetPlace(place)
			if heard {
				c.SetHeardAt(at(9))
			}
			if text != "" {
				c.SetTranscript(text)
			}
			name(n, c.SaveX(w.ctx).ID)
		}
		vm("v1", s.a, shop, "RE1", "+15550200001", false, "Your ORDER is 100% ready", 1)
		vm("v2", s.a, shop, "RE2", "anonymous", true, "call_me back", 2)
		vm("v3", s.a, s.a.number, "RE3", "+15550200001", true, "", 3)
		vm("v4", s.b, bobs, "RE4", "+15550200001", false, "your order", 2)
		return nil
	})
	return s
}

// These are all conditions of the contract, what each finds for an owner, and what an administrator finds beside that.
var conditions = []struct{ list, where, owner, admin string }{
	{"users", `{}`, "ann", "bob admin"},
	{"users", `{id: "$ann"}`, "ann", ""},
	{"users", `{idIn: ["$bob", "$ann", "nothing"]}`, "ann", "bob"},
	{"users", `{email: "bob@example.com"}`, "", "bob"},
	{"users", `{not: {email: "ann@example.com"}}`, "", "bob admin"},
	{"users", `{or: [{email: "bob@example.com"}, {id: "$ann"}]}`, "ann", "bob"},
	{"numbers", `{phoneNumber: "+1 (555) 000-1001"}`, "shop", ""},
	{"numbers", `{phoneNumber: "+15550001004"}`, "", "bobs"},
	{"numbers", `{state: PAUSED}`, "desk", ""},
	{"numbers", `{state: RELEASED}`, "gone", ""},
	{"numbers", `{label: "Shop"}`, "", "bobs"},
	{"numbers", `{label: ""}`, "gone", ""},
	{"numbers", `{labelContainsFold: "sHOP"}`, "shop", "bobs"},
	{"numbers", `{labelContainsFold: "%"}`, "shop", ""},
	{"numbers", `{labelContainsFold: "_"}`, "shop", ""},
	{"numbers", `{labelContainsFold: "\\"}`, "desk", ""},
	{"numbers", `{hasOwnerWith: [{email: "bob@example.com"}], label: "Shop"}`, "", "bobs"},
	{"numbers", `{hasOwnerWith: [{id: "$ann"}], state: PAUSED}`, "desk", ""},
	{"numbers", `{hasOwnerWith: [{not: {email: "ann@example.com"}}]}`, "", "bobs second"},
	{"calls", `{callSid: "CA1"}`, "c1", ""},
	{"calls", `{callSid: "CA4"}`, "", "c4"},
	{"calls", `{outcome: MISSED}`, "c1", "c4"},
	{"calls", `{outcomeIn: [VOICEMAIL, ANSWERED]}`, "c3 c2", ""},
	{"calls", `{outcomeIn: [VOICEMAIL, VOICEMAIL], hasNumberWith: [{labelContainsFold: "shop"}]}`, "c2", ""},
	{"calls", `{outcomeIn: []}`, "", ""},
	{"calls", `{from: "anonymous"}`, "c2", ""},
	{"calls", `{from: "+15550200001"}`, "c3 c1", "c4"},
	{"calls", `{startedAtGTE: "2026-01-02T00:00:00Z"}`, "c3 c2", "c4"},
	{"calls", `{startedAtLT: "2026-01-02T01:00:00+01:00"}`, "c1", ""},
	{"calls", `{startedAtGTE: "2026-01-02T00:00:00Z", startedAtLT: "2026-01-02T00:00:00.000001Z"}`, "c2", "c4"},
	{"calls", `{hasNumberWith: [{labelContainsFold: "shop"}]}`, "c2 c1", "c4"},
	{"calls", `{hasNumberWith: [{hasOwnerWith: [{email: "bob@example.com"}]}]}`, "", "c4"},
	{"calls", `{and: [{outcomeIn: [MISSED]}, {not: {callSid: "CA4"}}]}`, "c1", ""},
	{"voicemails", `{recordingSid: "RE1"}`, "v1", ""},
	{"voicemails", `{recordingSid: "RE4"}`, "", "v4"},
	{"voicemails", `{heardAtIsNil: true}`, "v1", "v4"},
	{"voicemails", `{not: {heardAtIsNil: true}}`, "v3 v2", ""},
	{"voicemails", `{from: "anonymous"}`, "v2", ""},
	{"voicemails", `{receivedAtGTE: "2026-01-02T00:00:00Z"}`, "v3 v2", "v4"},
	{"voicemails", `{receivedAtLT: "2026-01-02T00:00:00Z"}`, "v1", ""},
	{"voicemails", `{transcriptContainsFold: "YOUR order"}`, "v1", "v4"},
	{"voicemails", `{transcriptContainsFold: "0% r"}`, "v1", ""},
	{"voicemails", `{transcriptContainsFold: "call_me"}`, "v2", ""},
	{"voicemails", `{transcriptContainsFold: "callxme"}`, "", ""},
	{"voicemails", `{hasNumberWith: [{id: "$shop"}]}`, "v2 v1", ""},
	{"voicemails", `{hasNumberWith: [{state: ACTIVE, labelContainsFold: "line"}]}`, "v3", ""},
	{"voicemails", `{or: [{from: "anonymous"}, {and: [{heardAtIsNil: true}, {receivedAtLT: "2026-01-02T00:00:00Z"}]}]}`, "v2 v1", ""},
	{"plans", `{id: "$basic"}`, "basic", ""},
	{"plans", `{not: {idIn: ["$basic"]}}`, "second plan", ""},
}

func TestEachConditionFindsWhatItSaysAndNothingOfOthers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		s := w.sieved()
		admin := w.ask(w.admin, `{ viewer { id } }`, nil, "viewer.id")[0]
		s.names[admin], s.names[s.b.number], s.names[s.b.plan] = "admin", "second", "second plan"
		for _, c := range conditions {
			where := c.where
			for n, id := range s.ids {
				where = strings.ReplaceAll(where, `"$`+n+`"`, `"`+id+`"`)
			}
			l := list{operation: "{ list: " + c.list + "%s }", at: "list"}
			for token, want := range map[string][]string{s.a.token: strings.Fields(c.owner), w.admin: strings.Fields(c.owner + " " + c.admin)} {
				page := w.page(token, l, "where: "+where)
				got := strings.Fields(strings.Join(named(page.ids(), s.names), " "))
				if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) || page.TotalCount != len(page.Edges) {
					t.Errorf("%s %s: got %v of %d, want %v", c.list, where, got, page.TotalCount, want)
				}
			}
		}
		nested := list{operation: `{ node(id: "` + s.a.number + `") { ... on MaskedNumber { list: subscriptions%s } } }`, at: "node.list"}
		if got := w.page(s.a.token, nested, `where: {id: "`+s.a.subscription+`"}`).ids(); !slices.Equal(got, []string{s.a.subscription}) {
			t.Errorf("got %v, want its subscription", got)
		}
	})
}

func named(ids []string, names map[string]string) (all []string) {
	for _, id := range ids {
		all = append(all, names[id])
	}
	return all
}

func TestAnOwnersFilterTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		s := w.sieved()
		for _, q := range []string{
			`{ numbers(where: {hasOwnerWith: [{email: "%s"}]}) { totalCount edges { cursor } } }`,
			`{ numbers(where: {hasOwnerWith: [{or: [{email: "%s"}, {id: "usr_0"}]}]}) { totalCount edges { cursor } } }`,
			`{ calls(where: {hasNumberWith: [{hasOwnerWith: [{email: "%s"}]}]}) { totalCount edges { cursor } } }`,
			`{ voicemails(where: {or: [{hasNumberWith: [{hasOwnerWith: [{email: "%s"}]}]}, {from: "nobody"}]}) { totalCount edges { cursor } } }`,
			`{ users(where: {email: "%s"}) { totalCount edges { cursor } } }`,
		} {
			of := func(email string) string { return w.try(s.a.token, fmt.Sprintf(q, email), nil).Body }
			if bob, nobody := of(s.b.email), of("nobody@example.com"); bob != nobody {
				t.Errorf("%s: got %s of somebody else, %s of nobody", q, bob, nobody)
			}
		}
	})
}

func TestAConditionThatSaysNothingIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.tenant("ann")
		for _, list := range []string{"users", "numbers", "calls", "voicemails", "plans"} {
			for _, where := range []string{"{not: {}}", "{and: [{}]}", "{or: [{id: \"x\"}, {}]}", "{not: {not: {}}}"} {
				e := w.refused(w.admin, "{ "+list+"(where: "+where+") { totalCount } }", nil, phone.BadUserInput, list)
				if e.Extensions["field"] != "where" {
					t.Errorf("%s %s: got %v", list, where, e)
				}
			}
		}
		w.refused(w.admin, `{ calls(where: {hasNumberWith: [{}]}) { totalCount } }`, nil, phone.BadUserInput, "calls")
		w.refused(w.admin, `{ numbers(where: {hasOwnerWith: [{id: "x"}, {}]}) { totalCount } }`, nil, phone.BadUserInput, "numbers")
	})
}

func TestConditionsOfTheWrongKindAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			query string
			v     vars
			path  string
			field string
		}{
			{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": vars{"outcome": "LOST"}}, "calls", "outcome"},
			{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": vars{"outcome": "missed"}}, "calls", "outcome"},
			{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": vars{"startedAtGTE": "yesterday"}}, "calls", "startedAtGTE"},
			{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": vars{"idNEQ": "x"}}, "calls", "idNEQ"},
			{`{ calls(where: {fromHasPrefix: "+1"}) { totalCount } }`, nil, "calls", "fromHasPrefix"},
			{`query($o: CallOrder) { calls(orderBy: $o) { totalCount } }`, vars{"o": vars{"field": "started_at"}}, "calls", "field"},
			{`query($o: CallOrder) { calls(orderBy: $o) { totalCount } }`, vars{"o": vars{"field": "STARTED_AT", "direction": "desc"}}, "calls", "direction"},
			{`query($o: UserOrder) { users(orderBy: $o) { totalCount } }`, vars{"o": vars{"field": "email"}}, "users", "field"},
			{`query($o: VoicemailOrder) { voicemails(orderBy: $o) { totalCount } }`, vars{"o": vars{"field": "PLACE"}}, "voicemails", "field"},
			{`{ voicemails(orderBy: {field: PLACE}) { totalCount } }`, nil, "voicemails", "field"},
			{`query($p: PhoneNumber) { numbers(where: {phoneNumber: $p}) { totalCount } }`, vars{"p": "12"}, "numbers", "phoneNumber"},
		} {
			e := w.refused(w.admin, c.query, c.v, phone.BadUserInput, c.path)
			if got, _ := e.Extensions["field"].(string); got != c.field {
				t.Errorf("%s %v: got %v, want the field %q", c.query, c.v, e, c.field)
			}
		}
	})
}
