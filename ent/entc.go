//go:build ignore

// Generates the ent client and graph/ent.graphql from ./schema.
package main

import (
	"fmt"
	"log"
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

// byHand are the fields that a resolver of ours answers, since entgql's own would order them otherwise.
var byHand = map[string][]string{
	"User":         {"numbers"},
	"MaskedNumber": {"subscriptions", "calls", "voicemails"},
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
	for name, fields := range byHand {
		for _, f := range fields {
			s.Types[name].Fields.ForName(f).Directives = append(s.Types[name].Fields.ForName(f).Directives, resolver())
		}
	}
	s.Types["Voicemail"].Fields.ForName("deliveries").Type = ast.NonNullListType(ast.NonNullNamedType("Delivery", nil), nil)
	hide(s.Types["Voicemail"], "place")
	return nil
}

func resolver() *ast.Directive {
	yes := &ast.Value{Raw: "true", Kind: ast.BooleanValue}
	return &ast.Directive{Name: "goField", Arguments: ast.ArgumentList{{Name: "forceResolver", Value: yes}}}
}

func hide(d *ast.Definition, field string) {
	d.Fields = slices.DeleteFunc(d.Fields, func(f *ast.FieldDefinition) bool { return f.Name == field })
}
