//go:build ignore

// Generates the ent client and graph/ent.graphql from ./schema.
package main

import (
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

func main() {
	ex, err := entgql.NewExtension(
		entgql.WithConfigPath("../gqlgen.yml"),
		entgql.WithSchemaGenerator(),
		entgql.WithSchemaPath("../graph/ent.graphql"),
		entgql.WithWhereInputs(true),
		entgql.WithRelaySpec(true),
		entgql.WithSchemaHook(shape),
	)
	if err != nil {
		log.Fatal(err)
	}
	err = entc.Generate("./schema", &gen.Config{
		Features: []gen.Feature{
			gen.FeatureIntercept, gen.FeatureUpsert, gen.FeatureLock, gen.FeatureModifier, gen.FeatureExecQuery, gen.FeatureVersionedMigration,
		},
	}, entc.Extensions(ex))
	if err != nil {
		log.Fatal(err)
	}
}

// filters are the conditions that each list takes, besides and, or and not. Each has its index; a condition that would read through a plan
// or into another user's objects must not be here.
var filters = map[string][]string{
	"UserWhereInput":               {"id", "idIn", "email"},
	"MaskedNumberWhereInput":       {"id", "idIn", "phoneNumber", "state", "label", "labelContainsFold", "hasOwnerWith"},
	"CallWhereInput":               {"id", "idIn", "callSid", "outcome", "outcomeIn", "from", "startedAtGTE", "startedAtLT", "hasNumberWith"},
	"VoicemailWhereInput":          {"id", "idIn", "recordingSid", "heardAtIsNil", "from", "receivedAtGTE", "receivedAtLT", "transcriptContainsFold", "hasNumberWith"},
	"PlanWhereInput":               {"id", "idIn"},
	"NumberSubscriptionWhereInput": {"id", "idIn"},
}

// shape cuts what entgql makes down to what is promised.
func shape(_ *gen.Graph, s *ast.Schema) error {
	for name, keep := range filters {
		input, ok := s.Types[name]
		if !ok {
			return fmt.Errorf("no type %s", name)
		}
		input.Fields = slices.DeleteFunc(input.Fields, func(f *ast.FieldDefinition) bool {
			return !slices.Contains(append([]string{"and", "or", "not"}, keep...), f.Name)
		})
		if len(input.Fields) != len(keep)+3 {
			return fmt.Errorf("%s lacks one of %v", name, keep)
		}
	}
	places := s.Types["VoicemailOrderField"]
	places.EnumValues = slices.DeleteFunc(places.EnumValues, func(v *ast.EnumValueDefinition) bool { return v.Name == "PLACE" })
	for _, of := range []string{"Voicemail", "Call"} {
		s.Types[of].Fields.ForName("deliveries").Type = ast.NonNullListType(ast.NonNullNamedType("Delivery", nil), nil)
	}
	hide(s.Types["Voicemail"], "place")
	specify(s.Types["Cursor"], "https://relay.dev/graphql/connections.htm")
	return describe(s)
}

// specify names the text that specifies a scalar.
func specify(scalar *ast.Definition, url string) {
	value := &ast.Value{Kind: ast.StringValue, Raw: url}
	scalar.Directives = append(scalar.Directives, &ast.Directive{Name: "specifiedBy", Arguments: ast.ArgumentList{{Name: "url", Value: value}}})
}

func hide(d *ast.Definition, field string) {
	d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool { return f.Name == field })
}

// general is what is said of the fields that many types have.
var general = map[string]string{
	"not":        "This condition does not hold.",
	"and":        "All of these conditions hold.",
	"or":         "One of these conditions holds.",
	"id":         "It has this id.",
	"idIn":       "It has one of these ids, at most 100.",
	"totalCount": "How many there are: exact up to 10,000, and then 10,000.",
	"first":      "So many from the beginning: 1 to 100, 20 unless asked. Not together with last.",
	"last":       "So many from the end: 1 to 100. Not together with first.",
	"after":      "Past this place in the list.",
	"before":     "Before this place in the list.",
	"orderBy":    "In this order, rather than newest first.",
	"where":      "Only those that meet these conditions.",
}

// describe puts the words of descriptions.graphql to everything that entgql made. Nothing may be left without.
func describe(s *ast.Schema) error {
	text, err := os.ReadFile("descriptions.graphql")
	if err != nil {
		return err
	}
	words, err := parser.ParseSchema(&ast.Source{Name: "descriptions.graphql", Input: string(text)})
	if err != nil {
		return err
	}
	for _, about := range words.Definitions {
		def := s.Types[about.Name]
		if def == nil {
			return fmt.Errorf("descriptions.graphql: there is no %s", about.Name)
		}
		def.Description = about.Description
		if err := describeParts(def, about); err != nil {
			return err
		}
	}
	return whole(s)
}

func describeParts(def, about *ast.Definition) error {
	for _, part := range about.Fields {
		field := def.Fields.ForName(part.Name)
		if field == nil {
			return fmt.Errorf("descriptions.graphql: there is no %s.%s", about.Name, part.Name)
		}
		field.Description = part.Description
	}
	for _, part := range about.EnumValues {
		value := def.EnumValues.ForName(part.Name)
		if value == nil {
			return fmt.Errorf("descriptions.graphql: there is no %s.%s", about.Name, part.Name)
		}
		value.Description = part.Description
	}
	return nil
}

// whole adds what is said in general, and tells what nothing is said of.
func whole(s *ast.Schema) error {
	for _, def := range s.Types {
		isWhere := strings.HasSuffix(def.Name, "WhereInput")
		for _, f := range def.Fields {
			if said, known := general[f.Name]; known && (isWhere || f.Name == "totalCount") {
				f.Description = said
			}
			for _, a := range f.Arguments {
				if said, known := general[a.Name]; known && strings.HasSuffix(f.Type.Name(), "Connection") {
					a.Description = said
				}
			}
			if f.Description == "" {
				return fmt.Errorf("descriptions.graphql says nothing of %s.%s", def.Name, f.Name)
			}
		}
		for _, v := range def.EnumValues {
			if v.Description == "" {
				return fmt.Errorf("descriptions.graphql says nothing of %s.%s", def.Name, v.Name)
			}
		}
		if def.Description == "" || strings.Contains(def.Description, "is enum for the field") || strings.Contains(def.Description, "generated by ent") {
			return fmt.Errorf("descriptions.graphql says nothing of %s", def.Name)
		}
	}
	return nil
}
