package switchboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/transcribe"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// hears lets the desk transcribe by a service that gives this answer, and returns how often it was asked.
func (d *desk) hears(status int, body string) *atomic.Int32 {
	d.t.Helper()
	asked := new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // whom it does not reach has gone
	}))
	d.t.Cleanup(server.Close)
	e, err := transcribe.NewOpenAI(server.URL, "", "")
	d.check(err)
	d.Engine, d.Settings.Transcriber = e, "openai"
	return asked
}

// message is what Twilio has recorded: one sample.
var message = []byte("RIFF\x26\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x02\x00\x00\x00\x07\x07")

// stored is a voicemail of call n whose audio is there.
func (d *desk) stored(n int) *ent.Voicemail {
	d.t.Helper()
	d.answersWith(http.StatusOK)
	d.check(d.Reported(d.ctx, d.led(n), phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 1}))
	d.check(d.Work()[jobs.FetchRecording](d.ctx, jobs.Job{Subject: d.onlyVoicemail()}))
	return d.voicemail()
}

func (d *desk) voicemail() *ent.Voicemail {
	d.t.Helper()
	v, err := d.db.Client().Voicemail.Get(d.ctx, d.onlyVoicemail())
	d.check(err)
	return v
}

func (d *desk) wantTranscription(state phone.TranscriptionState, why string) {
	d.t.Helper()
	v := d.voicemail()
	got := ""
	if v.TranscriptionError != nil {
		got = *v.TranscriptionError
	}
	if v.Transcription != state || got != why {
		d.t.Errorf("transcription %s %q, want %s %q", v.Transcription, got, state, why)
	}
}

// german makes the number speak German, and want transcripts or not.
func (d *desk) german(number string, transcripts bool) {
	d.t.Helper()
	d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.Language, s.Transcribe = "de-DE", transcripts }))
}

func TestAnEngineTranscribesWhatIsStored(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.german(number, true)
		asked := d.hears(200, `{"text":"Guten Tag.\u0000"}`)
		v := d.stored(1)
		d.wantTranscription(phone.TranscriptionPending, "")
		d.announced()
		d.check(d.work())
		d.wantTranscription(phone.TranscriptionCompleted, "")
		if got := *d.voicemail().Transcript; got != "Guten Tag." {
			d.t.Errorf("transcript %q", got)
		}
		if heard := d.announced(); !slices.Contains(heard, v.ID) {
			d.t.Errorf("announced only %v", heard)
		}
		for _, mail := range d.db.Client().Delivery.Query().AllX(d.ctx) {
			if mail.State != phone.DeliveryDelivered {
				d.t.Errorf("the mail is %s though the transcript is there", mail.State)
			}
		}
		d.check(d.Work()[jobs.Transcribe](d.ctx, jobs.Job{Subject: v.ID})) // again, as after a process died
		if n := asked.Load(); n != 1 {
			d.t.Errorf("the engine was asked %d times", n)
		}
	})
}

func TestNobodyTranscribesForANumberThatWantsNone(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.german(number, false)
		asked := d.hears(200, `{"text":"Hello."}`)
		d.stored(1)
		d.check(d.work())
		d.wantTranscription(phone.TranscriptionOff, "")
		if n := asked.Load(); n != 0 {
			d.t.Errorf("the engine was asked %d times", n)
		}
	})
}

// A call that was answered without the database has left no answer that says who transcribes.
func TestAMessageThatWasTakenWithoutTheDatabaseIsTranscribed(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.hears(200, `{"text":"Hello."}`)
		d.check(d.Reported(d.ctx, incoming(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		d.wantTranscription(phone.TranscriptionPending, "")
		d.wait(phone.TranscriptPatience) // which is for Twilio only
		d.check(d.work())
		d.wantTranscription(phone.TranscriptionPending, "")
	})
}

func TestWithoutAudioThereIsNoTranscript(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		asked := d.hears(200, `{"text":"Hello."}`)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		d.wait(phone.FetchPatience)
		d.check(d.work())
		d.wantTranscription(phone.TranscriptionFailed, "The recording could not be copied within 24 hours.")
		if n := asked.Load(); n != 0 {
			d.t.Errorf("the engine was asked %d times", n)
		}
	})
}

// TestARecordingThatFailedAtTwilioIsLookedForBeforeItIsGivenUp: only when Twilio does not have it, it is given up at once.
func TestARecordingThatFailedAtTwilioIsLookedForBeforeItIsGivenUp(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.hears(200, `{"text":"Hello."}`)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "failed"}))
		d.answersWith(http.StatusServiceUnavailable)
		if d.fetch() == nil {
			d.t.Error("Twilio is out of order, and the audio is not asked for again")
		}
		d.wantAudio(phone.AudioPending, "Twilio could not process the recording.")
		d.answersWith(http.StatusNotFound)
		d.check(d.fetch())
		d.wantAudio(phone.AudioFailed, "Twilio could not process the recording.")
		d.wantTranscription(phone.TranscriptionFailed, "Twilio could not process the recording.")
		if d.voicemail().Place == nil {
			d.t.Error("the voicemail has not appeared")
		}
		d.check(d.fetch()) // a late job finds nothing to do
		d.wantAudio(phone.AudioFailed, "Twilio could not process the recording.")

		d.check(d.Reported(d.ctx, incoming(1), phone.Reported{RecordingSID: recording(1), Status: "completed"})) // after all
		d.answersWith(http.StatusOK)
		d.check(d.fetch())
		d.wantAudio(phone.AudioStored, "")
	})
}

func TestARecordingThatFailedAtTwilioAndIsThereIsKept(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.hears(200, `{"text":"Hello."}`)
		d.answersWith(http.StatusOK)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "failed"}))
		d.check(d.work())
		d.wantAudio(phone.AudioStored, "")
		d.wantTranscription(phone.TranscriptionCompleted, "")
		if n := d.voicemail().DurationSeconds; n != 1 {
			d.t.Errorf("it is %d s long, want 1", n)
		}
	})
}

// TestALengthThatWasNotToldIsTheAudios has a sample of audio, which is less than what Twilio transcribes.
func TestALengthThatWasNotToldIsTheAudios(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.answersWith(http.StatusOK)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "completed"}))
		d.wantTranscription(phone.TranscriptionPending, "")
		d.check(d.fetch())
		if n := d.voicemail().DurationSeconds; n != 1 {
			d.t.Errorf("it is %d s long, want 1", n)
		}
		d.wantTranscription(phone.TranscriptionFailed, phone.WhyNoTranscript(1))
		d.check(d.Reported(d.ctx, incoming(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9})) // too late
		if n := d.voicemail().DurationSeconds; n != 1 {
			d.t.Errorf("it is %d s long, want what the audio says", n)
		}
	})
}

func TestALengthThatWasToldIsNotTheAudios(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.answersWith(http.StatusOK)
		d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		d.check(d.fetch())
		if n := d.voicemail().DurationSeconds; n != 9 {
			d.t.Errorf("it is %d s long, want 9", n)
		}
	})
}

func TestATranscriptWithoutWordsIsNone(t *testing.T) {
	t.Parallel()
	const why = "No words were recognized in the message."
	for _, text := range []string{"", " ", "\n\t ", "\x00", "\u00a0\x00 "} {
		t.Run(fmt.Sprintf("Twilio says %q", text), func(t *testing.T) {
			each(t, func(d *desk) {
				d.number(-1, -1)
				in := d.led(1)
				d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
				d.check(d.Transcribed(d.ctx, in, switchboard.Transcript{RecordingSID: recording(1), Completed: true, Text: text}))
				d.wantTranscription(phone.TranscriptionFailed, why)
				if d.voicemail().Transcript != nil {
					d.t.Error("there is a transcript")
				}
			})
		})
	}
	t.Run("a service hears nothing", func(t *testing.T) {
		each(t, func(d *desk) {
			d.number(-1, -1)
			d.hears(200, `{"text":" "}`)
			d.stored(1)
			d.check(d.work())
			d.wantTranscription(phone.TranscriptionFailed, why)
		})
	})
}

const outOfOrder = "The transcription service is out of order: it answered 503."

// TestATranscriptThatFailsSaysWhyWhileItIsTried: clients are told of each reason once.
func TestATranscriptThatFailsSaysWhyWhileItIsTried(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.hears(503, "")
		v := d.stored(1)
		d.announced()
		for try, told := range []bool{true, false, false} {
			if err := d.Work()[jobs.Transcribe](d.ctx, jobs.Job{Subject: v.ID}); err == nil {
				d.t.Error("the job is done, want it tried again")
			}
			d.wantTranscription(phone.TranscriptionPending, outOfOrder)
			if heard := slices.Contains(d.announced(), v.ID); heard != told {
				d.t.Errorf("try %d: announced %v, want %v", try, heard, told)
			}
		}
		d.hears(200, `{"text":"Hello."}`)
		d.check(d.Work()[jobs.Transcribe](d.ctx, jobs.Job{Subject: v.ID}))
		d.wantTranscription(phone.TranscriptionCompleted, "")
	})
}

func TestAFailedTranscriptIsTriedAgainAsLongAsANewOneAndMailedOnce(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.hears(400, "")
		v := d.stored(1)
		d.check(d.work())
		if got := d.voicemail().Transcription; got != phone.TranscriptionFailed {
			d.t.Fatalf("the transcript is %s", got)
		}
		d.wait(48 * time.Hour)
		d.hears(503, "")
		d.check(d.RetryTranscription(d.ctx, v.ID))
		d.wantTranscription(phone.TranscriptionPending, "")
		d.check(d.work())
		d.wantTranscription(phone.TranscriptionPending, outOfOrder)
		d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse}))
		d.wantTranscription(phone.TranscriptionPending, outOfOrder)
		d.hears(200, `{"text":"Hello."}`)
		d.check(d.RetryTranscription(d.ctx, v.ID)) // nobody has waited for long: nothing changes
		d.wantTranscription(phone.TranscriptionPending, outOfOrder)
		d.wait(phone.TranscriptPatience)
		d.check(d.RetryTranscription(d.ctx, v.ID))
		d.wantTranscription(phone.TranscriptionPending, "")
		d.check(d.work())
		d.wantTranscription(phone.TranscriptionCompleted, "")
		d.check(d.RetryTranscription(d.ctx, v.ID))
		d.wantTranscription(phone.TranscriptionCompleted, "")
		if m := d.db.Client().Delivery.Query().OnlyX(d.ctx); m.State != phone.DeliveryDelivered || m.Attempts != 1 {
			d.t.Errorf("the mail is %s after %d attempts, want it sent once", m.State, m.Attempts)
		}
	})
}

// TestTwilioIsAskedForATranscriptThatItNeverTold asks for it when it has been given up.
func TestTwilioIsAskedForATranscriptThatItNeverTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		has    string
		state  phone.TranscriptionState
		why    string
	}{
		{200, `{"status":"completed","transcription_text":"Hello."}`, phone.TranscriptionCompleted, ""},
		{200, `{"status":"completed","transcription_text":" "}`, phone.TranscriptionFailed, "No words were recognized in the message."},
		{200, `{"status":"failed","transcription_text":null}`, phone.TranscriptionFailed, "Twilio could not transcribe the message."},
		{200, `{"status":"in-progress","transcription_text":null}`, phone.TranscriptionPending, "Twilio has not transcribed the message yet."},
		{200, ``, phone.TranscriptionFailed, "Twilio has no transcript of the message."},
		{404, ``, phone.TranscriptionFailed, "Twilio has no transcript of the message."},
		{500, ``, phone.TranscriptionPending, "Twilio could not be asked for the transcript."},
	} {
		t.Run(fmt.Sprint(c.status, c.has), func(t *testing.T) {
			each(t, func(d *desk) {
				d.number(-1, -1)
				d.check(d.Reported(d.ctx, d.led(1), phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
				d.wait(phone.TranscriptPatience)
				d.check(d.work())
				d.wantTranscription(phone.TranscriptionFailed, "Twilio sent no transcript within 15 minutes.")
				d.answers(c.status, `{"transcriptions":[`+c.has+`],"next_page_uri":null}`)
				d.check(d.RetryTranscription(d.ctx, d.onlyVoicemail()))
				d.wantTranscription(phone.TranscriptionPending, "")
				_ = d.Work()[jobs.Transcribe](d.ctx, jobs.Job{Subject: d.onlyVoicemail()}) // an error means: again
				d.wantTranscription(c.state, c.why)
			})
		})
	}
}

func TestPassingTroubleIsGivenUpAfterADay(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		asked := d.hears(503, "")
		v := d.stored(1)
		transcribe := d.Work()[jobs.Transcribe]
		d.wait(phone.EnginePatience - time.Second)
		if err := transcribe(d.ctx, jobs.Job{Subject: v.ID}); err == nil {
			d.t.Error("the job is done, want it tried again")
		}
		d.wantTranscription(phone.TranscriptionPending, outOfOrder)
		d.wait(time.Second)
		d.check(transcribe(d.ctx, jobs.Job{Subject: v.ID}))
		d.wantTranscription(phone.TranscriptionFailed, outOfOrder)
		if n := asked.Load(); n != 2 {
			d.t.Errorf("the engine was asked %d times", n)
		}
	})
}

// What waited for an engine when it was taken away does not wait for ever.
func TestAnEngineThatIsSwitchedOffOwesNothing(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.hears(200, `{"text":"Hello."}`)
		v := d.stored(1)
		d.Engine, d.Settings.Transcriber = nil, "off"
		d.check(d.Work()[jobs.Transcribe](d.ctx, jobs.Job{Subject: v.ID}))
		d.wantTranscription(phone.TranscriptionFailed, "Transcription was switched off.")
	})
}

// With an engine of ours the webhooks cost what they cost with Twilio.
func TestAnEngineCostsTheWebhooksNothing(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		costs := []int{}
		for n := range 4 {
			if n == 2 { // the first of each kind warms up
				d.hears(200, `{"text":"Hello."}`)
			}
			in := incoming(n)
			ctx, count := database.Count(d.ctx)
			_, err := d.Receive(ctx, in)
			d.check(err)
			_, err = d.Dialled(ctx, in, unanswered)
			d.check(err)
			d.check(d.Reported(ctx, in, phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 9}))
			costs = append(costs, len(count.Statements()))
		}
		if costs[1] != costs[3] {
			d.t.Errorf("%d statements with Twilio and %d with an engine", costs[1], costs[3])
		}
	})
}
