package graph

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent/viewer"
)

// A text is looked for in two steps. What is said often is found among the first rows of the list. What is not is said seldom, so that the
// index of trigrams gives few rows, and these are sorted. Neither way alone would do: the one reads all rows for a rare word, the other for a
// common one.

const (
	lookedThrough = 1000 // rows of a list in the first step
	trigram       = 3    // characters: what is shorter has no index, and is looked for from row to row
)

// search is a text looked for in a column; without a text it is nothing.
type search struct {
	column string
	text   *string
	step   step
}

type step int

const (
	fromRowToRow step = iota
	amongFirstRows
	byIndex
)

func (f search) hasIndex() bool {
	return f.text != nil && utf8.RuneCountInString(*f.text) >= trigram && !strings.Contains(*f.text, "\x00") // which no text contains
}

// indexed is the search by the index, if there is one.
func (f search) indexed() search {
	if f.hasIndex() {
		f.step = byIndex
	}
	return f
}

// searchEach is readEach in two steps. The second is for those of whom there is more than the first has looked through; bare tells which.
func searchEach[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row](
	ctx context.Context, bare, q Q, l list, p page, parent *parent[N], ids []string,
) (map[string][]N, error) {
	l.search.step = amongFirstRows
	found, err := readEach(ctx, q.Clone(), func(s *sql.Selector) { l.cut(s, p) }, parent, ids, l.also...)
	if err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(slices.Clone(orAll(ids)), func(id string) bool { return len(found[id]) > p.size() })
	if len(rest) == 0 {
		return found, nil
	}
	if ids == nil {
		rest = nil
	}
	beyond, err := readEach(ctx, bare, func(s *sql.Selector) { l.beyond(s, p) }, parent, rest)
	if err != nil || len(beyond) == 0 {
		return found, err
	}
	if ids != nil {
		rest = slices.Collect(maps.Keys(beyond))
	}
	second := l
	second.search = l.search.indexed()
	more, err := readEach(ctx, q, func(s *sql.Selector) { second.cut(s, p) }, parent, rest, l.also...)
	for _, id := range orAll(rest) {
		found[id] = more[id]
	}
	return found, err
}

// beyond makes a statement that of the first row that was not looked through.
func (l list) beyond(s *sql.Selector, p page) {
	l.between(s, p)
	if l.among != nil {
		l.among.in(s)
	}
	l.sort(s, p.direction(l))
	s.Limit(1).Offset(lookedThrough)
}

func (f search) contains(s *sql.Selector) { s.Where(sql.ContainsFold(s.C(f.column), *f.text)) }

// narrow narrows a statement to the rows with the text, unless only the first rows are looked through.
func (f search) narrow(s *sql.Selector) {
	if f.text == nil || f.step == amongFirstRows {
		return
	}
	f.contains(s)
	if f.step == byIndex {
		f.beginWithHits(s)
	}
}

// searchTables are SQLite's: what gives the rows with a text, and the column of ours that it gives.
var searchTables = map[string]struct{ rows, column string }{
	"transcript": {"SELECT rowid AS hit FROM voicemail_search WHERE voicemail_search MATCH ", "place"},
	"label":      {"SELECT id AS hit FROM number_search JOIN number_labels ON row = number_search.rowid WHERE number_search MATCH ", "id"},
}

// beginWithHits has the database begin with what the index gives. Otherwise it might read all rows in order until it met enough hits.
func (f search) beginWithHits(s *sql.Selector) {
	name, columns := nameOf(s), s.SelectedColumns()
	if lacksLateral(s) {
		table := searchTables[f.column]
		sameAs(s, s.C(table.column), "hits.hit")
		viewer.SeesEverybodys(s)
		s.FromExpr(sql.ExprFunc(func(b *sql.Builder) {
			b.WriteString("(" + table.rows).Arg(phrase(*f.text)).WriteString(") AS hits CROSS JOIN ").Ident(name)
		})).As(name)
		return
	}
	hits := sql.Dialect(s.Dialect()).Select(s.C("id")).From(sql.Table(name)).Offset(0)
	f.contains(hits)
	inner := moved(s).Offset(0)
	sameAs(inner, s.C("id"), "hits.hit")
	*s = *sql.Dialect(s.Dialect()).Select(columns...).FromExpr(sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("(").Join(hits).WriteString(") AS hits(hit) CROSS JOIN LATERAL (").Join(inner).WriteString(") AS ").Ident(name)
	})).As(name)
}

func sameAs(s *sql.Selector, column, value string) {
	s.Where(sql.P(func(b *sql.Builder) { b.Ident(column).WriteString(" = " + value) }))
}

// phrase is a text as FTS5 takes it.
func phrase(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// look turns a statement for so many rows into one for those of the first rows that have the text.
func (f search) look(s *sql.Selector, limit int) {
	if f.text == nil || f.step != amongFirstRows {
		return
	}
	name, columns := nameOf(s), s.SelectedColumns()
	withColumn(s, f.column)
	inner := moved(s).Limit(lookedThrough)
	found := sql.Dialect(s.Dialect()).Select(columns...).From(inner.As(name)).As(name)
	for _, by := range s.OrderColumns() {
		found.OrderBy(by)
	}
	f.contains(found)
	*s = *found.Limit(limit)
}
