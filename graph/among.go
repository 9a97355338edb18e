package graph

import (
	"context"
	"slices"

	"github.com/maskline/maskline/ent"
)

// A condition that several values of a column meet has no index in which its rows lie in order. A list of the rows of few values is
// therefore made of the list of each.

// mostAmong is how many numbers or owners are few. A list of more of them is looked through.
const mostAmong = 100

// amongOutcomes narrows calls to those with one of several outcomes.
func amongOutcomes(where *ent.CallWhereInput) (*values, *ent.CallWhereInput) {
	if where == nil || len(where.OutcomeIn) == 0 {
		return nil, where
	}
	among, rest := &values{name: "among", column: "outcome"}, *where
	for _, o := range rest.OutcomeIn {
		if !slices.Contains(among.all, string(o)) {
			among.all = append(among.all, string(o))
		}
	}
	rest.OutcomeIn = nil
	return among, &rest
}

// amongNumbers are the few numbers that meet the conditions, if they are few.
func (r *Resolver) amongNumbers(ctx context.Context, conditions []*ent.MaskedNumberWhereInput) (*values, error) {
	q := r.DB.MaskedNumber.Query()
	for _, c := range conditions {
		p, err := c.P()
		if err != nil {
			return nil, nil // whoever reads the list will say so
		}
		q.Where(p)
	}
	return few(ctx, "number_id", len(conditions), q.Limit(mostAmong+1).IDs)
}

// amongOwners are the few users that meet the conditions, if they are few.
func (r *Resolver) amongOwners(ctx context.Context, conditions []*ent.UserWhereInput) (*values, error) {
	q := r.DB.User.Query()
	for _, c := range conditions {
		p, err := c.P()
		if err != nil {
			return nil, nil // whoever reads the list will say so
		}
		q.Where(p)
	}
	return few(ctx, "owner_id", len(conditions), q.Limit(mostAmong+1).IDs)
}

func few(ctx context.Context, column string, conditions int, read func(context.Context) ([]string, error)) (*values, error) {
	if conditions == 0 {
		return nil, nil
	}
	ids, err := read(ctx)
	if err != nil || len(ids) > mostAmong {
		return nil, err
	}
	return &values{"among", column, ids}, nil
}

// narrowed leaves out the conditions that the values stand for.
func narrowed[W any](among *values, where *W, without func(*W)) (*values, *W) {
	if among == nil {
		return nil, where
	}
	rest := *where
	without(&rest)
	return among, &rest
}
