package graph_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
)

// A filter of a list, and what SQLite must look up by it; several that are possible lie between bars.
type filter struct {
	where, by string
	few       bool // rows that meet it, so that sorting them costs nothing
}

// lists are all filters and orders of the contract, of each list, and of the lists below an object.
var plannedLists = []struct {
	name    string
	below   string // the object that has it too
	orders  []string
	filters []filter
}{
	{"users", "", []string{"", "EMAIL", "CREATED_AT"}, []filter{{"", "", false}, {`email: "ann@example.com"`, "email=?|id=?", true}, {`idIn: ["$ann", "$bob"]`, "id=?", true}}},
	{"numbers", "ann", []string{"", "LABEL", "CREATED_AT"}, []filter{
		{"", "", false}, {`phoneNumber: "+17771000001"`, "phone_number=?", true}, {`state: PAUSED`, "state=?", false}, {`state: ACTIVE`, "state=?", false}, {`label: "extra"`, "label=?", false},
		{`label: "grown 7"`, "label=?", false}, {`labelContainsFold: "Own 77"`, "", false}, {`labelContainsFold: "xtra"`, "", false}, {`hasOwnerWith: [{email: "bob@example.com"}]`, "owner_id=?", false},
	}},
	{"calls", "num_2", []string{"", "STARTED_AT"}, []filter{
		{"", "", false}, {`callSid: "CAgrown77"`, "call_sid=?", true}, {`outcome: MISSED`, "outcome=?", false}, {`outcome: REJECTED`, "outcome=?", false}, {`outcomeIn: [REJECTED, MISSED]`, "outcome=?", false},
		{`from: "anonymous"`, "from=?", false}, {`from: "+18881000007"`, "from=?", false}, {`startedAtGTE: "2025-01-01T02:00:00Z"`, "started_at>?", false}, {`startedAtLT: "2025-01-01T02:00:00Z"`, "started_at<?|started_at,id", false},
		{`hasNumberWith: [{id: "num_2"}]`, "number_id=?", false}, {`hasNumberWith: [{labelContainsFold: "grown 1"}]`, "number_id=?", false},
	}},
	{"voicemails", "num_2", []string{"", "RECEIVED_AT"}, []filter{
		{"", "", false}, {`recordingSid: "REgrown77"`, "recording_sid=?", true}, {`heardAtIsNil: true`, "voicemail_unheard", false}, {`from: "anonymous"`, "from=?", false}, {`from: "+18881000007"`, "from=?", false},
		{`hasNumberWith: [{id: "num_2"}]`, "number_id=?", false}, {`transcriptContainsFold: "ZANZIBAR"`, "", false}, {`transcriptContainsFold: "monday"`, "", false},
		{`receivedAtGTE: "2025-01-01T02:00:00Z"`, "received_at>?|received_at,id", false}, {`receivedAtLT: "2025-01-01T02:00:00Z"`, "received_at<?|received_at,id", false},
	}},
	{"plans", "", []string{"", "NAME"}, []filter{{"", "", false}, {`id: "plan_7"`, "id=?", false}}},
	{"subscriptions", "num_2", []string{"", "STARTED_AT"}, []filter{{"", "", false}}},
}

// Each list is read by an index that leads to what is asked for, in its order, at any depth: no statement reads many more rows than it gives.
func TestEachFilterAndOrderOfEachViewHasItsIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		few := w.tenant("carl")
		w.voicemails(few, 3)
		w.grow(a, b, 20_000)
		w.crowd(a, b)
		s := w.spied()
		counts := map[string]int{}
		for _, l := range plannedLists {
			for _, f := range l.filters {
				if byTime := strings.HasPrefix(f.where, "receivedAt"); byTime {
					l.orders = []string{"RECEIVED_AT"} // by appearance the moments are in no order
				}
				where := strings.NewReplacer("$ann", a.user, "$bob", b.user).Replace(f.where)
				for _, order := range l.orders {
					for view, ask := range map[string]func(arguments string) reply{
						"owner":         func(args string) reply { return s.asks(a.token, "{ list: "+l.name+args+" }") },
						"small owner":   func(args string) reply { return s.asks(few.token, "{ list: "+l.name+args+" }") },
						"administrator": func(args string) reply { return s.asks(w.admin, "{ list: "+l.name+args+" }") },
						"below":         func(args string) reply { return s.asksBelow(w.admin, l.below, a.user, l.name+args) },
						"owner's below": func(args string) reply { return s.asksBelow(a.token, l.below, a.user, l.name+args) },
					} {
						isBelow := strings.HasSuffix(view, "below")
						if isBelow && strings.Contains(where, "hasOwnerWith") {
							continue // there is but one
						}
						if isBelow != (l.name == "subscriptions" || isBelow && l.below != "") {
							continue
						}
						counts[l.name+" "+view] += s.walks(view, view+": "+l.name+" "+order+" "+where, where, order, f, ask)
					}
				}
			}
		}
		t.Logf("statements explained: %v", counts)
	})
}

// crowd makes the other tables large too, and deletes the newest voicemails.
func (w *world) crowd(a, b tenant) {
	w.t.Helper()
	owner := fmt.Sprintf("CASE i %% 2 WHEN 0 THEN '%s' ELSE '%s' END", a.user, b.user)
	w.exec(`INSERT INTO masked_numbers (id, owner_id, phone_number, label, state, forward_to, notify_emails, created_at)
		SELECT 'num_x' || i, ` + owner + `, '+1999' || (1000000 + i), 'extra', CASE WHEN i < 40 THEN 'PAUSED' ELSE 'ACTIVE' END, '[]', '[]', ` + w.moment() + ` FROM ` + w.series(20_000))
	w.exec(`INSERT INTO users (id, email, name, created_at) SELECT 'usr_x' || i, i || '@example.net', '', ` + w.moment() + ` FROM ` + w.series(5000))
	w.exec(`INSERT INTO plans (id, name, type, period) SELECT 'plan_' || i, 'Plan', 'TRIAL', 'MONTH' FROM ` + w.series(5000))
	w.exec(`INSERT INTO number_subscriptions (id, owner_id, number_id, plan_id, active, started_at, used_since)
		SELECT 'sub_x' || i, '` + a.user + `', CASE i % 5 WHEN 0 THEN 'num_2' ELSE 'num_4' END, 'plan_1', false, ` + w.moment() + `, ` + w.moment() + ` FROM ` + w.series(5000))
	w.exec(`UPDATE voicemails SET deleted_at = received_at WHERE place > 18000 AND place < 30000`)
	w.analyze(w.exec)
}

// spy is a world whose reading is seen.
type spy struct {
	dialect.Driver
	*world
	front http.Handler
	db    *sql.DB
	mu    sync.Mutex
	seen  []statement
}

type statement struct {
	text string
	args []any
}

func (w *world) spied() *spy {
	w.t.Helper()
	s := &spy{world: w, db: w.unbounded()}
	s.Driver = entsql.OpenDB(w.db.Dialect(), s.db)
	r := *w.resolver
	r.DB = ent.NewClient(ent.Driver(s))
	s.front = w.door(w.t, &r)
	return s
}

// Query notes what is read.
func (s *spy) Query(ctx context.Context, query string, args, v any) error {
	s.mu.Lock()
	s.seen = append(s.seen, statement{query, args.([]any)})
	s.mu.Unlock()
	return s.Driver.Query(ctx, query, args, v)
}

func (s *spy) asks(token, query string) reply {
	s.t.Helper()
	body, err := json.Marshal(vars{"query": query})
	check(s.t, err)
	r := request(s.t, http.MethodPost, "/graphql", strings.NewReader(string(body)), "Authorization", "Bearer "+token, "Content-Type", "application/json")
	answer := httptest.NewRecorder()
	s.front.ServeHTTP(answer, r)
	got := parse(s.t, answer.Code, answer.Header(), answer.Body.Bytes())
	if len(got.Errors) > 0 {
		s.t.Fatalf("%s\ngot %s", query, got.Body)
	}
	return got
}

func (s *spy) asksBelow(token, number, user, list string) reply {
	s.t.Helper()
	if number == "ann" {
		number = user
	}
	got := s.asks(token, fmt.Sprintf(`{ node(id: "%s") { ... on MaskedNumber { %s } ... on User { %s } } }`, number, only(list, "calls", "voicemails", "subscriptions"), only(list, "numbers")))
	got.Data = json.RawMessage(at(s.t, got.Data, "node"))
	return got
}

// only is a list if it is one of these, or else something that every object has.
func only(list string, names ...string) string {
	for _, name := range names {
		if strings.HasPrefix(list, name) {
			return "list: " + list
		}
	}
	return "id"
}

// walks reads the first page and that after it, explains what was asked for, and tells how many statements that were.
func (s *spy) walks(view, what, where, order string, f filter, ask func(string) reply) int {
	s.t.Helper()
	s.seen = nil
	after := ""
	for range 2 {
		args := "(first: 20" + after
		if order != "" {
			args += ", orderBy: {field: " + order + ", direction: DESC}"
		}
		place := ""
		if strings.Contains(what, ": voicemails") {
			place = "followCursor "
		}
		got := ask(args + ", where: {" + where + "}) { " + place + "edges { node { id } } pageInfo { hasNextPage endCursor } }")
		if at(s.t, got.Data, "list.pageInfo.hasNextPage") == "false" {
			break
		}
		after = fmt.Sprintf(", after: %q", at(s.t, got.Data, "list.pageInfo.endCursor"))
	}
	seen := s.seen
	if view == "small owner" {
		f.by = "" // all that is theirs is little
	}
	for _, st := range seen {
		if s.lite() {
			s.explainSQLite(what, f, st)
		} else {
			s.explainPostgres(what, st)
		}
	}
	return len(seen)
}

// step is a node of PostgreSQL's plan.
type step struct {
	Type      string  `json:"Node Type"`
	Relation  string  `json:"Relation Name"`
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Plans     []step
}

// work is how many rows of tables a plan has read.
func (p step) work() (rows float64) {
	if p.Relation != "" {
		rows = (p.Rows + p.Filtered + p.Rechecked) * p.Loops
	}
	for _, below := range p.Plans {
		rows += below.work()
	}
	return rows
}

const (
	mostWork   = 250   // rows read for a page of 20
	mostLooked = 2_400 // when a text is looked for
)

func (s *spy) explainPostgres(what string, st statement) {
	s.t.Helper()
	_, err := s.db.ExecContext(s.ctx, "PREPARE explained AS "+st.text)
	check(s.t, err)
	values := make([]string, len(st.args))
	for i, v := range st.args {
		values[i] = literal(v)
	}
	execute := "EXECUTE explained"
	if len(values) > 0 {
		execute += "(" + strings.Join(values, ", ") + ")"
	}
	var text string
	check(s.t, s.db.QueryRowContext(s.ctx, "EXPLAIN (ANALYZE, FORMAT JSON) "+execute).Scan(&text))
	_, err = s.db.ExecContext(s.ctx, "DEALLOCATE explained")
	check(s.t, err)
	var plans []struct{ Plan step }
	check(s.t, json.Unmarshal([]byte(text), &plans))
	most := float64(mostWork)
	if strings.Contains(st.text, "ILIKE") || strings.Contains(st.text, "OFFSET 1000") {
		most = mostLooked
	}
	if work := plans[0].Plan.work(); work > most {
		s.t.Errorf("%s: %.0f rows are read:\n%s\n%s", what, work, st.text, text)
	}
}

func literal(v any) string {
	if t, ok := v.(time.Time); ok {
		v = t.Format(time.RFC3339Nano)
	}
	return "'" + strings.ReplaceAll(fmt.Sprint(v), "'", "''") + "'"
}

var (
	wholeTable   = regexp.MustCompile(`^SCAN (users|masked_numbers|calls|voicemails|plans|number_subscriptions|voicemail_changes)\b`)
	severalTimes = regexp.MustCompile(`hits|json_each.*json_each`)
	inPieces     = regexp.MustCompile(`json_each|hits|FROM \(SELECT`)
)

// explainSQLite wants an index wherever rows are read, that it begins with what is asked for, and that it has the rows in order, unless these
// were put together from several reads.
func (s *spy) explainSQLite(what string, f filter, st statement) {
	s.t.Helper()
	bad, whole := "", s.planSQLite(st)
	for line := range strings.Lines(whole) {
		var parent int
		_, err := fmt.Sscan(line, &parent)
		check(s.t, err)
		detail := strings.TrimLeft(strings.TrimSpace(line), "0123456789 ")
		if wholeTable.MatchString(detail) && !strings.Contains(detail, "INDEX") && !strings.Contains(st.text, "FROM (SELECT") {
			bad += " reads a whole table;"
		}
		if !f.few && strings.HasPrefix(detail, "USE TEMP B-TREE") && (parent != 0 || !inPieces.MatchString(st.text)) && !severalTimes.MatchString(st.text) {
			bad += " sorts;"
		}
	}
	isList := strings.Contains(st.text, " LIMIT 21")
	if isList && !regexp.MustCompile(strings.ReplaceAll(f.by, "?", `\?`)).MatchString(whole) {
		bad += " does not look up " + f.by
	}
	if bad != "" {
		s.t.Errorf("%s:%s\n%s\n%s", what, bad, st.text, whole)
	}
}

// lite tells whether the database is SQLite.
func (s *spy) lite() bool { return s.world.db.Dialect() == dialect.SQLite }

// planSQLite is how SQLite would do a statement: a step a line, after the number of the step that it is part of.
func (s *spy) planSQLite(st statement) (plan string) {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.ctx, "EXPLAIN QUERY PLAN "+st.text, st.args...)
	check(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		check(s.t, rows.Scan(&id, &parent, &unused, &detail))
		plan += fmt.Sprintf("%d %s\n", parent, detail)
	}
	check(s.t, rows.Err())
	return plan
}
