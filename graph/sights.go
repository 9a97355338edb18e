package graph

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// sights leave a word in the audit of what an administrator is shown of others: one entry for each answer, or push, and owner. They look at
// what the fields of an answer are, so that it does not matter how it was read.
type sights struct{ desk *switchboard.Switchboard }

// ExtensionName is for gqlgen.
func (sights) ExtensionName() string { return "Sights" }

// Validate is for gqlgen.
func (sights) Validate(graphql.ExecutableSchema) error { return nil }

// seen is what one answer shows.
type seen struct {
	mu  sync.Mutex
	ids map[string]bool
}

type seenKey struct{}

// InterceptResponse collects what an answer shows, and leaves the word.
func (s sights) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	v, _ := viewer.From(ctx)
	if v.Role != phone.RoleAdmin {
		return next(ctx)
	}
	all := &seen{ids: map[string]bool{}}
	answer := next(context.WithValue(ctx, seenKey{}, all))
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.ids, v.ID)
	s.desk.Read(ctx, slices.Sorted(maps.Keys(all.ids))...)
	return answer
}

// InterceptField notes a field that is somebody's.
func (sights) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	field, err := next(ctx)
	switch field := field.(type) {
	case []ent.Noder: // whose elements are no fields
		for _, n := range field {
			note(ctx, n)
		}
	case []*ent.Voicemail: // likewise
		for _, v := range field {
			note(ctx, v)
		}
	default:
		note(ctx, field)
	}
	return field, err
}

// note notes what is somebody's; what hangs from that is shown with it.
func note(ctx context.Context, object any) {
	switch object.(type) {
	case *ent.User, *ent.MaskedNumber, *ent.Call, *ent.Voicemail:
	default:
		return
	}
	all, ok := ctx.Value(seenKey{}).(*seen)
	id := idOf(object)
	if !ok || id == "" {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.ids[id] = true
}

// sawCalls leaves a word of calls that are pushed: at the root of a subscription there is no field to look at.
func (r *Resolver) sawCalls(ctx context.Context, calls []*ent.Call) {
	if v, _ := viewer.From(ctx); v.Role != phone.RoleAdmin {
		return
	}
	ids := make([]string, len(calls))
	for i, c := range calls {
		ids[i] = c.ID
	}
	r.Desk.Read(ctx, ids...)
}
