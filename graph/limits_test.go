package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// hostile are operations that are small to send and would be large to answer, and what the refusal of each says; those that are meant to
// pass say nothing.
var hostile = []struct {
	name, query string
	v           vars
	says        string
}{
	{"16 fields at the root", "{ viewer { id } " + strings.Repeat("numbers { totalCount } plans { totalCount } users { totalCount } ", 5) + " }", nil, ""}, // the same ones are merged
	{"30 aliases", "{ viewer { id " + many(30, "a%d: id ") + " } }", nil, ""},
	{"31 aliases", "{ viewer { id " + many(31, "a%d: id ") + " } }", nil, "aliases"},
	{"fields at the root under many names", "{ " + many(16, "a%d: viewer { id } ") + " }", nil, "fields at its root"},
	{"mutations under many names", "mutation { " + many(16, "a%d: emptyBin ") + " }", nil, "fields at its root"},
	{"16 levels", "{ viewer " + nested(15, "{ numbers { edges { node { owner ", 4, "{ id } } } }") + " }", nil, "levels of fields"},
	{"16 levels through fragments and aliases", "{ viewer { ...f } } fragment f on User { ... on User " + nested(15, "{ a: numbers { b: edges { c: node { ... on MaskedNumber { d: owner ", 4, "{ id } } } } }") + " }", nil, "levels of fields"},
	{"a hundred of a hundred", "{ numbers(first: 100) { edges { node { calls(first: 100) { edges { node { id } } } } } } }", nil, ""},
	{"a hundred of a hundred of a hundred", "{ numbers(first: 100) { edges { node { calls(first: 100) { edges { node { number { voicemails(last: 100) { edges { node { id } } } } } } } } } } }", nil, "objects"},
	{"the default page in the default page in the default page", "{ numbers { edges { node { calls { edges { node { number { calls { edges { node { id } } } } } } } } } } }", nil, ""},
	{"page sizes in variables", "query($n: Int = 100) { numbers(first: $n) { edges { node { calls(first: $n) { edges { node { number { calls(first: $n) { edges { node { id } } } } } } } } } } }", nil, "objects"},
	{"a page of 101", "{ numbers(first: 101) { totalCount } }", nil, "100"},
	{"a page of 2^31", "{ numbers(first: 2147483648) { totalCount } }", nil, "whole number"},
	{"a page of 2^63-1", "{ numbers(first: 9223372036854775807) { totalCount } }", nil, "whole number"},
	{"a page of 2^63", "{ numbers(first: 9223372036854775808) { totalCount } }", nil, "whole number"},
	{"a page of none", "{ numbers(first: 0) { totalCount } }", nil, "100"},
	{"a page of -1", "{ numbers(last: -1) { totalCount } }", nil, "100"},
	{"both ends", "{ numbers(first: 1, last: 1) { totalCount } }", nil, "last"},
	{"fragments in fragments, 12 times", fragments(12), nil, "selections"},
	{"fragments in fragments, 24 times", fragments(24), nil, "selections"},
	{"fragments in fragments, 40 times", fragments(40), nil, "selections"},
	{"fragments in fragments, 100 times", fragments(100), nil, "selections"},
	{"a fragment in itself", "{ viewer { ...f } } fragment f on User { ...f }", nil, "itself"},
	{"introspection in circles", "{ __schema { types " + nested(20, "{ fields { type ", 2, "{ name } }") + " } }", nil, "introspection"},
	{"one field 1,980 times", "{ viewer { " + strings.Repeat("id ", 1980) + " } }", nil, "selections of one response name"},
	{"one unknown field 51 times", "{ viewer { " + strings.Repeat("nope ", 51) + " } }", nil, "selections of one response name"},
	{"one field 51 times in a subscription", "subscription { callChanged { " + strings.Repeat("id ", 51) + " } }", nil, "selections of one response name"},
	{"one field 50 times", "{ viewer { " + strings.Repeat("id ", 50) + " } }", nil, ""},
	{"introspection in fragments in fragments", "{ __schema { ...f0 } } " + introspecting(30), nil, "selections"},
	{"one field many times", "{ viewer { " + strings.Repeat("id ", 20_000) + " } }", nil, "tokens"},
	{"one argument many times", "{ numbers(" + strings.Repeat("first: 1 ", 6_000) + ") { totalCount } }", nil, "tokens"},
	{"many unknown directives", "{ viewer { id " + strings.Repeat("@a ", 10_000) + " } }", nil, "tokens"},
	{"unknown directives within the tokens", "{ viewer { id " + strings.Repeat("@a ", 900) + " } }", nil, "directive"},
	{"brackets within brackets", strings.Repeat("{ viewer ", 10_000), nil, "tokens"},
	{"lists within lists", `{ numbers(where: {idIn: ` + strings.Repeat("[", 5_000) + `}) { totalCount } }`, nil, "tokens"},
	{"50 conditions", where("numbers", "{and: ["+strings.Repeat(`{label: "x"} `, 50)+"]}"), nil, ""},
	{"51 conditions", where("numbers", "{and: ["+strings.Repeat(`{label: "x"} `, 51)+"]}"), nil, "50 conditions"},
	{"51 conditions in pairs", where("numbers", "{or: ["+strings.Repeat(`{label: "x", state: ACTIVE} `, 26)+"]}"), nil, "50 conditions"},
	{"51 empty conditions", where("numbers", "{and: ["+strings.Repeat(`{} `, 51)+"]}"), nil, "50 conditions"},
	{"51 conditions on the owner", where("numbers", "{hasOwnerWith: ["+strings.Repeat(`{email: "x"} `, 51)+"]}"), nil, "50 conditions"},
	{"51 conditions in a variable", conditional, vars{"w": vars{"and": slices.Repeat([]any{vars{"label": "x"}}, 51)}}, "50 conditions"},
	{"51 conditions in a part of a variable", "query($w: [MaskedNumberWhereInput!]) { numbers(where: {or: $w}) { totalCount } }", vars{"w": slices.Repeat([]any{vars{"label": "x"}}, 51)}, "50 conditions"},
	{"51 conditions in a list of one that is none", conditional, vars{"w": vars{"and": vars{"or": slices.Repeat([]any{vars{"label": "x"}}, 51)}}}, "50 conditions"},
	{"51 conditions in a fragment", "{ viewer { ...f } } fragment f on User { numbers(where: {and: [" + strings.Repeat(`{label: "x"} `, 51) + "]}) { totalCount } }", nil, "50 conditions"},
	{"conditions 5 deep", where("numbers", `{not: {not: {not: {not: {label: "x"}}}}}`), nil, ""},
	{"conditions 6 deep", where("numbers", `{not: {not: {not: {not: {not: {label: "x"}}}}}}`), nil, "5 deep"},
	{"conditions 6 deep in lists and variables", conditional, vars{"w": vars{"and": []any{vars{"or": []any{vars{"not": vars{"hasOwnerWith": []any{vars{"not": vars{"email": "x"}}}}}}}}}}, "5 deep"},
	{"conditions 1,000 deep in a variable", conditional, vars{"w": deep(1000)}, "5 deep"},
	{"100 ids", "query($ids: [ID!]) { numbers(where: {idIn: $ids}) { totalCount } }", vars{"ids": slices.Repeat([]string{"x"}, 100)}, ""},
	{"101 ids", "query($ids: [ID!]) { numbers(where: {idIn: $ids}) { totalCount } }", vars{"ids": slices.Repeat([]string{"x"}, 101)}, "at most 100 elements"},
	{"101 ids in a literal", where("numbers", "{idIn: ["+strings.Repeat(`"x" `, 101)+"]}"), nil, "at most 100 elements"},
	{"101 outcomes", where("calls", "{outcomeIn: ["+strings.Repeat("MISSED ", 101)+"]}"), nil, "at most 100 elements"},
	{"101 nodes", "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", vars{"ids": slices.Repeat([]string{"x"}, 101)}, "at most 100 elements"},
	{"101 voicemails to delete", "mutation($ids: [ID!]!) { deleteVoicemails(ids: $ids) }", vars{"ids": slices.Repeat([]string{"x"}, 101)}, "at most 100 elements"},
}

const conditional = "query($w: MaskedNumberWhereInput) { numbers(where: $w) { totalCount } }"

func where(list, condition string) string {
	return "{ " + list + "(where: " + condition + ") { totalCount } }"
}

func deep(levels int) vars {
	if levels == 0 {
		return vars{"label": "x"}
	}
	return vars{"not": deep(levels - 1)}
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

// introspecting is fragments that spread each other twice below __schema.
func introspecting(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on __Schema { ...f%d ...f%d } ", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on __Schema { queryType { name } }", n)
	return b.String()
}

func TestHostileOperationsAreRefusedBeforeAnyWork(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	refused, slowest, which := 0, time.Duration(0), ""
	for _, h := range hostile {
		began := time.Now()
		got := w.try(a.token, h.query, h.v)
		took := time.Since(began)
		if took > 5*time.Second { // a defect of this kind takes minutes; the figure is in the log
			t.Errorf("%s: took %s", h.name, took)
		}
		if h.says == "" {
			if len(got.Errors) > 0 {
				t.Errorf("%s: got %.300s, want it to pass", h.name, got.Body)
			}
			continue
		}
		refused++
		if took > slowest {
			slowest, which = took, h.name
		}
		code := map[bool]phone.Code{true: phone.TooComplex, false: phone.BadUserInput}[isTooComplex(h.says)]
		if len(got.Errors) == 0 || got.Errors[0].code() != string(code) || !strings.Contains(strings.ToLower(got.Errors[0].Message), strings.ToLower(h.says)) {
			t.Errorf("%s: got %.300s, want %s for its %s", h.name, got.Body, code, h.says)
		}
		if got.Data != nil && isLimit(h.says) {
			t.Errorf("%s: was begun: %.300s", h.name, got.Body)
		}
		if len(got.Body) > 16<<10 || strings.Contains(got.Body, "Did you mean") {
			t.Errorf("%s: is answered with %d bytes: %.300s", h.name, len(got.Body), got.Body)
		}
	}
	t.Logf("%d hostile operations are refused, the slowest (%s) in %s, and %d on the limit pass", refused, which, slowest, len(hostile)-refused)
	if e := w.follow(a.token, "subscription { callChanged { id "+many(31, "a%d: id ")+" } }", nil).refused(); e.code() != string(phone.TooComplex) {
		t.Errorf("over a socket: got %v", e)
	}
	if e := w.follow(a.token, "subscription { callChanged { id "+strings.Repeat("@a ", 900)+" } }", nil).read(); e.Type != "error" || len(e.Payload) > 16<<10 {
		t.Errorf("over a socket, 900 errors: got %s with %d bytes", e.Type, len(e.Payload))
	}
	if e := w.stream(a.token, "subscription { callChanged { id "+many(31, "a%d: id ")+" } }", nil).next("next"); !strings.Contains(e, string(phone.TooComplex)) {
		t.Errorf("in a stream: got %v", e)
	}
}

// BenchmarkHostile measures what it costs to refuse each of them.
func BenchmarkHostile(b *testing.B) {
	w := newWorld(b, testdb.Open(b, testdb.SQLite, jobs.Migrate))
	a := w.tenant("ann")
	for _, h := range hostile {
		if h.says == "" {
			continue
		}
		b.Run(h.name, func(b *testing.B) {
			body, err := json.Marshal(vars{"query": h.query, "variables": h.v})
			check(b, err)
			for b.Loop() {
				r := request(b, "POST", "/graphql", bytes.NewReader(body), "Authorization", "Bearer "+a.token, "Content-Type", "application/json")
				answer := httptest.NewRecorder()
				w.handler.ServeHTTP(answer, r)
				if !strings.Contains(answer.Body.String(), `"errors"`) || strings.Contains(answer.Body.String(), string(phone.RateLimited)) {
					b.Fatal(answer.Body)
				}
			}
		})
	}
}

func isTooComplex(says string) bool {
	return slices.Contains([]string{"aliases", "fields at its root", "levels of fields", "objects", "introspection", "tokens", "selections", "selections of one response name"}, says)
}

func isLimit(says string) bool {
	return isTooComplex(says) || slices.Contains([]string{"50 conditions", "5 deep", "at most 100 elements"}, says)
}

func TestLimitsThatOnlyWarnAreLoggedAndNotEnforced(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	w.resolver.OnlyWarn = true
	w.handler = w.door(t, w.resolver)
	for _, h := range hostile {
		if !slices.Contains([]string{"31 aliases", "51 conditions", "101 ids"}, h.name) {
			continue
		}
		before := strings.Count(w.log.String(), "a limit was exceeded")
		if got := w.try(a.token, h.query, h.v); len(got.Errors) > 0 || strings.Count(w.log.String(), "a limit was exceeded") != before+1 {
			t.Errorf("%s: got %s, want an answer and a line in the log", h.name, got.Body)
		}
	}
}

// twentyThousand asks for as much as one operation may.
const twentyThousand = `{ numbers(first: 100) { edges { node { a: calls(first: 99) { totalCount } b: voicemails(first: 100) { totalCount } } } } }`

func TestAUserMayAskForAMillionObjectsAMinute(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	w.advance(2 * time.Minute) // past what was asked while the tenant was made
	tokens := []string{a.token, w.token(a.user)}
	for i := range 50 {
		w.ask(tokens[i%2], twentyThousand, nil)
	}
	w.advance(20 * time.Second)
	for accept, kind := range map[string]string{"application/json": jsonType, "application/graphql-response+json": responseType, "text/event-stream": jsonType} {
		got := w.post(bytes.NewReader(asQuery(t, twentyThousand)), "Authorization", "Bearer "+a.token, "Accept", accept)
		w.failed(got, http.StatusTooManyRequests, phone.RateLimited, "")
		if got.Header.Get("Retry-After") != "40" || fmt.Sprint(got.Errors[0].Extensions["retryAfter"]) != "40" || got.Header.Get("Content-Type") != kind {
			t.Errorf("Accept %s: got %v %s, want to come back after 40 s", accept, got.Header, got.Body)
		}
	}
	if e := w.follow(a.token, "{ viewer { id } }", nil).refused(); e.code() != string(phone.RateLimited) || fmt.Sprint(e.Extensions["retryAfter"]) != "40" {
		t.Errorf("over a socket: got %v", e)
	}
	w.refused(tokens[1], "{ viewer { id } }", nil, phone.RateLimited, "") // all tokens of a user have one budget
	w.ask(w.tenant("bob").token, twentyThousand, nil)
	w.advance(40 * time.Second)
	w.ask(a.token, twentyThousand, nil)
}

func TestAUserWhoAsksForTooMuchIsOnlyNamedWithWarn(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	w.resolver.OnlyWarn = true
	w.handler = w.door(t, w.resolver)
	for range 51 {
		w.ask(a.token, twentyThousand, nil)
	}
	if !strings.Contains(w.log.String(), "a limit was exceeded") {
		t.Error("nothing is logged")
	}
}

// Reading documents is paid from the budget too: by the length of the text, and by its selections, valid or not.
func TestReadingADocumentIsPaidFromTheBudget(t *testing.T) {
	t.Parallel()
	w := light(t)
	for name, c := range map[string]struct {
		query string
		least int // of these are refused within a minute
	}{
		"no GraphQL":     {"{ " + strings.Repeat("x", 100_000), 250},
		"unknown fields": {"{ viewer { " + many(1900, "a%d ") + " } }", 600},
	} {
		a := w.tenant(strings.ReplaceAll(name, " ", ""))
		w.advance(2 * time.Minute)
		n := 0
		for ; n <= c.least; n++ {
			if got := w.try(a.token, c.query+fmt.Sprintf("# %d", n), nil); len(got.Errors) > 0 && got.Errors[0].code() == string(phone.RateLimited) {
				break
			}
		}
		if n > c.least {
			t.Errorf("%s: %d are read in a minute", name, n)
		}
	}
}
