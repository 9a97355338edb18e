package graph

import (
	"context"
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
)

// rows is a query as ent generates it for each type: W its conditions, S what it is once it is modified, N its rows.
type rows[Q, W, S, N any] interface {
	Clone() Q
	Where(...W) Q
	Modify(...func(*sql.Selector)) S
	All(context.Context) ([]N, error)
	Count(context.Context) (int, error)
	CollectFields(ctx context.Context, satisfies ...string) (Q, error)
}

// row is a row as ent generates it for each type.
type row interface {
	Value(column string) (ent.Value, error)
}

// connection is what entgql generates for each type, and converts to it.
type connection[E any] struct {
	Edges      []*E
	PageInfo   ent.PageInfo
	TotalCount int
}

// parent is where the rows of a list name the object that the list hangs from.
type parent[N any] struct {
	column string
	of     func(N) string
}

func (p *parent[N]) values(ids []string) values { return values{"parent", p.column, ids} }

// above is the object that a list hangs from, or nothing.
type above struct {
	object any
	id     string
}

var root above

func aboveNumber(n *ent.MaskedNumber) above { return above{n, n.ID} }

// reading reads what lies below the objects with these ids, such as a page; without any ids, that of the list of all rows, which then is
// that of "".
type reading[T any] func(ctx context.Context, ids []string) (map[string]T, error)

// at reads what lies below an object, together with that of its level.
func (read reading[T]) at(ctx context.Context, a above) (T, error) {
	if a == root {
		all, err := read(ctx, nil)
		return all[""], err
	}
	return below(ctx, a, read)
}

// readPage reads a page of the rows of q, in the order of l, that pass the filter.
func readPage[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row, E any](
	ctx context.Context, a above, q Q, l list, p page, filter func(Q) (Q, error), parent *parent[N], edge func(N) (*E, *ent.Cursor),
) (*connection[E], error) {
	read, err := pages(q, l, p, filter, parent, edge)
	if err != nil {
		return nil, err
	}
	return read.at(ctx, a)
}

func pages[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row, E any](
	q Q, l list, p page, filter func(Q) (Q, error), parent *parent[N], edge func(N) (*E, *ent.Cursor),
) (reading[*connection[E]], error) {
	p, err := p.check(l)
	if err != nil {
		return nil, err
	}
	q, err = filter(q)
	return func(ctx context.Context, ids []string) (map[string]*connection[E], error) {
		q := q.Clone()
		if v, _ := viewer.From(ctx); ids == nil && !l.among.areParents() && v.SeesAll() {
			q.Where(viewer.SeesEverybodys)
		}
		found, err := pageOfEach(ctx, q.Clone(), l, p, parent, ids)
		if err != nil {
			return nil, err
		}
		conns := map[string]*connection[E]{}
		for _, id := range orAll(ids) {
			conns[id] = connect(found[id], p, edge)
		}
		return conns, countPages(ctx, q.Clone(), l, parent, ids, conns)
	}, err
}

// countPages counts the lists that pages are of, when that is asked.
func countPages[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row, E any](
	ctx context.Context, q Q, l list, parent *parent[N], ids []string, conns map[string]*connection[E],
) error {
	if !isSelected(ctx, "totalCount") {
		return nil
	}
	if l.among != nil {
		q.Where(l.among.in)
	}
	q.Modify(l.search.indexed().narrow)
	totals, err := countEach(ctx, q, parent, ids)
	for id, total := range totals {
		conns[id].TotalCount = total
	}
	return err
}

// orAll are the ids, or that of the list of all rows.
func orAll(ids []string) []string {
	if ids == nil {
		return []string{""}
	}
	return ids
}

// pageOfEach are the rows of each page, and one more where there is one.
func pageOfEach[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row](
	ctx context.Context, q Q, l list, p page, parent *parent[N], ids []string,
) (map[string][]N, error) {
	if !isSelected(ctx, "edges") && !isSelected(ctx, "pageInfo") {
		return nil, nil
	}
	bare := q.Clone()
	q, err := q.CollectFields(collectingNodes(ctx))
	if err != nil {
		return nil, err
	}
	if !l.search.hasIndex() {
		return readEach(ctx, q, func(s *sql.Selector) { l.cut(s, p) }, parent, ids, l.also...)
	}
	return searchEach(ctx, bare, q, l, p, parent, ids)
}

// readEach are the rows of q once it is cut, or those below each parent. What else the statement shall read of all rows is added last.
func readEach[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row](
	ctx context.Context, q Q, cut func(*sql.Selector), parent *parent[N], ids []string, also ...func(*sql.Selector),
) (map[string][]N, error) {
	of := func(N) string { return "" }
	if ids == nil {
		q.Modify(append([]func(*sql.Selector){cut}, also...)...)
	} else {
		of = parent.of
		below := parent.values(ids)
		q.Modify(append([]func(*sql.Selector){below.match, cut, below.each}, also...)...)
	}
	all, err := q.All(ctx)
	if err != nil {
		return nil, err
	}
	together(ctx, all)
	found := map[string][]N{}
	for _, row := range all {
		found[of(row)] = append(found[of(row)], row)
	}
	return found, nil
}

// countEach counts the rows of q, or those of q below each parent, as far as we count.
func countEach[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row](ctx context.Context, q Q, parent *parent[N], ids []string) (map[string]int, error) {
	if ids == nil {
		q.Modify(countCapped)
		total, err := q.Count(ctx)
		return map[string]int{"": total}, err
	}
	below := parent.values(ids)
	q.Modify(below.match, below.counts)
	all, err := q.All(ctx)
	if err != nil {
		return nil, err
	}
	totals := map[string]int{}
	for _, row := range all {
		total, err := row.Value(totalColumn)
		if err != nil {
			return nil, err
		}
		totals[parent.of(row)] = int(total.(int64))
	}
	return totals, nil
}

// cut makes a statement that of a page and one row more. Counted from the last row, the rows come backwards.
func (l list) cut(s *sql.Selector, p page) {
	l.between(s, p)
	if l.among != nil {
		l.among.match(s)
	}
	for _, column := range l.columns() {
		withColumn(s, column) // its value is in the cursor
	}
	l.search.narrow(s)
	l.sort(s, p.direction(l))
	s.Limit(p.size() + 1)
	l.search.look(s, p.size()+1)
	if l.among != nil {
		l.among.each(s)
		s.Limit(p.size() + 1)
	}
}

// between narrows a statement to the rows between the cursors of a page.
func (l list) between(s *sql.Selector, p page) {
	if p.after != nil {
		l.past(p.after, l.direction)(s)
	}
	if p.before != nil {
		l.past(p.before, l.direction.Reverse())(s)
	}
}

func (l list) sort(s *sql.Selector, direction entgql.OrderDirection) {
	for _, column := range l.columns() {
		term := sql.Desc
		if direction == entgql.OrderDirectionAsc {
			term = sql.Asc
		}
		s.OrderBy(term(s.C(column)))
	}
}

// withColumn has a statement read a column that it may not have read.
func withColumn(s *sql.Selector, column string) {
	if !slices.Contains(s.UnqualifiedColumns(), column) {
		s.AppendSelect(s.C(column))
	}
}

// connect makes a page of its rows.
func connect[N, E any](rows []N, p page, edge func(N) (*E, *ent.Cursor)) *connection[E] {
	more := len(rows) > p.size()
	rows = rows[:min(p.size(), len(rows))]
	if p.last != nil {
		slices.Reverse(rows)
	}
	c := &connection[E]{Edges: []*E{}}
	c.PageInfo.HasNextPage = p.before != nil || p.first != nil && more
	c.PageInfo.HasPreviousPage = p.after != nil || p.last != nil && more
	for i, row := range rows {
		e, cursor := edge(row)
		c.Edges = append(c.Edges, e)
		if i == 0 {
			c.PageInfo.StartCursor = cursor
		}
		c.PageInfo.EndCursor = cursor
	}
	return c
}
