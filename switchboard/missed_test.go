package switchboard_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

func TestAMissedCallIsMailed(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		d.number(-1, -1)
		in := d.misses(1, customer)
		d.later(phone.MissedMailAfter - time.Second)
		wantTaken(d.t, p)
		d.later(time.Second)
		mails := p.mails()
		if len(mails) != 1 {
			d.t.Fatalf("%d mails, want 1", len(mails))
		}
		for _, want := range []string{"olivia@example.com\n", "Subject: Missed call from " + customer, "Called: 31 January 2026, 12:00 UTC", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "https://maskline.example/unsubscribe/rcp_"} {
			if !strings.Contains(mails[0], want) {
				d.t.Errorf("the mail lacks %q:\n%s", want, mails[0])
			}
		}
		got, err := d.call(in).QueryDeliveries().Only(d.ctx)
		if d.check(err); got.State != phone.DeliveryDelivered || got.VoicemailID != nil {
			d.t.Errorf("its delivery is %s", got)
		}
		d.end(in) // once more, hours later
		d.later(6 * time.Hour)
		wantTaken(d.t, p)
	})
}

func TestMissedCallsOfOneCallerAreMailedOnceInTenMinutes(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		d.number(-1, -1)
		for n, c := range []struct {
			after time.Duration
			from  string
			mails int
		}{
			{0, customer, 1}, {time.Minute, customer, 0}, {time.Minute, "+15550200003", 1}, {7*time.Minute + 59*time.Second, customer, 0},
			{time.Second, customer, 1}, {0, "", 1}, {time.Minute, "anonymous", 0}, {time.Minute, "+266696687", 0}, {8 * time.Minute, "Restricted", 1},
		} {
			d.wait(c.after - phone.MissedMailAfter*time.Duration(min(n, 1)))
			d.misses(n, c.from)
			d.later(phone.MissedMailAfter)
			if got := len(p.mails()); got != c.mails {
				d.t.Errorf("call %d from %q: %d mails, want %d", n, c.from, got, c.mails)
			}
		}
	})
}

func TestMissedCallsThatEndAtOnceAreMailedOnce(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		d.number(-1, -1)
		var all sync.WaitGroup
		for n := range 12 {
			all.Go(func() {
				in := incoming(n)
				in.From = customer
				if _, err := d.Receive(d.ctx, in); err != nil {
					d.t.Error(err)
				}
				if err := d.Ended(d.ctx, in, switchboard.Over{Status: "no-answer"}); err != nil {
					d.t.Error(err)
				}
			})
		}
		all.Wait()
		d.later(phone.MissedMailAfter)
		wantTaken(d.t, p, "olivia@example.com")
	})
}

func TestACallThatLeftAMessageIsNotMailedAsMissed(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		d.number(-1, -1)
		in := d.led(1)
		d.end(in)
		d.later(phone.MissedMailAfter - time.Second)
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "failed", Seconds: 9}))
		d.later(time.Second)
		if c := d.call(in); c.Outcome != phone.OutcomeVoicemail || len(d.deliveries()) > 0 {
			d.t.Errorf("it is %s with %v", c.Outcome, d.saysOf())
		}
		d.misses(2, customer) // the message tells of the first
		d.later(phone.AppearWithin)
		d.later(phone.MailPatience)
		if got := p.mails(); len(got) != 2 || !strings.Contains(got[0]+got[1], "Subject: Voicemail") || !strings.Contains(got[0]+got[1], "Subject: Missed") {
			d.t.Errorf("%d mails, want that of the message and that of the second call: %q", len(got), got)
		}
	})
}

func TestAMissedCallWaitsForARecordingThatWasAnnounced(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		d.number(-1, -1)
		in := d.spoke(1)
		for range 11 {
			d.later(10 * time.Second)
		}
		wantTaken(d.t, p)
		for range 10 {
			d.later(10 * time.Second)
		}
		wantTaken(d.t, p, "olivia@example.com")
		if c := d.call(in); c.Outcome != phone.OutcomeMissed {
			d.t.Errorf("it is %s", c.Outcome)
		}
	})
}

func TestOnlyMissedCallsAreMailed(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		_, number, _ := d.number(2, -1)
		answered := incoming(1)
		_, err := d.Receive(d.ctx, answered)
		d.check(err)
		d.end(answered) // it overtook the news that the call was answered
		_, err = d.Dialled(d.ctx, answered, phone.Dialled{CallStatus: "completed", DialCallStatus: "completed", Bridged: "true"})
		d.check(err)
		d.check(d.SetState(d.ctx, number, phone.NumberPaused))
		rejected := d.misses(2, "+15550200003")
		d.check(d.SetState(d.ctx, number, phone.NumberActive))
		d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.MailMissedCalls = false }))
		off := d.misses(3, "+15550200004")
		d.later(time.Hour)
		wantTaken(d.t, p)
		for in, want := range map[phone.Incoming]phone.CallOutcome{answered: phone.OutcomeAnswered, rejected: phone.OutcomeRejected, off: phone.OutcomeMissed} {
			if got := d.call(in).Outcome; got != want || len(d.deliveries()) > 0 {
				d.t.Errorf("it is %s, want %s; deliveries: %v", got, want, d.saysOf())
			}
		}
	})
}

func TestAMissedCallOfAnOutageIsMailedOnceAndSaysWhenItWas(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		d.number(-1, -1)
		in := incoming(1)
		in.At = d.now()
		d.wait(5 * time.Hour)
		for range 2 { // what was kept is written again when nobody knows whether it was
			d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "no-answer", At: in.At.Add(15 * time.Second)}))
		}
		d.later(phone.MissedMailAfter)
		got := p.mails()
		if len(got) != 1 || !strings.Contains(got[0], "Called: 31 January 2026, 12:00 UTC") {
			d.t.Errorf("%d mails: %q", len(got), got)
		}
	})
}
