package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/maskline/maskline/internal/faults"
)

// keepUp makes jobs available that are due, until ctx ends, where time passes faster than River's scheduler goes: in the build for the tests
// of faults.
func (q *Queue) keepUp(ctx context.Context) {
	if faults.Faster == 1 {
		return
	}
	tick := time.NewTicker(q.pace.pollEvery)
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
