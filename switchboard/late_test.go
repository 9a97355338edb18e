package switchboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// memories are what Twilio remembers, as its REST API says it.
type memories struct{ calls, recordings []map[string]any }

// remembers puts a Twilio with such memories behind the desk.
func (d *desk) remembers(m memories) {
	d.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		var answer any = map[string]any{"calls": m.calls}
		if strings.HasSuffix(r.URL.Path, "/Recordings.json") {
			of := []map[string]any{}
			for _, rec := range m.recordings {
				if sid := r.URL.Query().Get("CallSid"); sid == "" || sid == rec["call_sid"] {
					of = append(of, rec)
				}
			}
			answer = map[string]any{"recordings": of}
		}
		_ = json.NewEncoder(w).Encode(answer) // whom it does not reach has gone
	}))
	d.t.Cleanup(server.Close)
	account := "AC" + strings.Repeat("a", 32)
	var err error
	d.Twilio, err = twilio.New(twilio.Config{BaseURL: server.URL, AccountSID: account, User: account, Password: "x"})
	d.check(err)
	d.Settings.ReconcileEvery = 5 * time.Minute
}

func (d *desk) remembered(in phone.Incoming, at time.Time) map[string]any {
	return map[string]any{
		"sid": in.CallSID, "from": in.From, "to": string(in.To), "status": "completed", "direction": "inbound", "duration": "30",
		"start_time": at.Format(time.RFC1123Z), "end_time": at.Add(30 * time.Second).Format(time.RFC1123Z),
	}
}

// spoke has a caller be led to leave a message, end the call, and have Twilio announce the recording only then.
func (d *desk) spoke(n int) phone.Incoming {
	d.t.Helper()
	in := d.led(n)
	d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
	_, err := d.Recorded(d.ctx, in, phone.Took{CallStatus: "completed", RecordingSID: recording(n), Digits: "hangup"})
	d.check(err)
	return in
}

func TestAReservationIsGivenBackThoughAllNewsOfTheRecordingWasLost(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 5)
		in := d.spoke(1)
		d.wait(3 * time.Hour)
		d.check(d.work())
		d.wantUsed(sub, 1, 1)
		d.remembers(memories{recordings: []map[string]any{{"sid": recording(1), "call_sid": in.CallSID, "status": "absent"}}})
		_, err := d.Reconcile(d.ctx)
		d.check(err)
		d.wantUsed(sub, 1, 0)
	})
}

func TestARecordingThatFailedAtTwilioIsFoundToo(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 5)
		in := d.led(1)
		_, err := d.Recorded(d.ctx, in, phone.Took{CallStatus: "completed", RecordingSID: recording(1), Digits: "hangup"})
		d.check(err)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
		d.wait(5 * time.Hour)
		d.remembers(memories{
			calls:      []map[string]any{d.remembered(in, d.now().Add(-5*time.Hour))},
			recordings: []map[string]any{{"sid": recording(1), "call_sid": in.CallSID, "status": "failed", "source": "RecordVerb"}},
		})
		_, err = d.Reconcile(d.ctx)
		d.check(err)
		if got := d.call(in).Outcome; got != phone.OutcomeVoicemail {
			d.t.Errorf("outcome %s, want VOICEMAIL", got)
		}
		d.wantUsed(sub, 1, 1)
	})
}

func TestWhatSomebodyElseRecordedOfATalkIsNoMessage(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 5)
		in := incoming(1)
		_, err := d.Receive(d.ctx, in)
		d.check(err)
		_, err = d.Dialled(d.ctx, in, phone.Dialled{CallStatus: "completed", DialCallStatus: "completed", Bridged: "true"})
		d.check(err)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
		d.wait(10 * time.Minute)
		d.remembers(memories{
			calls:      []map[string]any{d.remembered(in, d.now().Add(-10*time.Minute))},
			recordings: []map[string]any{{"sid": recording(1), "call_sid": in.CallSID, "status": "completed", "duration": "20", "source": "StartCallRecordingAPI"}},
		})
		_, err = d.Reconcile(d.ctx)
		d.check(err)
		if got := d.call(in).Outcome; got != phone.OutcomeAnswered {
			d.t.Errorf("outcome %s, want ANSWERED", got)
		}
		d.wantUsed(sub, 1, 0)
	})
}

// TestACallBelongsToWhoHadTheNumberThen has a number change hands between a call and the pass that finds it.
func TestACallBelongsToWhoHadTheNumberThen(t *testing.T) {
	each(t, func(d *desk) {
		before := d.now().Add(-time.Hour) // when the number was not ours at all
		first, number, _ := d.number(-1, 5)
		d.wait(24 * time.Hour)
		then := d.now()
		d.wait(24 * time.Hour)
		d.check(d.SetState(d.ctx, number, phone.NumberReleased))
		second, err := d.CreateUser(d.ctx, switchboard.NewUser{Email: "bob@example.com", Name: "Bob"})
		d.check(err)
		_, err = d.CreateNumber(d.ctx, mask, second, phone.DefaultSettings())
		d.check(err)
		d.wait(10 * time.Minute)
		d.remembers(memories{
			calls: []map[string]any{d.remembered(incoming(7), then), d.remembered(incoming(8), before)},
			recordings: []map[string]any{
				{"sid": recording(7), "call_sid": incoming(7).CallSID, "status": "completed", "duration": "9", "source": "RecordVerb", "start_time": then.Format(time.RFC1123Z)},
				{"sid": recording(8), "call_sid": incoming(8).CallSID, "status": "completed", "duration": "9", "source": "RecordVerb", "start_time": before.Format(time.RFC1123Z)},
			},
		})
		_, err = d.Reconcile(d.ctx)
		d.check(err)
		c := d.call(incoming(7))
		if c.OwnerID != first || !c.StartedAt.Equal(then) || !c.EndedAt.Equal(then.Add(30*time.Second)) {
			d.t.Errorf("the call is %s's, from %s to %s; want %s's of %s", c.OwnerID, c.StartedAt, c.EndedAt, first, then)
		}
		v, err := d.db.Client().Voicemail.Query().Only(d.ctx)
		d.check(err)
		if v.OwnerID != first {
			d.t.Errorf("the message is %s's, want %s's", v.OwnerID, first)
		}
		if n, err := d.db.Client().Call.Query().Count(d.ctx); err != nil || n != 1 {
			d.t.Errorf("%d calls are written down, %v; one was before the number was ours", n, err)
		}
	})
}

func TestACallThatEndedJustNowIsLeftAlone(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, 5)
		d.wait(time.Hour)
		in := incoming(1)
		_, err := d.Receive(d.ctx, in)
		d.check(err)
		d.wait(3 * time.Minute)
		d.remembers(memories{calls: []map[string]any{d.remembered(in, d.now().Add(-31*time.Second))}})
		done, err := d.Reconcile(d.ctx)
		d.check(err)
		if len(done.Repairs) > 0 || d.call(in).EndedAt != nil {
			d.t.Errorf("repaired %v a second after the end", done.Repairs)
		}
	})
}

func TestAMessageWasLeftWhenTwilioSays(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, 5)
		in := d.led(1)
		left := d.now()
		d.wait(3 * time.Minute)
		d.check(d.Transcribed(d.ctx, in, switchboard.Transcript{RecordingSID: recording(1), Completed: true, Text: "hi"}))
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 10, StartedAt: left}))
		v, err := d.db.Client().Voicemail.Query().Only(d.ctx)
		d.check(err)
		if !v.ReceivedAt.Equal(left) {
			d.t.Errorf("received at %s, want %s", v.ReceivedAt, left)
		}
	})
}

func TestAChangeIsNeverBeforeTheOneBefore(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, 5)
		in := incoming(1)
		_, err := d.Receive(d.ctx, in)
		d.check(err)
		before := d.call(in).ChangedAt
		d.wait(-300 * time.Millisecond) // another replica's clock
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
		if after := d.call(in).ChangedAt; !after.After(before) {
			d.t.Errorf("changed at %s, and then at %s", before, after)
		}
	})
}

func TestACallAndItsEndAtOnce(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, 500)
		for n := range 50 {
			var both sync.WaitGroup
			both.Go(func() {
				if _, err := d.Receive(d.ctx, incoming(n)); err != nil {
					d.t.Errorf("call %d: %v", n, err)
				}
			})
			both.Go(func() { d.check(d.Ended(d.ctx, incoming(n), switchboard.Over{Status: "completed"})) })
			both.Wait()
		}
	})
}

func TestAMailOfAPurgedVoicemailIsForgotten(t *testing.T) {
	each(t, func(d *desk) {
		owner, _, _ := d.number(-1, 5)
		in := d.led(1)
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 10, StartedAt: d.now()}))
		d.wait(131 * time.Second)
		_ = d.work() // the audio cannot be had here, so the voicemail appears without
		v, err := d.db.Client().Voicemail.Query().Only(d.ctx)
		d.check(err)
		ctx := viewer.With(d.ctx, viewer.Viewer{ID: owner, Role: phone.RoleOwner})
		d.check(d.Delete(ctx, []string{v.ID}))
		if n, err := d.EmptyBin(ctx); err != nil || n != 1 {
			d.t.Fatalf("emptied %d, %v", n, err)
		}
		left, err := v.QueryDeliveries().IDs(d.ctx)
		d.check(err)
		d.check(d.Work()[jobs.Purge](d.ctx, jobs.Job{Kind: jobs.Purge, Subject: v.ID}))
		for _, id := range left {
			d.check(d.Work()[jobs.SendMail](d.ctx, jobs.Job{Kind: jobs.SendMail, Subject: id}))
		}
	})
}
