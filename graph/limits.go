package graph

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
)

// What one operation may ask for. It is counted before any work is done.
const (
	maxDepth              = 15
	maxIntrospectionDepth = 20
	maxAliases            = 30
	maxRootFields         = 15
	maxNodes              = 20_000

	maxConditions = 50 // in one where
	maxNesting    = 5
	maxIDs        = 100 // in one list
)

// size is how large an operation is, its fragments spread.
type size struct {
	depth, introspection, aliases, nodes, rootFields int

	inputs // the largest of its fields'
}

// enough is where counting stops: fragments in fragments grow without bounds.
const enough = 1 << 40

func (s size) with(other size) size {
	return size{
		max(s.depth, other.depth), max(s.introspection, other.introspection),
		min(s.aliases+other.aliases, enough), min(s.nodes+other.nodes, enough), 0, s.inputs.with(other.inputs),
	}
}

// tooLarge says which limit an operation exceeds, or nothing.
func (s size) tooLarge() error {
	for _, l := range []struct {
		is, limit int
		what      string
	}{
		{s.rootFields, maxRootFields, "fields at its root"},
		{s.depth, maxDepth, "levels of fields"},
		{s.introspection, maxIntrospectionDepth, "levels of introspection"},
		{s.aliases, maxAliases, "aliases"},
		{s.nodes, maxNodes, "objects, page sizes multiplied"},
	} {
		if l.is > l.limit {
			return &phone.Error{Code: phone.TooComplex, Message: fmt.Sprintf("An operation has at most %d %s.", l.limit, l.what)}
		}
	}
	return s.inputs.tooLarge()
}

// measure counts an operation. Each fragment is counted once, however often it is spread.
type measure struct {
	variables map[string]any
	fragments map[string]size
}

func (m measure) selections(set ast.SelectionSet) (all size) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			all = all.with(m.field(s))
		case *ast.InlineFragment:
			all = all.with(m.selections(s.SelectionSet))
		case *ast.FragmentSpread:
			all = all.with(m.fragment(s.Definition))
		}
	}
	return all
}

func (m measure) operation(o *ast.OperationDefinition) size {
	s := m.selections(o.SelectionSet)
	names := map[string]bool{}
	namesIn(o.SelectionSet, names, map[string]bool{})
	s.rootFields = len(names)
	return s
}

// namesIn collects the names under which a selection answers; the same one twice is one field.
func namesIn(set ast.SelectionSet, names, spread map[string]bool) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			names[s.Alias] = true
		case *ast.InlineFragment:
			namesIn(s.SelectionSet, names, spread)
		case *ast.FragmentSpread:
			if !spread[s.Name] {
				spread[s.Name] = true
				namesIn(s.Definition.SelectionSet, names, spread)
			}
		}
	}
}

func (m measure) fragment(f *ast.FragmentDefinition) size {
	known, ok := m.fragments[f.Name]
	if !ok {
		known = m.selections(f.SelectionSet)
		m.fragments[f.Name] = known
	}
	return known
}

// field is the size of a field with what is below it. Of a page there is as much below as it has objects.
func (m measure) field(f *ast.Field) size {
	below := m.selections(f.SelectionSet)
	args := m.arguments(f)
	s := size{depth: below.depth + 1, introspection: below.introspection, aliases: below.aliases, nodes: below.nodes, inputs: below.inputs.with(inputsOf(args))}
	if f.Alias != f.Name {
		s.aliases++
	}
	if n := pageOf(f, args); n > 0 {
		s.nodes = min(n+n*below.nodes, enough)
	}
	if f.Name == "__schema" || f.Name == "__type" {
		s.introspection, s.depth = s.depth, 1
	}
	return s
}

func (m measure) arguments(f *ast.Field) map[string]any {
	if f.Definition == nil || len(f.Definition.Arguments) == 0 {
		return nil
	}
	return f.ArgumentMap(m.variables)
}

// pageOf is how many objects a field gives, when it is a list with pages or a list of ids. Sizes that are not allowed are refused later.
func pageOf(f *ast.Field, args map[string]any) int {
	switch {
	case f.Definition == nil:
		return 0
	case f.Name == "nodes" && f.Definition.Arguments.ForName("ids") != nil:
		ids, _ := args["ids"].([]any)
		return min(len(ids), maxPageSize)
	case !strings.HasSuffix(f.Definition.Type.Name(), "Connection"):
		return 0
	}
	for _, name := range []string{"first", "last"} {
		if n, ok := wholeNumber(args[name]); ok {
			return min(max(n, 1), maxPageSize)
		}
	}
	return pageSize
}

func wholeNumber(v any) (int, bool) {
	switch n := v.(type) {
	case int64:
		return int(min(n, maxPageSize)), true
	case int:
		return n, true
	case float64:
		return int(min(n, maxPageSize)), true
	case fmt.Stringer: // a json.Number
		var i int
		_, err := fmt.Sscan(n.String(), &i)
		return i, err == nil
	}
	return 0, false
}

// limits refuses operations that are too large, or more than a user may ask for, before any work and over every transport; or only says
// so in the log.
type limits struct {
	warn    bool
	log     *slog.Logger
	now     func() time.Time
	budgets *budgets
}

// ExtensionName is for gqlgen.
func (limits) ExtensionName() string { return "Limits" }

// Validate is for gqlgen.
func (limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext measures the operation; it changes nothing.
func (l limits) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	m := measure{oc.Variables, map[string]size{}}
	is := m.operation(oc.Operation)
	if err := l.enforce(ctx, oc.OperationName, is.tooLarge()); err != nil {
		return gqlerror.WrapIfUnwrapped(err)
	}
	if err := l.spend(ctx, oc.OperationName, max(0, is.nodes-readIn(ctx).cost)); err != nil {
		return gqlerror.WrapIfUnwrapped(err)
	}
	return nil
}

// spend takes n objects from the budget of who asks.
func (l limits) spend(ctx context.Context, operation string, n int) error {
	return l.enforce(ctx, operation, l.budgets.spend(identity(ctx).Viewer.ID, n, l.now()))
}

// enforce is why an operation is refused, unless that is only to be logged.
func (l limits) enforce(ctx context.Context, operation string, why error) error {
	if why != nil && l.warn {
		l.log.WarnContext(ctx, "a limit was exceeded, and is not enforced", "operation", operation, "limit", why)
		return nil
	}
	return why
}
