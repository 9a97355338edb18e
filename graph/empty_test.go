package graph_test

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/graph"
	"github.com/maskline/maskline/phone"
)

// filtered are the lists of the schema by the type of their where: at the root, and below an object.
func (w *world) filtered(tn tenant) map[string][]string {
	return map[string][]string{
		"UserWhereInput":               {"users"},
		"MaskedNumberWhereInput":       {"numbers", "viewer numbers", "node " + tn.user + " User numbers"},
		"CallWhereInput":               {"calls", "node " + tn.number + " MaskedNumber calls"},
		"VoicemailWhereInput":          {"voicemails", "node " + tn.number + " MaskedNumber voicemails"},
		"PlanWhereInput":               {"plans"},
		"NumberSubscriptionWhereInput": {"node " + tn.number + " MaskedNumber subscriptions"},
	}
}

// filteredBy asks for a list with the where in a variable, and returns how many rows it has and counts.
func (w *world) filteredBy(token, list, input string, where vars) (rows, total string) {
	w.t.Helper()
	connection := func(name string) string { return "list: " + name + "(where: $w) { totalCount edges { node { id } } }" }
	query, at := "", "list"
	switch path := strings.Fields(list); len(path) {
	case 1:
		query = connection(path[0])
	case 2:
		query, at = path[0]+" { "+connection(path[1])+" }", path[0]+".list"
	default:
		query, at = `node(id: "`+path[1]+`") { ... on `+path[2]+" { "+connection(path[3])+" } }", "node.list"
	}
	got := w.ask(token, "query($w: "+input+") { "+query+" }", vars{"w": where}, at+".edges", at+".totalCount")
	if got[0] == "[]" {
		return "none", got[1]
	}
	return "some", got[1]
}

// phrasings are ways to write a condition, and whether it then holds for nothing or for everything when it holds for nothing itself.
var phrasings = []struct {
	name    string
	where   func(vars) vars
	nothing bool
}{
	{"alone", func(v vars) vars { return v }, true},
	{"not", func(v vars) vars { return vars{"not": v} }, false},
	{"not not", func(v vars) vars { return vars{"not": vars{"not": v}} }, true},
	{"and", func(v vars) vars { return vars{"and": []any{v}} }, true},
	{"and with all", func(v vars) vars { return vars{"and": []any{vars{"not": v}, v}} }, true},
	{"or", func(v vars) vars { return vars{"or": []any{v}} }, true},
	{"or with all", func(v vars) vars { return vars{"or": []any{v, vars{"not": v}}} }, false},
	{"and not", func(v vars) vars { return vars{"and": []any{vars{"not": v}}} }, false},
	{"or of two", func(v vars) vars { return vars{"or": []any{v, vars{"and": []any{v}}}} }, true},
}

func TestAnEmptyListInAFilterMatchesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		s := w.sieved()
		lists, seen := w.filtered(s.a), 0
		for _, input := range graph.Served().Types {
			if input.Kind != ast.InputObject || !strings.HasSuffix(input.Name, "WhereInput") {
				continue
			}
			if lists[input.Name] == nil {
				t.Errorf("%s is not tested", input.Name)
			}
			for _, f := range input.Fields {
				if f.Type.Elem == nil {
					continue
				}
				seen++
				for _, list := range lists[input.Name] {
					w.emptyMatchesNothing(s.a.token, list, input.Name, f.Name)
				}
			}
		}
		if seen < 6*3 { // and, or and idIn of each
			t.Errorf("only %d list filters were found", seen)
		}
	})
}

func (w *world) emptyMatchesNothing(token, list, input, field string) {
	w.t.Helper()
	for _, way := range phrasings {
		rows, total := w.filteredBy(token, list, input, way.where(vars{field: []any{}}))
		if way.nothing != (rows == "none") || way.nothing != (total == "0") {
			w.t.Errorf("%s %s, %s: got %s, %s counted", list, field, way.name, rows, total)
		}
	}
	if rows, total := w.filteredBy(token, list, input, vars{field: nil}); rows == "none" || total == "0" {
		w.t.Errorf("%s %s null: got %s, %s counted, want all", list, field, rows, total)
	}
}

func TestAnEmptyListInALiteralOrAVariableOrAnotherTypesFilterMatchesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		s := w.sieved()
		for _, c := range []struct {
			query string
			v     vars
			want  string
		}{
			{`{ list: calls(where: {idIn: []}) { totalCount } }`, nil, "0"},
			{`query($ids: [ID!]) { list: calls(where: {idIn: $ids}) { totalCount } }`, vars{"ids": []any{}}, "0"},
			{`query($ids: [ID!]) { list: calls(where: {idIn: $ids}) { totalCount } }`, vars{"ids": nil}, "3"},
			{`query($ids: [ID!]) { list: calls(where: {idIn: $ids}) { totalCount } }`, vars{}, "3"},
			{`query($ids: [ID!] = []) { list: calls(where: {idIn: $ids}) { totalCount } }`, vars{}, "0"},
			{`query($o: [CallOutcome!]) { list: calls(where: {outcomeIn: $o, idIn: null}) { totalCount } }`, vars{"o": []any{}}, "0"},
			{`query($o: [CallOutcome!]) { list: calls(where: {outcomeIn: $o, from: "anonymous"}) { totalCount } }`, vars{"o": nil}, "1"},
			{`{ list: calls(where: {hasNumberWith: []}) { totalCount } }`, nil, "0"},
			{`{ list: calls(where: {hasNumberWith: [{idIn: []}]}) { totalCount } }`, nil, "0"},
			{`{ list: calls(where: {hasNumberWith: [{not: {idIn: []}}]}) { totalCount } }`, nil, "3"},
			{`{ list: calls(where: {hasNumberWith: [{hasOwnerWith: []}]}) { totalCount } }`, nil, "0"},
			{`{ list: calls(where: {not: {hasNumberWith: [{hasOwnerWith: [{idIn: []}]}]}}) { totalCount } }`, nil, "3"},
			{`{ list: calls(where: {outcomeIn: [MISSED], hasNumberWith: [{idIn: []}]}) { totalCount } }`, nil, "0"},
			{`{ list: numbers(where: {labelContainsFold: "shop", idIn: []}) { totalCount } }`, nil, "0"},
			{`{ list: numbers(where: {labelContainsFold: "shop", hasOwnerWith: []}) { totalCount } }`, nil, "0"},
			{`{ list: voicemails(where: {transcriptContainsFold: "order", or: []}) { totalCount } }`, nil, "0"},
			{`{ list: voicemails(where: {transcriptContainsFold: "order", hasNumberWith: [{and: []}]}) { totalCount } }`, nil, "0"},
			{`{ list: voicemails(where: {or: [{idIn: []}, {from: "anonymous"}]}) { totalCount } }`, nil, "1"},
			{`{ list: voicemails(where: {and: [{idIn: []}, {from: "anonymous"}]}) { totalCount } }`, nil, "0"},
		} {
			if got := w.ask(s.a.token, c.query, c.v, "list.totalCount")[0]; got != c.want {
				t.Errorf("%s %v: got %s, want %s", c.query, c.v, got, c.want)
			}
		}
		w.wants(s.a.token, `{ nodes(ids: []) { id } }`, nil, `{"nodes": []}`)
		w.wants(s.a.token, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": []any{}}, `{"nodes": []}`)
		w.refused(s.a.token, `{ calls(where: {and: [{idIn: []}, {}]}) { totalCount } }`, nil, phone.BadUserInput, "calls")
	})
}
