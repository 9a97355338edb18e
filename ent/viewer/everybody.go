package viewer

import "entgo.io/ent/dialect/sql"

// OfEverybody is true of every row. The indexes on everybody's rows are there on this condition, which only those state who read everybody's
// rows: the database might otherwise read these for an owner, whom it thinks to have as many rows as others, and find hardly any.
const OfEverybody = "id > ''"

// SeesEverybodys states the condition.
func SeesEverybodys(s *sql.Selector) {
	id := s.C("id")
	s.Where(sql.P(func(b *sql.Builder) { b.Ident(id).WriteString(" > ''") }))
}
