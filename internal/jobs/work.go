package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/maskline/maskline/internal/faults"
)

// worker hands River's jobs of one kind to the Work for it.
type worker struct {
	river.WorkerDefaults[args]
	q    *Queue
	work Work
}

func (w worker) Work(ctx context.Context, job *river.Job[args]) error {
	err := w.q.perform(ctx, w.work, job.JobRow, job.Args.Subject)
	w.q.waits.Delete(job.ID)
	if wait := waitOf(err); wait > 0 {
		w.q.waits.Store(job.ID, wait)
	}
	return err
}

// waitOf is how long an error asks to be waited: somebody else's server wants to be left alone.
func waitOf(err error) time.Duration {
	var asks interface{ Wait() time.Duration }
	if errors.As(err, &asks) {
		return asks.Wait()
	}
	return 0
}

func (q *Queue) workers() *river.Workers {
	if len(q.cfg.Work) == 0 {
		return nil
	}
	ws := river.NewWorkers()
	for kind, work := range q.cfg.Work {
		river.AddWorkerArgs(ws, args{kind: kind}, worker{q: q, work: work})
	}
	return ws
}

// perform makes one attempt at a job. It is the one place that logs a failure.
func (q *Queue) perform(ctx context.Context, work Work, row *rivertype.JobRow, subject string) error {
	j := Job{Kind: Kind(row.Kind), Subject: subject, At: row.ScheduledAt, Attempt: row.Attempt}
	faults.Point("job begun")
	stack, err := attempt(ctx, work, j)
	faults.Point("job done")
	if err == nil {
		return nil
	}
	attrs := []slog.Attr{
		slog.String("kind", row.Kind),
		slog.String("subject", subject),
		slog.Int("attempt", row.Attempt),
		slog.Any("error", err),
	}
	if stack != "" {
		q.cfg.Panicked()
		attrs = append(attrs, slog.String("stack", stack))
	}
	level, message := slog.LevelWarn, "job failed, will be tried again"
	if row.Attempt >= row.MaxAttempts {
		level, message = slog.LevelError, "job failed for the last time"
		q.cfg.GaveUp(j.Kind)
	}
	q.cfg.Log.LogAttrs(ctx, level, message, attrs...)
	return err
}

// attempt makes an error of a panic, and then also returns where it happened.
func attempt(ctx context.Context, work Work, j Job) (stack string, err error) {
	defer func() {
		if p := recover(); p != nil {
			stack, err = string(debug.Stack()), fmt.Errorf("panic: %v", p)
		}
	}()
	if faults.DropsJob() {
		return "", nil
	}
	return "", work(ctx, j)
}

// retries tells River when to try a failed job again.
type retries struct{ q *Queue }

func (r retries) NextRetry(row *rivertype.JobRow) time.Time {
	rest := jitter(r.q.pace.backoff(row.Attempt))
	if wait, ok := r.q.waits.LoadAndDelete(row.ID); ok {
		rest = max(rest, later(wait.(time.Duration)))
	}
	return r.q.now().Add(rest)
}
