package main

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// TestRepeatingEveryCallbackAfterTheQueueWasEmptiedChangesNothing has some calls go to their ends, empties all tables of the job queue, and
// sends everything again that Twilio ever sent, in its order and backwards: each gets the same answer, and no row changes, none comes, no
// job is made and nobody is mailed.
func TestRepeatingEveryCallbackAfterTheQueueWasEmptiedChangesNothing(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, 4, 5)
		h.set(tn, several)
		h.ask(tn.token, `mutation { blockCaller(from: "+15550200009") }`, nil, nil)
		h.net.AddPhone(mobile, network.NoAnswer(), network.Mailbox(time.Second), network.NoAnswer(), network.Human(2*time.Second, time.Minute).Press("1", 2*time.Second))
		for _, caller := range []network.Caller{
			hello, hello, network.From(customer), network.From(customer).Silent(), network.From(customer).HangUpInGreeting(),
			network.From(customer).HangUpAt(7 * time.Second), network.From("+15550200009"), hello.Spoilt(),
		} {
			h.net.Dial(caller, mask)
			h.play()
		}
		h.emptyQueue()
		check(t, h.net.Advance(h.ctx, 49*time.Hour))
		mails, before := h.mails(), h.ourRows()
		all := h.sent()
		for range 2 {
			for _, e := range all {
				if status, body := h.send(e); status != e.Status || body != e.Body {
					t.Errorf("%s was answered %d %s, and now %d %s", e.URL, e.Status, e.Body, status, body)
				}
			}
			slices.Reverse(all)
		}
		if n := h.query("SELECT count(*) FROM river_job"); n[0] != "0" {
			t.Errorf("%s jobs were made", n[0])
		}
		h.play()
		after := h.ourRows()
		for _, table := range slices.Sorted(maps.Keys(after)) {
			if after[table] != before[table] {
				t.Errorf("%s changed from\n%s\nto\n%s", table, before[table], after[table])
			}
		}
		if got := h.mails(); len(got) != len(mails) || len(mails) == 0 || len(all) < 30 {
			t.Errorf("%d mails after %d requests, want the %d that there were", len(got), len(all), len(mails))
		}
	}, jobs.Migrate)
}

// sent is every request that Twilio sent with news or questions, and those that got lost.
func (h *house) sent() (all []network.Event) {
	for _, c := range h.net.Calls() {
		for _, e := range c.Story() {
			switch e.Kind {
			case network.Webhook, network.CallbackSent, network.CallbackLost:
				all = append(all, e)
			}
		}
	}
	return all
}

// send sends a request of Twilio's once more, signed again.
func (h *house) send(e network.Event) (status int, body string) {
	h.t.Helper()
	address, _, _ := strings.Cut(e.URL, "#") // of a lost one, how it would have been tried again
	r, err := http.NewRequestWithContext(h.ctx, http.MethodPost, address, strings.NewReader(e.Form.Encode()))
	check(h.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("X-Twilio-Signature", network.Sign(authToken, address, e.Form))
	resp, err := http.DefaultClient.Do(r)
	check(h.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(h.t, err)
	return resp.StatusCode, string(text)
}

// emptyQueue takes from the job queue all that it remembers.
func (h *house) emptyQueue() {
	h.t.Helper()
	for _, table := range h.tableNames() {
		if strings.HasPrefix(table, "river_") && table != "river_migration" {
			h.exec("DELETE FROM " + table)
		}
	}
}

func (h *house) tableNames() []string {
	h.t.Helper()
	if h.app.db.Dialect() == dialect.Postgres {
		return h.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)
	}
	return h.query(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY 1`) // not the indexes for search
}

// tables are our own rows, table by table.
func (h *house) ourRows() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, table := range h.tableNames() {
		if !strings.HasPrefix(table, "river_") {
			all[table] = strings.Join(h.query("SELECT * FROM "+table+" ORDER BY 1"), "\n")
		}
	}
	return all
}
