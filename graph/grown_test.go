package graph_test

import (
	"database/sql"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
)

const (
	grownNumbers = 80 // one half ann's, the other bob's
	sentences    = 1000
	needles      = 50 // voicemails of ann in which a rare word is said, however many voicemails there are
)

// grow fills the database with n calls and n voicemails, spread evenly over numbers of ann and bob, by statements that take seconds for
// millions. The sentences, of common words, come again and again.
func (w *world) grow(ann, bob tenant, n int) {
	w.t.Helper()
	db := w.unbounded()
	exec := func(statement string, args ...any) {
		w.t.Helper()
		_, err := db.ExecContext(w.ctx, statement, args...)
		check(w.t, err)
	}
	again := w.dropIndexes(exec)
	exec(`CREATE TABLE sentences (k INTEGER PRIMARY KEY, said TEXT)`)
	for k := range sentences {
		exec(`INSERT INTO sentences VALUES ($1, $2)`, k, sentence(k))
	}
	ownerOf := func(i string) string {
		return fmt.Sprintf("CASE %s %% 2 WHEN 0 THEN '%s' ELSE '%s' END", i, ann.user, bob.user)
	}
	exec(fmt.Sprintf(`INSERT INTO masked_numbers (id, owner_id, phone_number, label, state, forward_to, notify_emails, created_at)
		SELECT 'num_' || i, %s, '+1777' || (1000000 + i), 'grown ' || i, 'ACTIVE', '[]', '[]', %s FROM %s`,
		ownerOf("i"), w.moment(), w.series(grownNumbers)))
	number := fmt.Sprintf("(i %% %d + 1)", grownNumbers)
	caller := `CASE i % 5 WHEN 0 THEN 'anonymous' ELSE '+1888' || (1000000 + i % 5000) END`
	exec(fmt.Sprintf(`INSERT INTO calls (id, owner_id, number_id, call_sid, "from", "to", state, outcome, started_at, timeline, answers, changed_at)
		SELECT 'call_' || (1000000000 + i), %s, 'num_' || %s, 'CAgrown' || i, %s, '+17771000001', 'ENDED',
			CASE i %% 10 WHEN 1 THEN 'MISSED' ELSE 'VOICEMAIL' END, %s, '[]', '{}', %s FROM %s`,
		ownerOf(number), number, caller, w.moment(), w.moment(), w.series(n)))
	exec(fmt.Sprintf(`INSERT INTO voicemails (id, owner_id, number_id, call_id, recording_sid, "from", duration_seconds, received_at, learned_at,
			heard_at, place, appeared_at, transcript)
		SELECT 'vm_' || (1000000000 + i), %s, 'num_' || %s, 'call_' || (1000000000 + i), 'REgrown' || i, %s, 7, %s, %s,
			CASE i %% 4 WHEN 1 THEN NULL ELSE %s END, 1000 + i, %s, said || CASE i %% %d WHEN 1 THEN ' Zanzibar' ELSE '' END
		FROM %s JOIN sentences ON k = i %% %d`,
		ownerOf(number), number, caller, w.moment(), w.moment(), w.moment(), w.moment(), max(n/needles/2*2, 2), w.series(n), sentences))
	exec(fmt.Sprintf(`UPDATE counters SET last = %d WHERE id = 'place'`, n+2000))
	for _, statement := range again {
		exec(statement)
	}
	w.analyze(exec)
}

// unbounded is a connection on which a statement may take longer than in service.
func (w *world) unbounded() *sql.DB {
	w.t.Helper()
	driver := map[string]string{dialect.Postgres: "postgres", dialect.SQLite: "sqlite"}[w.db.Dialect()]
	db, err := sql.Open(driver, w.db.DSN())
	check(w.t, err)
	db.SetMaxOpenConns(1)
	w.t.Cleanup(func() { check(w.t, db.Close()) })
	return db
}

// analyze lets PostgreSQL learn what is in the tables, as it does by itself now and then. SQLite does not unless it is told, and nobody does.
func (w *world) analyze(exec func(string, ...any)) {
	if w.db.Dialect() == dialect.Postgres {
		exec(`VACUUM ANALYZE`)
	}
}

var said = strings.Fields(`hello this is about the delivery on monday please call me back when you have time thanks we wait at north door
	with both boxes and a key for your neighbour who asked again whether number four is open today or tomorrow after noon`)

func sentence(k int) string {
	words := make([]string, 12)
	for i := range words {
		words[i] = said[(k*7+i*i*3+k/11*i)%len(said)]
	}
	return strings.Join(words, " ")
}

// series are the numbers from 1 to n as a table g(i).
func (w *world) series(n int) string {
	if w.db.Dialect() == dialect.Postgres {
		return fmt.Sprintf("generate_series(1, %d) AS g(i)", n)
	}
	return fmt.Sprintf("(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT i FROM g) AS g", n)
}

// moment is the time of row i: one a second.
func (w *world) moment() string {
	if w.db.Dialect() == dialect.Postgres {
		return "to_timestamp(1735689600 + i)"
	}
	return "strftime('%Y-%m-%d %H:%M:%S', 1735689600 + i, 'unixepoch') || '+00:00'"
}

// dropIndexes drops the indexes that are no constraints, and returns the statements that make them again.
func (w *world) dropIndexes(exec func(string, ...any)) (again []string) {
	w.t.Helper()
	query := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('calls', 'voicemails')`
	if w.db.Dialect() == dialect.Postgres {
		query = `SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('calls', 'voicemails') AND indexname NOT LIKE '%pkey'`
	}
	rows, err := w.db.Writer().QueryContext(w.ctx, query)
	check(w.t, err)
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name, statement string
		check(w.t, rows.Scan(&name, &statement))
		names, again = append(names, name), append(again, statement)
	}
	check(w.t, rows.Err())
	check(w.t, rows.Close())
	for _, name := range names {
		exec("DROP INDEX " + name)
	}
	return again
}
