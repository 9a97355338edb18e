package switchboard_test

import (
	"slices"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

func TestAnAddressThatIsRefusedThreeTimesRunningIsLeftOut(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		_, number, _ := d.number(-1, -1)
		d.notify(number, "fine@example.com", "gone@example.com")
		p.refuses["gone@example.com"] = true
		call := 0
		leave := func(times int) {
			for range times {
				call++
				d.leaves(call)
			}
		}
		leave(2)
		p.refuses["gone@example.com"] = false
		leave(1) // in between it is taken
		p.refuses["gone@example.com"] = true
		leave(2)
		if r := d.recipient("gone@example.com"); r.LeftOutAt != nil || r.Refusals != 2 {
			d.t.Errorf("after two refusals running it is %v", r)
		}
		leave(1)
		if r := d.recipient("gone@example.com"); r.LeftOutAt == nil {
			d.t.Error("after three refusals running it is not left out")
		}
		p.taken()
		p.refuses["gone@example.com"] = false
		leave(1)
		wantTaken(d.t, p, "fine@example.com")
		if got := d.saysOf(); got["FAILED: "+phone.LeftOutRefused.Said()] != 1 {
			d.t.Errorf("the deliveries are %v", got)
		}
		d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.Label = "other" })) // says nothing of addresses
		leave(1)
		wantTaken(d.t, p, "fine@example.com")
		d.notify(number, "fine@example.com", "gone@example.com") // anew
		leave(1)
		wantTaken(d.t, p, "fine@example.com", "gone@example.com")
	})
}

func TestWhoUnsubscribesIsNotMailedAgain(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		owner, number, _ := d.number(-1, -1)
		d.notify(number, "ann@example.com", "bob@example.com")
		d.leaves(1)
		wantTaken(d.t, p, "ann@example.com", "bob@example.com")
		d.check(d.Reported(d.ctx, d.spoke(2), phone.Reported{RecordingSID: recording(2), Status: "failed", Seconds: 9}))
		d.wait(phone.AppearWithin)
		d.check(d.Work()[jobs.Appear](d.ctx, jobs.Job{Subject: d.db.Client().Voicemail.Query().Order(ent.Desc("received_at")).FirstIDX(d.ctx)}))
		bob := d.recipient("bob@example.com").ID
		for range 2 {
			d.check(d.Unsubscribe(d.ctx, bob)) // while a mail waits
		}
		d.later(phone.MailPatience)
		wantTaken(d.t, p, "ann@example.com")
		n := d.db.Client().MaskedNumber.GetX(d.ctx, number)
		if !slices.Equal(n.NotifyEmails, []string{"ann@example.com"}) || d.saysOf()["FAILED: "+phone.LeftOutUnsubscribed.Said()] != 1 {
			d.t.Errorf("notifyEmails are %q, deliveries %v", n.NotifyEmails, d.saysOf())
		}
		d.notify(number, "ann@example.com", "bob@example.com") // the owner insists
		d.leaves(3)
		wantTaken(d.t, p, "ann@example.com")
		d.check(d.Resubscribe(d.ctx, bob))
		d.leaves(4)
		wantTaken(d.t, p, "ann@example.com", "bob@example.com")

		d.check(d.Unsubscribe(d.ctx, bob))
		d.check(d.Unsubscribe(d.ctx, d.recipient("ann@example.com").ID))
		d.leaves(5) // nobody is left, and the owner does not take their place
		wantTaken(d.t, p)
		if d.saysOf()["FAILED: "+phone.LeftOutListEmptied.Said()] != 1 {
			d.t.Errorf("the deliveries are %v", d.saysOf())
		}
		as := viewer.With(d.t.Context(), viewer.Viewer{ID: owner, Role: phone.RoleOwner})
		d.check(d.UpdateNumber(as, number, func(s *phone.Settings) { s.NotifyEmails = []string{} }))
		d.leaves(6)
		wantTaken(d.t, p, "olivia@example.com")
		d.check(d.Unsubscribe(d.ctx, d.recipient("olivia@example.com").ID))
		d.leaves(7)
		wantTaken(d.t, p)
		d.notify(number) // by somebody else than its reader
		d.leaves(8)
		wantTaken(d.t, p)
		d.check(d.UpdateNumber(as, number, func(s *phone.Settings) { s.NotifyEmails = []string{"olivia@example.com"} }))
		d.leaves(9)
		wantTaken(d.t, p, "olivia@example.com")
	})
}
