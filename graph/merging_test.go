package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// conflictsBy are what one rule alone finds.
func conflictsBy(t *testing.T, schema *ast.Schema, rule core.Rule, text string) gqlerror.List {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return validator.ValidateWithRules(schema, doc, rules.NewRules(rule))
}

func TestFieldsThatCannotBeMergedAreTold(t *testing.T) {
	t.Parallel()
	schema := served()
	for _, c := range []struct{ text, says string }{
		{`{ viewer { id id } }`, ""},
		{`{ viewer { a: id a: id } viewer { a: id } }`, ""},
		{`{ viewer { a: id } viewer { a: email } }`, `"id" and "email" are different fields`},
		{`{ viewer { ...a } viewer { a: email } } fragment a on User { a: id }`, `different fields`},
		{`{ numbers(first: 1) { totalCount } numbers(first: 2) { totalCount } }`, "differing arguments"},
		{`{ numbers(first: 1) { totalCount } numbers { totalCount } }`, "differing arguments"},
		{`{ numbers(where: {label: "a"}) { totalCount } numbers(where: {label: "b"}) { totalCount } }`, "differing arguments"},
		{`{ numbers(first: 1, last: null) { totalCount } numbers(last: null, first: 1) { totalCount } }`, ""},
		{`query($n: Int) { numbers(first: $n) { totalCount } numbers(first: $n) { totalCount } }`, ""},
		{`{ node(id: "x") { ... on User { a: email } ... on MaskedNumber { a: label } } }`, ""},
		{`{ node(id: "x") { ... on User { a: email } ... on MaskedNumber { a: ringSeconds } } }`, `"String!" and "Int!"`},
		{`{ node(id: "x") { ... on User { a: email } ... on MaskedNumber { a: greeting } } }`, `"String!" and "String"`},
		{`{ node(id: "x") { ... on User { a: email } ... on MaskedNumber { a: owner { id } } } }`, `conflicting types`},
		{`{ node(id: "x") { ... on Call { a: number { b: id } } ... on Voicemail { a: number { b: label } } } }`, `conflicting types`},
		{`{ node(id: "x") { ... on Call { a: number { b: label } } ... on Voicemail { a: number { b: finishOnKey } } } }`, ""},
		{`{ node(id: "x") { a: id ... on User { a: id } } }`, ""},
		{`{ node(id: "x") { a: id ... on User { a: email } } }`, "different fields"},
		{`{ node(id: "x") { a: __typename ... on User { a: email } } }`, "different fields"},
		{`{ viewer { a: nothing a: nowhere } }`, "different fields"},
	} {
		got := conflictsBy(t, schema, mergeable, c.text)
		if (c.says == "") != (len(got) == 0) || c.says != "" && !strings.Contains(got[0].Message, c.says) {
			t.Errorf("%s: got %v, want %q", c.text, got, c.says)
		}
	}
}

// Both rules must agree of documents at random. gqlparser's does not look into objects that are arguments, so there are none.
func TestTheRuleOfMergingAgreesWithThatOfTheParser(t *testing.T) {
	t.Parallel()
	schema, found := served(), 0
	for seed := range uint64(1000) {
		text := randomDocument(rand.New(rand.NewPCG(seed, 1)))
		ours, theirs := conflictsBy(t, schema, mergeable, text), conflictsBy(t, schema, rules.OverlappingFieldsCanBeMergedRule, text)
		if (len(ours) == 0) != (len(theirs) == 0) {
			t.Fatalf("seed %d: %s\nours   %v\ntheirs %v", seed, text, ours, theirs)
		}
		found += min(len(ours), 1)
	}
	if found < 100 || found > 900 {
		t.Errorf("%d of 1,000 documents have conflicts: that says little", found)
	}
}

func randomDocument(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString(`{ node(id: "x") { ` + randomSelections(r, "Node", 1, 0) + " ...f1 ...f2 ...f3 } }")
	for i, on := range []string{"User", "MaskedNumber", "Call"} {
		fmt.Fprintf(&b, " fragment f%d on %s { %s }", i+1, on, randomSelections(r, on, 1, i+1))
	}
	return b.String()
}

// randomSelections may spread the fragments with a higher number than their own.
func randomSelections(r *rand.Rand, on string, levels, own int) string {
	leaves := map[string][]string{
		"Node": {"id", "id"}, "User": {"id", "email", "name"}, "MaskedNumber": {"id", "label", "ringSeconds"}, "Call": {"id", "callSid", "durationSeconds"},
	}[on]
	objects := map[string]map[string]string{"MaskedNumber": {"owner": "User"}, "Call": {"number": "MaskedNumber"}}[on]
	all := []string{"id"}
	for range 1 + r.IntN(2) {
		all = append(all, []string{"", "", "", "", "", "", "a: ", "b: "}[r.IntN(8)]+leaves[r.IntN(len(leaves))])
		for field, of := range objects {
			if levels > 0 {
				all = append(all, []string{"", "", "", "x: "}[r.IntN(4)]+field+" { "+randomSelections(r, of, levels-1, own)+" }")
			}
		}
		if to := []string{"User", "MaskedNumber", "Call"}[r.IntN(3)]; levels > 0 && (on == "Node" || on == to) {
			all = append(all, "... on "+to+" { "+randomSelections(r, to, levels-1, own)+" }")
		}
		if f := own + 1 + r.IntN(3); f <= 3 && (on == "Node" || on == []string{"User", "MaskedNumber", "Call"}[f-1]) {
			all = append(all, fmt.Sprintf("...f%d", f))
		}
	}
	return strings.Join(all, " ")
}
