package jobs

import (
	"context"
	"log/slog"
	"time"
)

// keepUp makes jobs available that are due, until ctx ends. River's leader does so too, but
// after an outage there may be none for a minute, and in the build for the tests of faults
// time passes faster than it goes.
func (q *Queue) keepUp(ctx context.Context) {
	tick := time.NewTicker(q.pace.dueEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := q.cfg.DB.ExecContext(ctx, q.store.due, q.store.stamp(q.now())); err != nil && ctx.Err() == nil {
			q.cfg.Log.WarnContext(ctx, "look for jobs that are due", slog.Any("error", err))
		}
	}
}
