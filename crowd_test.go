package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// TestSixtyCallsAtOnce has sixty customers call in one moment, of whom half are announced twice. The plan has ten calls and five voicemails
// left. On PostgreSQL two replicas answer in turn.
func TestSixtyCallsAtOnce(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, option{network: func(c *network.Config) {
			c.ChaosOf = map[network.Topic]network.Chaos{network.TopicVoice: {Repeat: 0.5, MaxDelay: time.Second}, network.TopicDial: {Repeat: 0.5, MaxDelay: time.Second}}
		}})
		if db.Dialect() == dialect.Postgres {
			h.addReplica(db)
		}
		tn := h.newTenant("olivia@example.com", mask, 10, 5)
		h.net.AddPhone(owner, network.NoAnswer())
		for i := range 60 {
			h.net.Dial(network.From(fmt.Sprintf("+1555030%04d", i)).LeaveMessage(5*time.Second, "I was one of sixty."), mask)
		}
		h.play()

		unavailable, _ := phone.Speak(phone.TextUnavailable, phone.DefaultLanguage)
		nobody, _ := phone.Speak(phone.TextNobody, phone.DefaultLanguage)
		greeting, _ := phone.Speak(phone.TextGreeting, phone.DefaultLanguage)
		forwarded, recorded, refused := 0, 0, 0
		for _, c := range h.net.Calls() {
			check(t, c.Err())
			story, heard := c.Story(), c.Heard(c.Story()[0].Who)
			if slices.ContainsFunc(story, func(e network.Event) bool { return e.Kind == network.Rang }) {
				forwarded++
			}
			switch {
			case len(heard) > 0 && heard[0] == greeting:
				recorded++
			case slices.Equal(heard, []string{nobody}), slices.Equal(heard, []string{unavailable}):
				refused++
			default:
				t.Errorf("a caller heard %q", heard)
			}
		}
		if forwarded != 10 || recorded != 5 || refused != 55 {
			t.Errorf("%d were forwarded, %d left a message, %d heard a civil sentence; want 10, 5 and 55", forwarded, recorded, refused)
		}
		var used struct {
			Node       struct{ CallsUsed, VoicemailsUsed int }
			Voicemails struct{ TotalCount int }
			Calls      struct{ TotalCount int }
		}
		h.ask(tn.token, `query($s: ID!) { node(id: $s) { ... on NumberSubscription { callsUsed voicemailsUsed } } voicemails { totalCount } calls { totalCount } }`,
			map[string]any{"s": tn.subscription}, &used)
		if used.Node.CallsUsed != 10 || used.Node.VoicemailsUsed != 5 || used.Voicemails.TotalCount != 5 || used.Calls.TotalCount != 60 {
			t.Errorf("got %+v, want 10 calls and 5 voicemails used, 5 voicemails and 60 calls", used)
		}
	}, jobs.Migrate)
}

// addReplica starts a second process on the same database, so to speak; from now on the two answer webhooks in turn.
func (h *house) addReplica(db *database.DB) {
	h.t.Helper()
	first, second, turn := *h.handler.Load(), h.replica(db), atomic.Int64{}
	var both http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if turn.Add(1)%2 == 0 {
			second.ServeHTTP(w, r)
			return
		}
		first.ServeHTTP(w, r)
	})
	h.handler.Store(&both)
}

// replica is a second process on the same database, so to speak.
func (h *house) replica(db *database.DB) http.Handler {
	h.t.Helper()
	address := db.DSN()
	if file, ok := strings.CutPrefix(address, "file:"); ok {
		file, _, _ = strings.Cut(file, "?")
		address = "sqlite://" + file
	}
	pool, err := database.Open(address)
	check(h.t, err)
	h.t.Cleanup(func() { check(h.t, pool.Close()) })
	second, err := build(h.ctx, h.app.Settings, parts{log: h.app.log, now: h.net.Now, db: pool, stderr: h.t.Output(), decideWithin: time.Minute})
	check(h.t, err)
	_, err = second.prepare(h.ctx)
	check(h.t, err)
	return second.handler
}
