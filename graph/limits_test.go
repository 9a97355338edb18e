package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/phone"
)

// hostile are operations that are small to send and would be large to answer, and the limit that each is refused for.
var hostile = []struct{ name, query, limit string }{
	{"16 fields at the root", "{ viewer { id } " + strings.Repeat("numbers { totalCount } plans { totalCount } users { totalCount } ", 5) + " }", ""}, // the same ones are merged
	{"31 aliases", "{ viewer { id " + many(31, "a%d: id ") + " } }", "aliases"},
	{"fields at the root under many names", "{ " + many(16, "a%d: viewer { id } ") + " }", "fields at its root"},
	{"16 levels", "{ viewer " + nested(15, "{ numbers { edges { node { owner ", 4, "{ id } } } }") + " }", "levels of fields"},
	{"a hundred of a hundred of a hundred", "{ numbers(first: 100) { edges { node { calls(first: 100) { edges { node { number { voicemails(last: 100) { edges { node { id } } } } } } } } } } }", "objects"},
	{"the default page in the default page in the default page", "{ numbers { edges { node { calls { edges { node { number { calls { edges { node { id } } } } } } } } } } }", ""},
	{"fragments in fragments", fragments(12), "aliases"},
	{"a page size in a variable", "query($n: Int = 100) { numbers(first: $n) { edges { node { calls(first: $n) { edges { node { number { calls(first: $n) { edges { node { id } } } } } } } } } } }", "objects"},
	{"introspection in circles", "{ __schema { types " + nested(20, "{ fields { type ", 2, "{ name } }") + " } }", "introspection"},
}

// many is a text n times, with its number in it.
func many(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, text, i)
	}
	return b.String()
}

// nested opens levels of selections until there are at least so many, and closes them again.
func nested(levels int, open string, each int, inner string) string {
	n := (levels + each - 1) / each
	closing := strings.Count(open, "{")
	body := "{ id }"
	if strings.Contains(inner, "name") {
		body = "{ name }"
	}
	for range n {
		body = open + body + strings.Repeat(" }", closing)
	}
	return body
}

// fragments spread each other twice, so that the last holds the first two to the power of n times.
func fragments(n int) string {
	var b strings.Builder
	b.WriteString("query { viewer { ...f0 } } ")
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on User { a%d: id ...f%d ...f%d } ", i, i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on User { z: id }", n)
	return b.String()
}

func TestHostileOperationsAreRefusedBeforeAnyWork(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	for _, h := range hostile {
		began := time.Now()
		got := w.try(a.token, h.query, nil)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %s", h.name, took)
		}
		switch {
		case h.limit == "" && len(got.Errors) > 0 && got.Errors[0].code() == string(phone.TooComplex):
			t.Errorf("%s: got %s", h.name, got.Body)
		case h.limit == "":
		case len(got.Errors) != 1 || got.Errors[0].code() != string(phone.TooComplex) || !strings.Contains(got.Errors[0].Message, h.limit):
			t.Errorf("%s: got %.300s, want TOO_COMPLEX for its %s", h.name, got.Body, h.limit)
		}
	}
	if e := w.follow(a.token, "subscription { callChanged { id "+many(31, "a%d: id ")+" } }", nil).refused(); e.code() != string(phone.TooComplex) {
		t.Errorf("over a socket: got %v", e)
	}
	w.ask(a.token, "{ numbers(first: 100) { edges { node { calls(first: 100) { edges { node { id } } } } } } }", nil) // 100 × 100 passes
	w.resolver.OnlyWarn = true
	warned := w.door(t, w.resolver)
	w.handler = warned
	if got := w.try(a.token, hostile[1].query, nil); len(got.Errors) > 0 || !strings.Contains(w.log.String(), "a limit was exceeded") {
		t.Errorf("with LIMITS=warn: got %s", got.Body)
	}
}
