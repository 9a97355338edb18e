package main

import (
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/internal/twilio"
)

// shortSilence has a Twilio that stops half way cost a moment of real time in place of twenty seconds.
var shortSilence = askingTwilio(func(c *twilio.Config) { c.Silence = 100 * time.Millisecond })

func askingTwilio(change func(*twilio.Config)) option {
	return option{parts: func(p *parts) { p.twilio = change }}
}

// F19: for half an hour Twilio's REST API, media included, refuses, fails or stops half way, while calls go on. It is asked at most twice as
// much as on a good day, and afterwards everything is done.
func TestF19ATwilioInTroubleIsNotPressed(t *testing.T) {
	t.Parallel()
	for name, mood := range map[string]func(*network.Network){
		"429 with Retry-After": func(n *network.Network) { n.FailREST(429, -1, 30*time.Second) },
		"429":                  func(n *network.Network) { n.FailREST(429, -1, 0) },
		"503":                  func(n *network.Network) { n.FailREST(503, -1, 0) },
		"half an answer":       func(n *network.Network) { n.StallREST(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				h := newHouse(t, db, shortSilence)
				tn := h.newTenant("olivia@example.com", mask, -1, -1)
				usual := h.halfAnHour()
				mood(h.net)
				troubled := h.halfAnHour()
				t.Logf("%d requests on a good day, %d in trouble", usual, troubled)
				if troubled > 2*usual {
					t.Errorf("%d requests while Twilio was in trouble, %d before; want at most twice as many", troubled, usual)
				}
				h.net.FailREST(0, 0, 0)
				h.play()
				h.allStored(tn, 2*callsInHalfAnHour)
			}, jobs.Migrate)
		})
	}
}

const callsInHalfAnHour = 15

// halfAnHour has a message left every two minutes and the reconciler look every five, and counts what Twilio's REST API was asked.
func (h *house) halfAnHour() (requests int) {
	h.t.Helper()
	before, begin := h.net.RESTRequests(), h.net.Now()
	for minute := range 30 {
		if minute%2 == 0 {
			h.net.Dial(hello, mask)
		}
		if minute%5 == 4 {
			check(h.t, h.app.desk.Work()[jobs.Reconcile](h.ctx, jobs.Job{Kind: jobs.Reconcile}))
		}
		h.goOnUntil(begin.Add(time.Duration(minute+1) * time.Minute))
	}
	return h.net.RESTRequests() - before
}

// goOnUntil lets everything happen that is bound to until a moment, and looks for due jobs every five seconds.
func (h *house) goOnUntil(end time.Time) {
	h.t.Helper()
	for h.net.Now().Before(end) {
		check(h.t, h.net.RunUntil(h.ctx, h.net.Now().Add(5*time.Second)))
		_, err := h.app.queue.Drain(h.ctx, h.net.Now())
		check(h.t, err)
	}
}

// allStored checks that there are so many voicemails, each with its audio, and as many mails.
func (h *house) allStored(tn tenant, want int) {
	h.t.Helper()
	var list struct {
		Voicemails struct {
			Edges []struct {
				Node struct {
					Audio      string
					Deliveries []delivery
				}
			}
		}
	}
	h.ask(tn.token, `{ voicemails(first: 100) { edges { node { audio deliveries { state } } } } }`, nil, &list)
	if got := len(list.Voicemails.Edges); got != want {
		h.t.Errorf("%d voicemails, want %d", got, want)
	}
	for _, v := range list.Voicemails.Edges {
		if v.Node.Audio != "STORED" || len(v.Node.Deliveries) != 1 || v.Node.Deliveries[0].State != "DELIVERED" {
			h.t.Errorf("got %+v, want it stored and delivered", v.Node)
		}
	}
	if got := len(h.mails()); got != want {
		h.t.Errorf("%d mails, want %d", got, want)
	}
	if strings.Contains(h.logged.String(), "gave up") {
		h.t.Error("something was given up")
	}
}
