package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// A field of an input object whose value is a variable without a value is left out, as GraphQL says. gqlparser makes it null.

// withoutAbsent returns the document without the fields of input objects that an operation's variables leave out. It copies what it changes, since
// documents are shared.
func withoutAbsent(doc *ast.QueryDocument, o *ast.OperationDefinition, given map[string]any) *ast.QueryDocument {
	p := pruning{absent: map[string]bool{}, fragments: map[*ast.FragmentDefinition]*ast.FragmentDefinition{}}
	for _, v := range o.VariableDefinitions {
		if _, isGiven := given[v.Variable]; !isGiven && v.DefaultValue == nil {
			p.absent[v.Variable] = true
		}
	}
	if len(p.absent) == 0 {
		return doc
	}
	operation, copied := *o, *doc
	operation.SelectionSet = p.selections(o.SelectionSet)
	copied.Operations = slices.Clone(doc.Operations)
	copied.Operations[slices.Index(doc.Operations, o)] = &operation
	copied.Fragments = make(ast.FragmentDefinitionList, len(doc.Fragments))
	for i, f := range doc.Fragments {
		copied.Fragments[i] = p.fragment(f)
	}
	return &copied
}

// pruning copies selections without what is absent, each fragment once.
type pruning struct {
	absent    map[string]bool // variables
	fragments map[*ast.FragmentDefinition]*ast.FragmentDefinition
}

func (p pruning) selections(set ast.SelectionSet) ast.SelectionSet {
	copied := make(ast.SelectionSet, len(set))
	for i, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			f := *s
			f.Arguments, f.SelectionSet = p.arguments(s.Arguments), p.selections(s.SelectionSet)
			copied[i] = &f
		case *ast.InlineFragment:
			f := *s
			f.SelectionSet = p.selections(s.SelectionSet)
			copied[i] = &f
		case *ast.FragmentSpread:
			f := *s
			f.Definition = p.fragment(s.Definition)
			copied[i] = &f
		}
	}
	return copied
}

func (p pruning) fragment(f *ast.FragmentDefinition) *ast.FragmentDefinition {
	if p.fragments[f] == nil {
		copied := *f
		copied.SelectionSet = p.selections(f.SelectionSet)
		p.fragments[f] = &copied
	}
	return p.fragments[f]
}

func (p pruning) arguments(list ast.ArgumentList) ast.ArgumentList {
	copied := make(ast.ArgumentList, len(list))
	for i, a := range list {
		one := *a
		one.Value = p.value(a.Value)
		copied[i] = &one
	}
	return copied
}

func (p pruning) value(v *ast.Value) *ast.Value {
	if len(v.Children) == 0 {
		return v
	}
	copied := *v
	copied.Children = nil
	for _, child := range v.Children {
		if v.Kind == ast.ObjectValue && child.Value.Kind == ast.Variable && p.absent[child.Value.Raw] {
			continue
		}
		one := *child
		one.Value = p.value(child.Value)
		copied.Children = append(copied.Children, &one)
	}
	return &copied
}
