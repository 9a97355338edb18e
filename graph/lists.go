package graph

import (
	"context"
	"fmt"
	"strings"
	"time"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

const (
	pageSize    = 20
	maxPageSize = 100
	countsTo    = 10_000
)

// page is what a list is asked for, checked.
type page struct {
	after, before *ent.Cursor
	first, last   *int
}

// cursors says which cursors a list takes: the prefix of their ids, and what their value is in its order.
type cursors struct {
	prefix string
	value  func(any) bool
}

func isTime(v any) bool { _, ok := v.(time.Time); return ok }

func isText(v any) bool { _, ok := v.(string); return ok }

func isNothing(v any) bool { return v == nil }

// isPlace takes every width that msgpack packs a whole number in.
func isPlace(v any) bool { _, ok := placeOf(v); return ok }

func placeOf(v any) (int64, bool) {
	switch n := v.(type) {
	case int8:
		return int64(n), n >= 0
	case int16:
		return int64(n), n >= 0
	case int32:
		return int64(n), n >= 0
	case int64:
		return n, n >= 0
	case uint8:
		return int64(n), true
	case uint16:
		return int64(n), true
	case uint32:
		return int64(n), true
	case uint64:
		return int64(n), n < 1<<63
	}
	return 0, false
}

// pageOf checks what a list is asked for: 1 to 100 rows, from one end only, past cursors of this list in this order.
func pageOf(after *ent.Cursor, first *int, before *ent.Cursor, last *int, c cursors) (page, error) {
	if first != nil && last != nil {
		return page{}, phone.Bad("last", "Ask for first or for last, not for both.")
	}
	if first == nil && last == nil {
		first = new(int)
		*first = pageSize
	}
	if err := checkSize("first", first); err != nil {
		return page{}, err
	}
	if err := checkSize("last", last); err != nil {
		return page{}, err
	}
	if err := c.check("after", after); err != nil {
		return page{}, err
	}
	return page{after, before, first, last}, c.check("before", before)
}

func checkSize(name string, n *int) error {
	if n != nil && (*n < 1 || *n > maxPageSize) {
		return phone.Bad(name, fmt.Sprintf("%s is 1 to %d.", name, maxPageSize))
	}
	return nil
}

func (c cursors) check(name string, cursor *ent.Cursor) error {
	if cursor != nil && (!strings.HasPrefix(cursor.ID, c.prefix) || !c.value(cursor.Value)) {
		return phone.Bad(name, name+" is the cursor of another list, or of another order.")
	}
	return nil
}

func capped(count int) int { return min(count, countsTo) }

// The orders that lists have unless asked otherwise: newest first.

func callOrder(o *ent.CallOrder) *ent.CallOrder {
	if o == nil {
		return &ent.CallOrder{Direction: entgql.OrderDirectionDesc, Field: ent.CallOrderFieldStartedAt}
	}
	return o
}

func numberOrder(o *ent.MaskedNumberOrder) *ent.MaskedNumberOrder {
	if o == nil {
		return &ent.MaskedNumberOrder{Direction: entgql.OrderDirectionDesc, Field: ent.MaskedNumberOrderFieldCreatedAt}
	}
	return o
}

func userOrder(o *ent.UserOrder) *ent.UserOrder {
	if o == nil {
		return &ent.UserOrder{Direction: entgql.OrderDirectionDesc, Field: ent.UserOrderFieldCreatedAt}
	}
	return o
}

func subscriptionOrder(o *ent.NumberSubscriptionOrder) *ent.NumberSubscriptionOrder {
	if o == nil {
		return &ent.NumberSubscriptionOrder{Direction: entgql.OrderDirectionDesc, Field: ent.NumberSubscriptionOrderFieldStartedAt}
	}
	return o
}

// planOrder is by id, whose beginning is the time, since plans carry no other.
func planOrder(o *ent.PlanOrder) *ent.PlanOrder {
	if o == nil {
		return &ent.PlanOrder{Direction: entgql.OrderDirectionDesc, Field: ent.DefaultPlanOrder.Field}
	}
	return o
}

func ofNumbers(o *ent.MaskedNumberOrder) func(any) bool {
	if o.Field.String() == ent.MaskedNumberOrderFieldLabel.String() {
		return isText
	}
	return isTime
}

func ofUsers(o *ent.UserOrder) func(any) bool {
	if o.Field.String() == ent.UserOrderFieldEmail.String() {
		return isText
	}
	return isTime
}

func ofPlans(o *ent.PlanOrder) func(any) bool {
	if o.Field.String() == ent.PlanOrderFieldName.String() {
		return isText
	}
	return isNothing
}

// tableOf is the table that an id's prefix names: no look-up is needed. A malformed id is like one that does not exist.
func tableOf(_ context.Context, id string) (string, error) {
	prefix, _, _ := strings.Cut(id, "_")
	table, ok := tables[prefix]
	if !ok {
		return "", phone.Missing()
	}
	return table, nil
}

// nodes answers each id by itself: null and an error at its place for those that do not exist or belong to somebody else.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if len(ids) > maxPageSize {
		return nil, phone.Bad("ids", "At most 100 ids at once.")
	}
	if len(ids) != 1 {
		return r.DB.Noders(ctx, ids, ent.WithNodeType(tableOf))
	}
	n, err := r.DB.Noder(ctx, ids[0], ent.WithNodeType(tableOf)) // Noders would fail the whole list for a single id
	if err != nil {
		graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(0)), err)
		return []ent.Noder{nil}, nil
	}
	return []ent.Noder{n}, nil
}
