package graph

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// list is one list in one order.
type list struct {
	prefix    string // of the ids in it
	by        string // the order's column
	unique    bool   // no two rows have the same value in it; otherwise their ids decide
	direction entgql.OrderDirection
	value     func(any) bool        // tells whether a cursor's value is one of this order
	among     *values               // the only ones of a column; the list is made of those of each
	search    search                // for a text
	also      []func(*sql.Selector) // what else is read with each page
	zero      any                   // the value of a cursor without one: msgpack leaves out what is nought or empty
}

// columns are those of the order.
func (l list) columns() []string {
	if l.unique {
		return []string{l.by}
	}
	return []string{l.by, "id"}
}

// past is the condition of the rows past a cursor. It compares whole rows: the same written with OR would read all before the cursor.
func (l list) past(c *ent.Cursor, direction entgql.OrderDirection) func(*sql.Selector) {
	values := []any{c.Value, rowOf(c)}
	if l.by == "id" {
		values = []any{c.ID}
	}
	return func(s *sql.Selector) {
		columns := s.Columns(l.columns()...)
		compare := sql.CompositeLT
		if direction == entgql.OrderDirectionAsc {
			compare = sql.CompositeGT
		}
		s.Where(compare(columns, values[:len(columns)]...))
	}
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

// direction is in which a page is read: from the last row backwards.
func (p page) direction(l list) entgql.OrderDirection {
	if p.last != nil {
		return l.direction.Reverse()
	}
	return l.direction
}

// size is how many rows are asked for.
func (p page) size() int {
	if p.last != nil {
		return *p.last
	}
	return *p.first
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
		return int64(n), n < 1<<63 // #nosec G115 -- the comparison beside it tells whether it fits
	}
	return 0, false
}
