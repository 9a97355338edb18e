package switchboard_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// answersWith has Twilio answer every request with this status from now on, and the message where that is 200.
func (d *desk) answersWith(status int) *atomic.Int64 {
	d.t.Helper()
	if status == http.StatusOK {
		return d.answers(status, string(message))
	}
	return d.answers(status, "")
}

func (d *desk) answers(status int, body string) *atomic.Int64 {
	d.t.Helper()
	asked := new(atomic.Int64)
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // whom it does not reach has gone
	}))
	d.t.Cleanup(host.Close)
	client, err := twilio.New(twilio.Config{BaseURL: host.URL, AccountSID: fmt.Sprintf("AC%032x", 1), User: "SKuser", Password: "secret"})
	d.check(err)
	d.Twilio = client
	return asked
}

func (d *desk) fetch() error {
	return d.Work()[jobs.FetchRecording](d.ctx, jobs.Job{Subject: d.onlyVoicemail()})
}

func (d *desk) wantAudio(state phone.AudioState, why string) {
	d.t.Helper()
	v := d.voicemail()
	got := ""
	if v.AudioError != nil {
		got = *v.AudioError
	}
	if v.Audio != state || got != why {
		d.t.Errorf("the audio is %s %q, want %s %q", v.Audio, got, state, why)
	}
}

// A mail does not wait for audio whose copy is gone, nor does it carry one that is damaged: it has a link, and the audio is fetched again.
func TestAMailWhoseAudioIsDamagedGoesWithoutIt(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(d *desk, id string){
		"gone": func(d *desk, id string) { d.check(d.Recordings.Delete(d.ctx, id)) },
		"another": func(d *desk, id string) {
			other := append(bytes.Clone(message[:len(message)-2]), 1, 2)
			_, err := d.Recordings.Put(d.ctx, id, bytes.NewReader(other), int64(len(other)))
			d.check(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				d.number(-1, -1)
				v := d.stored(1)
				damage(d, v.ID)
				d.wait(phone.MailPatience)
				mail := d.db.Client().Delivery.Query().OnlyIDX(d.ctx)
				d.check(d.Work()[jobs.SendMail](d.ctx, jobs.Job{Subject: mail}))
				if m := d.db.Client().Delivery.GetX(d.ctx, mail); m.State != phone.DeliveryDelivered {
					d.t.Errorf("the mail is %s: %v", m.State, m.LastError)
				}
				d.wantAudio(phone.AudioPending, "")
				d.check(d.fetch())
				d.wantAudio(phone.AudioStored, "")
				d.check(d.Intact(d.ctx, d.voicemail()))
			})
		})
	}
}

// A copy may only seem to be gone, as when its disk is not mounted; and Twilio may have a passing trouble. Neither loses the audio, days later.
func TestAudioThatWeHadIsGivenUpOnlyWhenTwilioHasItNoMore(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		id := d.stored(1).ID
		d.wait(10 * 24 * time.Hour)
		d.check(d.Recordings.Delete(d.ctx, id))
		if d.Intact(d.ctx, d.voicemail()) == nil {
			d.t.Fatal("a copy that is gone is intact")
		}
		d.answersWith(http.StatusServiceUnavailable)
		if d.fetch() == nil {
			d.t.Error("a fetch that failed has not")
		}
		d.wantAudio(phone.AudioPending, "")
		asked := d.answersWith(http.StatusNotFound)
		_, err := d.Recordings.Put(d.ctx, id, bytes.NewReader(message), int64(len(message)))
		d.check(err)
		keepHouse := func() { d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse})) }
		keepHouse() // as if the job were gone
		d.wantAudio(phone.AudioStored, "")
		if n := asked.Load(); n != 0 {
			d.t.Errorf("Twilio was asked %d times for what is there", n)
		}
		d.check(d.Recordings.Delete(d.ctx, id))
		_ = d.Intact(d.ctx, d.voicemail())
		keepHouse()
		d.wantAudio(phone.AudioFailed, "Our copy of the recording was lost, and Twilio has none any more.")
	})
}

// The news of a message may come when its number does not keep messages of that age any more: it is kept from when its owner could see it.
func TestALateMessageIsKeptForItsDays(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		days := 1
		d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.KeepVoicemailsDays = &days }))
		keepHouse := func() { d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse})) }
		d.answersWith(http.StatusOK)
		long := d.now().Add(-3 * 24 * time.Hour)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 1, StartedAt: long}))
		d.check(d.fetch())
		keepHouse()
		if v := d.voicemail(); v.Place == nil || v.DeletedAt != nil {
			d.t.Errorf("place %v, deleted %v", v.Place, v.DeletedAt)
		}
		d.wait(25 * time.Hour)
		keepHouse()
		if d.voicemail().DeletedAt == nil {
			d.t.Error("it is not deleted a day later")
		}
	})
}

// What has nobody to make it appear, since its job is gone, appears an hour later.
func TestWhatNobodyShowsAppearsAnHourLater(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "failed"}))
		for _, wait := range []time.Duration{59 * time.Minute, 2 * time.Minute} {
			d.wait(wait)
			d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse}))
			if there := d.voicemail().Place != nil; there != (wait == 2*time.Minute) {
				d.t.Errorf("%s later: there %v", wait, there)
			}
		}
	})
}

// explosive panics when it is to put the first audio into the queue.
type explosive struct {
	switchboard.Queue
	blown *atomic.Bool
}

func (x explosive) Insert(ctx context.Context, tx *sql.Tx, all ...jobs.Job) error {
	if all[0].Kind == jobs.FetchRecording && !x.blown.Swap(true) {
		panic("at the disco")
	}
	return x.Queue.Insert(ctx, tx, all...)
}

// An entry of the journal that makes the program panic would do so at each start: it is set aside.
func TestAnEntryThatPanicsIsSetAside(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.Journal = journal.New(d.t.TempDir())
		d.check(d.ReportedAway(incoming(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		d.check(d.ReportedAway(incoming(2), phone.Reported{RecordingSID: recording(2), Status: "failed"}))
		d.Queue = explosive{d.queue, new(atomic.Bool)}
		d.check(d.Replay(d.ctx))
		aside := 0
		for _, row := range d.raw() {
			if row.Why != nil && strings.Contains(*row.Why, "at the disco") && strings.Contains(row.ID, incoming(1).CallSID) {
				aside++
			}
		}
		if !d.Journal.Empty() || aside != 1 {
			d.t.Errorf("%d entries are set aside, the journal is empty: %v", aside, d.Journal.Empty())
		}
		d.onlyVoicemail() // the other's
	})
}
