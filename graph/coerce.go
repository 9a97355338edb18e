package graph

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
)

// Arguments, in the operation and in its variables, are compared with their types before anything is done, so that every value that is wrong
// is named at once. gqlparser and gqlgen stop at the first, and speak of Go's types.

// coercion looks at the arguments of one operation.
type coercion struct {
	schema    *ast.Schema
	given     map[string]any // variables
	variables map[string]*ast.VariableDefinition
	seen      map[string]bool // variables and fragments that were looked at
	faults    phone.Faults    // of the field at hand
	errs      gqlerror.List
}

// coerce tells which arguments of an operation do not fit: one error for each field, that names all of them.
func coerce(schema *ast.Schema, o *ast.OperationDefinition, given map[string]any) gqlerror.List {
	c := &coercion{schema: schema, given: given, variables: map[string]*ast.VariableDefinition{}, seen: map[string]bool{}}
	for _, v := range o.VariableDefinitions {
		c.variables[v.Variable] = v
	}
	c.selections(o.SelectionSet, nil)
	c.directives(o.Directives)
	for _, v := range o.VariableDefinitions { // what no argument has, a directive may have
		c.variable(v.Variable, at{}.named(v.Variable))
	}
	c.tell(nil)
	return c.errs
}

// tell makes an error of what is wrong with the arguments of the field at a path.
func (c *coercion) tell(path ast.Path) {
	if err := c.faults.Err(); err != nil {
		c.errs = append(c.errs, &gqlerror.Error{Err: err, Message: err.Error(), Path: slices.Clone(path)})
	}
	c.faults = nil
}

func (c *coercion) selections(set ast.SelectionSet, path ast.Path) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			here := append(path, ast.PathName(s.Alias))
			c.arguments(s)
			c.directives(s.Directives)
			c.tell(here)
			c.selections(s.SelectionSet, here)
		case *ast.InlineFragment:
			c.directives(s.Directives)
			c.tell(path)
			c.selections(s.SelectionSet, path)
		case *ast.FragmentSpread:
			c.directives(s.Directives)
			c.tell(path)
			if key := "..." + s.Name; !c.seen[key] {
				c.seen[key] = true
				c.selections(s.Definition.SelectionSet, path)
			}
		}
	}
}

func (c *coercion) arguments(f *ast.Field) {
	if f.Definition == nil {
		return
	}
	for _, a := range f.Arguments {
		c.check(f.Definition.Arguments.ForName(a.Name).Type, literal(a.Value), at{}.named(a.Name))
	}
}

func (c *coercion) directives(list ast.DirectiveList) {
	for _, d := range list {
		for _, a := range d.Arguments {
			c.check(d.Definition.Arguments.ForName(a.Name).Type, literal(a.Value), at{}.named(a.Name))
		}
	}
}

// at is where a value stands: the name of the argument or field, and behind it the places in lists.
type at struct {
	name   string
	places string
}

func (at) named(name string) at { return at{name: name} }

func (a at) element(i int) at { return at{a.name, a.places + "." + strconv.Itoa(i)} }

func (a at) String() string { return a.name + a.places }

// These are what a literal has in place of a value in JSON.
type (
	enumValue    string
	variableName string
)

// literal is the value that a literal stands for, as JSON has it.
func literal(v *ast.Value) any {
	switch v.Kind {
	case ast.Variable:
		return variableName(v.Raw)
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw)
	case ast.BooleanValue:
		return v.Raw == "true"
	case ast.NullValue:
		return nil
	case ast.EnumValue:
		return enumValue(v.Raw)
	case ast.ListValue:
		list := make([]any, len(v.Children))
		for i, child := range v.Children {
			list[i] = literal(child.Value)
		}
		return list
	case ast.ObjectValue:
		object := make(map[string]any, len(v.Children))
		for _, child := range v.Children {
			object[child.Name] = literal(child.Value)
		}
		return object
	default:
		return v.Raw
	}
}

// check compares a value with a type.
func (c *coercion) check(t *ast.Type, value any, where at) {
	if name, ok := value.(variableName); ok {
		c.variable(string(name), where)
		if v := c.variables[string(name)]; t.NonNull && v != nil && !v.Type.NonNull && c.has(v.Variable) && c.valueOf(name) == nil {
			c.faults.Add(where.String(), where.String()+" must not be null.")
		}
		return
	}
	list, isList := value.([]any)
	switch {
	case value == nil && t.NonNull:
		c.faults.Add(where.String(), where.String()+" must not be null.")
	case value == nil:
	case t.Elem != nil && isList:
		for i, one := range list {
			c.check(t.Elem, one, where.element(i))
		}
	case t.Elem != nil:
		c.check(t.Elem, value, where) // a single value is a list of one
	case c.schema.Types[t.NamedType].Kind == ast.InputObject:
		c.object(c.schema.Types[t.NamedType], value, where)
	default:
		c.leaf(c.schema.Types[t.NamedType], value, where)
	}
}

// variable looks at a variable once: a large one may be used many times.
func (c *coercion) variable(name string, where at) {
	v := c.variables[name]
	if v == nil || c.seen[name] {
		return
	}
	c.seen[name] = true
	value, isGiven := c.given[name]
	if !isGiven && v.DefaultValue != nil {
		value, isGiven = literal(v.DefaultValue), true
	}
	switch {
	case isGiven:
		c.check(v.Type, value, where)
	case v.Type.NonNull:
		c.faults.Add(where.String(), where.String()+" is missing.")
	}
}

func (c *coercion) object(def *ast.Definition, value any, where at) {
	fields, ok := value.(map[string]any)
	if !ok {
		c.faults.Add(where.String(), fmt.Sprintf("%s must be an object, not %s.", where, shown(value)))
		return
	}
	before, fitting := len(c.faults), map[string]any{}
	for _, f := range def.Fields {
		one, isGiven := fields[f.Name]
		if name, ok := one.(variableName); ok {
			isGiven = c.has(string(name))
		}
		found := len(c.faults)
		switch {
		case isGiven:
			c.check(f.Type, one, at{}.named(f.Name))
		case f.Type.NonNull && f.DefaultValue == nil:
			c.faults.Add(f.Name, f.Name+" is missing.")
		}
		if isGiven && len(c.faults) == found {
			fitting[f.Name] = c.valueOf(one)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "__typename" && def.Fields.ForName(name) == nil {
			c.faults.Add(name, fmt.Sprintf("%s has no field %s.", def.Name, name))
		}
	}
	if rules := rulesOf[def.Name]; rules != nil && len(c.faults) > before {
		c.faults = append(c.faults, rules(fitting)...)
	}
}

// valueOf is a value itself, or that of a variable.
func (c *coercion) valueOf(v any) any {
	name, ok := v.(variableName)
	if !ok {
		return v
	}
	if given, ok := c.given[string(name)]; ok {
		return given
	}
	return literal(c.variables[string(name)].DefaultValue)
}

// has tells whether a variable has a value.
func (c *coercion) has(variable string) bool {
	_, isGiven := c.given[variable]
	v := c.variables[variable]
	return isGiven || v != nil && v.DefaultValue != nil
}
