package graph

import (
	"encoding/json"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// Statements for many values of a column at once, such as the parents of rows. Each is made of the finished statement for the rows of any
// value, from which what the viewer may not see is already left out, and runs it once for each value: it reads the page of each and no more.

// values are those that a column may have. They are one argument, so that the statement's text is the same for any number of them.
type values struct {
	name   string // of the table that they are
	column string
	all    []string
}

// totalColumn is a count beside the value of whose rows it is.
const totalColumn = "total"

func lacksLateral(s *sql.Selector) bool { return s.Dialect() == dialect.SQLite }

// table is the values as a table.
func (v values) table(s *sql.Selector) sql.Querier {
	list, _ := json.Marshal(append([]string{}, v.all...)) // texts are never refused
	return sql.ExprFunc(func(b *sql.Builder) {
		if lacksLateral(s) {
			b.WriteString("json_each(").Arg(string(list)).WriteString(") AS " + v.name)
		} else {
			b.WriteString("jsonb_array_elements_text(").Arg(string(list)).WriteString("::jsonb) AS " + v.name + "(value)")
		}
	})
}

// areParents tells whether the values are ids of what rows hang from.
func (v *values) areParents() bool { return v != nil && strings.HasSuffix(v.column, "_id") }

// value is the table's column. Ids are compared byte by byte.
func (v values) value(s *sql.Selector) string {
	if lacksLateral(s) || !v.areParents() {
		return v.name + ".value"
	}
	return v.name + `.value COLLATE "C"`
}

// match narrows a statement to the rows of the value at hand.
func (v values) match(s *sql.Selector) {
	withColumn(s, v.column)
	sameAs(s, s.C(v.column), v.value(s))
}

// in narrows a statement to the rows of all values.
func (v values) in(s *sql.Selector) {
	all := make([]any, len(v.all))
	for i, value := range v.all {
		all[i] = value
	}
	s.Where(sql.In(s.C(v.column), all...))
}

// moved is a statement that s will be part of once it is another one. Not Clone: the conditions of its clones are not always right.
func moved(s *sql.Selector) *sql.Selector {
	inner := *s
	return &inner
}

// each turns a statement that matches the value at hand into that for the rows of all values, those of each cut as they were.
func (v values) each(s *sql.Selector) {
	table, name, id := v.table(s), nameOf(s), s.C("id")
	inner, lateral := moved(s), !lacksLateral(s)
	all := sql.Dialect(s.Dialect()).Select(s.SelectedColumns()...)
	all.FromExpr(sql.ExprFunc(func(b *sql.Builder) {
		b.Join(table)
		if lateral {
			b.WriteString(" CROSS JOIN LATERAL (").Join(inner).WriteString(") AS ").Ident(name)
		} else { // SQLite looks up a list that depends on what stands before it
			b.WriteString(" CROSS JOIN ").Ident(name).WriteString(" ON ").Ident(id).WriteString(" IN (").Join(inner.Select(id)).WriteString(")")
		}
	}))
	for _, by := range s.OrderColumns() {
		all.OrderBy(by)
	}
	*s = *all.As(name)
}

// nameOf is the name of the rows in a statement.
func nameOf(s *sql.Selector) string {
	name, _, _ := strings.Cut(s.C("id"), ".")
	return strings.Trim(name, "\"`")
}

// counts turns a statement that matches the value at hand into that for the numbers of rows of all values.
func (v values) counts(s *sql.Selector) {
	table, value := v.table(s), v.value(s)
	inner := rowsToCount(s)
	all := sql.Dialect(s.Dialect()).Select()
	all.AppendSelectExprAs(sql.Raw(value), v.column)
	all.AppendSelectExprAs(sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("(SELECT COUNT(*) FROM (").Join(inner).WriteString(") AS counted)")
	}), totalColumn)
	*s = *all.FromExpr(table)
}

// countCapped turns a statement into one in which no more rows are counted than we tell.
func countCapped(s *sql.Selector) {
	name := nameOf(s)
	inner := rowsToCount(s)
	*s = *sql.Dialect(s.Dialect()).Select().From(inner.As(name)).As(name)
}

// rowsToCount are as many as we count. They have no columns, so that an index may do; that which ent counts is a constant.
func rowsToCount(s *sql.Selector) *sql.Selector {
	inner := moved(s).Select().Limit(countsTo)
	return inner.AppendSelectExprAs(sql.Raw("1"), "id")
}
