package graph

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/phone"
)

// What a parsed document may hold. It is counted before the document is validated, since the cost of validation grows with it.
const (
	maxSelections = 5_000 // the selections and arguments of all operations and fragments, fragments written out
	maxSameName   = 50    // selections of one response name in one selection set, as field merging sees them
)

// document is a parsed document whose fragments can be looked up.
type document struct {
	*ast.QueryDocument
	fragments map[string]*ast.FragmentDefinition
	size      int // of all operations and fragments, with fragments written out
}

func newDocument(doc *ast.QueryDocument) document {
	d := document{QueryDocument: doc, fragments: map[string]*ast.FragmentDefinition{}}
	for _, f := range doc.Fragments {
		if d.fragments[f.Name] == nil { // a second one of the same name is refused by the validator
			d.fragments[f.Name] = f
		}
	}
	return d
}

// sets are the selection sets of the document's operations and fragments.
func (d document) sets() (all []ast.SelectionSet) {
	for _, o := range d.Operations {
		all = append(all, o.SelectionSet)
	}
	for _, f := range d.Fragments {
		all = append(all, f.SelectionSet)
	}
	return all
}

// measure counts what validation walks over, a fragment as often as it is spread, and refuses too much. It takes linear time.
func (d *document) measure() error {
	e := expansion{d, map[string]int{}}
	for _, set := range d.sets() {
		n, err := e.selections(set)
		if err != nil {
			return err
		}
		d.size = min(d.size+n, enough)
	}
	if d.size > maxSelections {
		return tooComplex("selections and arguments, with all fragments written out", maxSelections)
	}
	return nil
}

func tooComplex(what string, limit int) error {
	return &phone.Error{Code: phone.TooComplex, Message: fmt.Sprintf("An operation has at most %d %s.", limit, what)}
}

// expansion counts each fragment once.
type expansion struct {
	*document
	known map[string]int // by fragment
}

const beingCounted = -1

func (e expansion) selections(set ast.SelectionSet) (n int, err error) {
	for _, s := range set {
		more := 0
		switch s := s.(type) {
		case *ast.Field:
			more, err = e.selections(s.SelectionSet)
			more += argumentsIn(s.Arguments) + directivesIn(s.Directives)
		case *ast.InlineFragment:
			more, err = e.selections(s.SelectionSet)
			more += directivesIn(s.Directives)
		case *ast.FragmentSpread:
			more, err = e.fragment(s.Name)
			more += directivesIn(s.Directives)
		}
		if err != nil {
			return 0, err
		}
		n = min(n+1+more, enough)
	}
	return n, nil
}

func (e expansion) fragment(name string) (int, error) {
	n, counted := e.known[name]
	switch f := e.fragments[name]; {
	case f == nil: // the validator says so
		return 0, nil
	case n == beingCounted:
		return 0, phone.Bad("", fmt.Sprintf("Cannot spread fragment %q within itself.", name))
	case !counted:
		e.known[name] = beingCounted
		n, err := e.selections(f.SelectionSet)
		e.known[name] = n
		return n, err
	}
	return n, nil
}

func directivesIn(list ast.DirectiveList) (n int) {
	for _, d := range list {
		n += 1 + argumentsIn(d.Arguments)
	}
	return n
}

func argumentsIn(list ast.ArgumentList) (n int) {
	for _, a := range list {
		n += valuesIn(a.Value)
	}
	return n
}

func valuesIn(v *ast.Value) int {
	n := 1
	for _, child := range v.Children {
		n += valuesIn(child.Value)
	}
	return n
}

// repeats refuses a response name that is selected too often in one selection set. It takes linear time of a document of limited size.
func (d document) repeats() error {
	return d.repeatsIn(d.sets()...)
}

func (d document) repeatsIn(sets ...ast.SelectionSet) error {
	for _, set := range sets {
		for _, g := range d.merged(set) {
			if err := d.repeatsBelow(g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d document) repeatsBelow(g group) error {
	if len(g.fields) > maxSameName {
		return tooComplex("selections of one response name in a selection set, fragments included", maxSameName)
	}
	for _, below := range d.merged(g.below()...) {
		if err := d.repeatsBelow(below); err != nil {
			return err
		}
	}
	return nil
}

// group is the fields that answer under one name in a selection set.
type group struct {
	name   string
	fields []*ast.Field
}

// below are the selection sets of the fields, which field merging makes one.
func (g group) below() []ast.SelectionSet { return setsOf(g.fields) }

func setsOf(fields []*ast.Field) []ast.SelectionSet {
	sets := make([]ast.SelectionSet, len(fields))
	for i, f := range fields {
		sets[i] = f.SelectionSet
	}
	return sets
}

// merged are the fields of some selection sets taken as one, by response name, in the order of the document; fragments are followed.
func (d document) merged(sets ...ast.SelectionSet) []group {
	m := merging{document: d, at: map[string]int{}, spread: map[string]bool{}}
	for _, set := range sets {
		m.add(set)
	}
	return m.groups
}

type merging struct {
	document
	groups []group
	at     map[string]int // the place of each name's group
	spread map[string]bool
}

func (m *merging) add(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			m.field(s)
		case *ast.InlineFragment:
			m.add(s.SelectionSet)
		case *ast.FragmentSpread:
			if f := m.fragments[s.Name]; f != nil && !m.spread[s.Name] {
				m.spread[s.Name] = true
				m.add(f.SelectionSet)
			}
		}
	}
}

func (m *merging) field(f *ast.Field) {
	i, known := m.at[f.Alias]
	if !known {
		i = len(m.groups)
		m.at[f.Alias] = i
		m.groups = append(m.groups, group{name: f.Alias})
	}
	m.groups[i].fields = append(m.groups[i].fields, f)
}
