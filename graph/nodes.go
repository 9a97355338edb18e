package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

const maxID = 40

// isID tells whether a text could be an id. What could not is not looked for: PostgreSQL fails on some of it.
func isID(s string) bool {
	return len(s) <= maxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// anID is an id that came from outside, or one that nothing has.
func anID(s string) string {
	if isID(s) {
		return s
	}
	return ""
}

// tableOf is the table that an id's prefix names: no look-up is needed. A malformed id is like one that does not exist.
func tableOf(_ context.Context, id string) (string, error) {
	prefix, _, _ := strings.Cut(anID(id), "_")
	table, ok := tables[prefix]
	if !ok {
		return "", phone.Missing()
	}
	return table, nil
}

// node answers NOT_FOUND for what does not exist and for what belongs to somebody else.
func (r *Resolver) node(ctx context.Context, id string) (ent.Noder, error) {
	n, err := r.DB.Noder(collecting(ctx), id, ent.WithNodeType(tableOf))
	if err == nil {
		together(ctx, []ent.Noder{n})
	}
	return n, err
}

// nodes answers each id by itself: null and an error at its place for those that do not exist or belong to somebody else.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if len(ids) == 1 {
		return r.soleNode(ctx, ids[0])
	}
	found, err := r.DB.Noders(collecting(ctx), ids, ent.WithNodeType(tableOf))
	together(ctx, found)
	return found, err
}

// soleNode is a list of one, which by itself would fail as a whole.
func (r *Resolver) soleNode(ctx context.Context, id string) ([]ent.Noder, error) {
	n, err := r.node(ctx, id)
	if err != nil {
		graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(0)), err)
		return []ent.Noder{nil}, nil
	}
	return []ent.Noder{n}, nil
}

// idOf is the id of one of these; nothing when it is none of them, or there is none.
func idOf(object any) string {
	switch o := object.(type) {
	case *ent.User:
		if o != nil {
			return o.ID
		}
	case *ent.MaskedNumber:
		if o != nil {
			return o.ID
		}
	case *ent.NumberSubscription:
		if o != nil {
			return o.ID
		}
	case *ent.Call:
		if o != nil {
			return o.ID
		}
	case *ent.Voicemail:
		if o != nil {
			return o.ID
		}
	}
	return ""
}
