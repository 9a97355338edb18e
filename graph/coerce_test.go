package graph_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/graph"
	"github.com/maskline/maskline/phone"
)

// goWords are those that clients of other languages do not know.
var goWords = regexp.MustCompile(`\b(int|int32|int64|float64|bool|map|slice|string as|nil|interface|struct|json\.|strconv|parse|unmarshal)\b`)

func TestEveryWrongValueIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		long := strings.Repeat("x", 101)
		for _, c := range []struct {
			name, operation string
			input           vars
			fields          string
		}{
			{"rules", "updateNumber", vars{"ringSeconds": 90, "label": long, "maxVoicemailSeconds": 1, "finishOnKey": "x", "language": "xx", "greeting": " "},
				"label ringSeconds language maxVoicemailSeconds finishOnKey greeting"},
			{"elements of lists", "updateNumber", vars{"notifyEmails": []any{"a@example.com", "b", "c@example.com", "d"}, "forwardTo": []any{"+15550100001", "+4930123456", a.phone}},
				"notifyEmails.1 notifyEmails.3 forwardTo.1 forwardTo.2"},
			{"phone numbers that are none", "updateNumber", vars{"forwardTo": []any{"+15550100001", "0555", "x"}}, "forwardTo.1 forwardTo.2"},
			{"types", "updateNumber", vars{"ringSeconds": 2.5, "transcribe": "yes", "label": 5, "callerID": "masked", "forwardTo": 7, "notifyEmails": []any{1}},
				"callerID forwardTo label notifyEmails.0 ringSeconds transcribe"},
			{"types and rules", "updateNumber", vars{"ringSeconds": "20", "label": long, "notifyEmails": []any{"a"}, "forwardTo": []any{"0555"}, "language": nil},
				"forwardTo.0 label language notifyEmails.0 ringSeconds"},
			{"nulls and rules", "updateNumber", vars{"ringSeconds": nil, "label": long, "forwardTo": nil, "greeting": nil}, "forwardTo label ringSeconds"},
			{"unknown fields", "updateNumber", vars{"ringSecond": 5, "ringSeconds": 1}, "ringSecond ringSeconds"},
			{"an element that is null", "updateNumber", vars{"notifyEmails": []any{"a@example.com", nil}}, "notifyEmails.1"},
			{"a new number", "createNumber", vars{"phoneNumber": "0555", "ringSeconds": 1, "label": long}, "label ownerID phoneNumber ringSeconds"},
			{"a user", "updateUser", vars{"name": long, "locale": "xx", "timeZone": "x", "role": nil}, "locale name role timeZone"},
			{"a user's types and rules", "updateUser", vars{"name": 1, "locale": "xx", "role": "owner"}, "locale name role"},
			{"a new user", "createUser", vars{"email": "x", "name": long, "locale": "xx", "timeZone": "x"}, "email locale name timeZone"},
			{"a new user's types and rules", "createUser", vars{"email": "x", "name": 1}, "email name"},
			{"a new plan", "createPlan", vars{"name": "", "type": "UNLIMITED", "callsLimit": -1, "period": "MONTH"}, "callsLimit name type"},
			{"a new plan's types and rules", "createPlan", vars{"name": "", "type": "unlimited", "callsLimit": -1}, "callsLimit name period type"},
		} {
			got := map[string]problem{"in a variable": w.inVariable(c.operation, a, c.input), "in literals": w.inLiterals(c.operation, a, c.input)}
			for way, e := range got {
				if want := strings.Fields(c.fields); !slices.Equal(slices.Sorted(slices.Values(strings.Fields(e.fields()))), slices.Sorted(slices.Values(want))) {
					t.Errorf("%s %s: got the fields %s of %v, want %s", c.name, way, e.fields(), e, c.fields)
				}
				if first, _, _ := strings.Cut(e.fields(), " "); e.Extensions["field"] != first || e.path() != c.operation {
					t.Errorf("%s %s: got the field %v at %s, want the first of %s at %s", c.name, way, e.Extensions["field"], e.path(), e.fields(), c.operation)
				}
				if goWords.MatchString(e.Message) {
					t.Errorf("%s %s: %v speaks of Go", c.name, way, e)
				}
			}
		}
	})
}

// about is what an operation is about: the id that it takes, beside its input.
func about(operation string, a tenant) string {
	return map[string]string{"updateNumber": `id: "` + a.number + `", `, "updateUser": `id: "` + a.user + `", `}[operation]
}

func (w *world) inVariable(operation string, a tenant, input vars) problem {
	w.t.Helper()
	kind := strings.ToUpper(operation[:1]) + operation[1:] + "Input!"
	return w.sole(w.try(w.admin, "mutation($i: "+kind+") { "+operation+"("+about(operation, a)+"input: $i) { id } }", vars{"i": input}))
}

func (w *world) inLiterals(operation string, a tenant, input vars) problem {
	w.t.Helper()
	return w.sole(w.try(w.admin, "mutation { "+operation+"("+about(operation, a)+"input: "+written(input)+") { id } }", nil))
}

func (w *world) sole(got reply) problem {
	w.t.Helper()
	if len(got.Errors) != 1 || got.Errors[0].code() != string(phone.BadUserInput) {
		w.t.Errorf("got %s, want one BAD_USER_INPUT", got.Body)
		return problem{}
	}
	return got.Errors[0]
}

// isEnum tells texts that are written without quotes.
var isEnum = regexp.MustCompile(`^[A-Z_0-9]+$|^(masked|owner|unlimited)$`)

// written is a value as a literal of GraphQL.
func written(v any) string {
	switch v := v.(type) {
	case vars:
		var all []string
		for name, one := range v {
			all = append(all, name+": "+written(one))
		}
		return "{" + strings.Join(all, ", ") + "}"
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, written(one))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case string:
		if isEnum.MatchString(v) && !strings.HasPrefix(v, "0") && v != "20" {
			return v
		}
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func TestWrongValuesAreToldInTheTermsOfTheClient(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	for _, c := range []struct {
		query       string
		v           vars
		path, field string
		says        string
	}{
		{`mutation($i: UpdateNumberInput!) { it: updateNumber(id: "x", input: $i) { id } }`, vars{"i": vars{"ringSeconds": 2.5}}, "it", "ringSeconds", "ringSeconds must be a whole number, not 2.5."},
		{`mutation { it: updateNumber(id: "x", input: {ringSeconds: 2.5}) { id } }`, nil, "it", "ringSeconds", "ringSeconds must be a whole number, not 2.5."},
		{`mutation($n: Int) { it: updateNumber(id: "x", input: {ringSeconds: $n}) { id } }`, vars{"n": "15"}, "it", "ringSeconds", `ringSeconds must be a whole number, not "15".`},
		{`query($n: Int) { viewer { them: numbers(first: $n) { totalCount } } }`, vars{"n": 1e10}, "viewer.them", "first", "first must be a whole number from -2147483648 to 2147483647, not 10000000000."},
		{`query($n: Int!) { numbers(first: $n) { totalCount } }`, nil, "numbers", "first", "first is missing."},
		{`query($n: Int!) { numbers(first: $n) { totalCount } }`, vars{"n": nil}, "numbers", "first", "first must not be null."},
		{`query($d: OrderDirection) { numbers(orderBy: {field: LABEL, direction: $d}) { totalCount } }`, vars{"d": nil}, "numbers", "direction", "direction must not be null."},
		{`query($d: OrderDirection = null) { numbers(orderBy: {field: LABEL, direction: $d}) { totalCount } }`, nil, "numbers", "direction", "direction must not be null."},
		{`mutation($h: Boolean = true) { markVoicemails(ids: [], heard: $h) { id } }`, vars{"h": nil}, "markVoicemails", "heard", "heard must not be null."},
		{`query($a: ID = "x", $b: ID = "y") { nodes(ids: [$a, $b]) { id } }`, vars{"b": nil}, "nodes", "ids.1", "ids.1 must not be null."},
		{`query($x: Boolean = true) { viewer { id @include(if: $x) } }`, vars{"x": nil}, "viewer.id", "if", "if must not be null."},
		{`query($n: Int = 2.5) { numbers(first: $n) { totalCount } }`, nil, "numbers", "first", "first must be a whole number, not 2.5."},
		{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": vars{"outcomeIn": []any{"MISSED", "LOST"}}}, "calls", "outcomeIn.1",
			`outcomeIn.1 must be one of RINGING, ANSWERED, VOICEMAIL, MISSED, REJECTED, QUOTA_EXCEEDED, not "LOST".`},
		{`{ calls(where: {and: [{from: "x"}, {from: 5}]}) { totalCount } }`, nil, "calls", "from", "from must be a text, not 5."},
		{`{ calls(where: 5) { totalCount } }`, nil, "calls", "where", "where must be an object, not 5."},
		{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": "x"}, "calls", "where", `where must be an object, not "x".`},
		{`{ nodes(ids: ["x", true]) { id } }`, nil, "nodes", "ids.1", "ids.1 must be an id, not true."},
		{`query($ids: [ID!]) { calls(where: {idIn: $ids}) { totalCount } }`, vars{"ids": slices.Repeat([]any{"x"}, 101)}, "", "idIn", "idIn has at most 100 elements."},
		{`query($w: CallWhereInput) { calls(where: $w) { totalCount } }`, vars{"w": vars{"or": []any{vars{"outcomeIn": slices.Repeat([]any{"MISSED"}, 101)}}}}, "", "outcomeIn",
			"outcomeIn has at most 100 elements."},
		{`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": slices.Repeat([]any{"x"}, 101)}, "", "ids", "ids has at most 100 elements."},
		{`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": []any{"x", nil}}, "nodes", "ids.1", "ids.1 must not be null."},
		{`mutation($h: Boolean!) { markVoicemails(ids: [], heard: $h) { id } }`, vars{"h": "true"}, "markVoicemails", "heard", `heard must be true or false, not "true".`},
		{`mutation($t: Time) { createToken(userID: "x", name: "x", expiresAt: $t) { token } }`, vars{"t": "9999-12-31T23:59:59-14:00"}, "createToken", "expiresAt", "A time is written as RFC 3339, such as 2026-01-31T12:00:00Z."},
		{`mutation($t: Time) { createToken(userID: "x", name: "x", expiresAt: $t) { token } }`, vars{"t": "9999-12-31T23:59:59.999999999Z"}, "createToken", "expiresAt", "A time is written as RFC 3339, such as 2026-01-31T12:00:00Z."},
		{`mutation($t: Time) { createToken(userID: "x", name: "x", expiresAt: $t) { token } }`, vars{"t": "0001-01-01T00:00:00+14:00"}, "createToken", "expiresAt", "A time is written as RFC 3339, such as 2026-01-31T12:00:00Z."},
		{`mutation { createToken(userID: "x", name: "x", expiresAt: 5) { token } }`, nil, "createToken", "expiresAt", "A time is written as RFC 3339, such as 2026-01-31T12:00:00Z."},
		{`mutation { blockCaller(from: 15550006789) }`, nil, "blockCaller", "from", "A phone number is a string in E.164, such as +15550006789."},
		{`query($x: Boolean!) { viewer { id @include(if: $x) } }`, vars{"x": 1}, "viewer.id", "if", "if must be true or false, not 1."},
		{`query($x: Boolean!) { viewer { ...f @skip(if: $x) } } fragment f on User { id }`, nil, "viewer", "if", "if is missing."},
		{`query($a: ID!) { a: node(id: $a) { ...f } } fragment f on MaskedNumber { calls(first: true) { totalCount } }`, vars{"a": "x"}, "a.calls", "first", "first must be a whole number, not true."},
	} {
		got := w.try(a.token, c.query, c.v)
		e := w.sole(got)
		if e.path() != c.path || e.fields() != c.field || e.Message != c.says || got.Data != nil {
			t.Errorf("%s %v: got %s\nwant %q of %s at %s", c.query, c.v, got.Body, c.says, c.field, c.path)
		}
	}
	two := w.try(a.token, `{ a: numbers(first: 2.5, last: "x") { totalCount } b: calls(where: {from: 1}) { totalCount } }`, nil)
	if len(two.Errors) != 2 || two.Errors[0].fields() != "first last" || two.Errors[1].fields() != "from" || two.Errors[1].path() != "b" {
		t.Errorf("got %s, want an error for each field", two.Body)
	}
	many := w.try(a.token, `mutation($i: UpdateNumberInput!) { updateNumber(id: "x", input: $i) { id } }`, vars{"i": vars{"forwardTo": slices.Repeat([]any{"x"}, 10_000)}})
	if e := w.sole(many); len(strings.Fields(e.fields())) != 50 || len(many.Body) > 16<<10 || many.Status != http.StatusOK {
		t.Errorf("got %d bytes with %d fields", len(many.Body), len(strings.Fields(e.fields())))
	}
}

// Each scalar has a specification that clients find, unless it is GraphQL's own.
func TestScalarsNameTheirSpecifications(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	for _, def := range graph.Served().Types {
		if def.Kind != ast.Scalar || def.BuiltIn {
			continue
		}
		url := w.ask(a.token, `query($n: String!) { __type(name: $n) { specifiedByURL } }`, vars{"n": def.Name}, "__type.specifiedByURL")[0]
		if !strings.HasPrefix(url, "https://") || !strings.Contains(printed(), "scalar "+def.Name+` @specifiedBy(url: "`+url+`")`) {
			t.Errorf("%s: got %q in introspection", def.Name, url)
		}
		if !graph.HasCheck(def.Name) {
			t.Errorf("%s: its values are not looked at", def.Name)
		}
	}
}

func TestAnOperationThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	for body, says := range map[string]string{
		`{"query": "query a { viewer { id } } query b { viewer { id } }"}`: "The query has several operations: name one of them in operationName.",
		`{"query": "query a { viewer { id } }", "operationName": "b"}`:     `The query has no operation "b".`,
	} {
		got := w.send(request(t, http.MethodPost, w.url+"/graphql", strings.NewReader(body), "Authorization", "Bearer "+a.token, "Content-Type", "application/json"))
		if e := w.sole(got); e.Message != says || e.fields() != "operationName" || got.Data != nil {
			t.Errorf("%s: got %s, want %q", body, got.Body, says)
		}
	}
}
