//go:build ignore

// Generates the ent client and graph/ent.graphql from ./schema.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"github.com/vektah/gqlparser/v2/ast"
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
	if err := countOnDemand(); err != nil {
		log.Fatal(err)
	}
}

// countOnDemand keeps entgql from counting all rows whenever pageInfo is asked for: with edges, the row after the page tells as much.
func countOnDemand() error {
	const (
		file   = "gql_pagination.go"
		always = "if hasCollectedField(ctx, totalCountField) || hasCollectedField(ctx, pageInfoField) {"
		wanted = "if hasCollectedField(ctx, totalCountField) || (ignoredEdges && hasCollectedField(ctx, pageInfoField)) {"
	)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(always)) {
		return fmt.Errorf("%s: entgql's template changed, there is nothing to mend", file)
	}
	return os.WriteFile(file, bytes.ReplaceAll(text, []byte(always), []byte(wanted)), 0o644)
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
	s.Types["Voicemail"].Fields.ForName("deliveries").Type = ast.NonNullListType(ast.NonNullNamedType("Delivery", nil), nil)
	hide(s.Types["Voicemail"], "place")
	return nil
}

func hide(d *ast.Definition, field string) {
	d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool { return f.Name == field })
}
