package jobs

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// busy is the error of a server that wants to be left alone.
type busy struct{ wait time.Duration }

func (b busy) Error() string       { return "busy" }
func (b busy) Wait() time.Duration { return b.wait }

func TestAJobIsNotTriedAgainBeforeItsErrorAllows(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		v := w.virtual(t, start, map[Kind]Work{FetchRecording: func(_ context.Context, j Job) error {
			switch j.Attempt {
			case 1:
				return fmt.Errorf("fetch: %w", busy{time.Hour})
			case 2:
				return fmt.Errorf("fetch: %w", busy{time.Second}) // less than the job rests anyhow
			}
			return nil
		}})
		v.insert(t, v.q, Job{Kind: FetchRecording, Subject: "vm", At: start})
		v.forward(t, 2*time.Hour)
		v.want(t, "0s vm 1", "1h0m0s vm 2", "1h0m10s vm 3")
	})
}

func TestARunningQueueWaitsAsLongAsTheErrorAsks(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		worked := make(chan Job, 2)
		q := w.queue(t, Config{Work: map[Kind]Work{FetchRecording: func(_ context.Context, j Job) error {
			worked <- j
			return fmt.Errorf("fetch: %w", busy{time.Hour})
		}}})
		before := time.Now()
		stop := run(t, q)
		w.insert(t, q, Job{Kind: FetchRecording, Subject: "vm"})
		receive(t, worked, "the first attempt")
		stop()
		at, ok, err := q.Next(t.Context())
		if err != nil || !ok || at.Before(before.Add(time.Hour)) || at.After(time.Now().Add(67*time.Minute)) {
			t.Errorf("the job is due in %s, %v, %v; want an hour, and up to a tenth more", at.Sub(before), ok, err)
		}
		w.wantRow(t, "vm", "retryable", 1)
	})
}
