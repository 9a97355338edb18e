package graph

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/phone"
)

// Hurry has the streams of a server beat that often, and wait so long for a reader.
func (s *Server) Hurry(beatEvery, writeWithin time.Duration) {
	s.Streams.beatEvery, s.Streams.writeWithin = beatEvery, writeWithin
}

// Budgets are for tests of their own.
type Budgets struct{ budgets }

// NewBudgets have nothing spent.
func NewBudgets() *Budgets { return &Budgets{budgets{of: map[string]budget{}}} }

// Spend is how long to wait.
func (b *Budgets) Spend(token string, n int, now time.Time) time.Duration {
	e, _ := errors.AsType[*phone.Error](b.spend(token, n, now))
	if e == nil {
		return 0
	}
	return e.RetryAfter
}

// Len is how many there are.
func (b *Budgets) Len() int { return len(b.of) }

// Served is the schema that clients see, without what is meant for our generators.
func Served() *ast.Schema {
	s := served()
	types := maps.Clone(s.Types)
	for name, def := range types {
		clean := *def
		clean.Directives = withoutOurs(def.Directives)
		clean.Fields = nil
		for _, f := range def.Fields {
			field := *f
			field.Directives = withoutOurs(f.Directives)
			clean.Fields = append(clean.Fields, &field)
		}
		types[name] = &clean
	}
	s.Types = types
	return s
}

func withoutOurs(list ast.DirectiveList) ast.DirectiveList {
	return slices.DeleteFunc(slices.Clone(list), func(d *ast.Directive) bool { return d.Name == "goField" || d.Name == "goModel" })
}

// HasCheck tells whether the values of a scalar are looked at before an operation is executed.
func HasCheck(scalar string) bool { return scalars[scalar] != nil }
