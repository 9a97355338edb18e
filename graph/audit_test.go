package graph_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/auditentry"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
)

// audit reads the audit from where it was last read to, with names in place of ids: "action subject of owner by actor: detail". Whoever
// has a token was signed in with one of theirs.
type audit struct {
	w     *world
	names map[string]string
	read  map[string]bool
}

func (w *world) audit(names map[string]string) *audit {
	a := &audit{w, names, map[string]bool{}}
	a.names[w.ask(w.admin, `{ viewer { id } }`, nil, "viewer.id")[0]] = "admin"
	a.fresh()
	return a
}

func (a *audit) name(id string) string {
	if n, ok := a.names[id]; ok {
		return n
	}
	return id
}

func (a *audit) fresh() (lines []string) {
	a.w.t.Helper()
	a.w.desk.FlushTrail(a.w.ctx)
	entries, err := a.w.db.Client().AuditEntry.Query().All(a.w.ctx)
	check(a.w.t, err)
	for _, e := range entries {
		if a.read[e.ID] {
			continue
		}
		a.read[e.ID] = true
		line := fmt.Sprintf("%s %s of %s by %s: %s", e.Action, a.name(e.Subject), a.name(e.OwnerID), a.name(e.ActorID), e.Detail)
		for id, name := range a.names {
			line = strings.ReplaceAll(line, id, name)
		}
		lines = append(lines, line)
		a.signedIn(e)
	}
	slices.Sort(lines)
	return lines
}

func (a *audit) signedIn(e *ent.AuditEntry) {
	a.w.t.Helper()
	if e.TokenID == "" {
		if e.ActorID != "" {
			a.w.t.Errorf("%v names no token", e)
		}
		return
	}
	t, err := a.w.db.Client().Token.Get(a.w.ctx, e.TokenID)
	if err != nil || t.OwnerID != e.ActorID {
		a.w.t.Errorf("%v names a token of %v, %v", e, t, err)
	}
	if !e.At.Equal(a.w.now()) {
		a.w.t.Errorf("%v is not of %s", e, a.w.now())
	}
}

// wants compares the new entries, but for those of reading, unless reading is wanted.
func (a *audit) wants(what string, want ...string) {
	a.w.t.Helper()
	got := a.fresh()
	if !slices.ContainsFunc(want, func(l string) bool { return strings.HasPrefix(l, "read ") }) {
		got = slices.DeleteFunc(got, func(l string) bool { return strings.HasPrefix(l, "read ") })
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		a.w.t.Errorf("%s: the audit says\n%q, want\n%q", what, got, want)
	}
}

// mutation is one mutation, what the audit says of it, and whether it changes nothing the second time.
type mutation struct {
	name, token, query string
	v                  vars
	id                 string // the path of what is made by it, called "new" below
	want               []string
	settled            bool
	own                bool // is about what belongs to whoever asks
}

// mutations are all that there are, in an order in which each of them can be made by an owner or an administrator.
func (w *world) mutations(a tenant, mine []string, mail, lost string) []mutation {
	w.t.Helper()
	w.write(func(tx *ent.Client) error {
		return tx.Voicemail.Update().Where(voicemail.IDIn(mine...)).SetTranscription(phone.TranscriptionFailed).Exec(w.ctx)
	})
	in, runs := w.running(a)
	return []mutation{
		{"createUser", w.admin, `mutation { createUser(input: {email: "New@example.com"}) { id } }`, nil, "createUser.id",
			[]string{"createUser new of new by admin: new@example.com, OWNER"}, false, false},
		{"updateUser", a.token, `mutation($id: ID!) { updateUser(id: $id, input: {name: "Anna", locale: "de", timeZone: "UTC"}) { id } }`, vars{"id": a.user}, "",
			[]string{`updateUser ann of ann by ann: name: "ann" → "Anna", locale: "en" → "de"`}, true, false},
		{"createToken", a.token, createToken, vars{"u": a.user, "n": "phone"}, "createToken.accessToken.id", []string{"createToken new of ann by ann: phone"}, false, false},
		{"revokeToken", w.admin, revokeToken, vars{"id": lost}, "", []string{"revokeToken lost of ann by admin: lost"}, true, false},
		{"createPlan", w.admin, `mutation { createPlan(input: {name: "Gold", type: UNLIMITED, period: MONTH}) { id } }`, nil, "createPlan.id",
			[]string{"createPlan new of  by admin: Gold"}, false, false},
		{"createNumber", w.admin, `mutation($u: ID!) { createNumber(input: {ownerID: $u, phoneNumber: "+15550300001"}) { id } }`, vars{"u": a.user}, "createNumber.id",
			[]string{"createNumber new of ann by admin: +15550300001"}, false, false},
		{"updateNumber", a.token, `mutation($id: ID!) { updateNumber(id: $id, input: {forwardTo: ["+15550200009"], greeting: "Hi\nthere", notifyEmails: []}) { id } }`,
			vars{"id": a.number}, "", []string{`updateNumber number of ann by ann: forwardTo: [] → [+15550200009], greeting: none → "Hi\nthere"`}, true, false},
		{"setNumberState", a.token, `mutation($id: ID!) { setNumberState(id: $id, state: PAUSED) { id } }`, vars{"id": a.number}, "",
			[]string{"setNumberState number of ann by ann: ACTIVE → PAUSED"}, true, false},
		{"subscribeNumber", w.admin, `mutation($n: ID!, $p: ID!) { subscribeNumber(numberID: $n, planID: $p) { id } }`, vars{"n": a.number, "p": a.plan}, "subscribeNumber.id",
			[]string{"subscribeNumber new of ann by admin: number to plan"}, false, false},
		{"cancelSubscription", w.admin, `mutation($id: ID!) { cancelSubscription(id: $id) { id } }`, vars{"id": a.subscription}, "", nil, true, false}, // has ended
		{"markVoicemails", a.token, `mutation($ids: [ID!]!) { markVoicemails(ids: $ids, heard: true) { id } }`, vars{"ids": mine}, "",
			[]string{"markVoicemails vm0 of ann by ann: heard", "markVoicemails vm1 of ann by ann: heard"}, true, false},
		{"retryDelivery", a.token, `mutation($id: ID!) { retryDelivery(id: $id) { id } }`, vars{"id": mail}, "",
			[]string{"retryDelivery mail of ann by ann: vm0 to ann@example.com"}, false, false},
		{"retryTranscription", a.token, `mutation($id: ID!) { retryTranscription(id: $id) { id } }`, vars{"id": mine[0]}, "",
			[]string{"retryTranscription vm0 of ann by ann: "}, true, false},
		{"hangUp", a.token, `mutation($id: ID!) { hangUp(callID: $id) { id } }`, vars{"id": runs}, "hangUp.id", []string{"hangUp new of ann by ann: " + in.CallSID}, false, false},
		{"deleteVoicemails", a.token, deleteThem, vars{"ids": mine}, "", []string{"deleteVoicemails vm0 of ann by ann: ", "deleteVoicemails vm1 of ann by ann: "}, false, false},
		{"restoreVoicemails", w.admin, restoreThem, vars{"ids": mine[:1]}, "", []string{"restoreVoicemails vm0 of ann by admin: "}, true, false},
		{"emptyBin", a.token, `mutation { emptyBin }`, nil, "", []string{"emptyBin vm1 of ann by ann: "}, true, true},
		{"blockCaller", a.token, `mutation { blockCaller(from: "+15550200002") }`, nil, "", []string{"blockCaller ann of ann by ann: +15550200002"}, true, true},
		{"unblockCaller", a.token, `mutation { unblockCaller(from: "+15550200002") }`, nil, "", []string{"unblockCaller ann of ann by ann: +15550200002"}, true, true},
	}
}

func TestTheAuditSaysWhoChangedWhatAndNothingOfWhatIsRefusedOrChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		mine := w.voicemails(a, 2)
		mail := w.ask(a.token, `query($id: ID!) { node(id: $id) { ... on Voicemail { deliveries { id } } } }`, vars{"id": mine[0]}, "node.deliveries.0.id")[0]
		lost := w.ask(a.token, createToken, vars{"u": a.user, "n": "lost"}, "createToken.accessToken.id")[0]
		all := w.mutations(a, mine, mail, lost)
		missing := map[string]bool{}
		for _, name := range rootFields(w.introspect(), "Mutation") {
			missing[name] = true
		}
		says := w.audit(map[string]string{a.user: "ann", b.user: "bob", a.number: "number", a.plan: "plan", mine[0]: "vm0", mine[1]: "vm1", mail: "mail", lost: "lost"})
		for _, m := range all {
			if !m.own {
				if got := w.try(b.token, m.query, m.v); len(got.Errors) != 1 {
					t.Fatalf("%s by bob: got %s", m.name, got.Body)
				}
				says.wants(m.name + " by bob, refused")
			}
			got := w.try(m.token, m.query, m.v)
			if len(got.Errors) > 0 {
				t.Fatalf("%s: got %s", m.name, got.Body)
			}
			if m.id != "" {
				says.names[at(t, got.Data, m.id)] = "new"
			}
			says.wants(m.name, m.want...)
			if m.id != "" {
				delete(says.names, at(t, got.Data, m.id))
			}
			if m.settled {
				w.ask(m.token, m.query, m.v)
				says.wants(m.name + " once more")
			}
			delete(missing, m.name)
		}
		if len(missing) > 0 {
			t.Errorf("nothing shows that the audit tells of %v", missing)
		}
		w.ask(w.admin, `mutation($id: ID!) { cancelSubscription(id: $id) { id } }`, vars{"id": b.subscription})
		says.names[b.subscription], says.names[b.number] = "sub", "theirs"
		says.read = map[string]bool{}
		if got := says.fresh(); !slices.Contains(got, "cancelSubscription sub of bob by admin: theirs") {
			t.Errorf("a subscription that ran: got %q", got)
		}
		t.Logf("%d mutations", len(all))
	})
}

// rootFields are the fields of a root type.
func rootFields(s introspected, root string) (names []string) {
	for _, def := range s.Types {
		for _, f := range def.Fields {
			if def.Name == root {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

func TestNothingIsAuditedOfWhatIsRolledBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		mine := w.voicemails(a, 2)
		says := w.audit(map[string]string{})
		for _, ids := range [][]string{{mine[0], unknown[6]}, {unknown[6], mine[1]}} {
			for _, q := range []string{deleteThem, restoreThem, `mutation($ids: [ID!]!) { markVoicemails(ids: $ids, heard: true) { id } }`} {
				w.try(a.token, q, vars{"ids": ids})
			}
		}
		w.refused(w.admin, createUser, vars{"i": vars{"email": a.email}}, phone.Conflict, "createUser")
		w.refused(w.admin, `mutation($u: ID!, $p: PhoneNumber!) { createNumber(input: {ownerID: $u, phoneNumber: $p}) { id } }`, vars{"u": a.user, "p": a.phone}, phone.Conflict, "createNumber")
		says.wants("refused")

		// Written last of all, the entry takes its deed with it when it fails.
		w.exec(`ALTER TABLE audit_entries RENAME TO audit_entries_away`)
		w.refused(a.token, `mutation($ids: [ID!]!) { markVoicemails(ids: $ids, heard: true) { id } }`, vars{"ids": mine}, phone.Internal, "markVoicemails")
		w.exec(`ALTER TABLE audit_entries_away RENAME TO audit_entries`)
		w.wants(a.token, `{ voicemails(where: {heardAtIsNil: true}) { totalCount } }`, nil, `{"voicemails": {"totalCount": 2}}`)
	})
}

func TestTheAuditSaysWhoHeardWhat(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		vm, _ := w.stored(a)
		says := w.audit(map[string]string{a.user: "ann", vm: "vm"})
		audio, page := w.url+"/recordings/"+vm, w.url+"/v/"+vm
		link, mail := w.links.To(links.Audio, vm, w.now().Add(time.Hour)), w.links.To(links.Page, vm, w.now().Add(time.Hour))
		for _, c := range []struct {
			method, address, token string
			want                   []string
		}{
			{http.MethodGet, audio, a.token, []string{"heard vm of ann by ann: "}},
			{http.MethodGet, audio, w.admin, []string{"heard vm of ann by admin: "}},
			{http.MethodGet, link, "", []string{"heard vm of ann by : by link"}},
			{http.MethodGet, mail, "", []string{"read vm of ann by : by link"}},
			{http.MethodGet, page, w.admin, []string{"read vm of ann by admin: "}},
			{http.MethodGet, page, a.token, nil},
			{http.MethodHead, audio, a.token, nil},
			{http.MethodGet, audio, b.token, nil},
			{http.MethodGet, audio, "", nil},
			{http.MethodGet, audio, "wrong", nil},
			{http.MethodGet, page, b.token, nil},
			{http.MethodGet, page, "", nil},
		} {
			for range 3 { // as players do, piece by piece
				w.fetch(c.method, c.address, c.token, "Range", "bytes=10-")
			}
			says.wants(c.method+" "+c.address, c.want...)
		}
	})
}

func TestTheAuditSaysWhatAnAdministratorReadOfOthers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		things := w.things(a)
		vm, call := things["Voicemail"], things["Call"]
		says := w.audit(map[string]string{a.user: "ann", b.user: "bob", vm: "vm", call: "call", a.number: "number", b.number: "theirs"})
		for _, c := range []struct {
			query string
			want  []string
		}{
			{`{ viewer { id numbers { edges { node { id } } } } }`, nil},
			{`{ plans { edges { node { id } } } voicemails { totalCount pageInfo { hasNextPage } } }`, nil},
			{`{ voicemails { edges { node { id } } } }`, []string{"read vm of ann by admin: "}},
			{`{ calls { edges { node { from } } } }`, []string{"read call of ann by admin: "}},
			{`{ numbers { edges { node { label } } } }`, []string{"read number of ann by admin: ", "read theirs of bob by admin: "}},
			{`{ users { edges { node { email } } } }`, []string{"read ann of ann by admin: ", "read bob of bob by admin: "}},
			{`{ node(id: "` + vm + `") { ... on Voicemail { call { id } other: call { from } } } }`, []string{"read  of ann by admin: 2: call vm"}},
			{`{ nodes(ids: ["` + vm + `", "` + b.number + `", "` + vm + `", "x"]) { id } }`, []string{"read vm of ann by admin: ", "read theirs of bob by admin: "}},
			{`{ node(id: "` + things["Delivery"] + `") { id } }`, nil},
			{`{ node(id: "` + things["NumberSubscription"] + `") { ... on NumberSubscription { number { id } } } }`, []string{"read number of ann by admin: "}},
			{`mutation { markVoicemails(ids: ["` + vm + `"], heard: true) { from } }`, []string{"markVoicemails vm of ann by admin: heard", "read vm of ann by admin: "}},
		} {
			w.try(w.admin, c.query, nil)
			says.wants(c.query, c.want...)
			w.try(a.token, c.query, nil)
			if got := says.fresh(); got != nil {
				t.Errorf("%s by an owner: the audit says %q", c.query, got)
			}
		}
		follower := w.follow(w.admin, received, vars{"c": cursor("vm_", int64(0))})
		follower.next()
		says.wants("followed", "read vm of ann by admin: ")
		w.follow(w.admin, `subscription { callChanged { id } }`, nil).next()
		says.wants("followed", "read call of ann by admin: ")
	})
}

func TestAnOperationThatShowsManyThingsIsOneEntry(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	w.voicemails(a, 60)
	says := w.audit(map[string]string{a.user: "ann"})
	w.ask(w.admin, `{ voicemails(first: 100) { edges { node { id } } } }`, nil)
	got := says.fresh()
	if len(got) != 1 || !strings.HasPrefix(got[0], "read  of ann by admin: 60: vm_") || !strings.HasSuffix(got[0], " …") || len(got[0]) > 1050 {
		t.Errorf("got %q", got)
	}
}

// While the database is away nobody reads much; what was read just before is kept, and nobody waits for it.
func TestWhatWasReadIsWrittenOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.voicemails(a, 1)[0]
		says := w.audit(map[string]string{a.user: "ann", vm: "vm"})
		w.exec(`ALTER TABLE audit_entries RENAME TO audit_entries_away`)
		w.ask(w.admin, `{ voicemails { edges { node { id } } } }`, nil)
		w.desk.FlushTrail(w.ctx)
		w.exec(`ALTER TABLE audit_entries_away RENAME TO audit_entries`)
		says.wants("afterwards", "read vm of ann by admin: ")
		w.ask(w.admin, `{ voicemails { edges { node { id } } } }`, nil)
		reads := w.db.Client().AuditEntry.Query().Where(auditentry.Action("read"))
		before := reads.Clone().CountX(w.ctx)
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		check(t, w.desk.WriteTrail(ctx)) // at the end what is left is written
		if got, err := reads.Count(w.ctx); got != before+1 || err != nil {
			t.Errorf("got %d entries, %v, want %d", got, err, before+1)
		}
	})
}

func TestAnAuditEntryStaysAsItIsUntilItIsOld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const old = 1234
		rows := func(tx *ent.Client, n int, age time.Duration) []*ent.AuditEntryCreate {
			all := make([]*ent.AuditEntryCreate, n)
			for i := range all {
				all[i] = tx.AuditEntry.Create().SetAt(w.now().Add(-age)).SetAction("read")
			}
			return all
		}
		const year = 365 * 24 * time.Hour
		w.exec(`DELETE FROM audit_entries`)
		w.write(func(tx *ent.Client) error {
			tx.AuditEntry.CreateBulk(rows(tx, old, year+time.Second)...).ExecX(w.ctx)
			return tx.AuditEntry.CreateBulk(rows(tx, 3, year)...).Exec(w.ctx)
		})
		tx, err := w.db.Begin(w.ctx)
		check(t, err)
		one := tx.Ent.AuditEntry.Query().FirstX(w.ctx)
		alter := func(u *sql.UpdateBuilder) { u.Set("detail", "altered") }
		for what, err := range map[string]error{
			"all": tx.Ent.AuditEntry.Update().Modify(alter).Exec(w.ctx), "one": tx.Ent.AuditEntry.UpdateOne(one).Modify(alter).Exec(w.ctx),
		} {
			if err == nil {
				t.Errorf("%s of the entries can be changed", what)
			}
		}
		check(t, tx.Rollback())
		w.do(jobs.KeepHouse, "")
		if got, err := w.db.Client().AuditEntry.Query().Count(w.ctx); got != 3 || err != nil {
			t.Errorf("%d entries are left, %v, want 3", got, err)
		}
	})
}
