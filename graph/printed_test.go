package graph_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/maskline/maskline/graph"
)

var update = flag.Bool("update", false, "write testdata/schema.graphql and its copy anew, unless that breaks clients")

const (
	printedFile = "testdata/schema.graphql"
	printedCopy = "../docs/examples/schema.graphql" // that folder builds by itself
)

// printed is the schema that clients see.
func printed() string {
	var b bytes.Buffer
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(graph.Served())
	return b.String()
}

func parsed(t *testing.T, text string) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: text})
	check(t, err)
	return s
}

func TestThePrintedSchemaIsCommittedAndBreaksNobody(t *testing.T) {
	t.Parallel()
	now := printed()
	before, err := os.ReadFile(printedFile)
	check(t, err)
	if broken := breaking(parsed(t, string(before)), parsed(t, now)); len(broken) > 0 {
		t.Fatalf("clients would break. When that is meant, take these out of %s by hand:\n%s", printedFile, strings.Join(broken, "\n"))
	}
	if *update {
		check(t, os.WriteFile(printedFile, []byte(now), 0o600))
		check(t, os.WriteFile(printedCopy, []byte(now), 0o600))
		return
	}
	copied, err := os.ReadFile(printedCopy)
	check(t, err)
	if now != string(before) || now != string(copied) {
		t.Errorf("the schema has changed: go test ./graph -run Printed -update, and commit %s and %s", printedFile, printedCopy)
	}
}

// Every type, field, argument and value is described.
func TestTheSchemaIsClean(t *testing.T) {
	t.Parallel()
	dir := withPackages(t, "graphql-schema-linter@3.0.1", "graphql@16.11.0")
	script, err := os.ReadFile("testdata/lint.mjs")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "lint.mjs"), script, 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "schema.graphql"), []byte(printed()), 0o600))
	out, err := run(t, dir, "node", "lint.mjs", "schema.graphql")
	check(t, err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, finding := range lines[:len(lines)-1] {
		t.Error(finding)
	}
	t.Logf("%s are kept", lines[len(lines)-1])
	if last := lines[len(lines)-1]; last != "15 rules" {
		t.Errorf("got %s, want 15 rules", last)
	}
}

func TestWhatBreaksClients(t *testing.T) {
	t.Parallel()
	const before = `
		interface Node { id: ID! }
		enum Colour { RED GREEN }
		input Filter { name: String  size: Int! }
		type Thing implements Node { id: ID!  name: String!  note: String  colours(first: Int, of: Colour! = RED): [Colour!]! }
		type Query { thing(id: ID!): Thing  things(where: Filter): [Thing!]! }`
	for name, tt := range map[string]struct{ old, new, breaks string }{
		"a new type":                      {"type Query", "type More { id: ID! } type Query", ""},
		"a new field":                     {"note: String", "note: String more: Int!", ""},
		"a new optional argument":         {"first: Int", "first: Int last: Int", ""},
		"a new argument with a default":   {"first: Int", "first: Int last: Int! = 1", ""},
		"a new value":                     {"GREEN }", "GREEN BLUE }", ""},
		"an answer that is never null":    {"note: String", "note: String!", ""},
		"an argument that may be left":    {"thing(id: ID!)", "thing(id: ID)", ""},
		"an input field that may be left": {"size: Int!", "size: Int", ""},
		"a description":                   {"type Thing", `"More." type Thing`, ""},
		"a type that is gone":             {"enum Colour { RED GREEN }", "enum Color { RED GREEN }", "Colour"},
		"a field that is gone":            {"note: String", "", "Thing.note"},
		"a field of another type":         {"note: String", "note: Int", "Thing.note"},
		"an answer that may be null":      {"name: String!", "name: String", "Thing.name"},
		"a list that may have nulls":      {"[Thing!]!", "[Thing]!", "Query.things"},
		"an argument that is gone":        {"first: Int, ", "", "Thing.colours(first)"},
		"an argument that is demanded":    {"where: Filter", "where: Filter!", "Query.things(where)"},
		"a new argument that is demanded": {"where: Filter", "where: Filter more: Int!", "Query.things(more)"},
		"another default":                 {"= RED", "= GREEN", "Thing.colours(of)"},
		"an input field that is gone":     {"input Filter { name: String ", "input Filter { ", "Filter.name"},
		"an input field of another type":  {"{ name: String ", "{ name: Int ", "Filter.name"},
		"a new input field, demanded":     {"size: Int!", "size: Int! more: Int!", "Filter.more"},
		"a value that is gone":            {"GREEN }", "}", "Colour.GREEN"},
		"an interface that is gone":       {"implements Node", "", "Thing implements Node"},
	} {
		now := strings.ReplaceAll(before, tt.old, tt.new)
		if tt.breaks == "Colour" {
			now = strings.NewReplacer("Colour!", "Color!").Replace(now)
		}
		broken := breaking(parsed(t, before), parsed(t, now))
		if tt.breaks == "" && len(broken) > 0 || tt.breaks != "" && !slices.ContainsFunc(broken, func(b string) bool { return strings.HasPrefix(b, tt.breaks) }) {
			t.Errorf("%s: got %v, want %q", name, broken, tt.breaks)
		}
	}
}
