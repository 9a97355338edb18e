package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// collecting is ctx for entgql to read which columns and edges are selected of the object that is being resolved. By itself it takes an
// alias for the name of a field, and of a field that is selected twice only one selection. So it is shown each field once, under its own
// name, with all that is selected below it anywhere. Skip and include are not looked at: what they leave out is read in vain.
func collecting(ctx context.Context) context.Context {
	return showing(ctx, merge(graphql.GetFieldContext(ctx).Field.Selections))
}

// collectingNodes is the same of the nodes of the connection that is being resolved.
func collectingNodes(ctx context.Context) context.Context {
	set := merge(graphql.GetFieldContext(ctx).Field.Selections)
	return showing(ctx, selectedBelow(selectedBelow(set, "edges"), "node"))
}

func showing(ctx context.Context, set ast.SelectionSet) context.Context {
	fc := graphql.GetFieldContext(ctx)
	shown := *fc
	shown.Field.Selections = set
	ctx = graphql.WithFieldContext(ctx, &shown)
	shown.Parent = fc.Parent // not the field itself, whose place this one takes
	// gqlgen remembers by the address of a selection what is in it; these selections are gone before the operation is.
	return graphql.WithOperationContext(ctx, &graphql.OperationContext{Variables: graphql.GetOperationContext(ctx).Variables})
}

// followed are the fields below which entgql reads along. Nothing else is followed either: fragments within fragments would make an
// exponential work of it.
var followed = []string{"edges", "node", "number", "owner", "plan", "call", "deliveries"}

// merge is what several selections select, fragments resolved.
func merge(sets ...ast.SelectionSet) ast.SelectionSet {
	m := merged{below: map[string][]ast.SelectionSet{}, spread: map[string]bool{}}
	for _, set := range sets {
		m.add(set)
	}
	for _, f := range m.fields {
		if slices.Contains(followed, f.Name) {
			f.SelectionSet = merge(m.below[f.Alias]...)
		}
	}
	set := make(ast.SelectionSet, len(m.fields))
	for i, f := range m.fields {
		set[i] = f
	}
	return set
}

type merged struct {
	fields []*ast.Field
	below  map[string][]ast.SelectionSet
	spread map[string]bool
}

func (m *merged) add(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			m.field(s)
		case *ast.InlineFragment:
			m.add(s.SelectionSet)
		case *ast.FragmentSpread:
			if !m.spread[s.Name] {
				m.spread[s.Name] = true
				m.add(s.Definition.SelectionSet)
			}
		}
	}
}

func (m *merged) field(f *ast.Field) {
	as := f.Name
	switch f.Name {
	case "deliveries": // entgql keeps these by their alias
		as = f.Alias
	case "periodStart", "periodEnd", "callsUsed", "voicemailsUsed":
		m.add(periodOfPlan)
	}
	if _, again := m.below[as]; !again {
		m.fields = append(m.fields, &ast.Field{Name: f.Name, Alias: as})
	}
	m.below[as] = append(m.below[as], f.SelectionSet)
}

// periodOfPlan is what a subscription's use is told by.
var periodOfPlan = ast.SelectionSet{&ast.Field{Name: "plan", Alias: "plan", SelectionSet: ast.SelectionSet{&ast.Field{Name: "period", Alias: "period"}}}}

// selectedBelow is what a merged selection selects below one of its fields.
func selectedBelow(set ast.SelectionSet, name string) ast.SelectionSet {
	for _, s := range set {
		if f := s.(*ast.Field); f.Name == name {
			return f.SelectionSet
		}
	}
	return nil
}

// has tells whether a merged selection has a field.
func has(set ast.SelectionSet, name string) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool { return s.(*ast.Field).Name == name })
}

// isSelected tells whether a field is selected of the one that is being resolved.
func isSelected(ctx context.Context, name string) bool {
	return has(merge(graphql.GetFieldContext(ctx).Field.Selections), name)
}
