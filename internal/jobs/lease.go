package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"
)

// lease is a process's word that it lives, renewed every few seconds under its client
// id. River knows of no such thing: left alone it would give the jobs of a process
// that died to another one only after an hour.
type lease struct {
	db    *sql.DB
	store store
	id    string
	log   *slog.Logger
	pace  pace
	now   func() time.Time // monotonic; says only how long ago something was

	renewed time.Time
	trusted time.Time // not before then are silent owners held for dead
}

func (q *Queue) newLease() *lease {
	return &lease{db: q.cfg.DB, store: q.store, id: q.id, log: q.cfg.Log, pace: q.pace, now: time.Now}
}

// keep renews the lease and takes over from the dead until ctx ends.
func (l *lease) keep(ctx context.Context) {
	tick := time.NewTicker(l.pace.renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.beat(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "lease on running jobs not renewed", slog.Any("error", err))
		}
	}
}

// beat renews the lease, then makes the jobs of silent clients available again.
//
// When our own renewals fell silent, most likely the database was away, and everybody's
// lease ran out with ours. Then the others get one lease's time to renew theirs,
// before anything is taken from them.
func (l *lease) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.pace.leaseLasts)
	defer cancel()
	if err := l.renew(ctx); err != nil {
		l.trusted = l.now().Add(l.pace.leaseLasts)
		return err
	}
	if l.now().Before(l.trusted) {
		return nil
	}
	return l.takeOver(ctx)
}

func (l *lease) renew(ctx context.Context) error {
	if _, err := l.db.ExecContext(ctx, l.store.renew, l.id); err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	last := l.renewed
	l.renewed = l.now()
	if !last.IsZero() && l.renewed.Sub(last) > l.pace.leaseLasts {
		l.trusted = l.renewed.Add(l.pace.leaseLasts)
	}
	l.pace.renewed()
	return nil
}

// takeOver leaves out jobs on their last attempt, which River itself discards after an
// hour: what kills every process that touches it must come to an end.
func (l *lease) takeOver(ctx context.Context) error {
	silent := l.pace.leaseLasts.Seconds()
	res, err := l.db.ExecContext(ctx, l.store.takeOver, silent)
	if err != nil {
		return fmt.Errorf("take over jobs: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("take over jobs: %w", err)
	}
	if n > 0 {
		l.log.WarnContext(ctx, "took over the jobs of a process that is gone", slog.Int64("jobs", n))
	}
	if _, err := l.db.ExecContext(ctx, l.store.forget, silent); err != nil {
		return fmt.Errorf("remove old leases: %w", err)
	}
	return nil
}

// drop gives the lease up, so that what this process leaves behind need not wait.
func (l *lease) drop(ctx context.Context) {
	if l.renewed.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewellWithin)
	defer cancel()
	if _, err := l.db.ExecContext(ctx, l.store.drop, l.id); err != nil {
		l.log.WarnContext(ctx, "lease on running jobs left to run out", slog.Any("error", err))
	}
}
