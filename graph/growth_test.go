package graph_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
)

// growth is what is measured: an operation of ann's, and what of it the database could not be spared, written by hand. $ann and $middle stand
// for her id and for the cursor in the middle of her list.
var growth = []struct{ name, query, postgres, sqlite string }{
	{
		"inbox", `{ voicemails(first: 20) { edges { cursor node { id from receivedAt heardAt transcript } } pageInfo { hasNextPage endCursor } } }`,
		`SELECT id, "from", received_at, heard_at, transcript, place FROM voicemails WHERE owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL ORDER BY place DESC LIMIT 21`, "",
	},
	{
		"deep page", `{ voicemails(first: 20, after: "$middle") { edges { cursor node { id from receivedAt heardAt transcript } } pageInfo { hasNextPage endCursor } } }`,
		`SELECT id, "from", received_at, heard_at, transcript, place FROM voicemails WHERE owner_id = '$ann' AND place < $place AND deleted_at IS NULL ORDER BY place DESC LIMIT 21`, "",
	},
	{
		"unheard", `{ voicemails(first: 20, where: {heardAtIsNil: true}) { edges { cursor node { id from } } pageInfo { hasNextPage } } }`,
		`SELECT id, "from", place FROM voicemails WHERE owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL AND heard_at IS NULL ORDER BY place DESC LIMIT 21`, "",
	},
	{
		"nested 20 x 20", `{ numbers(first: 20, where: {state: ACTIVE}) { edges { node { id voicemails(first: 20) { edges { node { id from } } pageInfo { hasNextPage } } } } } }`,
		`SELECT n.id, v.id, v."from" FROM (SELECT id FROM masked_numbers WHERE owner_id = '$ann' AND state = 'ACTIVE' ORDER BY created_at DESC, id DESC LIMIT 20) n CROSS JOIN LATERAL
			(SELECT id, "from" FROM voicemails WHERE number_id = n.id AND owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL ORDER BY place DESC LIMIT 21) v`,
		`SELECT n.id, v.id, v."from" FROM (SELECT id FROM masked_numbers WHERE owner_id = '$ann' AND state = 'ACTIVE' ORDER BY created_at DESC, id DESC LIMIT 20) n CROSS JOIN voicemails v
			ON v.id IN (SELECT id FROM voicemails WHERE number_id = n.id AND owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL ORDER BY place DESC LIMIT 21)`,
	},
	{
		"count", `{ voicemails { totalCount } }`,
		`SELECT COUNT(*) FROM (SELECT 1 FROM voicemails WHERE owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL LIMIT 10000) v`, "",
	},
	{
		"rare word", `{ voicemails(first: 20, where: {transcriptContainsFold: "zanzibar"}) { edges { node { id transcript } } } }`,
		`SELECT id, transcript, place FROM voicemails WHERE id IN (SELECT id FROM voicemails WHERE transcript ILIKE '%zanzibar%' OFFSET 0) AND owner_id = '$ann' AND place IS NOT NULL
			AND deleted_at IS NULL ORDER BY place DESC LIMIT 21`,
		`SELECT id, transcript, place FROM (SELECT rowid AS hit FROM voicemail_search WHERE voicemail_search MATCH '"zanzibar"') CROSS JOIN voicemails
			WHERE place = hit AND id > '' AND owner_id = '$ann' AND deleted_at IS NULL ORDER BY place DESC LIMIT 21`,
	},
	{
		"common word", `{ voicemails(first: 20, where: {transcriptContainsFold: "monday"}) { edges { node { id transcript } } } }`,
		`SELECT id, transcript, place FROM voicemails WHERE owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL AND transcript ILIKE '%monday%' ORDER BY place DESC LIMIT 21`,
		`SELECT id, transcript, place FROM voicemails WHERE owner_id = '$ann' AND place IS NOT NULL AND deleted_at IS NULL AND transcript LIKE '%monday%' ORDER BY place DESC LIMIT 21`,
	},
}

// BenchmarkGrowth measures operations on a hundred thousand voicemails and calls, and on as many as GROWTH says, beside SQL written by hand.
// What is to be compared is measured one after the other, since others may use the machine too.
func BenchmarkGrowth(b *testing.B) {
	sizes := []int{100_000}
	if n, err := strconv.Atoi(os.Getenv("GROWTH")); err == nil {
		sizes = append(sizes, n)
	}
	for _, kind := range []string{testdb.SQLite, testdb.Postgres} {
		b.Run(kind, func(b *testing.B) {
			var worlds []*grownWorld
			for _, n := range sizes {
				worlds = append(worlds, newGrownWorld(b, kind, n))
			}
			for _, g := range growth {
				for _, w := range worlds {
					byHand := g.postgres
					if kind == testdb.SQLite && g.sqlite != "" {
						byHand = g.sqlite
					}
					b.Run(fmt.Sprintf("%s/%d/GraphQL", g.name, w.size), func(b *testing.B) { w.measure(b, w.names.Replace(g.query)) })
					b.Run(fmt.Sprintf("%s/%d/SQL", g.name, w.size), func(b *testing.B) { w.measureSQL(b, w.names.Replace(byHand)) })
				}
			}
		})
	}
}

// grownWorld is a world of some size, without a limit to what may be asked in a minute.
type grownWorld struct {
	*world
	size  int
	token string
	front http.Handler
	names *strings.Replacer // what an operation says of this world
}

func newGrownWorld(b *testing.B, kind string, n int) *grownWorld {
	b.Helper()
	w := newWorld(b, testdb.Open(b, kind, jobs.Migrate))
	ann := w.tenant("ann")
	w.grow(ann, w.tenant("bob"), n)
	r := *w.resolver
	r.OnlyWarn, r.Log = true, slog.New(slog.DiscardHandler)
	return &grownWorld{w, n, ann.token, w.door(b, &r), strings.NewReplacer("$ann", ann.user, "$middle", w.middle(ann, n), "$place", strconv.Itoa(n/2))}
}

// middle is a cursor in the middle of the list of ann's voicemails.
func (w *world) middle(ann tenant, n int) string {
	w.t.Helper()
	var sid string
	check(w.t, w.unbounded().QueryRowContext(w.ctx, fmt.Sprintf(`SELECT recording_sid FROM voicemails WHERE owner_id = '%s' AND place > %d ORDER BY place LIMIT 1`, ann.user, n/2)).Scan(&sid))
	return w.ask(ann.token, `query($s: String!) { voicemails(where: {recordingSid: $s}) { edges { cursor } } }`, vars{"s": sid}, "voicemails.edges.0.cursor")[0]
}

func (w *grownWorld) measure(b *testing.B, query string) {
	body := fmt.Sprintf(`{"query": %q}`, query)
	for b.Loop() {
		r := request(b, "POST", "/graphql", strings.NewReader(body), "Authorization", "Bearer "+w.token, "Content-Type", "application/json")
		answer := httptest.NewRecorder()
		w.front.ServeHTTP(answer, r)
		if answer.Code != 200 || strings.Contains(answer.Body.String(), `"errors"`) {
			b.Fatal(answer.Body)
		}
	}
}

func (w *grownWorld) measureSQL(b *testing.B, query string) {
	db := w.unbounded()
	statement, err := db.PrepareContext(w.ctx, query)
	check(b, err)
	b.Cleanup(func() { check(b, statement.Close()) })
	for b.Loop() {
		readAll(b, statement)
	}
}

// readAll reads what a statement gives.
func readAll(b *testing.B, statement *sql.Stmt) {
	rows, err := statement.QueryContext(b.Context())
	check(b, err)
	columns, err := rows.Columns()
	check(b, err)
	values, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		check(b, rows.Scan(places...))
	}
	check(b, rows.Err())
	check(b, rows.Close())
}
