package graph_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/graph"
)

// beyond is what is served although the contract does not name it, and why.
var beyond = map[string]string{
	"@deprecated": "part of GraphQL", "@include": "part of GraphQL", "@skip": "part of GraphQL", "@specifiedBy": "part of GraphQL",
	"@oneOf": "part of GraphQL since 2025; the library knows it, and no input of ours uses it",

	"MaskedNumber.leftOutEmails: [LeftOutEmail!]!": leftOut, "LeftOutEmail: OBJECT": leftOut, "LeftOutEmail.address: String!": leftOut,
	"LeftOutEmail.reason: LeftOutReason!": leftOut, "LeftOutEmail.since: Time!": leftOut, "LeftOutReason: ENUM": leftOut,
	"LeftOutReason.REFUSED": leftOut, "LeftOutReason.UNSUBSCRIBED": leftOut, "LeftOutReason.LIST_EMPTIED": leftOut,
}

const leftOut = "owners see which addresses get no mails, and why"

func TestTheServedSchemaIsTheContracts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/contract.graphql")
	check(t, err)
	contract, err := gqlparser.LoadSchema(&ast.Source{Name: "contract.graphql", Input: string(text)})
	check(t, err)
	// gqlparser adds directives of its own to whatever it loads; the contract names none.
	contract.Directives = nil
	promised, served := promisesOf(contract), light(t).served()
	for promise := range promised {
		if !served[promise] {
			t.Errorf("%s is promised and not served", promise)
		}
	}
	for promise := range served {
		if !promised[promise] && beyond[promise] == "" {
			t.Errorf("%s is served beyond the contract, and beyond does not say why", promise)
		}
	}
	for promise := range beyond {
		if !served[promise] {
			t.Errorf("%s is said to be served, and is not", promise)
		}
	}
}

// promisesOf is a schema as a set of lines that can be compared.
func promisesOf(s *ast.Schema) map[string]bool {
	lines := map[string]bool{}
	for name, def := range s.Types {
		if strings.HasPrefix(name, "__") {
			continue
		}
		lines[name+": "+string(def.Kind)] = true
		for _, i := range def.Interfaces {
			lines[name+" implements "+i] = true
		}
		for _, f := range def.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				lines[name+"."+f.Name+": "+f.Type.String()] = true
			}
			for _, a := range f.Arguments {
				if !strings.HasPrefix(f.Name, "__") {
					lines[name+"."+f.Name+"("+a.Name+"): "+a.Type.String()] = true
				}
			}
		}
		for _, v := range def.EnumValues {
			lines[name+"."+v.Name] = true
		}
	}
	for name := range s.Directives {
		lines["@"+name] = true
	}
	return lines
}

// introspected is the part of an introspection that the tests look at.
type introspected struct {
	Types []struct {
		Kind, Name  string
		Description *string
		Fields      []struct {
			Name        string
			Description *string
			Type        typeRef
			Args        []input
		}
		InputFields []input
		Interfaces  []typeRef
		EnumValues  []struct{ Name string }
	}
	Directives []struct{ Name string }
}

type input struct {
	Name        string
	Description *string
	Type        typeRef
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

// named is the type under lists and exclamation marks.
func (r typeRef) named() string { return strings.Trim(r.String(), "[]!") }

const introspection = `{ __schema { directives { name } types { kind name description interfaces { ...T } enumValues { name } inputFields { name description type { ...T } }
	fields { name description type { ...T } args { name description type { ...T } } } } } }
	fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`

// introspect asks the server for its schema, as clients do.
func (w *world) introspect() (schema introspected) {
	w.t.Helper()
	got := w.try(w.admin, introspection, nil)
	if len(got.Errors) > 0 {
		w.t.Fatal(got.Body)
	}
	check(w.t, json.Unmarshal([]byte(at(w.t, got.Data, "__schema")), &schema))
	return schema
}

// served is what the server says of itself, as promisesOf writes it.
func (w *world) served() map[string]bool {
	w.t.Helper()
	lines := map[string]bool{}
	schema := w.introspect()
	for _, d := range schema.Directives {
		lines["@"+d.Name] = true
	}
	for _, def := range schema.Types {
		if strings.HasPrefix(def.Name, "__") {
			continue
		}
		lines[def.Name+": "+def.Kind] = true
		for _, i := range def.Interfaces {
			lines[def.Name+" implements "+i.Name] = true
		}
		for _, f := range def.Fields {
			lines[def.Name+"."+f.Name+": "+f.Type.String()] = true
			for _, a := range f.Args {
				lines[def.Name+"."+f.Name+"("+a.Name+"): "+a.Type.String()] = true
			}
		}
		for _, f := range def.InputFields {
			lines[def.Name+"."+f.Name+": "+f.Type.String()] = true
		}
		for _, v := range def.EnumValues {
			lines[def.Name+"."+v.Name] = true
		}
	}
	return lines
}

// The contract's table of filters and orders, next to and, or, not, id and idIn.
func TestListsTakeTheFiltersAndOrdersOfTheContract(t *testing.T) {
	t.Parallel()
	served := light(t).introspect()
	for name, want := range map[string]struct{ filters, orders string }{
		"User":               {"email", "CREATED_AT EMAIL"},
		"MaskedNumber":       {"phoneNumber state label labelContainsFold hasOwnerWith", "CREATED_AT LABEL"},
		"Call":               {"callSid outcome outcomeIn from startedAtGTE startedAtLT hasNumberWith", "STARTED_AT"},
		"Voicemail":          {"recordingSid heardAtIsNil from receivedAtGTE receivedAtLT transcriptContainsFold hasNumberWith", "RECEIVED_AT"},
		"Plan":               {"", "NAME"},
		"NumberSubscription": {"", "STARTED_AT"},
	} {
		filters := append(strings.Fields(want.filters), "and", "or", "not", "id", "idIn")
		if got := namesIn(served, name+"WhereInput"); !slices.Equal(got, slices.Sorted(slices.Values(filters))) {
			t.Errorf("%sWhereInput: got %v, want %v", name, got, filters)
		}
		if got := namesIn(served, name+"OrderField"); !slices.Equal(got, strings.Fields(want.orders)) {
			t.Errorf("%sOrderField: got %v, want %s", name, got, want.orders)
		}
	}
}

// namesIn are the fields or values of a type, sorted.
func namesIn(s introspected, name string) []string {
	names := map[string]bool{}
	for _, def := range s.Types {
		if def.Name != name {
			continue
		}
		for _, f := range def.InputFields {
			names[f.Name] = true
		}
		for _, v := range def.EnumValues {
			names[v.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	described := 0
	for name, def := range graph.Served().Types {
		if def.BuiltIn {
			continue
		}
		parts := map[string]string{name: def.Description}
		for _, v := range def.EnumValues {
			parts[name+"."+v.Name] = v.Description
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			parts[name+"."+f.Name] = f.Description
			for _, a := range f.Arguments {
				parts[name+"."+f.Name+"("+a.Name+")"] = a.Description
			}
		}
		for part, description := range parts {
			if description == "" {
				t.Errorf("%s has no description", part)
			}
		}
		described += len(parts)
	}
	t.Logf("%d types, fields, arguments and values are described", described)
}
