package graph

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
)

// shape is a document that is small to send. Its cost must not grow with the square of its length, or faster.
type shape struct {
	name, text string
	refused    phone.Code // "": it is valid, and within the limits of documents
	says       string
}

func repeated(n int, each string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(each, "#", fmt.Sprint(i)) + " ")
	}
	return b.String()
}

// chain is fragments each of which spreads the next, several times.
func chain(n, times int, on, inner string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on %s { %s } ", i, on, strings.Repeat(fmt.Sprintf("...f%d ", i+1), times))
	}
	return b.String() + fmt.Sprintf("fragment f%d on %s { %s }", n, on, inner)
}

const (
	tooMany   = phone.TooComplex
	badInput  = phone.BadUserInput
	sameName  = "50 selections of one response name"
	spreadOut = "selections and arguments"
)

// shapes have about 2,000 tokens each.
var shapes = []shape{
	{"one field 50 times", "{ viewer { " + repeated(50, "id") + "} }", "", ""},
	{"one field 51 times", "{ viewer { " + repeated(51, "id") + "} }", tooMany, sameName},
	{"one field 1,980 times", "{ viewer { " + repeated(1980, "id") + "} }", tooMany, sameName},
	{"an unknown field 1,980 times", "{ viewer { " + repeated(1980, "nope") + "} }", tooMany, sameName},
	{"1,980 unknown fields", "{ viewer { " + repeated(1980, "a#") + "} }", badInput, "a0"},
	{"unknown fields with long names", "{ viewer { " + repeated(1500, strings.Repeat("a", 70)+"#") + "} }", badInput, "Cannot query field"},
	{"unknown types with long names", "{ viewer { " + repeated(325, "... on "+strings.Repeat("A", 300)+"# { id }") + "} }", tooMany, sameName},
	{"unknown types with long names and fields of their own", "{ viewer { " + repeated(325, "... on "+strings.Repeat("A", 300)+"# { a# }") + "} }", badInput, "Unknown type"},
	{"unknown arguments", "{ viewer { " + repeated(49, "numbers("+repeated(8, strings.Repeat("a", 200)+"#: 1")+") { totalCount }") + "} }", badInput, ""},
	{"one alias 660 times", "{ viewer { " + repeated(660, "a: id") + "} }", tooMany, sameName},
	{"660 aliases", "{ viewer { " + repeated(660, "a#: id") + "} }", "", ""}, // refused later, as 30 are allowed
	{"one alias of two fields", "{ viewer { " + repeated(25, "a: id a: email") + "} }", badInput, "conflict"},
	{"38 fields of 50", "{ " + repeated(38, "viewer { "+repeated(49, "id")+"}") + "}", tooMany, sameName},
	{"50 fields that are merged, below each other", "{ " + repeated(50, "viewer { numbers { edges { node { id label } } } }") + "}", "", ""},
	{"13 names 50 times each", "{ " + repeated(50, "viewer { "+repeated(13, "a#: id")+"}") + "}", tooMany, "2000 tokens"},
	{"12 names 50 times each", "{ " + repeated(50, "viewer { "+repeated(12, "a#: id")+"}") + "}", "", ""},
	{"660 spreads of one fragment", "{ viewer { " + repeated(660, "...f") + "} } fragment f on User { id }", "", ""},
	{"one field in 300 fragments", "{ viewer { " + repeated(250, "...f#") + "} } " + repeated(200, "fragment f# on User { id }"), tooMany, sameName},
	{"fragments with 25 and 26", "{ viewer { ...a ...b } } fragment a on User { " + repeated(25, "id") + "} fragment b on User { " + repeated(26, "id") + "}", tooMany, sameName},
	{"one fragment of 50 fields twice", "{ viewer { ...a ...a } } fragment a on User { " + repeated(50, "id") + "}", "", ""},
	{"50 spreads of 1,700 fields", "{ " + repeated(50, "viewer { ...f }") + "} fragment f on User { " + repeated(1700, "a#") + "}", tooMany, spreadOut},
	{"fragments of fragments", "{ viewer { ...f0 } } " + chain(240, 1, "User", "id"), tooMany, spreadOut},
	{"fragments of fragments, twice each", "{ viewer { ...f0 } } " + chain(40, 2, "User", "id"), tooMany, spreadOut},
	{"aliases in fragments of fragments", "{ viewer { ...f0 } } " + chain(10, 2, "User", repeated(30, "a#: id")), tooMany, spreadOut},
	{"introspection in fragments of fragments", "{ __schema { ...f0 } } " + chain(40, 2, "__Schema", "queryType { name }"), tooMany, spreadOut},
	{"fragments in a circle", "{ __schema { ...f0 } } " + repeated(18, "fragment f# on __Schema { "+repeated(18, "...f#")+"}"), badInput, "itself"},
	{"fragments within each other", "{ __schema { ...f0 } } " + chain(18, 1, "__Schema", "...f0"), badInput, "itself"},
	{"a fragment in 150 operations", repeated(140, "query q# { viewer { ...f } }") + "fragment f on User { " + repeated(700, "a#") + "}", tooMany, spreadOut},
	{"a fragment in 15 operations", repeated(6, "query q# { viewer { ...f } }") + "fragment f on User { " + repeated(620, "a#: id") + "}", "", ""},
	{"inline fragments with one field", "{ viewer { " + repeated(330, "... on User { id }") + "} }", tooMany, sameName},
	{"inline fragments on types that are never the same", `{ node(id: "x") { ` + repeated(30, "... on User { id } ... on Call { id }") + "} }", tooMany, sameName},
	{"inline fragments within each other", "{ viewer " + strings.Repeat("{ ... on User ", 390) + "{ id }" + strings.Repeat("}", 390) + " }", "", ""},
	{"levels of one field", "{ viewer " + strings.Repeat("{ numbers { edges { node { owner ", 100) + "{ id }" + strings.Repeat("} } } }", 100) + " }", "", ""},
	{"values within each other", "{ numbers(where: " + strings.Repeat("{not: ", 480) + "{}" + strings.Repeat("}", 480) + ") { totalCount } }", "", ""},
	{"lists within each other", "{ numbers(where: {idIn: " + strings.Repeat("[", 900) + strings.Repeat("]", 900) + "}) { totalCount } }", badInput, ""},
	{"one argument with long lists 50 times", "{ viewer { " + repeated(38, `numbers(where: {idIn: [`+repeated(35, `"x"`)+`]}) { totalCount }`) + "} }", "", ""},
	{"directives", "{ viewer { id " + repeated(280, "@include(if: true)") + "} }", badInput, "only be used once"},
	{"variables", "query(" + repeated(400, "$a#: Int") + ") { viewer { id } }", badInput, "never used"},
	{"variables that are undefined", "{ viewer { " + repeated(40, "numbers(first: $a#) { totalCount }") + "} }", badInput, "not defined"},
	{"variables in all places", "query(" + repeated(120, "$a#: Int = 1") + ") { " + repeated(90, "a#: numbers(first: $a#) { totalCount }") + "}", badInput, "never used"},
}

// reader reads documents as the front does, without limits on who asks.
func reader() func(text string) gqlerror.List {
	schema := served()
	return func(text string) gqlerror.List {
		doc, errs := parse(text)
		if len(errs) == 0 {
			errs = listOf(doc.repeats())
		}
		if len(errs) == 0 {
			errs = validate(schema, doc)
		}
		if len(errs) == 0 {
			errs = coerce(schema, doc.Operations[0], nil)
		}
		return errs
	}
}

func TestDocumentsThatWouldBeDearToValidateAreRefused(t *testing.T) {
	t.Parallel()
	read, show := reader(), present(nil)
	for _, s := range shapes {
		errs := read(s.text)
		if s.refused == "" {
			if len(errs) > 0 {
				t.Errorf("%s: got %.300v, want it to pass", s.name, errs)
			}
			continue
		}
		if len(errs) == 0 {
			t.Errorf("%s: passes", s.name)
			continue
		}
		if e := show(t.Context(), errs[0]); e.Extensions["code"] != s.refused || !strings.Contains(e.Message, s.says) {
			t.Errorf("%s: got %.300v, want %s saying %q", s.name, e, s.refused, s.says)
		}
	}
}

// maxAllocations is what the dearest shape may allocate while it is read. An allocation takes some 100 ns, so that is 10 ms.
const maxAllocations = 100_000

// This test counts allocations, which stand for time here, so it runs beside no other.
func TestADocumentIsReadOrRefusedWithLittleWork(t *testing.T) {
	read := reader()
	for _, s := range shapes {
		if n := testing.AllocsPerRun(1, func() { read(s.text) }); n > maxAllocations {
			t.Errorf("%s: %.0f allocations, want at most %d", s.name, n, maxAllocations)
		}
	}
}

// BenchmarkReading measures what it costs to read each of them.
func BenchmarkReading(b *testing.B) {
	read := reader()
	for _, s := range shapes {
		b.Run(strings.ReplaceAll(s.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read(s.text)
			}
		})
	}
}
