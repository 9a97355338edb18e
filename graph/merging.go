package graph

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
)

// mergeable is the rule Field Selection Merging of GraphQL. gqlparser's own compares every two fields of one name, and walks over what is
// below them each time. What makes two fields mergeable is an equality, so here each field is compared with the first of its name only.
var mergeable = core.Rule{
	Name: "OverlappingFieldsCanBeMerged",
	RuleFunc: func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnOperation(func(w *core.Walker, o *ast.OperationDefinition) {
			c := conflicts{newDocument(w.Document), w.Schema, addError}
			if !c.inMeaning(o.SelectionSet) {
				c.inShape(o.SelectionSet)
			}
		})
	},
}

type conflicts struct {
	document
	schema *ast.Schema
	add    core.AddErrFunc
}

func (c conflicts) tell(name string, at *ast.Field, why string, args ...any) {
	c.add(
		core.Message(`Fields "%s" conflict because %s. Use different aliases on the fields to fetch both if this was intentional.`, name, fmt.Sprintf(why, args...)),
		core.At(at.Position),
	)
}

// inShape tells of fields of one name whose answers have different types, even on objects that are never the same.
func (c conflicts) inShape(sets ...ast.SelectionSet) {
	for _, g := range c.merged(sets...) {
		first := g.fields[0]
		for _, f := range g.fields[1:] {
			if first.Definition != nil && f.Definition != nil && !c.sameShape(first.Definition.Type, f.Definition.Type) {
				c.tell(g.name, f, `they return conflicting types "%s" and "%s"`, first.Definition.Type, f.Definition.Type)
				return
			}
		}
		c.inShape(g.below()...)
	}
}

func (c conflicts) sameShape(a, b *ast.Type) bool {
	if a.NonNull != b.NonNull || (a.Elem == nil) != (b.Elem == nil) {
		return false
	}
	if a.Elem != nil {
		return c.sameShape(a.Elem, b.Elem)
	}
	if c.schema.Types[a.NamedType].IsLeafType() || c.schema.Types[b.NamedType].IsLeafType() {
		return a.NamedType == b.NamedType
	}
	return true
}

// inMeaning tells of fields of one name that are not the same field with the same arguments, though both may be answered for one object.
func (c conflicts) inMeaning(sets ...ast.SelectionSet) (found bool) {
	for _, g := range c.merged(sets...) {
		for _, together := range byObject(g.fields) {
			if c.differ(g.name, together) || c.inMeaning(setsOf(together)...) {
				return true
			}
		}
	}
	return false
}

func (c conflicts) differ(name string, fields []*ast.Field) bool {
	if len(fields) == 1 {
		return false
	}
	first, arguments := fields[0], argumentsOf(fields[0])
	for _, f := range fields[1:] {
		switch {
		case f.Name != first.Name:
			c.tell(name, f, `"%s" and "%s" are different fields`, first.Name, f.Name)
			return true
		case !sameArguments(f, arguments):
			c.tell(name, f, "they have differing arguments")
			return true
		}
	}
	return false
}

func argumentsOf(f *ast.Field) map[string]string {
	all := make(map[string]string, len(f.Arguments))
	for _, a := range f.Arguments {
		all[a.Name] = a.Value.String()
	}
	return all
}

func sameArguments(f *ast.Field, as map[string]string) bool {
	if len(f.Arguments) != len(as) {
		return false
	}
	for _, a := range f.Arguments {
		if value, given := as[a.Name]; !given || value != a.Value.String() {
			return false
		}
	}
	return true
}

// byObject are the fields that may be answered for one object: those of each object type, together with those of interfaces.
func byObject(fields []*ast.Field) (all [][]*ast.Field) {
	var everywhere []*ast.Field
	of, order := map[string][]*ast.Field{}, []string{}
	for _, f := range fields {
		switch o := f.ObjectDefinition; {
		case o == nil: // the validator says that its type is unknown
		case o.Kind != ast.Object:
			everywhere = append(everywhere, f)
		default:
			if of[o.Name] == nil {
				order = append(order, o.Name)
			}
			of[o.Name] = append(of[o.Name], f)
		}
	}
	if len(order) == 0 && len(everywhere) > 0 {
		return [][]*ast.Field{everywhere}
	}
	for _, name := range order {
		all = append(all, slices.Concat(of[name], everywhere))
	}
	return all
}
