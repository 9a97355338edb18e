package phone

import (
	"testing"
	"time"
)

func TestWhichRecordingsExist(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{"completed": true, "failed": true, "absent": false, "in-progress": false, "": false, "odd": false} {
		if got := (Reported{Status: status}).Exists(); got != want {
			t.Errorf("a recording that is %q exists: %t, want %t", status, got, want)
		}
	}
}

func TestWhyThereIsNoRecording(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"16101": "Twilio kept no recording: it was too short", "16102": "Twilio kept no recording: it was silent",
		"": "Twilio kept no recording", "0": "Twilio kept no recording",
	} {
		if got := (Reported{ErrorCode: code}).WhyAbsent(); got != want {
			t.Errorf("code %q: got %q, want %q", code, got, want)
		}
	}
}

func TestWhenAVoicemailAppears(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-25 12:00")
	for _, c := range []struct {
		name     string
		received time.Time
		seconds  int
		want     time.Time
	}{
		{"two minutes after it was recorded", now.Add(-40 * time.Second), 30, now.Add(110 * time.Second)},
		{"two minutes from now when it ends right now", now.Add(-30 * time.Second), 30, now.Add(2 * time.Minute)},
		{"two minutes from now when Twilio does not say when it was recorded", now, 600, now.Add(2 * time.Minute)},
		{"two minutes from now when its length makes no sense", now.Add(-time.Second), 1 << 30, now.Add(2 * time.Minute)},
		{"at the last moment", now.Add(-2 * time.Minute), 0, now},
		{"at once when we learn of it later", now.Add(-time.Hour), 30, now},
		{"at once when we learn of it days later", now.Add(-72 * time.Hour), 600, now},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := AppearsAt(c.received, c.seconds, now); !got.Equal(c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhomTwilioTranscribesFor(t *testing.T) {
	t.Parallel()
	for _, language := range Languages() {
		if got := AsksTwilio(true, language); got != (language == "en-US") {
			t.Errorf("%s is transcribed by Twilio: %t", language, got)
		}
		if AsksTwilio(false, language) {
			t.Errorf("%s is transcribed though nobody wants it", language)
		}
	}
}

func TestWhyThereIsNoTranscript(t *testing.T) {
	t.Parallel()
	for seconds, transcribed := range map[int]bool{0: false, 1: false, 2: false, 3: true, 60: true, 119: true, 120: false, 600: false} {
		if why := WhyNoTranscript(seconds); (why == "") != transcribed {
			t.Errorf("%d s: got %q, want a reason: %t", seconds, why, !transcribed)
		}
	}
}

func TestWhenAMailIsDue(t *testing.T) {
	t.Parallel()
	appeared := at(t, "2026-11-25 12:00")
	for _, c := range []struct {
		name  string
		state TranscriptionState
		after time.Duration
		want  bool
	}{
		{"at once when nobody asked for a transcript", TranscriptionOff, 0, true},
		{"at once when the transcript is there", TranscriptionCompleted, 0, true},
		{"at once when there will be none", TranscriptionFailed, 0, true},
		{"not while it may still come", TranscriptionPending, 0, false},
		{"not up to the last moment", TranscriptionPending, time.Minute - 1, false},
		{"after a minute without it", TranscriptionPending, time.Minute, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := MailDue(c.state, appeared, appeared.Add(c.after)); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func TestMailsCarryAudioUnderTenMegabytes(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]bool{0: true, 192_044: true, 10<<20 - 1: true, 10 << 20: false, 1 << 40: false} {
		if got := Attached(size); got != want {
			t.Errorf("%d bytes are attached: %v", size, got)
		}
	}
}

func TestLengthOf(t *testing.T) {
	t.Parallel()
	for audio, want := range map[time.Duration]int{
		-time.Second: 0, 0: 0, 1: 1, 400 * time.Millisecond: 1, 1499 * time.Millisecond: 1, 1500 * time.Millisecond: 2, 12 * time.Second: 12,
		10*time.Minute + 40*time.Millisecond: 600, LongestCall + time.Hour: int(LongestCall / time.Second),
	} {
		if got := LengthOf(audio); got != want {
			t.Errorf("%s: got %d s, want %d s", audio, got, want)
		}
	}
}

func TestMayRetryTranscript(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state  TranscriptionState
		waited time.Duration
		want   bool
	}{
		{TranscriptionFailed, 0, true},
		{TranscriptionFailed, time.Hour, true},
		{TranscriptionPending, 0, false},
		{TranscriptionPending, TranscriptPatience - 1, false},
		{TranscriptionPending, TranscriptPatience, true},
		{TranscriptionCompleted, time.Hour, false},
		{TranscriptionOff, time.Hour, false},
	} {
		if got := MayRetryTranscript(c.state, c.waited); got != c.want {
			t.Errorf("%s for %s: got %v, want %v", c.state, c.waited, got, c.want)
		}
	}
}
