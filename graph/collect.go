package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// collecting is ctx for entgql to read which columns and edges are selected. By itself it takes an alias for the name of a field, of a
// field that is selected twice only one selection, and without edges it fills no pageInfo. So it is shown each field once, under its own
// name, with all that is selected below it anywhere. Skip and include are not looked at: what they leave out is read in vain.
func collecting(ctx context.Context) context.Context {
	fc := graphql.GetFieldContext(ctx)
	shown := *fc
	shown.Field.Selections = withEdges(merge(fc.Field.Selections))
	ctx = graphql.WithFieldContext(ctx, &shown)
	shown.Parent = fc.Parent // not the field itself, whose place this one takes
	// gqlgen remembers by the address of a selection what is in it; these selections are gone before the operation is.
	return graphql.WithOperationContext(ctx, &graphql.OperationContext{Variables: graphql.GetOperationContext(ctx).Variables})
}

// followed are the fields below which entgql reads along. Nothing else is followed either: fragments within fragments would make an
// exponential work of it.
var followed = []string{"edges", "node", "number", "owner", "plan", "call", "deliveries"}

// merge is what several selections select, fragments resolved.
func merge(sets ...ast.SelectionSet) (merged ast.SelectionSet) {
	var names []string
	below := map[string][]ast.SelectionSet{}
	spread := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if _, again := below[s.Name]; !again {
					names = append(names, s.Name)
				}
				below[s.Name] = append(below[s.Name], s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				if !spread[s.Name] {
					spread[s.Name] = true
					walk(s.Definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		walk(set)
	}
	for _, name := range names {
		field := &ast.Field{Name: name, Alias: name}
		if slices.Contains(followed, name) {
			field.SelectionSet = merge(below[name]...)
		}
		merged = append(merged, field)
	}
	return merged
}

// withEdges selects edges wherever pageInfo is selected, which is made of them, and leaves totalCount to us.
func withEdges(set ast.SelectionSet) ast.SelectionSet {
	if has(set, "pageInfo") && !has(set, "edges") {
		set = append(set, &ast.Field{Name: "edges", Alias: "edges"})
	}
	return slices.DeleteFunc(set, func(s ast.Selection) bool { return s.(*ast.Field).Name == "totalCount" })
}

// has tells whether a merged selection has a field.
func has(set ast.SelectionSet, name string) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool { return s.(*ast.Field).Name == name })
}

// isSelected tells whether a field is selected of the one that is being resolved.
func isSelected(ctx context.Context, name string) bool {
	return has(merge(graphql.GetFieldContext(ctx).Field.Selections), name)
}
