package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// Drain works every job that is due at now, in the order in which they fell due, one
// after the other in this goroutine, and then those which these inserted, if due. What
// fails is due again at now plus [Backoff], or what its error asks for, exactly. It is for tests on a clock of their
// own, and takes the place of Run; the two do not go together.
func (q *Queue) Drain(ctx context.Context, now time.Time) (worked int, err error) {
	for {
		row, err := q.claim(ctx, now)
		if row == nil || err != nil {
			return worked, err
		}
		if err := q.settle(ctx, row, now, q.performRow(ctx, row)); err != nil {
			return worked, err
		}
		worked++
	}
}

// claim sets the first job due at now running, whichever of its waiting states River
// has it in. It returns nil when there is none.
func (q *Queue) claim(ctx context.Context, now time.Time) (*rivertype.JobRow, error) {
	var id int64
	err := q.cfg.DB.QueryRowContext(ctx, q.store.claim, q.store.stamp(now)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim a job: %w", err)
	}
	row, err := q.driver.GetExecutor().JobGetByID(ctx, &riverdriver.JobGetByIDParams{ID: id})
	if err != nil {
		return nil, fmt.Errorf("load job %d: %w", id, err)
	}
	return row, nil
}

func (q *Queue) performRow(ctx context.Context, row *rivertype.JobRow) error {
	var a args
	if err := json.Unmarshal(row.EncodedArgs, &a); err != nil {
		return fmt.Errorf("read job %d: %w", row.ID, err)
	}
	work, ok := q.cfg.Work[Kind(row.Kind)]
	if !ok {
		work = func(context.Context, Job) error { return fmt.Errorf("no Work for the kind %s", row.Kind) }
	}
	return q.perform(ctx, work, row, a.Subject)
}

// settle writes down how an attempt ended, as River would.
func (q *Queue) settle(ctx context.Context, row *rivertype.JobRow, now time.Time, failure error) error {
	end := riverdriver.JobSetStateCompleted(row.ID, now, nil)
	if failure != nil {
		reason, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: row.Attempt, Error: failure.Error()})
		if err != nil {
			return fmt.Errorf("settle job %d: %w", row.ID, err)
		}
		if row.Attempt >= row.MaxAttempts {
			end = riverdriver.JobSetStateDiscarded(row.ID, now, reason, nil)
		} else {
			end = riverdriver.JobSetStateErrorRetryable(row.ID, now.Add(max(q.pace.backoff(row.Attempt), waitOf(failure))), reason, nil)
		}
	}
	_, err := q.driver.GetExecutor().JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID:              []int64{end.ID},
		Attempt:         []*int{end.Attempt},
		ErrData:         [][]byte{end.ErrData},
		FinalizedAt:     []*time.Time{end.FinalizedAt},
		MetadataDoMerge: []bool{end.MetadataDoMerge},
		MetadataUpdates: [][]byte{end.MetadataUpdates},
		Now:             &now,
		ScheduledAt:     []*time.Time{end.ScheduledAt},
		State:           []rivertype.JobState{end.State},
	})
	if err != nil {
		return fmt.Errorf("settle job %d: %w", row.ID, err)
	}
	return nil
}

// Next tells when the next waiting job is due, and false when none waits.
func (q *Queue) Next(ctx context.Context) (time.Time, bool, error) {
	var at time.Time
	err := q.cfg.DB.QueryRowContext(ctx, q.store.next).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("find the next job: %w", err)
	}
	return at.UTC(), true, nil
}
