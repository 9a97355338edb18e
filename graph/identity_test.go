package graph_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/maskline/maskline/graph"
)

// identities select __typename, and id where there is one, of a type and of everything below it, so many steps deep.
func identities(s *ast.Schema, def *ast.Definition, steps int) string {
	all := "__typename"
	for _, f := range def.Fields {
		to := s.Types[f.Type.Name()]
		switch {
		case f.Name == "id":
			all += " id"
		case to.Kind == ast.Object && steps > 0 && !strings.HasPrefix(f.Name, "__"):
			args := ""
			if f.Arguments.ForName("first") != nil {
				args = "(first: 2)"
			}
			all += " " + f.Name + args + " { " + identities(s, to, steps-1) + " }"
		}
	}
	return all
}

// identified is an operation that selects the identities of whatever its root field gives.
func identified(t *testing.T, s *ast.Schema, operation string, steps int) string {
	t.Helper()
	doc, problems := gqlparser.LoadQueryWithRules(s, operation, rules.NewDefaultRules())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	root := doc.Operations[0].SelectionSet[0].(*ast.Field)
	if to := s.Types[root.Definition.Type.Name()]; to.Kind == ast.Object {
		below, err := parser.ParseQuery(&ast.Source{Input: "{ " + identities(s, to, steps) + " }"})
		check(t, err)
		root.SelectionSet = below.Operations[0].SelectionSet
	}
	var text strings.Builder
	formatter.NewFormatter(&text).FormatQueryDocument(doc)
	return text.String()
}

// identitiesIn are the types of the objects in an answer, by their ids.
func identitiesIn(v any, found map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		kind, _ := v["__typename"].(string)
		if id, ok := v["id"].(string); ok {
			found[id] = kind
		}
		for _, below := range v {
			identitiesIn(below, found)
		}
	case []any:
		for _, below := range v {
			identitiesIn(below, found)
		}
	}
}

// Clients that keep objects by their ids (Apollo Client, Relay, urql) take two objects with one id for the same.
func TestEveryTypeWithAnIDIsANodeAndItsIDNamesThatType(t *testing.T) {
	t.Parallel()
	schema := graph.Served()
	nodes := map[string]bool{}
	for name, def := range schema.Types {
		if f := def.Fields.ForName("id"); def.Kind == ast.Object && f != nil && f.Type.String() == "ID!" {
			if nodes[name] = true; !slices.Contains(def.Interfaces, "Node") {
				t.Errorf("%s has an id and is no Node", name)
			}
		}
	}
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		things := w.things(a)
		mine := append(w.voicemails(a, 1), things["Voicemail"])
		lost := w.ask(a.token, createToken, vars{"u": a.user, "n": "lost"}, "createToken.accessToken.id")[0]
		check(t, w.desk.Mark(w.ctx, mine, true)) // so that there is a change to push
		met := map[string]bool{}
		run := func(token, operation string, v vars, steps int) {
			var body any
			operation = identified(t, schema, operation, steps)
			answer := w.answer(token, operation, v)
			check(t, json.Unmarshal([]byte(answer), &body))
			found := map[string]string{}
			identitiesIn(body, found)
			if strings.Contains(answer, `"errors"`) {
				t.Errorf("%s\ngot %s", operation, answer)
			}
			for id, kind := range found {
				met[kind] = true
				w.wants(w.admin, `query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": id}, `{"node": {"__typename": "`+kind+`", "id": "`+id+`"}}`)
			}
		}
		for _, f := range schema.Query.Fields {
			if strings.HasSuffix(f.Type.Name(), "Connection") {
				run(w.admin, "{ "+f.Name+"(first: 2) { totalCount } }", nil, 5)
			}
		}
		run(a.token, "{ viewer { id } }", nil, 5)
		for name, query := range pushed {
			v := vars{}
			if name != "callChanged" {
				v["c"] = cursor("vm_", int64(0))
			}
			run(a.token, query, v, 3)
		}
		for _, mu := range w.mutations(a, mine, things["Delivery"], lost) {
			run(mu.token, mu.query, mu.v, 3)
		}
		if !maps.Equal(met, nodes) {
			t.Errorf("met objects of the types %v, want all of %v", met, nodes)
		}
	})
}
