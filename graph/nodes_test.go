package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// things are one of each type that has an id, all of one owner, by the name of the type.
func (w *world) things(tn tenant) map[string]string {
	w.t.Helper()
	vm := w.recorded(tn, "+15550200002")
	w.appear(vm)
	found := w.ask(tn.token, `query($v: ID!) { viewer { tokens { id } } node(id: $v) { ... on Voicemail { call { id } deliveries { id } } } }`,
		vars{"v": vm}, "viewer.tokens.0.id", "node.call.id", "node.deliveries.0.id")
	return map[string]string{
		"User": tn.user, "MaskedNumber": tn.number, "NumberSubscription": tn.subscription, "Plan": tn.plan,
		"Voicemail": vm, "Token": found[0], "Call": found[1], "Delivery": found[2],
	}
}

func TestANodeIsFoundByItsIDWhateverItIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		var ids, want []string
		for name, id := range w.things(a) {
			node := fmt.Sprintf(`{"__typename": %q, "id": %q}`, name, id)
			for _, token := range []string{a.token, w.admin} {
				w.wants(token, `query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": id}, `{"node": `+node+`}`)
			}
			w.wants(a.token, `query($id: ID!) { nodes(ids: [$id]) { __typename id } }`, vars{"id": id}, `{"nodes": [`+node+`]}`)
			ids, want = append(ids, id), append(want, node)
		}
		ids, want = append(ids, ids[0], ids[1], ids[0]), append(want, want[0], want[1], want[0])
		w.wants(a.token, `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`, vars{"ids": ids}, `{"nodes": [`+strings.Join(want, ",")+`]}`)
		w.wants(a.token, `{ nodes(ids: []) { id } }`, nil, `{"nodes": []}`)
	})
}

// malformed are texts that are the id of nothing.
var malformed = []string{
	"", " ", "x", "_", "vm", "vm_", "1", "VM_003623TZKQKK79WXNYJRATRZRM", "nothing_003623tzkqkk79wxnyjratrzrm", "usr_%", "usr__", "num_' OR '1'='1", "vm_\x00",
	"\x00", "vm_\u202e", "call_003623tzkqkk79wxnyjratrzrm ", "voicemails", "cnt_place", "chg_003623tzkqkk79wxnyjratrzrm", strings.Repeat("vm_0", 5000),
}

// unknown are well-formed ids that nothing has.
var unknown = []string{
	"usr_000000000000000000000000", "tok_000000000000000000000000", "num_000000000000000000000000", "plan_000000000000000000000000",
	"sub_000000000000000000000000", "call_000000000000000000000000", "vm_000000000000000000000000", "dlv_000000000000000000000000",
	"blk_000000000000000000000000",
}

// others are ids that are all the same to an owner: somebody else's, unknown and malformed ones.
func (w *world) others(tn tenant) (ids []string) {
	w.t.Helper()
	for name, id := range w.things(tn) {
		if name != "Plan" { // which everybody sees
			ids = append(ids, id)
		}
	}
	return slices.Concat(ids, unknown, malformed)
}

func TestForeignUnknownAndMalformedIDsAreAllTheSame(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		const one = `query($id: ID!) { there: node(id: $id) { id ... on User { email } ... on Voicemail { from } } }`
		const listed = `query($id: ID!) { nodes(ids: [$id]) { id } }`
		w.refused(a.token, one, vars{"id": unknown[0]}, phone.NotFound, "there")
		w.refused(a.token, listed, vars{"id": unknown[0]}, phone.NotFound, "nodes.0")
		wantOne, wantListed := w.try(a.token, one, vars{"id": unknown[0]}), w.try(a.token, listed, vars{"id": unknown[0]})
		ids := w.others(b)
		for _, id := range ids {
			if got := w.try(a.token, one, vars{"id": id}); got.Body != wantOne.Body || got.Status != wantOne.Status {
				t.Errorf("node %.40q: got %d %s, want %d %s", id, got.Status, got.Body, wantOne.Status, wantOne.Body)
			}
			if got := w.try(a.token, listed, vars{"id": id}); got.Body != wantListed.Body {
				t.Errorf("nodes %.40q: got %s, want %s", id, got.Body, wantListed.Body)
			}
		}
		w.mixed(a, ids)
	})
}

// mixed asks for ids that are not there with one that is between each two of them.
func (w *world) mixed(tn tenant, ids []string) {
	w.t.Helper()
	var asked, want []string
	for _, id := range ids {
		asked, want = append(asked, id, tn.number), append(want, "null", `{"id":"`+tn.number+`"}`)
	}
	got := w.try(tn.token, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": asked})
	if g := compact(w.t, got.Data); g != `{"nodes":[`+strings.Join(want, ",")+`]}` {
		w.t.Errorf("nodes: got %s", g)
	}
	if len(got.Errors) != len(ids) {
		w.t.Errorf("got %d errors, want %d: one for each place that is null", len(got.Errors), len(ids))
	}
	places := map[string]bool{}
	for _, e := range got.Errors {
		places[e.path()] = e.code() == string(phone.NotFound)
	}
	for i := range ids {
		if !places[fmt.Sprintf("nodes.%d", 2*i)] {
			w.t.Errorf("nodes.%d has no NOT_FOUND", 2*i)
		}
	}
}

func TestAtMost100IDsAreAskedForAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := slices.Repeat([]string{a.number}, 100)
		const q = `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`
		w.ask(a.token, q, vars{"ids": ids}, "nodes.99.id")
		w.refused(a.token, q, vars{"ids": append(ids, a.number)}, phone.BadUserInput, "")
		w.refused(a.token, `mutation($ids: [ID!]!) { markVoicemails(ids: $ids, heard: true) { id } }`, vars{"ids": append(ids, a.number)}, phone.BadUserInput, "")
	})
}

func TestFragmentsOnManyTypesOfANodeAreAnsweredWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		things := w.things(a)
		const q = `query($ids: [ID!]!) { nodes(ids: $ids) { ...call ...voicemail ... on NumberSubscription { line: number { label } number { state } plan { name } } } }
			fragment call on Call { number { phoneNumber } voicemail { number { owner { email } } } }
			fragment voicemail on Voicemail { number { label } call { number { state } } other: call { to } }`
		w.wants(a.token, q, vars{"ids": []string{things["Call"], things["Voicemail"], things["NumberSubscription"], things["Plan"]}}, `{"nodes": [
			{"number": {"phoneNumber": "`+a.phone+`"}, "voicemail": {"number": {"owner": {"email": "ann@example.com"}}}},
			{"number": {"label": "line of ann"}, "call": {"number": {"state": "ACTIVE"}}, "other": {"to": "`+a.phone+`"}},
			{"line": {"label": "line of ann"}, "number": {"state": "ACTIVE"}, "plan": {"name": "Free"}}, {}]}`)
		w.wants(a.token, q, vars{"ids": []string{things["Call"]}}, `{"nodes": [
			{"number": {"phoneNumber": "`+a.phone+`"}, "voicemail": {"number": {"owner": {"email": "ann@example.com"}}}}]}`)
	})
}

func TestTheViewerIsWhoTheTokenBelongsTo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.wants(a.token, `{ viewer { id email name role locale timeZone createdAt blockedCallers numbers { totalCount } tokens { name prefix expiresAt } } }`, nil,
			fmt.Sprintf(`{"viewer": {"id": %q, "email": "ann@example.com", "name": "ann", "role": "OWNER", "locale": "en", "timeZone": "UTC",
			"createdAt": "2026-01-15T12:00:00Z", "blockedCallers": [], "numbers": {"totalCount": 1},
			"tokens": [{"name": "test", "prefix": %q, "expiresAt": null}]}}`, a.user, a.token[:12]))
		w.wants(w.admin, `{ viewer { email role } }`, nil, `{"viewer": {"email": "admin@localhost", "role": "ADMIN"}}`)
		w.write(func(tx *ent.Client) error {
			for _, n := range []phone.Number{"+15550200009", "+15550200003"} {
				if err := tx.BlockedCaller.Create().SetOwnerID(a.user).SetCaller(n).Exec(w.ctx); err != nil {
					return err
				}
			}
			return nil
		})
		w.wants(a.token, `{ viewer { blockedCallers } }`, nil, `{"viewer": {"blockedCallers": ["+15550200003", "+15550200009"]}}`)
	})
}
