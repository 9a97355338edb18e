package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// withReplicas has two replicas answer in turn, where two can share a database.
func withReplicas(t *testing.T, body func(t *testing.T, h *house), with ...option) {
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, with...)
		if db.Dialect() == dialect.Postgres {
			h.addReplica(db)
		}
		body(t, h)
	}, jobs.Migrate)
}

// lostFrom are the requests to a path that never arrived.
func (h *house) lostFrom(path string) (lost []network.Event) {
	for _, e := range h.sent() {
		if e.Kind == network.CallbackLost && strings.Contains(e.URL, path) {
			lost = append(lost, e)
		}
	}
	return lost
}

// F12: the same recording callback comes a hundred times, from twenty at once, at two replicas.
func TestF12ACallbackThatComesAHundredTimesAtOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	withReplicas(t, func(t *testing.T, h *house) {
		tn := h.newTenant("olivia@example.com", mask, 10, 5)
		h.net.Dial(hello, mask)
		h.play()
		e := h.lostFrom("/webhooks/recording")[0]
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 5 {
					if status, body := h.send(e); status != http.StatusNoContent {
						t.Errorf("answered %d %s, want 204", status, body)
					}
				}
			})
		}
		all.Wait()
		h.play()
		h.allStored(tn, 1)
		h.used(tn, 1, 1)
	}, losing(map[network.Topic]network.Chaos{network.TopicRecording: {Drop: 1}}))
}

// used checks what was taken from the plan.
func (h *house) used(tn tenant, calls, voicemails int) {
	h.t.Helper()
	var got struct {
		Node struct{ CallsUsed, VoicemailsUsed int }
	}
	h.ask(tn.token, `query($s: ID!) { node(id: $s) { ... on NumberSubscription { callsUsed voicemailsUsed } } }`, map[string]any{"s": tn.subscription}, &got)
	if got.Node.CallsUsed != calls || got.Node.VoicemailsUsed != voicemails {
		h.t.Errorf("%d calls and %d voicemails are used, want %d and %d", got.Node.CallsUsed, got.Node.VoicemailsUsed, calls, voicemails)
	}
}

// F13: what Twilio tells after a call comes in every order, and ends in the same rows.
func TestF13TheOrderOfCallbacksDoesNotMatter(t *testing.T) {
	t.Parallel()
	paths := []string{"/webhooks/status", "/webhooks/recording", "/webhooks/transcription"}
	ends := map[string]string{}
	var mu sync.Mutex
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		withReplicas(t, func(t *testing.T, h *house) {
			tn := h.newTenant("olivia@example.com", mask, 10, 5)
			h.net.Dial(hello, mask)
			check(t, h.net.Run(h.ctx))
			for _, i := range order {
				if status, _ := h.send(h.lostFrom(paths[i])[0]); status != http.StatusNoContent {
					t.Errorf("answered %d", status)
				}
			}
			h.play()
			h.used(tn, 1, 1)
			h.allStored(tn, 1)
			end := strings.Join(append(h.query("SELECT state, outcome, started_at, ended_at, duration_seconds, reserved_in FROM calls"),
				h.query("SELECT received_at, duration_seconds, audio, audio_sha256, transcript, transcription FROM voicemails")...), "\n")
			mu.Lock()
			defer mu.Unlock()
			on := h.app.db.Dialect()
			if ends[on] == "" {
				ends[on] = end
			}
			if end != ends[on] || !strings.Contains(end, "COMPLETED") {
				t.Errorf("in the order %v it ends in\n%s\nwant\n%s", order, end, ends[on])
			}
		}, losing(lost))
	}
}

// F14: all callbacks of a call come hours and days late, and what they tell is kept as of its time.
func TestF14CallbacksThatComeLateKeepTheirTime(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{6 * time.Hour, 72 * time.Hour} {
		t.Run(late.String(), func(t *testing.T) {
			t.Parallel()
			withReplicas(t, func(t *testing.T, h *house) {
				tn := h.newTenant("olivia@example.com", mask, 10, 5)
				call := h.net.Dial(hello, mask)
				check(t, h.net.Run(h.ctx))
				h.goOnUntil(h.net.Now().Add(time.Minute))
				check(t, h.net.Advance(h.ctx, late))
				for _, path := range []string{"/webhooks/transcription", "/webhooks/status", "/webhooks/recording"} {
					if status, _ := h.send(h.lostFrom(path)[0]); status != http.StatusNoContent {
						t.Errorf("%s: answered %d", path, status)
					}
				}
				h.play()
				h.allStored(tn, 1)
				var got struct {
					Calls struct {
						Edges []struct {
							Node struct{ StartedAt, EndedAt time.Time }
						}
					}
					Voicemails struct {
						Edges []struct {
							Node struct{ ReceivedAt time.Time }
						}
					}
				}
				h.ask(tn.token, `{ calls { edges { node { startedAt endedAt } } } voicemails { edges { node { receivedAt } } } }`, nil, &got)
				story := call.Story()
				over, left := story[0].At, h.net.Recordings()[0].StartedAt
				for _, e := range story {
					if e.Kind == network.Ended {
						over = e.At
					}
				}
				c, v := got.Calls.Edges[0].Node, got.Voicemails.Edges[0].Node
				if !within(c.EndedAt, over, 2*time.Second) || !within(v.ReceivedAt, left, time.Second) || !within(c.StartedAt, story[0].At, 2*time.Second) {
					t.Errorf("the call went from %s to %s and the message was left at %s; want %s, %s and %s", c.StartedAt, c.EndedAt, v.ReceivedAt, story[0].At, over, left)
				}
				berlin, err := time.LoadLocation("Europe/Berlin")
				check(t, err)
				if when := left.In(berlin).Format("15:04"); !strings.Contains(h.mails()[0], when) {
					t.Errorf("the mail does not say that the message was left at %s:\n%s", when, h.mails()[0])
				}
			}, losing(lost))
		})
	}
}

func within(got, want time.Time, d time.Duration) bool { return got.Sub(want).Abs() <= d }

// F15: of the status and recording callbacks three in ten never come. Fifteen minutes after the last call, all is as if they had.
func TestF15WhatNeverComesIsRepairedWithinAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	missing := network.Chaos{Drop: 0.3}
	withReplicas(t, func(t *testing.T, h *house) {
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		const calls = 20
		begin := h.net.Now()
		for minute := range calls + 15 {
			if minute < calls {
				h.net.Dial(hello, mask)
			}
			if minute%5 == 4 {
				check(t, h.app.desk.Work()[jobs.Reconcile](h.ctx, jobs.Job{Kind: jobs.Reconcile}))
			}
			h.goOnUntil(begin.Add(time.Duration(minute+1) * time.Minute))
		}
		if n := len(h.lostFrom("/webhooks/status")) + len(h.lostFrom("/webhooks/recording")); n < 5 {
			t.Errorf("only %d callbacks were lost", n)
		}
		if open := h.query("SELECT call_sid, outcome FROM calls WHERE ended_at IS NULL OR outcome <> 'VOICEMAIL' OR reserved_in IS NOT NULL"); len(open) > 0 {
			t.Errorf("not repaired: %q", open)
		}
		h.used(tn, calls, calls)
		h.allStored(tn, calls)
	}, losing(map[network.Topic]network.Chaos{network.TopicStatus: missing, network.TopicRecording: missing}))
}

// F16: a recording is told of before anybody heard of its call: the call is joined later. One on a number that nobody has created is set
// aside, where it can be seen, until somebody does.
func TestF16ACallbackMayComeBeforeItsCallAndBeforeItsNumber(t *testing.T) {
	t.Parallel()
	withReplicas(t, func(t *testing.T, h *house) {
		tn := h.newTenant("olivia@example.com", mask, 10, 5)
		h.net.AddNumber(numberAt(h.url, other))
		h.failing("/webhooks/voice") // the fallback address takes a message, and writes down nothing
		h.net.Dial(hello, mask)
		h.net.Dial(hello, other)
		h.play()
		nowhere := ""
		h.down.Store(&nowhere)
		for _, e := range h.sent() {
			if e.Kind == network.Webhook && e.Status == http.StatusInternalServerError {
				if status, _ := h.send(e); status != http.StatusOK {
					t.Errorf("the call itself, late, is answered %d", status)
				}
			}
		}
		h.play()
		h.allStored(tn, 1)
		if got := h.query("SELECT outcome FROM calls"); !slices.Equal(got, []string{"VOICEMAIL"}) {
			t.Errorf("the calls are %q, want one with a voicemail", got)
		}
		aside := h.aside()
		if len(aside) != 1 || !strings.Contains(aside[0], other) || !strings.Contains(aside[0], "RecordingStatus=completed") {
			t.Errorf("set aside %q, want the recording", aside)
		}
		if !strings.Contains(h.logged.String(), "what Twilio told is set aside") {
			t.Error("the log does not say that something is set aside")
		}
		if _, text := h.get(h.url+"/metrics", h.admin); !bytes.Contains(text, []byte("\nmaskline_set_aside_total 1\n")) && h.app.db.Dialect() == dialect.SQLite {
			t.Error("no metric counts what is set aside") // of two replicas it may be the other's
		}
		second := h.newTenant("bob@example.com", other, 10, 5)
		check(t, h.app.desk.Work()[jobs.Reconcile](h.ctx, jobs.Job{Kind: jobs.Reconcile}))
		h.play()
		if still := h.aside(); len(still) > 0 {
			t.Errorf("still set aside: %q", still)
		}
		var got struct {
			Voicemails struct {
				Edges []struct {
					Node struct{ Audio, RecordingSid string }
				}
			}
		}
		h.ask(second.token, `{ voicemails { edges { node { audio recordingSid } } } }`, nil, &got)
		if e := got.Voicemails.Edges; len(e) != 1 || e[0].Node.Audio != "STORED" || !strings.Contains(aside[0], e[0].Node.RecordingSid) {
			t.Errorf("the number's owner has %+v, want the message", e)
		}
	})
}

// F17: two replicas take each request of a call at the same moment, and wait for the same table, side by side, before either can write. Both
// give the same answer, and the call has one effect.
func TestF17TwoReplicasThatTakeTheSameRequestAtOnceHaveOneEffect(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, 10, 5)
		h.twins(db)
		call := h.net.Dial(hello, mask)
		h.play()
		check(t, call.Err())
		h.used(tn, 1, 1)
		h.allStored(tn, 1)
	}, jobs.Migrate)
}

// twins has two replicas take every webhook at once.
func (h *house) twins(db *database.DB) {
	h.t.Helper()
	second := h.replica(db)
	first := *h.handler.Load()
	var both http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/webhooks/") {
			first.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			h.t.Error(err)
		}
		answers := h.atOnce(r, body, first, second)
		if answers[0].Code >= 500 || answers[0].Code != answers[1].Code || answers[0].Body.String() != answers[1].Body.String() {
			h.t.Errorf("%s: one answers %d %s, the other %d %s", r.URL.Path, answers[0].Code, answers[0].Body, answers[1].Code, answers[1].Body)
		}
		maps.Copy(w.Header(), answers[0].Header())
		w.WriteHeader(answers[0].Code)
		_, _ = w.Write(answers[0].Body.Bytes())
	})
	h.handler.Store(&both)
}

// atOnce has both answer a request, and neither write before both want to.
func (h *house) atOnce(r *http.Request, body []byte, replicas ...http.Handler) (answers [2]*httptest.ResponseRecorder) {
	release := h.holdInbox()
	var all sync.WaitGroup
	for i, replica := range replicas {
		answers[i] = httptest.NewRecorder()
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		all.Go(func() { replica.ServeHTTP(answers[i], again) })
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	release(done)
	<-done
	return answers
}

// holdInbox keeps everybody from writing raw webhooks until two wait to, or until there is nobody left who would. SQLite has one writer at
// a time anyhow.
func (h *house) holdInbox() (release func(done <-chan struct{})) {
	if h.app.db.Dialect() == dialect.SQLite {
		return func(<-chan struct{}) {}
	}
	tx, err := h.app.db.Writer().BeginTx(h.ctx, nil)
	if err == nil {
		_, err = tx.ExecContext(h.ctx, "LOCK TABLE raw_webhooks IN EXCLUSIVE MODE")
	}
	if err != nil {
		h.t.Error(err)
		return func(<-chan struct{}) {}
	}
	return func(done <-chan struct{}) {
		look := time.NewTicker(2 * time.Millisecond)
		defer look.Stop()
		for waiting := 0; waiting < 2; {
			select {
			case <-done:
				waiting = 2
			case <-look.C:
				const count = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
				if err := h.app.db.Writer().QueryRowContext(h.ctx, count).Scan(&waiting); err != nil {
					h.t.Error(err)
					waiting = 2
				}
			}
		}
		if err := tx.Rollback(); err != nil {
			h.t.Error(fmt.Errorf("let the inbox go: %w", err))
		}
	}
}
