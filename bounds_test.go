package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// A number that takes no calls any more ends those that run, though Twilio fails at first.
func TestRunningCallsEndWithTheirNumber(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house, tenant){
		"paused":   func(h *house, tn tenant) { h.setState(tn.token, tn, "PAUSED") },
		"released": func(h *house, tn tenant) { h.setState(h.admin, tn, "RELEASED") },
		"its subscription cancelled": func(h *house, tn tenant) {
			h.ask(h.admin, `mutation($id: ID!) { cancelSubscription(id: $id) { active } }`, map[string]any{"id": tn.subscription}, nil)
		},
		"hung up by its owner": func(h *house, tn tenant) { h.hangUp(tn.token) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				h := newHouse(t, db)
				tn := h.newTenant("olivia@example.com", mask, 10, 5)
				h.net.AddPhone(owner, talkative)
				call := h.net.Dial(network.From(customer), mask)
				check(t, h.net.RunTo(h.ctx, func(e network.Event) bool { return e.Kind == network.Bridged }))
				h.net.FailREST(http.StatusInternalServerError, 2, 0)
				end(h, tn)
				for range 10 { // the job comes again after 5 s, then 10
					h.work()
					check(t, h.net.RunUntil(h.ctx, h.net.Now().Add(5*time.Second)))
				}
				if o := call.Outcome(); !o.Ended || o.Duration > time.Minute {
					t.Errorf("the call goes on: %+v", o)
				}
				h.play()
				check(t, call.Err())
				told := h.summary(call, tn)
				if !strings.Contains(told, "ANSWERED, a call from") || strings.Count(told, "hang_up: Twilio is asked to end the call") != 1 {
					t.Errorf("got\n%s", told)
				}
			}, jobs.Migrate)
		})
	}
}

const third = "+15550006781" // another masked number

// Two deployments that forward to each other stop when one of them sees its caller for the fourth time at once.
func TestTwoDeploymentsThatForwardToEachOtherStop(t *testing.T) {
	t.Parallel()
	for _, shows := range []string{"CALLER", "MASKED"} {
		t.Run(shows, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				here := newHouse(t, db)
				there := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), option{network: func(c *network.Config) { c.Beside = here.net }})
				here.net.AddNumber(numberAt(here.url, third))
				there.net.AddNumber(numberAt(there.url, other))
				here.net.AddPhone(other, network.NumberOf(there.net))
				there.net.AddPhone(third, network.NumberOf(here.net))
				a, b := here.newTenant("ann@example.com", third, 100, 100), there.newTenant("bob@example.com", other, 100, 100)
				here.set(a, `callerID: `+shows+`, forwardTo: ["`+other+`"]`)
				there.set(b, `callerID: `+shows+`, forwardTo: ["`+third+`"]`)
				call := here.net.Dial(hello, third)
				here.play()
				check(t, call.Err())
				if hops := len(here.net.Calls()) + len(there.net.Calls()); hops < 2 || hops > 7 {
					t.Errorf("%d calls were made of one", hops)
				}
				if shows == "CALLER" && !strings.Contains(here.summary(call, a), "not_forwarded: 3 calls of this caller began within 30 s and have not ended: calls go round in a circle") {
					t.Errorf("got\n%s", here.summary(call, a))
				}
			}, jobs.Migrate)
		})
	}
}

// An owner whose phone diverts to the masked number is not rung for ever.
func TestAPhoneThatDivertsToItsMaskIsRungOnce(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, 10, 5)
		h.net.AddPhone(owner, network.Diverts(mask, h.net))
		call := h.net.Dial(hello, mask)
		h.play()
		check(t, call.Err())
		if n := len(h.net.Calls()); n != 2 {
			t.Errorf("%d calls were made of one", n)
		}
		if told := h.summary(call, tn); !strings.Contains(told, "not_forwarded: +1…01 diverted the call to this number: ringing it would go round in a circle") {
			t.Errorf("got\n%s", told)
		}
	}, jobs.Migrate)
}
