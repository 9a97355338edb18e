package graph

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/ent"
)

// What lies below the objects of a list is read for all of them by one statement, however many they are. gqlgen asks for it object by
// object, a few at a time. So each answer remembers which objects were read together: they are a level. The first object that is asked for
// what lies below it reads that for its whole level, the others wait for it. No time is waited in case more should ask.

// answer is what is remembered while one answer is made.
type answer struct {
	mu     sync.Mutex
	levels map[any]*level // by the object itself: the same row may be read in several places
}

type answerKey struct{}

// remembering has each answer remember what was read for it.
func remembering(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(context.WithValue(ctx, answerKey{}, &answer{levels: map[any]*level{}}))
}

// level is objects of one type that were read together.
type level struct {
	ids []string

	mu    sync.Mutex
	below map[place]any
}

// place is a field in the operation. Its path alone does not tell: fragments on several types may select different things under one name.
type place struct {
	path  string
	field *ast.Field
}

// together notes that rows, and those that were read along with each of them, are levels.
func together[N any](ctx context.Context, rows []N) {
	if a, ok := ctx.Value(answerKey{}).(*answer); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.note(anyOf(rows))
	}
}

func anyOf[N any](rows []N) []any {
	objects := make([]any, len(rows))
	for i, row := range rows {
		objects[i] = row
	}
	return objects
}

func (a *answer) note(rows []any) {
	l := &level{below: map[place]any{}}
	ids, along := map[string]bool{}, map[string][]any{}
	for _, row := range rows {
		if a.levels[row] != nil {
			continue
		}
		a.levels[row] = l
		ids[idOf(row)] = true
		for name, object := range readAlong(row) {
			along[name] = append(along[name], object)
		}
	}
	l.ids = slices.Sorted(maps.Keys(ids))
	for _, objects := range along {
		a.note(objects)
	}
}

// readAlong is what was read along with an object and something may lie below of.
func readAlong(object any) map[string]any {
	along := map[string]any{}
	add := func(name string, n *ent.MaskedNumber) {
		if n != nil {
			along[name] = n
		}
	}
	switch o := object.(type) {
	case *ent.MaskedNumber:
		if o.Edges.Owner != nil {
			along["owner"] = o.Edges.Owner
		}
	case *ent.NumberSubscription:
		add("number", o.Edges.Number)
	case *ent.Call:
		add("number", o.Edges.Number)
	case *ent.Voicemail:
		add("number", o.Edges.Number)
		if o.Edges.Call != nil {
			along["call"] = o.Edges.Call
		}
	}
	return along
}

// levelOf is the level of an object; one that was read by itself is a level by itself.
func levelOf(ctx context.Context, object above) *level {
	if a, ok := ctx.Value(answerKey{}).(*answer); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		if l := a.levels[object.object]; l != nil {
			return l
		}
	}
	return &level{ids: []string{object.id}, below: map[place]any{}}
}

// below is what lies below an object in the field that is being resolved; read reads it for the objects with the given ids.
func below[T any](ctx context.Context, a above, read func(ctx context.Context, ids []string) (map[string]T, error)) (T, error) {
	l := levelOf(ctx, a)
	all, err := readOnce(l, placeIn(ctx), func() (map[string]T, error) { return read(ctx, l.ids) })
	return all[a.id], err
}

func readOnce[T any](l *level, at place, read func() (T, error)) (T, error) {
	l.mu.Lock()
	first, ok := l.below[at].(func() (T, error))
	if !ok {
		first = sync.OnceValues(read)
		l.below[at] = first
	}
	l.mu.Unlock()
	return first()
}

func placeIn(ctx context.Context) place {
	var path strings.Builder
	for _, step := range graphql.GetPath(ctx) {
		if name, ok := step.(ast.PathName); ok {
			fmt.Fprintf(&path, ".%s", name)
		}
	}
	return place{path.String(), graphql.GetFieldContext(ctx).Field.Field}
}
