package network

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	recordTail = ` action="/recorded" maxLength="60" timeout="4" recordingStatusCallback="/recording?call=1#rc=2&amp;rp=all"` +
		` recordingStatusCallbackEvent="completed absent"/><Say>Goodbye.</Say>`
	greeting = "<Say>Please leave a message after the beep.</Say>"
)

func voicemail(attrs string) answersByPath {
	return answersByPath{
		"/voice": response(greeting + "<Record " + attrs + recordTail), "/recorded": response("<Say>Thank you.</Say>"),
	}
}

// TestRecordings plays every way in which a caller can end a recording.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		attrs  string
		caller Caller
		action map[string]string
		report map[string]string
		heard  string // last by the caller
		file   time.Duration
	}{
		"hanging up after the message": {
			"", From(bob).LeaveMessage(12*time.Second, "Hi"),
			map[string]string{"CallStatus": "completed", "Digits": "hangup", "RecordingDuration": "12"},
			map[string]string{"RecordingStatus": "completed", "RecordingDuration": "12", "ErrorCode": "0"},
			"(a beep)", 12 * time.Second,
		},
		"pressing a key": {
			"", From(bob).LeaveMessage(7*time.Second, "Hi").PressKey("#"),
			map[string]string{"CallStatus": "in-progress", "Digits": "#", "RecordingDuration": "7"},
			map[string]string{"RecordingStatus": "completed", "RecordingDuration": "7"},
			"Thank you.", 7 * time.Second,
		},
		"pressing a key that doesn't count": {
			`finishOnKey=""`, From(bob).LeaveMessage(7*time.Second, "Hi").PressKey("#"),
			map[string]string{"Digits": "-", "RecordingDuration": "11"},
			map[string]string{"RecordingDuration": "7"},
			"Thank you.", 7 * time.Second,
		},
		"falling silent": {
			"", From(bob).LeaveMessage(7*time.Second, "Hi").StayOn(),
			map[string]string{"CallStatus": "in-progress", "Digits": "-", "RecordingDuration": "11"},
			map[string]string{"RecordingDuration": "7"},
			"Thank you.", 7 * time.Second,
		},
		"thinking for less than the silence that ends it": {
			"", From(bob).LeaveMessage(7*time.Second, "Hi").Thinks(3*time.Second, 3*time.Second),
			map[string]string{"Digits": "hangup", "RecordingDuration": "10"},
			map[string]string{"RecordingDuration": "10"},
			"(a beep)", 10 * time.Second,
		},
		"being cut off when thinking for longer": {
			"", From(bob).LeaveMessage(7*time.Second, "Hi").Thinks(3*time.Second, 5*time.Second),
			map[string]string{"CallStatus": "in-progress", "Digits": "-", "RecordingDuration": "7"},
			map[string]string{"RecordingDuration": "3"},
			"Thank you.", 3 * time.Second,
		},
		"falling silent, untrimmed": {
			`trim="do-not-trim"`, From(bob).LeaveMessage(7*time.Second, "Hi").StayOn(),
			map[string]string{"RecordingDuration": "11"},
			map[string]string{"RecordingDuration": "11"},
			"Thank you.", 11 * time.Second,
		},
		"talking for longer than allowed": {
			"", From(bob).LeaveMessage(5*time.Minute, "Hi"),
			map[string]string{"CallStatus": "in-progress", "Digits": "-", "RecordingDuration": "60"},
			map[string]string{"RecordingDuration": "60"},
			"Thank you.", time.Minute,
		},
		"being cut off by hanging up early": {
			"", From(bob).LeaveMessage(time.Minute, "Hi").HangUpAt(13 * time.Second),
			map[string]string{"CallStatus": "completed", "Digits": "hangup", "RecordingDuration": "10"},
			map[string]string{"RecordingStatus": "completed", "RecordingDuration": "10"},
			"(a beep)", 10 * time.Second,
		},
		"hanging up at once": {
			"", From(bob).LeaveMessage(400*time.Millisecond, "H"),
			map[string]string{"Digits": "hangup", "RecordingDuration": "0"},
			map[string]string{"RecordingStatus": "absent", "RecordingDuration": "0", "ErrorCode": "16101"},
			"(a beep)", 0,
		},
		"saying nothing": {
			"", From(bob).Silent(),
			map[string]string{"CallStatus": "in-progress", "Digits": "-", "RecordingDuration": "4"},
			map[string]string{"RecordingStatus": "absent", "ErrorCode": "16102"},
			"Thank you.", 0,
		},
		"not listening to what follows": {
			"", From(bob).LeaveMessage(7*time.Second, "Hi").PressKey("1").HangUpAfterRecording(),
			map[string]string{"CallStatus": "in-progress", "Digits": "1"},
			map[string]string{"RecordingStatus": "completed"},
			"Thank you.", 7 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, voicemail(one.attrs))
			c := w.call(one.caller)
			fine(t, c)
			has(t, w.only("/recorded").form, one.action)
			report := w.only("/recording")
			has(t, report.form, one.report)
			equal(t, "the callback's own query", report.query.Get("call"), "1")
			texts := c.Heard(bob)
			equal(t, "last heard", texts[len(texts)-1], one.heard)
			recordings := w.Recordings()
			if len(recordings) != 1 {
				t.Fatalf("%d recordings, want 1", len(recordings))
			}
			equal(t, "length of the file", recordings[0].Duration, one.file)
			equal(t, "sid", recordings[0].SID, report.form.Get("RecordingSid"))
			equal(t, "sid in the action", w.only("/recorded").form.Get("RecordingSid"), recordings[0].SID)
			equal(t, "outcome", strings.Join(c.Outcome().Recordings, " "), recordings[0].SID)
		})
	}
}

// The action after the caller hung up, name for name as it was captured in life.
func TestARecordActionHasTheseKeys(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	c := w.call(From(bob).LeaveMessage(12*time.Second, "Hi"))
	fine(t, c)
	form := w.only("/recorded").form
	var keys []string
	for name := range form {
		if !strings.HasSuffix(name, "City") && !strings.HasSuffix(name, "State") && !strings.HasSuffix(name, "Zip") && !strings.HasSuffix(name, "Country") {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	equal(t, "keys", strings.Join(keys, " "), "AccountSid ApiVersion CallSid CallStatus Called Caller Digits Direction From "+
		"RecordingDuration RecordingSid RecordingUrl To")
	equal(t, "RecordingUrl", form.Get("RecordingUrl"), "https://api.twilio.com"+base+"/Recordings/"+form.Get("RecordingSid"))
}

// Whether a recording that no key ended says so with an empty Digits is not known.
func TestEmptyDigits(t *testing.T) {
	t.Parallel()
	for empty, want := range map[bool]string{false: "-", true: ""} {
		w := open(t, Config{EmptyDigits: empty}, voicemail(""))
		fine(t, w.call(From(bob).LeaveMessage(7*time.Second, "Hi").StayOn()))
		has(t, w.only("/recorded").form, map[string]string{"Digits": want})
	}
}

// There is no event to ask for a failure with, and REST has no word for it.
func TestASpoiltRecordingIsReportedAsFailed(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, transcribed())
	fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "Hi").Spoilt()))
	has(t, w.only("/recording").form, map[string]string{"RecordingStatus": "failed"})
	equal(t, "transcriptions", len(w.requests("/transcribed")), 0)
	rec := w.Recordings()[0]
	equal(t, "file", len(rec.WAV()), 0)
	wantError(t, w.rest("GET", base+"/Recordings/"+rec.SID, nil), 404, 20404)
	equal(t, "status in REST", decoded(t, w.rest("GET", base+"/Recordings/"+rec.SID+".json", nil), 200)["status"], any("absent"))
}

func TestARecordingCallbackHasTenKeys(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	c := w.call(From(bob).LeaveMessage(12*time.Second, "Hi"))
	fine(t, c)
	form := w.only("/recording").form
	equal(t, "keys", strings.Join(slices.Sorted(maps.Keys(form)), " "), "AccountSid CallSid ErrorCode RecordingChannels "+
		"RecordingDuration RecordingSid RecordingSource RecordingStartTime RecordingStatus RecordingUrl")
	sid := w.Recordings()[0].SID
	has(t, form, map[string]string{
		"AccountSid": account, "CallSid": c.SID, "RecordingChannels": "1", "RecordingSource": "RecordVerb",
		"RecordingStartTime": "Mon, 05 Jan 2026 09:00:03 +0000",
		"RecordingUrl":       "https://api.twilio.com/2010-04-01/Accounts/" + account + "/Recordings/" + sid,
	})
}

func TestOnlyTheRecordingEventsAskedForAreReported(t *testing.T) {
	t.Parallel()
	for events, want := range map[string]string{
		"": "completed", `recordingStatusCallbackEvent="in-progress completed absent"`: "in-progress completed",
		`recordingStatusCallbackEvent="absent"`: "",
	} {
		w := open(t, Config{}, answersByPath{
			"/voice":    response(`<Record action="/recorded" recordingStatusCallback="/recording" ` + events + `/>`),
			"/recorded": nothing,
		})
		fine(t, w.call(From(bob).LeaveMessage(5*time.Second, "Hi")))
		var got []string
		for _, report := range w.requests("/recording") {
			got = append(got, report.form.Get("RecordingStatus"))
		}
		equal(t, "reported for "+events, strings.Join(got, " "), want)
	}
}

func TestACallerMayHangUpInTheGreeting(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	c := w.call(From(bob).HangUpInGreeting())
	fine(t, c)
	equal(t, "actions", len(w.requests("/recorded")), 0)
	equal(t, "recordings", len(w.Recordings()), 0)
	has(t, w.only("/status").form, map[string]string{"CallStatus": "completed", "CallDuration": "1"})
}

// Older documentation says that an empty recording asks no action, which is what the verb behind Record is for.
func TestSkipEmptyGoesOnBehindRecord(t *testing.T) {
	t.Parallel()
	w := open(t, Config{SkipEmpty: true}, voicemail(""))
	c := w.call(From(bob).Silent())
	fine(t, c)
	equal(t, "actions", len(w.requests("/recorded")), 0)
	has(t, w.only("/recording").form, map[string]string{"RecordingStatus": "absent"})
	texts := c.Heard(bob)
	equal(t, "last heard", texts[len(texts)-1], "Goodbye.")
}

func TestTheRecordActionComesAtOnceAndTheCallbackLater(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	w.Dial(From(bob).LeaveMessage(12*time.Second, "Hi"), mask)
	w.runTo(Asking("/recorded"))
	acted := w.Now()
	equal(t, "callbacks so far", len(w.requests("/recording")), 0)
	media := "/2010-04-01/Accounts/" + account + "/Recordings/" + w.Recordings()[0].SID
	equal(t, "media before the callback", w.rest("GET", media, nil).Code, http.StatusNotFound)
	w.runTo(Asking("/recording"))
	if lag := w.Now().Sub(acted); lag < soonestReady || lag > latestReady {
		t.Errorf("the callback came after %v", lag)
	}
	equal(t, "media after the callback", w.rest("GET", media, nil).Code, http.StatusOK)
}

func transcribed() answersByPath {
	return voicemail(`transcribe="true" transcribeCallback="/transcribed#rc=1"`)
}

func TestATranscriptionHasTheCallersWords(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, transcribed())
	c := w.call(From(bob).LeaveMessage(12*time.Second, "Grüße, bitte um Rückruf 👋").ForwardedBy("+15005550009"))
	fine(t, c)
	form := w.only("/transcribed").form
	has(t, form, map[string]string{
		"TranscriptionText": "Grüße, bitte um Rückruf 👋", "TranscriptionStatus": "completed", "TranscriptionType": "fast",
		"From": bob, "Caller": bob, "To": mask, "Called": mask, "CallStatus": "completed", "CallSid": c.SID,
		"RecordingSid": w.Recordings()[0].SID, "Direction": "inbound", "ForwardedFrom": "+15005550009",
		"url": w.at("/transcribed"), "FromCity": "-",
	})
	if sid := form.Get("TranscriptionSid"); !strings.HasPrefix(sid, "TR") {
		t.Errorf("TranscriptionSid %q", sid)
	}
}

func TestAnUnintelligibleTranscriptionFails(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, transcribed())
	fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "mrmbl").Unintelligible()))
	has(t, w.only("/transcribed").form, map[string]string{"TranscriptionStatus": "failed", "TranscriptionText": "-"})
}

func TestTwilioIsSilentAboutWhatItDoesNotTranscribe(t *testing.T) {
	t.Parallel()
	for length, want := range map[time.Duration]int{2 * time.Second: 0, 3 * time.Second: 1, 119 * time.Second: 1, 120 * time.Second: 0} {
		w := open(t, Config{}, answersByPath{
			"/voice":    response(`<Record action="/recorded" maxLength="300" transcribe="true" transcribeCallback="/transcribed"/>`),
			"/recorded": nothing,
		})
		fine(t, w.call(From(bob).LeaveMessage(length, "Hi")))
		equal(t, "transcriptions of "+length.String(), len(w.requests("/transcribed")), want)
	}
}

func TestTranscribingLowersTheLongestRecording(t *testing.T) {
	t.Parallel()
	for attr, want := range map[string]string{"": "600", `transcribe="true"`: "120"} {
		w := open(t, Config{}, answersByPath{"/voice": response(`<Record action="/recorded" ` + attr + `/>`), "/recorded": nothing})
		fine(t, w.call(From(bob).LeaveMessage(10*time.Minute, "Hi")))
		has(t, w.only("/recorded").form, map[string]string{"RecordingDuration": want})
	}
}

func TestARecordWithoutActionGoesRoundInCircles(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Record/>`)})
	c := w.call(From(bob).Silent())
	wantFault(t, c, codePointless, "more than 100 documents")
}
