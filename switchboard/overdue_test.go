package switchboard_test

import (
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

// The work on a message that always fails before it can give up, or is gone, must not leave it pending for ever.
func TestWhatNobodyGivesUpIsGivenUpAnHourLater(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.check(d.Reported(d.ctx, d.spoke(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		keepHouse := func() { d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse})) }
		d.wait(phone.FetchPatience + 59*time.Minute)
		keepHouse()
		if v := d.voicemail(); v.Audio != phone.AudioPending || v.Transcription != phone.TranscriptionPending {
			d.t.Errorf("audio %s, transcription %s: given up too early", v.Audio, v.Transcription)
		}
		d.wait(2 * time.Minute)
		keepHouse()
		if v := d.voicemail(); v.Audio != phone.AudioFailed || v.AudioError == nil || v.Transcription != phone.TranscriptionFailed || v.Place == nil {
			d.t.Errorf("audio %s, transcription %s, place %v", v.Audio, v.Transcription, v.Place)
		}
		d.wait(phone.MailTries + 57*time.Minute) // it appeared two minutes before
		keepHouse()
		mail := d.db.Client().Delivery.Query().OnlyX(d.ctx)
		if mail.State != phone.DeliveryPending {
			d.t.Errorf("the mail is %s: given up too early", mail.State)
		}
		d.wait(2 * time.Minute)
		keepHouse()
		mail = d.db.Client().Delivery.Query().OnlyX(d.ctx)
		if mail.State != phone.DeliveryFailed || mail.LastError == nil || !strings.Contains(*mail.LastError, "failed each time") {
			d.t.Errorf("the mail is %s", mail.State)
		}
	})
}
