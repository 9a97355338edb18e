package jobs

import (
	"testing"
	"time"
)

func TestBackoffDoublesFromFiveSecondsToHalfAnHour(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{
		-1: 5 * time.Second, 0: 5 * time.Second,
		1: 5 * time.Second, 2: 10 * time.Second, 3: 20 * time.Second, 4: 40 * time.Second, 5: 80 * time.Second,
		6: 160 * time.Second, 7: 320 * time.Second, 8: 640 * time.Second, 9: 1280 * time.Second,
		10: 30 * time.Minute, 11: 30 * time.Minute, 400: 30 * time.Minute, 1 << 40: 30 * time.Minute,
	} {
		if got := Backoff(attempt); got != want {
			t.Errorf("Backoff(%d) = %s, want %s", attempt, got, want)
		}
	}
}

// The caps on attempts must not end what its own row's age would let go on.
func TestAttemptsOutlastTheTimeWorkIsTriedFor(t *testing.T) {
	t.Parallel()
	for kind, long := range map[Kind]time.Duration{
		FetchRecording: 24 * time.Hour, Transcribe: 24 * time.Hour, ExpireTranscription: 24 * time.Hour, Appear: 24 * time.Hour,
		SendMail: 5 * 24 * time.Hour,
	} {
		var tried time.Duration
		for attempt := 1; attempt < kind.maxAttempts(); attempt++ {
			tried += Backoff(attempt) * 9 / 10
		}
		if tried < long {
			t.Errorf("%s is given up after %s, want at least %s", kind, tried, long)
		}
	}
}

func TestJitterIsATenthEitherWayButNeverPastTheLongest(t *testing.T) {
	t.Parallel()
	var shorter, longer bool
	for range 1000 {
		got := jitter(time.Minute)
		if got < 54*time.Second || got > 66*time.Second {
			t.Fatalf("a minute became %s", got)
		}
		shorter, longer = shorter || got < time.Minute, longer || got > time.Minute
		if got := jitter(maxBackoff); got > maxBackoff || got < 27*time.Minute {
			t.Fatalf("half an hour became %s", got)
		}
	}
	if !shorter || !longer {
		t.Error("a minute was never made shorter, or never longer")
	}
}
