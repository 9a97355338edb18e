package switchboard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/rawwebhook"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// raw is what is written down of Twilio's words, by what it is about.
func (d *desk) raw() []*ent.RawWebhook {
	d.t.Helper()
	rows, err := d.db.Client().RawWebhook.Query().Order(ent.Asc(rawwebhook.FieldToldAt, rawwebhook.FieldID)).All(d.ctx)
	d.check(err)
	return rows
}

func TestWhatTwilioTellsIsWrittenDownOnce(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		in, leg := incoming(1), fmt.Sprintf("CA%032x", 99)
		ask := phone.Screen{Caller: customer, Phone: "+15550100001", Language: "en-US"}
		var want []string
		for _, step := range []struct {
			key string
			do  func() error
		}{
			{"received", func() error { _, err := d.Receive(d.ctx, in); return err }},
			{"screened/" + leg, func() error { _, err := d.Screened(d.ctx, in, leg, ask); return err }},
			{"dialled/", func() error { _, err := d.Dialled(d.ctx, in, unanswered); return err }},
			{"recorded/" + recording(1), func() error {
				_, err := d.Recorded(d.ctx, in, phone.Took{CallStatus: "completed", RecordingSID: recording(1)})
				return err
			}},
			{"ended/completed", func() error { return d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}) }},
			{"reported/" + recording(1) + "/completed", func() error {
				return d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9})
			}},
			{"transcribed/" + recording(1) + "/completed", func() error {
				return d.Transcribed(d.ctx, in, switchboard.Transcript{RecordingSID: recording(1), Completed: true, Text: "Hello."})
			}},
		} {
			d.wait(time.Second)
			told := d.now()
			d.check(step.do())
			d.wait(48 * time.Hour)
			d.check(step.do())
			want = append(want, in.CallSID+"/"+step.key)
			rows := d.raw()
			if len(rows) != len(want) {
				d.t.Fatalf("after %s twice there are %d rows, want %d", step.key, len(rows), len(want))
			}
			last := rows[len(rows)-1]
			if last.ID != want[len(want)-1] || !last.ToldAt.Equal(told) || last.Form != in.Form || last.Number != string(mask) || last.Why != nil {
				d.t.Errorf("written down: %v, want %s of %s", last, want[len(want)-1], told)
			}
		}
	})
}

// What the reconciler finds was told by nobody.
func TestWhatNoWebhookToldIsNotWrittenDown(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, 5)
		d.wait(24 * time.Hour)
		d.remembers(memories{calls: []map[string]any{d.remembered(incoming(1), d.now().Add(-time.Hour))}})
		done, err := d.Reconcile(d.ctx)
		d.check(err)
		if len(done.Repairs) == 0 || len(d.raw()) > 0 {
			d.t.Errorf("repaired %v, written down %v", done.Repairs, d.raw())
		}
	})
}

// A message is left on a number that nobody has created here yet: it waits, and belongs to whoever has the number first.
func TestNewsOfANumberThatIsNotOursWaitsForIt(t *testing.T) {
	each(t, func(d *desk) {
		in, told := incoming(1), d.now()
		left := told.Add(-30 * time.Second)
		rep := phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9, StartedAt: left}
		for range 2 {
			d.check(d.Transcribed(d.ctx, in, switchboard.Transcript{RecordingSID: recording(1), Completed: true, Text: "Hello."}))
			d.check(d.Reported(d.ctx, in, rep))
			d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"})) // nobody's call
		}
		if rows := d.raw(); len(rows) != 2 || rows[0].Why == nil || rows[1].Why == nil {
			d.t.Fatalf("set aside %v, want the recording and its transcript", rows)
		}
		pass := func() {
			if _, err := d.Reconcile(d.ctx); !errors.Is(err, switchboard.ErrNoTwilio) {
				d.t.Fatal(err)
			}
		}
		pass()
		d.wait(72 * time.Hour)
		first, number, sub := d.number(-1, 5)
		pass()
		pass()
		v, err := d.db.Client().Voicemail.Query().WithCall().Only(d.ctx)
		d.check(err)
		if v.OwnerID != first || v.NumberID != number || !v.ReceivedAt.Equal(left) || v.DurationSeconds != 9 || *v.Transcript != "Hello." || !v.Edges.Call.StartedAt.Equal(told) {
			d.t.Errorf("got %v of %v", v, v.Edges.Call)
		}
		d.wantUsed(sub, 0, 1)
		for _, row := range d.raw() {
			if row.Why != nil || row.Entry != nil || !row.ToldAt.Equal(told) {
				d.t.Errorf("%s is still set aside, or was told at %s: %v", row.ID, row.ToldAt, row)
			}
		}
	})
}

// A number that had an owner then has its news, whoever has it by now.
func TestNewsOfAReleasedNumberIsNotSetAside(t *testing.T) {
	each(t, func(d *desk) {
		first, number, _ := d.number(-1, 5)
		d.check(d.SetState(d.ctx, number, phone.NumberReleased))
		d.check(d.Reported(d.ctx, incoming(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		v, err := d.db.Client().Voicemail.Query().Only(d.ctx)
		d.check(err)
		if v.OwnerID != first {
			d.t.Errorf("the message is %s's, want %s's", v.OwnerID, first)
		}
	})
}

// What the journal holds and nobody can read, or nobody can take, holds up nothing, and is kept where it can be seen.
func TestWhatCannotBeReplayedIsSetAside(t *testing.T) {
	each(t, func(d *desk) {
		dir := d.t.TempDir()
		d.Journal = journal.New(dir)
		d.check(d.ReportedAway(incoming(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		old := incoming(2) // from a version that kept no forms
		old.Form = ""
		d.check(d.ReportedAway(old, phone.Reported{RecordingSID: recording(2), Status: "completed", Seconds: 9}))
		d.check(os.WriteFile(filepath.Join(dir, "torn.jsonl"), []byte("half of a li\x00\xff\n{}"), 0o600))
		told := d.now()
		d.wait(time.Hour)
		d.check(d.Replay(d.ctx))
		if !d.Journal.Empty() {
			d.t.Error("something is still in the journal")
		}
		var about []string
		for _, row := range d.raw() {
			kind, _, _ := strings.Cut(strings.TrimPrefix(row.ID, "CA"), "/")
			about = append(about, kind)
			if row.Why == nil || *row.Entry == "" {
				d.t.Errorf("%v is not set aside", row)
			}
			if row.Number != "" && !row.ToldAt.Equal(told) {
				d.t.Errorf("%s was told at %s, want %s", row.ID, row.ToldAt, told)
			}
		}
		slices.Sort(about)
		if want := []string{incoming(1).CallSID[2:], incoming(2).CallSID[2:], "unreadable", "unreadable"}; !slices.Equal(about, want) {
			d.t.Errorf("set aside %q, want %q", about, want)
		}
		d.number(-1, 5)
		if _, err := d.Reconcile(d.ctx); !errors.Is(err, switchboard.ErrNoTwilio) {
			d.t.Fatal(err)
		}
		if n, err := d.db.Client().Voicemail.Query().Count(d.ctx); err != nil || n != 2 {
			d.t.Errorf("%d voicemails, %v; want both once the number is ours", n, err)
		}
	})
}

func TestRawWebhooksGoWhenTheyAreOld(t *testing.T) {
	each(t, func(d *desk) {
		d.Settings.RawDays, d.Settings.BinDays = 30, 7
		d.number(-1, -1)
		in := incoming(1)
		for i := range 501 {
			d.check(d.Ended(d.ctx, in, switchboard.Over{Status: fmt.Sprint(i)}))
		}
		other := incoming(2)
		other.To = "+15550009999"
		d.check(d.Reported(d.ctx, other, phone.Reported{RecordingSID: recording(2), Status: "completed"}))
		d.wait(30 * 24 * time.Hour)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "late"}))
		keepHouse := func() {
			d.check(d.Work()[jobs.KeepHouse](context.Background(), jobs.Job{Kind: jobs.KeepHouse}))
		}
		keepHouse()
		if n := len(d.raw()); n != 503 {
			d.t.Errorf("%d rows are left, want all 503: none is older than 30 days", n)
		}
		d.wait(time.Second)
		keepHouse()
		if rows := d.raw(); len(rows) != 1 || rows[0].ID != in.CallSID+"/ended/late" {
			d.t.Errorf("%d rows are left, want one", len(rows))
		}
	})
}
