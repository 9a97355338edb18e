package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// canary is in every text of the other owner, followed by the name of the field; the other's numbers all begin with canaryNumber.
const (
	canary       = "Kanari-"
	canaryNumber = "+1999"
)

// canaries are what must not be seen: one for each field that holds a text or a number.
var canaries = []string{
	canary + "email", canary + "name", canary + "token", canary + "label", canary + "greeting", canary + "notify", canary + "callSid", canary + "kind", canary + "detail",
	canary + "recordingSid", canary + "audioError", canary + "transcript", canary + "transcriptionError", canary + "recipient", canary + "channel", canary + "lastError",
	canaryNumber + "1", canaryNumber + "2", canaryNumber + "3", canaryNumber + "4", canaryNumber + "5",
}

// plant gives the other owner one of everything, full of canaries.
func (w *world) plant() (ids []string) {
	w.t.Helper()
	at := w.now()
	planID := w.ask(w.admin, `{ plans { edges { node { id } } } }`, nil, "plans.edges.0.node.id")[0]
	w.write(func(tx *ent.Client) error {
		user := tx.User.Create().SetEmail(strings.ToLower(canary) + "email@example.com").SetName(canary + "name").SaveX(w.ctx)
		tx.BlockedCaller.Create().SetOwnerID(user.ID).SetCaller(canaryNumber + "1000000").SaveX(w.ctx)
		token := tx.Token.Create().SetOwnerID(user.ID).SetName(canary + "token").SetPrefix("mask_").SetHash(canary + "hash").SaveX(w.ctx)
		number := tx.MaskedNumber.Create().SetOwnerID(user.ID).SetPhoneNumber(canaryNumber + "2000000").SetLabel(canary + "label").SetGreeting(canary + "greeting").
			SetForwardTo([]phone.Number{canaryNumber + "3000000"}).SetNotifyEmails([]string{canary + "notify@example.com"}).SaveX(w.ctx)
		sub := tx.NumberSubscription.Create().SetOwnerID(user.ID).SetNumberID(number.ID).SetPlanID(planID).SetStartedAt(at).SetUsedSince(at).SaveX(w.ctx)
		call := tx.Call.Create().SetOwnerID(user.ID).SetNumberID(number.ID).SetCallSid(canary + "callSid").SetFrom(canaryNumber + "4000000").SetTo(canaryNumber + "5000000").
			SetStartedAt(at).SetChangedAt(at).SetAnswers(map[string]phone.Stored{}).
			SetTimeline([]phone.CallEvent{{At: at, Kind: canary + "kind", Detail: canary + "detail"}}).SaveX(w.ctx)
		vm := tx.Voicemail.Create().SetOwnerID(user.ID).SetNumberID(number.ID).SetCallID(call.ID).SetRecordingSid(canary + "recordingSid").SetFrom(canaryNumber + "4000000").
			SetDurationSeconds(5).SetReceivedAt(at).SetLearnedAt(at).SetPlace(1 << 40).SetAudioError(canary + "audioError").SetTranscript(canary + "transcript").
			SetTranscriptionError(canary + "transcriptionError").SaveX(w.ctx)
		delivery := tx.Delivery.Create().SetOwnerID(user.ID).SetVoicemailID(vm.ID).SetChannel(canary + "channel").
			SetRecipient(canary + "recipient").SetLastError(canary + "lastError").SaveX(w.ctx)
		binned := tx.Voicemail.Create().SetOwnerID(user.ID).SetNumberID(number.ID).SetCallID(call.ID).SetRecordingSid(canary + "binned").SetFrom(canaryNumber + "4000000").
			SetDurationSeconds(5).SetReceivedAt(at).SetLearnedAt(at).SetPlace(1<<40 - 1).SetDeletedAt(at).SetTranscript(canary + "transcript").SaveX(w.ctx)
		ids = []string{user.ID, token.ID, number.ID, sub.ID, call.ID, vm.ID, delivery.ID, binned.ID}
		return nil
	})
	return ids
}

// oracles are conditions that ask for the other owner's values, for each type that lists filter by.
var oracles = map[string][]string{
	"User": {
		`{email: "kanari-email@example.com"}`, `{not: {email: "kanari-email@example.com"}}`, `{or: [{email: "kanari-email@example.com"}, {id: "x"}]}`,
		`{and: [{idIn: ["x"]}]}`,
	},
	"MaskedNumber": {
		`{phoneNumber: "+19992000000"}`, `{label: "Kanari-label"}`, `{labelContainsFold: "kanari"}`, `{not: {labelContainsFold: "kanari"}}`, `{state: ACTIVE}`, `{id: "x"}`,
		`{hasOwnerWith: [{email: "kanari-email@example.com"}]}`, `{not: {hasOwnerWith: [{email: "kanari-email@example.com"}]}}`,
		`{or: [{label: "Kanari-label"}, {and: [{idIn: ["x"]}]}]}`,
	},
	"Call": {
		`{callSid: "Kanari-callSid"}`, `{from: "+19994000000"}`, `{not: {from: "+19994000000"}}`, `{hasNumberWith: [{label: "Kanari-label"}]}`, `{outcome: RINGING}`,
		`{hasNumberWith: [{hasOwnerWith: [{email: "kanari-email@example.com"}]}]}`, `{or: [{outcomeIn: [RINGING, MISSED]}, {id: "x"}, {idIn: ["x"]}]}`,
		`{and: [{startedAtGTE: "2000-01-01T00:00:00Z"}, {startedAtLT: "2030-01-01T00:00:00Z"}]}`,
	},
	"Voicemail": {
		`{recordingSid: "Kanari-recordingSid"}`, `{from: "+19994000000"}`, `{transcriptContainsFold: "kanari"}`, `{not: {transcriptContainsFold: "kanari"}}`,
		`{heardAtIsNil: true}`,
		`{hasNumberWith: [{label: "Kanari-label"}]}`, `{or: [{hasNumberWith: [{hasOwnerWith: [{email: "kanari-email@example.com"}]}]}, {id: "x"}, {idIn: ["x"]}]}`,
		`{and: [{receivedAtGTE: "2000-01-01T00:00:00Z"}, {receivedAtLT: "2030-01-01T00:00:00Z"}]}`,
	},
	"Plan":               {`{not: {id: "x"}}`, `{or: [{idIn: ["x"]}, {and: [{id: "x"}]}]}`},
	"NumberSubscription": {`{not: {id: "x"}}`, `{or: [{idIn: ["x"]}, {and: [{id: "x"}]}]}`},
}

// ways are the ways through a schema.
type ways struct {
	leafs map[string]string   // of a type: the fields that are no objects
	edges map[string][]string // of a type: its lists and objects, as "name Type" or "name TypeConnection"
}

func waysThrough(s introspected) ways {
	w := ways{leafs: map[string]string{}, edges: map[string][]string{}}
	kinds := map[string]string{}
	for _, def := range s.Types {
		kinds[def.Name] = def.Kind
	}
	for _, def := range s.Types {
		for _, f := range def.Fields {
			switch name := f.Type.named(); {
			case name == "CallEvent":
				w.leafs[def.Name] += " timeline { at kind detail }"
			case kinds[name] == "OBJECT":
				w.edges[def.Name] = append(w.edges[def.Name], f.Name+" "+name)
			case kinds[name] != "INTERFACE":
				w.leafs[def.Name] += " " + f.Name
			}
		}
	}
	return w
}

// from are selections of a type: all its fields, and each of its ways on, so many steps deep. Lists one or two steps deep are filtered
// and ordered in every way too.
func (w ways) from(kind string, steps, filtered int) []string {
	selections := []string{w.leafs[kind]}
	if steps == 0 {
		return selections
	}
	for _, edge := range w.edges[kind] {
		name, to, _ := strings.Cut(edge, " ")
		node, isList := strings.CutSuffix(to, "Connection")
		for _, below := range w.from(node, steps-1, filtered-1) {
			if !isList {
				selections = append(selections, name+" { "+below+" }")
				continue
			}
			selections = append(selections, name+"(first: 3)"+listed(below))
		}
		if isList && filtered > 0 && name != "deletedVoicemails" {
			for _, where := range oracles[node] {
				selections = append(selections, name+"(first: 3, where: "+where+")"+listed(w.leafs[node]))
			}
		}
	}
	return selections
}

func listed(selection string) string {
	return " { totalCount pageInfo { hasNextPage hasPreviousPage } edges { node { " + selection + " } } }"
}

// everything asks in every way and returns the answers. Many questions go into one operation.
func (w *world) everything(token string, things map[string]string) (answers []string) {
	w.t.Helper()
	schema := waysThrough(w.introspect())
	delete(schema.leafs, "Query")
	questions := schema.from("Query", 4, 2)[1:]
	for _, kind := range slices.Sorted(maps.Keys(things)) {
		for _, selection := range schema.from(kind, 1, 1) {
			questions = append(questions, `node(id: "`+things[kind]+`") { ... on `+kind+` { `+selection+` } }`)
		}
	}
	for batch := range slices.Chunk(questions, 10) {
		var op strings.Builder
		for i, q := range batch {
			fmt.Fprintf(&op, "q%d: %s\n", i, q)
		}
		got := w.try(token, "{"+op.String()+"}", nil)
		if len(got.Errors) > 0 {
			w.t.Fatalf("%s\ngot %.300s", op.String(), got.Body)
		}
		answers = append(answers, got.Body)
	}
	return answers
}

// Whatever an owner asks, the answer is byte for byte the same whether there is another owner or not. The same questions show the
// administrator everything, which proves that they reach it. Without the ownership filter of the schema (ent/schema, Owned) this fails.
func TestNothingOfAnotherOwnerIsSeenOnAnyWayThroughTheSchema(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		things := w.things(a)
		alone := w.everything(a.token, things)
		foreign := w.plant()
		among := w.everything(a.token, things)
		for i := range among {
			if among[i] != alone[i] {
				t.Errorf("an owner's answer is another when there is another owner:\n%.600s\n%.600s", alone[i], among[i])
			}
			for _, c := range append(foreign, strings.ToLower(canary), canary, canaryNumber) {
				if strings.Contains(among[i], c) {
					t.Errorf("%s is seen in %.600s", c, among[i])
				}
			}
		}
		all := strings.ToLower(strings.Join(w.everything(w.admin, things), ""))
		for _, c := range canaries {
			if !strings.Contains(all, strings.ToLower(c)) {
				t.Errorf("nobody asked for what holds %s", c)
			}
		}
	})
}

func TestTheOraclesUseEveryCondition(t *testing.T) {
	t.Parallel()
	for _, def := range light(t).introspect().Types {
		kind, isFilter := strings.CutSuffix(def.Name, "WhereInput")
		for _, f := range def.InputFields {
			if isFilter && !strings.Contains(strings.Join(oracles[kind], " "), f.Name+":") {
				t.Errorf("no oracle asks by %s.%s", def.Name, f.Name)
			}
		}
	}
}
