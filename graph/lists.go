package graph

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"
	"github.com/99designs/gqlgen/graphql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

const (
	pageSize    = 20
	maxPageSize = 100
	countsTo    = 10_000
)

// The lists. Each is newest first unless ordered otherwise.

const newestFirst = entgql.OrderDirectionDesc

func users(ctx context.Context, q *ent.UserQuery, p page, o *ent.UserOrder, where *ent.UserWhereInput) (*ent.UserConnection, error) {
	if o == nil {
		o = &ent.UserOrder{Direction: newestFirst, Field: ent.UserOrderFieldCreatedAt}
	}
	l := list{prefix: "usr_", by: o.Field.String(), direction: o.Direction, value: isTime}
	if l.by == ent.UserOrderFieldEmail.String() {
		l.value = isText
	}
	return readPage(ctx, q, l, p, where.Filter, ent.WithUserOrder(o), func(c *ent.UserConnection) found { return found{&c.PageInfo, &c.TotalCount} })
}

func numbers(ctx context.Context, q *ent.MaskedNumberQuery, p page, o *ent.MaskedNumberOrder, where *ent.MaskedNumberWhereInput) (*ent.MaskedNumberConnection, error) {
	if o == nil {
		o = &ent.MaskedNumberOrder{Direction: newestFirst, Field: ent.MaskedNumberOrderFieldCreatedAt}
	}
	l := list{prefix: "num_", by: o.Field.String(), direction: o.Direction, value: isTime}
	if l.by == ent.MaskedNumberOrderFieldLabel.String() {
		l.value, l.zero = isText, ""
	}
	return readPage(ctx, q, l, p, where.Filter, ent.WithMaskedNumberOrder(o), func(c *ent.MaskedNumberConnection) found { return found{&c.PageInfo, &c.TotalCount} })
}

func subscriptions(ctx context.Context, q *ent.NumberSubscriptionQuery, p page, o *ent.NumberSubscriptionOrder,
	where *ent.NumberSubscriptionWhereInput) (*ent.NumberSubscriptionConnection, error) {
	if o == nil {
		o = &ent.NumberSubscriptionOrder{Direction: newestFirst, Field: ent.NumberSubscriptionOrderFieldStartedAt}
	}
	l := list{prefix: "sub_", by: o.Field.String(), direction: o.Direction, value: isTime}
	return readPage(ctx, q, l, p, where.Filter, ent.WithNumberSubscriptionOrder(o), func(c *ent.NumberSubscriptionConnection) found { return found{&c.PageInfo, &c.TotalCount} })
}

func calls(ctx context.Context, q *ent.CallQuery, p page, o *ent.CallOrder, where *ent.CallWhereInput) (*ent.CallConnection, error) {
	if o == nil {
		o = &ent.CallOrder{Direction: newestFirst, Field: ent.CallOrderFieldStartedAt}
	}
	l := list{prefix: "call_", by: o.Field.String(), direction: o.Direction, value: isTime}
	return readPage(ctx, q, l, p, where.Filter, ent.WithCallOrder(o), func(c *ent.CallConnection) found { return found{&c.PageInfo, &c.TotalCount} })
}

// voicemails without an order of their own are in the order of appearance, whose cursors are places.
func voicemails(ctx context.Context, q *ent.VoicemailQuery, p page, o *ent.VoicemailOrder, where *ent.VoicemailWhereInput) (*ent.VoicemailConnection, error) {
	l := placed
	if o == nil {
		o = inPlace
	} else {
		l = list{prefix: "vm_", by: o.Field.String(), direction: o.Direction, value: isTime}
	}
	return readPage(ctx, q, l, p, where.Filter, ent.WithVoicemailOrder(o), func(c *ent.VoicemailConnection) found { return found{&c.PageInfo, &c.TotalCount} })
}

// plans without an order of their own are by id: an id begins with its time, and plans carry no other.
func plans(ctx context.Context, q *ent.PlanQuery, p page, o *ent.PlanOrder, where *ent.PlanWhereInput) (*ent.PlanConnection, error) {
	value := isText
	if o == nil {
		o, value = &ent.PlanOrder{Direction: newestFirst, Field: ent.DefaultPlanOrder.Field}, isNothing
	}
	l := list{prefix: "plan_", by: o.Field.String(), direction: o.Direction, value: value}
	return readPage(ctx, q, l, p, where.Filter, ent.WithPlanOrder(o), func(c *ent.PlanConnection) found { return found{&c.PageInfo, &c.TotalCount} })
}

// query is what ent generates for each type.
type query[Q, Where, Option, Conn any] interface {
	Clone() Q
	Where(...Where) Q
	Count(context.Context) (int, error)
	Paginate(ctx context.Context, after *ent.Cursor, first *int, before *ent.Cursor, last *int, opts ...Option) (Conn, error)
}

// found is what a connection says of its list.
type found struct {
	info  *ent.PageInfo
	total *int
}

// readPage reads a page of a list. entgql takes any cursor for the one to go on from, so that at the other end of the page is a condition.
func readPage[Q query[Q, Where, Option, Conn], Where ~func(*sql.Selector), Option, Conn any](
	ctx context.Context, q Q, l list, p page, filter func(Q) (Q, error), order Option, of func(Conn) found,
) (conn Conn, err error) {
	if p, err = p.check(l); err != nil {
		return conn, err
	}
	if q, err = filter(q); err != nil {
		return conn, err
	}
	all := q.Clone()
	for _, within := range l.within(p) {
		q.Where(within)
	}
	asked := collecting(ctx)
	if p.first != nil {
		conn, err = q.Paginate(asked, p.after, p.first, nil, nil, order)
	} else {
		conn, err = q.Paginate(asked, nil, nil, p.before, p.last, order)
	}
	if err != nil {
		return conn, err
	}
	got := of(conn)
	got.info.HasNextPage = got.info.HasNextPage || p.before != nil
	got.info.HasPreviousPage = got.info.HasPreviousPage || p.after != nil
	if isSelected(ctx, "totalCount") {
		total, err := all.Count(ctx)
		if err != nil {
			return conn, err
		}
		*got.total = capped(total)
	}
	return conn, nil
}

func capped(count int) int { return min(count, countsTo) }

// list is one list in one order.
type list struct {
	prefix    string // of the ids in it
	by        string // the order's field, named as its column but in capitals; none for the id
	direction entgql.OrderDirection
	value     func(any) bool // tells whether a cursor's value is one of this order
	zero      any            // the value of a cursor without one: msgpack leaves out what is nought or empty
}

// within are the conditions of the cursor at the end of the page: before when it is counted from the first row, after when from the last.
func (l list) within(p page) []func(*sql.Selector) {
	far, direction := p.after, l.direction
	if p.first != nil {
		far, direction = p.before, l.direction.Reverse()
	}
	return entgql.CursorsPredicate(far, nil, "id", strings.ToLower(l.by), direction)
}

// page is what is asked of a list.
type page struct {
	after  *ent.Cursor
	first  *int
	before *ent.Cursor
	last   *int
}

// check wants 1 to 100 rows, counted from one end only, between cursors of this list in this order, and fills in what was not asked.
func (p page) check(l list) (page, error) {
	if p.first != nil && p.last != nil {
		return page{}, phone.Bad("last", "Ask for first or for last, not for both.")
	}
	if p.first == nil && p.last == nil {
		p.first = new(int)
		*p.first = pageSize
	}
	for name, n := range map[string]*int{"first": p.first, "last": p.last} {
		if n != nil && (*n < 1 || *n > maxPageSize) {
			return page{}, phone.Bad(name, fmt.Sprintf("%s is 1 to %d.", name, maxPageSize))
		}
	}
	if err := l.takes("after", p.after); err != nil {
		return page{}, err
	}
	return p, l.takes("before", p.before)
}

func (l list) takes(name string, c *ent.Cursor) error {
	if c == nil {
		return nil
	}
	if c.Value == nil {
		c.Value = l.zero
	}
	if !strings.HasPrefix(c.ID, l.prefix) || !isID(c.ID) || !l.value(c.Value) {
		return phone.Bad(name, name+" is the cursor of another list, or of another order.")
	}
	return nil
}

func isTime(v any) bool {
	t, ok := v.(time.Time)
	return ok && t.Year() >= 1 && t.Year() <= 9999 // what a database takes
}

func isText(v any) bool {
	s, ok := v.(string)
	return ok && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func isNothing(v any) bool { return v == nil }

func isPlace(v any) bool { _, ok := placeOf(v); return ok }

// placeOf is the place that a cursor has for a value; msgpack packs whole numbers in every width.
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
	return r.DB.Noder(collecting(ctx), id, ent.WithNodeType(tableOf))
}

// nodes answers each id by itself: null and an error at its place for those that do not exist or belong to somebody else.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if len(ids) != 1 {
		return r.DB.Noders(collecting(ctx), ids, ent.WithNodeType(tableOf))
	}
	n, err := r.node(ctx, ids[0]) // Noders would fail the whole list for a single id
	if err != nil {
		graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(0)), err)
		return []ent.Noder{nil}, nil
	}
	return []ent.Noder{n}, nil
}
