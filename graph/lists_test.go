package graph_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// A list is one of the schema: the operation around its arguments, and where the connection lies in the answer.
type list struct {
	name      string // of the type
	operation string
	at        string
	orders    []string         // that may be asked for
	rows      map[string][]row // by order
}

// row is what is known of a row of a list: its id, and its value in an order. The order that is not asked for goes by "".
type row struct{ id, key string }

const crowd = 23 // rows of each list: more than one page

// crowded fills each list with rows, several of which share their time or text, and returns the lists of the administrator and of the owner.
func (w *world) crowded(tn tenant) []list {
	w.t.Helper()
	base := w.now().Add(-time.Hour)
	rows := map[string]map[string][]row{}
	for _, name := range []string{"users", "numbers", "calls", "voicemails", "plans", "subscriptions"} {
		rows[name] = map[string][]row{}
	}
	add := func(list, id string, keys ...string) { // an order and the row's value in it, in turn
		for i := 0; i < len(keys); i += 2 {
			rows[list][keys[i]] = append(rows[list][keys[i]], row{id, keys[i+1]})
		}
	}
	stamp := func(at time.Time) string { return at.Format("2006-01-02T15:04:05.000000") }
	w.write(func(tx *ent.Client) error {
		for i := range crowd {
			at := base.Add(time.Duration(i/5) * time.Millisecond)
			text := []string{"", "a", "a b", "b"}[i%4]
			user := tx.User.Create().SetEmail(fmt.Sprintf("%d@crowd.example", 7*i%crowd)).SetName("").SetCreatedAt(at).SaveX(w.ctx)
			add("users", user.ID, "", stamp(at), "CREATED_AT", stamp(at), "EMAIL", user.Email)
			num := tx.MaskedNumber.Create().SetOwnerID(tn.user).SetPhoneNumber(phone.Number(fmt.Sprintf("+1666%07d", i))).SetLabel(text).
				SetForwardTo([]phone.Number{}).SetNotifyEmails([]string{}).SetCreatedAt(at).SaveX(w.ctx)
			add("numbers", num.ID, "", stamp(at), "CREATED_AT", stamp(at), "LABEL", text)
			call := tx.Call.Create().SetOwnerID(tn.user).SetNumberID(tn.number).SetCallSid(w.sid("CA")).SetFrom("anonymous").SetTo(phone.Number(tn.phone)).
				SetStartedAt(at).SetChangedAt(at).SetTimeline([]phone.CallEvent{}).SetAnswers(map[string]phone.Stored{}).SaveX(w.ctx)
			add("calls", call.ID, "", stamp(at), "STARTED_AT", stamp(at))
			place := int64(1000 + i*7%crowd)
			vm := tx.Voicemail.Create().SetOwnerID(tn.user).SetNumberID(tn.number).SetRecordingSid(w.sid("RE")).SetFrom("anonymous").SetDurationSeconds(1).
				SetReceivedAt(at).SetLearnedAt(at).SetPlace(place).SaveX(w.ctx)
			add("voicemails", vm.ID, "", fmt.Sprint(place), "RECEIVED_AT", stamp(at))
			plan := tx.Plan.Create().SetName("plan " + text).SetType(phone.PlanTrial).SetPeriod(phone.PeriodMonth).SaveX(w.ctx)
			add("plans", plan.ID, "", "", "NAME", "plan "+text)
			sub := tx.NumberSubscription.Create().SetOwnerID(tn.user).SetNumberID(tn.number).SetPlanID(plan.ID).SetActive(false).SetStartedAt(at).SetUsedSince(at).SaveX(w.ctx)
			add("subscriptions", sub.ID, "", stamp(at), "STARTED_AT", stamp(at))
		}
		return nil
	})
	under := func(kind, id, field string) string {
		return `{ node(id: "` + id + `") { ... on ` + kind + ` { list: ` + field + `%s } } }`
	}
	return []list{
		{"User", "{ list: users%s }", "list", []string{"CREATED_AT", "EMAIL"}, rows["users"]},
		{"MaskedNumber", "{ list: numbers%s }", "list", []string{"CREATED_AT", "LABEL"}, rows["numbers"]},
		{"Call", "{ list: calls%s }", "list", []string{"STARTED_AT"}, rows["calls"]},
		{"Voicemail", "{ list: voicemails%s }", "list", []string{"RECEIVED_AT"}, rows["voicemails"]},
		{"Plan", "{ list: plans%s }", "list", []string{"NAME"}, rows["plans"]},
		{"MaskedNumber", under("User", tn.user, "numbers"), "node.list", []string{"CREATED_AT", "LABEL"}, rows["numbers"]},
		{"Call", under("MaskedNumber", tn.number, "calls"), "node.list", []string{"STARTED_AT"}, rows["calls"]},
		{"Voicemail", under("MaskedNumber", tn.number, "voicemails"), "node.list", []string{"RECEIVED_AT"}, rows["voicemails"]},
		{"NumberSubscription", under("MaskedNumber", tn.number, "subscriptions"), "node.list", []string{"STARTED_AT"}, rows["subscriptions"]},
	}
}

// connection is a page of a list.
type connection struct {
	Edges []struct {
		Cursor string
		Node   struct{ ID string }
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount int
}

func (c connection) ids() (ids []string) {
	for _, e := range c.Edges {
		ids = append(ids, e.Node.ID)
	}
	return ids
}

const wholePage = ` { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`

// page reads a page of a list with some arguments, "" for none.
func (w *world) page(token string, l list, args string) (c connection) {
	w.t.Helper()
	check(w.t, json.Unmarshal([]byte(w.ask(token, l.with(args), nil, l.at)[0]), &c))
	return c
}

func (l list) with(args string) string {
	if args != "" {
		args = "(" + args + ")"
	}
	return fmt.Sprintf(l.operation, args+wholePage)
}

// inOrder are the ids of a list's rows in an order, the id deciding between those that are equal. No order is newest first.
func (l list) inOrder(order string, descending bool) (ids []string) {
	rows := slices.Clone(l.rows[order])
	slices.SortFunc(rows, func(a, b row) int {
		c := cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id))
		if descending {
			return -c
		}
		return c
	})
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids
}

// kinds are the orders of a list, each in one direction.
func (l list) kinds() []string {
	kinds := []string{""}
	for _, field := range l.orders {
		kinds = append(kinds, "orderBy: {field: "+field+"}")
	}
	return kinds
}

// sorts are all ways to order a list: the argument, and the ids that come of it.
func (l list) sorts() map[string][]string {
	sorts := map[string][]string{"": l.inOrder("", true)}
	for _, field := range l.orders {
		sorts["orderBy: {field: "+field+", direction: ASC}"] = l.inOrder(field, false)
		sorts["orderBy: {field: "+field+", direction: DESC}"] = l.inOrder(field, true)
		sorts["orderBy: {field: "+field+"}"] = l.inOrder(field, false)
	}
	return sorts
}

func among(ids, all []string) (those []string) {
	for _, id := range ids {
		if slices.Contains(all, id) {
			those = append(those, id)
		}
	}
	return those
}

func TestListsAreInTheirOrderAndPagedBothWaysWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for _, l := range w.crowded(a) {
			for sort, want := range l.sorts() {
				whole := w.page(w.admin, l, "first: 100 "+sort)
				if got := among(whole.ids(), want); !slices.Equal(got, want) {
					t.Errorf("%s %s\ngot  %v\nwant %v", l.operation, sort, got, want)
				}
				w.pageThrough(l, sort, whole)
			}
		}
	})
}

// pageThrough reads a list page by page from both ends and compares it with the whole.
func (w *world) pageThrough(l list, sort string, whole connection) {
	w.t.Helper()
	all, size := whole.ids(), 7
	var forwards, backwards []string
	for args := sort; ; {
		p := w.page(w.admin, l, fmt.Sprintf("first: %d %s", size, args))
		forwards = append(forwards, p.ids()...)
		w.looksLike(p, len(all), len(forwards) < len(all), len(forwards) > size)
		if !p.PageInfo.HasNextPage || len(forwards) > len(all) {
			break
		}
		args = sort + ` after: "` + *p.PageInfo.EndCursor + `"`
	}
	for args := sort; ; {
		p := w.page(w.admin, l, fmt.Sprintf("last: %d %s", size, args))
		backwards = append(p.ids(), backwards...)
		w.looksLike(p, len(all), len(backwards) > size, len(backwards) < len(all))
		if !p.PageInfo.HasPreviousPage || len(backwards) > len(all) {
			break
		}
		args = sort + ` before: "` + *p.PageInfo.StartCursor + `"`
	}
	if !slices.Equal(forwards, all) || !slices.Equal(backwards, all) {
		w.t.Errorf("%s %s\ngot forwards %v\nbackwards %v\nwant %v", l.operation, sort, forwards, backwards, all)
	}
	between := w.page(w.admin, l, fmt.Sprintf(`first: 100 %s after: "%s" before: "%s"`, sort, whole.Edges[2].Cursor, whole.Edges[9].Cursor))
	if !slices.Equal(between.ids(), all[3:9]) {
		w.t.Errorf("between two cursors: got %v, want %v", between.ids(), all[3:9])
	}
}

// looksLike checks what a page says of itself.
func (w *world) looksLike(p connection, total int, next, previous bool) {
	w.t.Helper()
	info := p.PageInfo
	if p.TotalCount != total || info.HasNextPage != next || info.HasPreviousPage != previous {
		w.t.Errorf("got %d in all, next %t, previous %t; want %d, %t, %t", p.TotalCount, info.HasNextPage, info.HasPreviousPage, total, next, previous)
	}
	if n := len(p.Edges); n > 0 && (*info.StartCursor != p.Edges[0].Cursor || *info.EndCursor != p.Edges[n-1].Cursor) {
		w.t.Error("the cursors of pageInfo are not those of the first and the last edge")
	}
}

func TestAPageHas20RowsUnlessAskedAnd1To100FromOneEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for _, l := range w.crowded(a) {
			for args, want := range map[string]int{"": 20, "first: null, last: null": 20, "first: 1": 1, "last: 1": 1, "last: null first: 21": 21} {
				if got := len(w.page(w.admin, l, args).Edges); got != want {
					t.Errorf("%s with %q: got %d rows, want %d", l.operation, args, got, want)
				}
			}
			for args, field := range map[string]string{
				"first: 0": "first", "first: -1": "first", "first: 101": "first", "first: 2147483647": "first",
				"last: 0": "last", "last: -1": "last", "last: 101": "last", "first: 5, last: 5": "last", "first: 0 last: 0": "last",
			} {
				e := w.refused(w.admin, l.with(args), nil, phone.BadUserInput, l.at)
				if e.Extensions["field"] != field {
					t.Errorf("%s: got %v, want the field %s", args, e, field)
				}
			}
		}
		w.refused(a.token, `query($n: Int) { calls(first: $n) { totalCount } }`, vars{"n": json.Number("9223372036854775807")}, phone.BadUserInput, "calls")
	})
}

func TestTotalCountIsExactUpTo10000(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		// One voicemail, and 10,002 that are like it but for the caller.
		w.exec(`INSERT INTO voicemails (id, owner_id, number_id, recording_sid, "from", duration_seconds, received_at, learned_at,
				audio, audio_type, audio_size, audio_sha256, transcription, place)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10002)
			SELECT 'vm_' || i, owner_id, number_id, 'RE' || i, CASE WHEN i <= 9999 THEN 'many' WHEN i = 10000 THEN 'one' ELSE 'few' END,
				duration_seconds, received_at, learned_at, audio, audio_type, audio_size, audio_sha256, transcription, 1000 + i
			FROM n, voicemails WHERE id = $1`, w.voicemails(a, 1)[0])
		for where, want := range map[string]int{
			`{}`: 10_000, `{not: {from: "one"}}`: 10_000, `{or: [{from: "many"}, {from: "one"}]}`: 10_000, `{from: "many"}`: 9_999, `{from: "few"}`: 2, `{from: "nobody"}`: 0,
		} {
			w.wants(a.token, `query($n: ID!) { voicemails(where: `+where+`) { totalCount }
				node(id: $n) { ... on MaskedNumber { unheardVoicemails voicemails(where: `+where+`) { totalCount } } } }`,
				vars{"n": a.number}, fmt.Sprintf(`{"voicemails": {"totalCount": %d}, "node": {"unheardVoicemails": 10000, "voicemails": {"totalCount": %d}}}`, want, want))
		}
		w.exec(`UPDATE voicemails SET heard_at = $1 WHERE "from" = 'few' OR place < 1000`, w.now())
		w.wants(a.token, `query($n: ID!) { node(id: $n) { ... on MaskedNumber { unheardVoicemails } } }`, vars{"n": a.number}, `{"node": {"unheardVoicemails": 10000}}`)
		w.exec(`UPDATE voicemails SET heard_at = $1 WHERE "from" = 'one'`, w.now())
		w.wants(a.token, `query($n: ID!) { node(id: $n) { ... on MaskedNumber { unheardVoicemails } } }`, vars{"n": a.number}, `{"node": {"unheardVoicemails": 9999}}`)
	})
}

func TestAnAliasIsOnlyAName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for _, l := range w.crowded(a) {
			want := w.page(w.admin, l, "first: 3")
			const aliased = `(first: 3) { rows: edges { place: cursor it: node { name: id } } info: pageInfo { more: hasNextPage to: endCursor } count: totalCount }`
			var got struct {
				Rows []struct {
					Place string
					It    struct{ Name string }
				}
				Info struct {
					More bool
					To   string
				}
				Count int
			}
			check(t, json.Unmarshal([]byte(w.ask(w.admin, fmt.Sprintf(l.operation, aliased), nil, l.at)[0]), &got))
			if len(got.Rows) != 3 || got.Count != want.TotalCount || !got.Info.More || got.Info.To != want.Edges[2].Cursor {
				t.Fatalf("%s: got %+v, want %+v", l.operation, got, want)
			}
			for i, r := range got.Rows {
				if r.Place != want.Edges[i].Cursor || r.It.Name != want.Edges[i].Node.ID {
					t.Errorf("%s: got %+v, want %+v", l.operation, r, want.Edges[i])
				}
			}
		}
	})
}

func TestAFieldThatIsSelectedTwiceIsAnsweredWholeBothTimes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.voicemails(a, 1)
		line := fmt.Sprintf(`{"label": "line of ann", "state": "ACTIVE", "owner": {"email": %q, "locale": "en"}}`, a.email)
		w.wants(a.token, `{ voicemails { edges { node { a: number { label ...rest } b: number { ...rest ... on MaskedNumber { label } }
			number { state owner { locale } ...rest label } } } } }
			fragment rest on MaskedNumber { state owner { email ...o } }
			fragment o on User { locale }`, nil,
			`{"voicemails": {"edges": [{"node": {"a": `+line+`, "b": `+line+`, "number": `+line+`}}]}}`)
		cursor := w.ask(a.token, `{ voicemails { edges { cursor } } }`, nil, "voicemails.edges.0.cursor")[0]
		w.wants(a.token, `{ voicemails { a: edges { node { from } } b: edges { node { durationSeconds } cursor }
			edges { other: node { number { id } } node { number { label } } } } }`, nil,
			fmt.Sprintf(`{"voicemails": {"a": [{"node": {"from": "+15550200002"}}], "b": [{"node": {"durationSeconds": 7}, "cursor": %q}],
			"edges": [{"other": {"number": {"id": %q}}, "node": {"number": {"label": "line of ann"}}}]}}`, cursor, a.number))
		w.wants(a.token, `query($no: Boolean!) { voicemails { edges @skip(if: $no) { node { from } }
			edges { node { durationSeconds @include(if: $no) heardAt @skip(if: true) number @skip(if: $no) { id } number { label } } } } }`,
			vars{"no": false}, `{"voicemails": {"edges": [{"node": {"from": "+15550200002", "number": {"id": "`+a.number+`", "label": "line of ann"}}}]}}`)
		w.wants(a.token, `{ voicemails { edges { node { d: deliveries { recipient } deliveries { channel } e: deliveries { state } } } } }`, nil,
			`{"voicemails": {"edges": [{"node": {"d": [{"recipient": "ann@example.com"}], "deliveries": [{"channel": "email"}], "e": [{"state": "PENDING"}]}}]}}`)
	})
}

func TestPageInfoIsRightWithoutEdges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for _, l := range w.crowded(a) {
			for _, args := range []string{"(first: 3)", "(last: 3)", "(first: 100)", ""} {
				const info = ` { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } `
				bare := w.ask(w.admin, fmt.Sprintf(l.operation, args+info+`}`), nil, l.at+".pageInfo")[0]
				full := w.ask(w.admin, fmt.Sprintf(l.operation, args+info+`edges { node { id } } }`), nil, l.at+".pageInfo")[0]
				if bare != full {
					t.Errorf("%s%s: got %s without edges, %s with them", l.operation, args, bare, full)
				}
			}
		}
	})
}
