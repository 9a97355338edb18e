package graph_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
)

// What somebody gets: an error's code, or an answer, which shows what is the owner's or does not.
const (
	shows = "shown"
	hides = "allowed, and shows nothing"
)

// matrix is who gets what. Ann owns everything that is asked for, Bob has the same of his own, one token is revoked, and somebody has none.
type matrix struct {
	*world
	ann, bob  tenant
	things    map[string]string // Ann's
	revoked   string
	secrets   []string // what is Ann's alone
	schema    introspected
	counts    map[string]int // by what was asked and who got what
	mutations []mutation
}

func (w *world) matrix() *matrix {
	w.t.Helper()
	m := &matrix{world: w, ann: w.tenant("ann"), bob: w.tenant("bob"), schema: w.introspect(), counts: map[string]int{}}
	m.things = w.things(m.ann)
	delete(m.things, "Plan") // is everybody's
	m.secrets = append(slices.Collect(maps.Values(m.things)), m.ann.email, m.ann.phone, "line of ann")
	w.things(m.bob)
	w.ask(m.ann.token, createToken, vars{"u": m.ann.user, "n": "one more"})
	lost := w.ask(m.ann.token, createToken, vars{"u": m.ann.user, "n": "lost"}, "createToken.accessToken.id", "createToken.token")
	w.ask(m.ann.token, revokeToken, vars{"id": lost[0]})
	m.revoked = lost[1]
	mine := append(w.voicemails(m.ann, 1), m.things["Voicemail"])
	m.mutations = w.mutations(m.ann, mine, m.things["Delivery"], lost[0])
	return m
}

// verdict is what an answer comes to.
func (m *matrix) verdict(got reply) string {
	if len(got.Errors) > 0 {
		return got.Errors[0].code()
	}
	return m.shown(got.Body)
}

func (m *matrix) shown(body string) string {
	if slices.ContainsFunc(m.secrets, func(s string) bool { return strings.Contains(body, s) }) {
		return shows
	}
	return hides
}

// wants checks one cell.
func (m *matrix) wants(kind, who, what, got string, allowed ...string) {
	m.t.Helper()
	m.counts[kind+" as "+who+": "+got]++
	if !slices.Contains(allowed, got) {
		m.t.Errorf("%s, as %s: got %s, want %v", what, who, got, allowed)
	}
}

// row asks as everybody: what Ann and the administrator get, and what Bob gets. Who is not signed in is UNAUTHENTICATED, whatever is asked.
func (m *matrix) row(kind, query string, v vars, ann, bob []string) {
	m.t.Helper()
	m.strangers(kind, query, v)
	m.wants(kind, "other owner", query, m.verdict(m.try(m.bob.token, query, v)), bob...)
	m.wants(kind, "owner", query, m.verdict(m.try(m.ann.token, query, v)), ann...)
	m.wants(kind, "admin", query, m.verdict(m.try(m.admin, query, v)), ann...)
}

func (m *matrix) strangers(kind, query string, v vars) {
	m.t.Helper()
	m.wants(kind, "nobody", query, m.verdict(m.try("", query, v)), string(phone.Unauthenticated))
	m.wants(kind, "revoked", query, m.verdict(m.try(m.revoked, query, v)), string(phone.Unauthenticated))
}

var (
	either   = []string{shows, hides}
	notFound = []string{string(phone.NotFound)}
)

func TestTheMatrixOfRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		m := w.matrix()
		m.queries()
		m.paths()
		m.lists()
		m.subscriptions()
		m.links()
		m.mutate()
		total := 0
		for _, cell := range slices.Sorted(maps.Keys(m.counts)) {
			t.Logf("%4d %s", m.counts[cell], cell)
			total += m.counts[cell]
		}
		t.Logf("%4d answers in all", total)
	})
}

// queries are the fields of the root. One that is neither a list nor named here fails.
func (m *matrix) queries() {
	for _, f := range m.fields("Query") {
		switch {
		case strings.HasSuffix(f.to, "Connection"):
			visible := []string{shows}
			if f.name == "plans" || f.name == "deletedVoicemails" { // which are everybody's, and none
				visible = []string{hides}
			}
			m.row("query", "{ "+f.name+" { totalCount edges { cursor node { id } } } }", nil, visible, []string{hides})
		case f.name == "viewer":
			m.row("query", "{ viewer { id email } }", nil, either, []string{hides})
		case f.name == "node":
			for _, id := range m.things {
				m.alike(`query($id: ID!) { node(id: $id) { __typename } }`, vars{"id": id})
				m.row("query", `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}, []string{shows}, notFound)
			}
		case f.name == "nodes":
			for _, id := range m.things {
				m.alike(`query($id: [ID!]!) { nodes(ids: $id) { __typename } }`, vars{"id": []string{id}})
				m.row("query", `query($id: ID!) { nodes(ids: [$id]) { id } }`, vars{"id": id}, []string{shows}, notFound)
			}
		default:
			m.t.Errorf("the matrix does not say who may ask for Query.%s", f.name)
		}
	}
}

// fields are those of a type, as the walk through the schema knows them.
func (m *matrix) fields(kind string) []pathway { return newWalk(m.schema, 0).fields[kind] }

// alike checks that Bob is told the same of what is Ann's, of what does not exist and of what is no id.
func (m *matrix) alike(query string, v vars) {
	m.t.Helper()
	foreign := m.try(m.bob.token, query, v)
	for _, id := range slices.Concat(slices.Collect(maps.Values(m.things)), unknown, malformed) {
		got := m.try(m.bob.token, query, v.of(func(string) string { return id }))
		if got.Body != foreign.Body || got.Status != foreign.Status {
			m.t.Errorf("%s: got %d %s of what is another's, %d %s with %.60q", query, foreign.Status, foreign.Body, got.Status, got.Body, id)
		}
		m.counts["ids of another's, unknown and malformed, that are all the same"]++
	}
}

// of are variables with other ids.
func (v vars) of(other func(id string) string) vars {
	changed := vars{}
	for name, value := range v {
		switch value := value.(type) {
		case string:
			changed[name] = value
			if strings.Contains(value, "_") {
				changed[name] = other(value)
			}
		case []string:
			ids := []string{}
			for _, id := range value {
				ids = append(ids, other(id))
			}
			changed[name] = ids
		default:
			changed[name] = value
		}
	}
	return changed
}

// paths are all fields of all types, from each of Ann's things.
func (m *matrix) paths() {
	schema := waysThrough(m.schema)
	for kind, id := range m.things {
		for _, f := range m.fields(kind) {
			below := f.name
			switch node, isList := strings.CutSuffix(f.to, "Connection"); {
			case isList:
				below += listed(schema.leafs[node])
			case f.isObject:
				below += " { " + schema.leafs[f.to] + " }"
				if f.to == "CallEvent" {
					below = "timeline { at kind detail }"
				}
			}
			m.row("path", `query($id: ID!) { node(id: $id) { ... on `+kind+` { `+below+` } } }`, vars{"id": id}, either, notFound)
		}
	}
}

// lists are asked with every condition, in every order, and from each place in them that is Ann's.
func (m *matrix) lists() {
	m.plant()
	m.secrets = append(m.secrets, canary, strings.ToLower(canary), canaryNumber)
	k := newWalk(m.schema, 0)
	cursors := m.foreignCursors(k)
	for _, f := range k.fields["Query"] {
		node, isList := strings.CutSuffix(f.to, "Connection")
		if !isList || !slices.Contains(f.args, "where") {
			continue
		}
		list := "{ " + f.name + "(%s) { totalCount edges { cursor node { id } } } }"
		for _, where := range oracles[node] {
			m.row("filter", fmt.Sprintf(list, "where: "+where), nil, either, []string{hides})
		}
		for _, order := range append([]string{""}, k.orders[node]...) {
			by := ""
			if order != "" {
				by = "orderBy: {field: " + order + "} "
				m.row("order", fmt.Sprintf(list, by), nil, either, []string{hides})
			}
			for _, c := range cursors[node+order] {
				for _, end := range []string{"after", "before"} {
					m.row("cursor", fmt.Sprintf(list, by+end+`: "`+c+`"`), nil, either, []string{hides})
				}
			}
		}
	}
}

// pushed are the subscriptions, with what of their events there is to see. Of the running calls any may come first, so that they are known by
// their number.
var pushed = map[string]string{
	"voicemailReceived": `subscription($n: ID, $c: Cursor) { voicemailReceived(numberID: $n, after: $c) { cursor node { id } } }`,
	"voicemailChanged":  `subscription($n: ID, $c: Cursor) { voicemailChanged(numberID: $n, after: $c) { voicemailID kind } }`,
	"callChanged":       `subscription($n: ID) { callChanged(numberID: $n) { number { id } } }`,
}

// subscriptions are asked over both transports, of Ann's number and of all that one may see; Bob's events come behind hers.
func (m *matrix) subscriptions() {
	for _, tn := range []tenant{m.ann, m.bob} {
		vm := m.ask(tn.token, `{ voicemails(last: 1) { edges { node { id } } } }`, nil, "voicemails.edges.0.node.id")[0]
		m.ask(tn.token, `mutation($id: ID!) { markVoicemails(ids: [$id], heard: true) { id } }`, vars{"id": vm})
	}
	for _, f := range m.fields("Subscription") {
		query := pushed[f.name]
		if query == "" {
			m.t.Errorf("the matrix does not say who may follow %s", f.name)
			continue
		}
		all, hers := vars{}, vars{"n": m.ann.number}
		if slices.Contains(f.args, "after") {
			all["c"], hers["c"] = cursor("vm_", int64(0)), cursor("vm_", int64(0))
		}
		for way, first := range map[string]func(token, query string, v vars) string{"socket": m.bySocket, "stream": m.byStream} {
			for who, c := range map[string]struct{ token, all, hers string }{
				"owner": {m.ann.token, shows, shows}, "other owner": {m.bob.token, hides, string(phone.NotFound)},
				"nobody": {"", string(phone.Unauthenticated), string(phone.Unauthenticated)}, "revoked": {m.revoked, string(phone.Unauthenticated), string(phone.Unauthenticated)},
			} {
				m.wants(way, who, f.name, first(c.token, query, all), c.all)
				m.wants(way, who, f.name+" of Ann's number", first(c.token, query, hers), c.hers)
			}
			m.wants(way, "admin", f.name, first(m.admin, query, all), either...) // which may be Bob's
			m.wants(way, "admin", f.name+" of Ann's number", first(m.admin, query, hers), shows)
			unknown := hers.of(func(string) string { return "num_000000000000000000000000" })
			m.wants(way, "other owner", f.name+" of no number", first(m.bob.token, query, unknown), string(phone.NotFound))
		}
	}
}

// bySocket is what the first message of a subscription comes to.
func (m *matrix) bySocket(token, query string, v vars) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(m.url, "http")+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	check(m.t, err)
	defer func() { _ = conn.CloseNow() }()
	f := &follower{m.t, conn}
	f.send(frame{Type: "connection_init", Payload: f.raw(vars{"authorization": "Bearer " + token})})
	var ack frame
	if err := wsjson.Read(ctx, conn, &ack); err != nil {
		if closed, ok := errors.AsType[websocket.CloseError](err); ok && closed.Code == 4403 {
			return string(phone.Unauthenticated)
		}
		return err.Error()
	}
	f.send(frame{ID: "1", Type: "subscribe", Payload: f.raw(vars{"query": query, "variables": v})})
	got := f.read()
	if got.Type == "error" {
		return m.verdict(parse(m.t, 0, http.Header{"Content-Type": {"json"}}, []byte(`{"errors": `+string(got.Payload)+`}`)))
	}
	return m.verdict(parse(m.t, 0, http.Header{"Content-Type": {"json"}}, got.Payload))
}

// byStream is what the first event of a subscription comes to.
func (m *matrix) byStream(token, query string, v vars) string {
	m.t.Helper()
	body := (&follower{t: m.t}).raw(vars{"query": query, "variables": v})
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	r := request(m.t, http.MethodPost, m.url+"/graphql", strings.NewReader(string(body)), "Authorization", "Bearer "+token, "Content-Type", "application/json",
		"Accept", acceptOfGraphqlSSE).WithContext(ctx)
	if token == "" || token == m.revoked {
		return m.verdict(m.send(r))
	}
	return m.verdict(parse(m.t, 0, http.Header{"Content-Type": {"json"}}, []byte(m.stream(token, query, v).next("next"))))
}

// links lead to the audio and to the page, with a token or signed.
func (m *matrix) links() {
	vm, _ := m.stored(m.ann)
	codes := map[int]string{http.StatusOK: shows, http.StatusNotFound: string(phone.NotFound), http.StatusUnauthorized: string(phone.Unauthenticated)}
	for path, purpose := range map[string]links.Purpose{"/recordings/": links.Audio, "/v/": links.Page} {
		signed := m.world.links.To(purpose, vm, m.now().Add(time.Hour))
		altered := strings.Replace(signed, vm, unknown[6], 1)
		for who, c := range map[string]struct{ token, want string }{
			"owner": {m.ann.token, shows}, "admin": {m.world.admin, shows}, "other owner": {m.bob.token, string(phone.NotFound)},
			"nobody": {"", string(phone.Unauthenticated)}, "revoked": {m.revoked, string(phone.Unauthenticated)},
		} {
			m.wants("link", who, path, codes[m.fetch(http.MethodGet, m.url+path+vm, c.token).Status], c.want)
			m.wants("signed link", who, path, codes[m.fetch(http.MethodGet, signed, c.token).Status], shows)
			if who == "nobody" || who == "revoked" {
				m.wants("altered link", who, path, codes[m.fetch(http.MethodGet, altered, c.token).Status], c.want)
			}
		}
		foreign := m.fetch(http.MethodGet, m.url+path+vm, m.bob.token)
		for _, id := range m.others(m.ann) {
			if got := m.fetch(http.MethodGet, m.url+path+url.PathEscape(id), m.bob.token); id != "" && len(id) < 100 && !strings.Contains(id, "/") && got.Body != foreign.Body {
				m.t.Errorf("%s%s: got %s, want %s", path, id, got.Body, foreign.Body)
			}
		}
	}
}

// administrators are the mutations that are FORBIDDEN to owners, whatever the ids in them.
var administrators = []string{"createUser", "createPlan", "createNumber", "subscribeNumber", "cancelSubscription"}

// mutate tries every mutation as everybody.
func (m *matrix) mutate() {
	missing := rootFields(m.schema, "Mutation")
	for _, mu := range m.mutations {
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == mu.name })
		m.strangers("mutation", mu.query, mu.v)
		own, others := either, notFound
		if slices.Contains(administrators, mu.name) {
			own, others = []string{string(phone.Forbidden)}, []string{string(phone.Forbidden)}
		}
		if mu.own {
			others = []string{hides}
		} else {
			m.alike(mu.query, mu.v)
		}
		m.wants("mutation", "other owner", mu.name, m.verdict(m.try(m.bob.token, mu.query, mu.v)), others...)
		m.wants("mutation", "owner", mu.name, m.verdict(m.try(m.ann.token, mu.query, mu.v)), own...)
		if mu.name == "deleteVoicemails" {
			m.ask(m.ann.token, restoreThem, mu.v)
		}
		m.wants("mutation", "admin", mu.name, m.verdict(m.try(m.admin, mu.query, mu.v)), either...)
	}
	for _, name := range missing {
		m.t.Errorf("the matrix does not say who may %s", name)
	}
	for _, q := range []string{ // what of an owner's mutations is an administrator's
		`mutation($id: ID!) { updateUser(id: $id, input: {role: ADMIN}) { id } }`, `mutation($id: ID!) { setNumberState(id: $id, state: RELEASED) { id } }`,
	} {
		v := vars{"id": m.ann.user}
		m.alike(q, v)
		m.row("mutation", strings.Replace(q, "ADMIN", "OWNER", 1), v, []string{string(phone.Forbidden), string(phone.NotFound), shows}, []string{string(phone.Forbidden)})
		m.wants("mutation", "owner", q, m.verdict(m.try(m.ann.token, q, v)), string(phone.Forbidden))
	}
}
