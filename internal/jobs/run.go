package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/maskline/maskline/internal/faults"
)

const (
	fetchCooldown  = 10 * time.Millisecond // River's own 100 ms would cap a lane at 100 jobs a second
	notifyCooldown = river.FetchCooldownMin
	jobTimeout     = 10 * time.Minute
	keepCompleted  = 24 * time.Hour
	keepDiscarded  = 30 * 24 * time.Hour
	afterPatience  = 5 * time.Second // for jobs to notice that they were cancelled
	farewellWithin = 5 * time.Second
)

var startAgainIn = faults.Period(time.Second)

// Run works jobs until ctx ends. Running ones then get twenty seconds to finish
// before their contexts end too; waiting ones stay as they are. Run does not
// mind a database that is away: it starts when the database is there, and goes on
// when it comes back. It returns an error only for a queue that cannot run, or when
// jobs would not stop.
func (q *Queue) Run(ctx context.Context) error {
	if len(q.cfg.Work) == 0 {
		return errors.New("run jobs: there is no Work for any")
	}
	client, err := river.NewClient(q.driver, q.runConfig())
	if err != nil {
		return fmt.Errorf("run jobs: %w", err)
	}
	l := q.newLease()
	if !q.start(ctx, client, l) {
		l.drop(context.WithoutCancel(ctx))
		return nil
	}
	// The lease outlives ctx: it covers the jobs that are still finishing.
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	defer stopKeeping()
	var keeper sync.WaitGroup
	keeper.Go(func() { l.keep(keeping) })
	keeper.Go(func() { q.keepUp(keeping) })
	if err := q.waitStopped(ctx, client); err != nil {
		return err // the lease runs out by itself; until then nobody takes what may still be running
	}
	stopKeeping()
	keeper.Wait()
	l.drop(context.WithoutCancel(ctx))
	return nil
}

// start tries until the client runs, and reports false when ctx ended before.
func (q *Queue) start(ctx context.Context, client *river.Client[*sql.Tx], l *lease) bool {
	for {
		err := l.beat(ctx) // first of all: a job in the hands of a client without a lease is taken away
		if err == nil {
			err = client.Start(ctx)
		}
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		q.cfg.Log.WarnContext(ctx, "jobs cannot start yet", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(startAgainIn):
		}
	}
}

func (q *Queue) waitStopped(ctx context.Context, client *river.Client[*sql.Tx]) error {
	select {
	case <-client.Stopped():
	case <-ctx.Done():
	}
	select {
	case <-client.Stopped():
		return nil
	case <-time.After(q.pace.patience + afterPatience):
		return errors.New("run jobs: some are still running though they were told to stop")
	}
}

// riverConfig is a client that inserts. Such a one reads its cooldown as the time in which
// it does not notify twice: what another transaction inserts in it waits for the next
// poll, should it commit after the fetch that the first one called for.
func (q *Queue) riverConfig() *river.Config {
	c := &river.Config{
		ID:                q.id,
		Logger:            slog.New(warnings{q.cfg.Log.Handler(), &said{}, q.cfg.Away}),
		Workers:           q.workers(),
		FetchCooldown:     notifyCooldown,
		FetchPollInterval: q.pace.pollEvery,
	}
	if q.cfg.Now != nil {
		c.Test.Time = clock(q.cfg.Now)
	}
	return c
}

// runConfig is a client that works jobs too.
func (q *Queue) runConfig() *river.Config {
	c := q.riverConfig()
	c.Queues = lanes()
	c.PeriodicJobs = q.periodicJobs()
	c.FetchCooldown = fetchCooldown
	c.JobTimeout = jobTimeout
	c.RetryPolicy = retries{q}
	c.SoftStopTimeout = q.pace.patience
	c.CompletedJobRetentionPeriod = keepCompleted
	c.DiscardedJobRetentionPeriod = keepDiscarded
	return c
}

func (q *Queue) periodicJobs() []*river.PeriodicJob {
	var jobs []*river.PeriodicJob
	for _, p := range q.cfg.Periodic {
		opts := Job{Kind: p.Kind}.insertOpts(time.Time{})
		opts.UniqueOpts.ByState = unfinished()
		jobs = append(jobs, river.NewPeriodicJob(
			river.PeriodicInterval(faults.Period(p.Every)),
			func() (river.JobArgs, *river.InsertOpts) { return args{kind: p.Kind}, opts },
			&river.PeriodicJobOpts{RunOnStart: true}, // or a day's job never runs where leaders live shorter
		))
	}
	return jobs
}

func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
}

// clock shows River the queue's own time.
type clock func() time.Time

func (c clock) Now() time.Time { return c() }

func (c clock) NowOrNil() *time.Time {
	now := c()
	return &now
}
