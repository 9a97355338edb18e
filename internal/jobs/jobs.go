// Package jobs does the work that outlives a request: fetching a recording,
// making a voicemail appear, sending a mail. It keeps that work in the product's
// own database, on River, which nobody outside this package gets to see.
//
// What it promises:
//
//   - A job is inserted in the caller's transaction: it exists when that
//     transaction commits, and never when it does not.
//   - It is worked at least once, by one process at a time. It may be worked again
//     (a process died, or finished without being able to say so), so a Work looks
//     at the row it is about before it does anything outward.
//   - A failed job is tried again after [Backoff]; a panic is a failure. Giving up
//     is the Work's decision, by the age of its own row; the cap on attempts only
//     bounds what nobody decided.
//   - The jobs of a process that died are taken over within half a minute.
package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"

	"github.com/maskline/maskline/internal/faults"
)

// Kind says what is to be done.
type Kind string

// The kinds of work there are.
const (
	FetchRecording      Kind = "fetch_recording"
	Appear              Kind = "appear_voicemail"
	SendMail            Kind = "send_mail"
	Transcribe          Kind = "transcribe_voicemail"
	ExpireTranscription Kind = "expire_transcription"
	FreeReservation     Kind = "free_reservation"
	Purge               Kind = "purge_voicemail"
	KeepHouse           Kind = "keep_house"
	Reconcile           Kind = "reconcile"
	HangUp              Kind = "hang_up"
	HangUpAll           Kind = "hang_up_all"
)

// Job is one piece of work: what, about which row, and not before when.
type Job struct {
	Kind    Kind
	Subject string    // id of the row it is about
	At      time.Time // not before; zero is now; to a Work it tells when the job was due
	Attempt int       // set when it is worked: 1 the first time
}

// Work does a job. After nil the job is done for good; after an error, or a
// panic, it is tried again later, and not before the time that the error names if
// it, or one that it wraps, has a Wait() time.Duration. It is called with no transaction open, and
// must heed its context, which ends after ten minutes and when a stopping process
// has no more patience.
type Work func(ctx context.Context, j Job) error

// Periodic is a job about nothing in particular that is due once in a while,
// somewhere in the deployment. A new one is not started while the last is unfinished.
type Periodic struct {
	Kind  Kind
	Every time.Duration
}

// Config is what a Queue is made of.
type Config struct {
	DB      *sql.DB // for SQLite the pool that writes
	Dialect string  // as in entgo.io/ent/dialect
	Listen  Listen  // nil: new jobs wait for the next poll, at most a second
	Log     *slog.Logger

	// Away tells that the database is known to be away: then what River says of it is not
	// logged. Nil: it never is.
	Away func() bool

	// Now moves the queue onto another clock, for tests. Left nil, PostgreSQL's
	// clock decides what of that is due that waits to be worked; what is for later,
	// and after how long a job is tried again, goes by the replicas' clocks. On a
	// clock that stands still Run may notice new jobs only at its next poll.
	Now func() time.Time

	// Work says how to do each kind. Without any the queue only inserts.
	Work     map[Kind]Work
	Periodic []Periodic

	// GaveUp is told of each job that failed for the last time; nil tells nobody.
	GaveUp func(Kind)

	// Panicked is told of each panic of a job; nil tells nobody.
	Panicked func()

	// ID names this process in the rows; a random part is added to it, so that a
	// restarted process is never taken for the one that died.
	ID string
}

// Queue inserts jobs and works them.
type Queue struct {
	cfg      Config
	id       string
	driver   riverdriver.Driver[*sql.Tx]
	store    store
	inserter *river.Client[*sql.Tx]
	pace     pace
	waits    sync.Map // of a job that just failed: how long its error asks to be waited
}

// pace is how fast things go; only tests change it.
type pace struct {
	backoff    func(attempt int) time.Duration
	pollEvery  time.Duration // how often jobs are looked for that nobody was told of
	dueEvery   time.Duration // how often jobs for later are looked for that have fallen due
	renewEvery time.Duration // how often a process says that it lives
	leaseLasts time.Duration // silent for longer, it counts as dead
	patience   time.Duration // what running jobs get to finish in when the process stops
	renewed    func()        // called after each renewal
}

// New makes a queue on a database that [Migrate] has seen. It does not touch the
// database itself.
func New(cfg Config) (*Queue, error) {
	if cfg.DB == nil || cfg.Log == nil {
		return nil, errors.New("jobs: a queue needs a database and a log")
	}
	for _, p := range cfg.Periodic {
		if cfg.Work[p.Kind] == nil || p.Every <= 0 {
			return nil, fmt.Errorf("jobs: %s every %s needs a Work and a time", p.Kind, p.Every)
		}
	}
	if cfg.GaveUp == nil {
		cfg.GaveUp = func(Kind) {}
	}
	if cfg.Away == nil {
		cfg.Away = func() bool { return false }
	}
	if cfg.Panicked == nil {
		cfg.Panicked = func() {}
	}
	st, err := storeFor(cfg.Dialect)
	if err != nil {
		return nil, err
	}
	q := &Queue{
		cfg:    cfg,
		id:     clientID(cfg.ID),
		driver: driverFor(cfg),
		store:  st,
		pace: pace{
			backoff:    Backoff,
			pollEvery:  faults.Period(time.Second),
			dueEvery:   faults.Period(2 * time.Second),
			renewEvery: faults.Period(5 * time.Second),
			leaseLasts: faults.Period(15 * time.Second),
			patience:   20 * time.Second,
			renewed:    func() {},
		},
	}
	if q.inserter, err = river.NewClient(q.driver, q.riverConfig()); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return q, nil
}

// clientID is short enough for River, which takes at most 100 bytes.
func clientID(name string) string {
	const longest = 60
	if name == "" {
		name = "maskline"
	}
	return name[:min(len(name), longest)] + "_" + rand.Text()
}

// Insert adds jobs in the caller's transaction. A kind that this queue has no Work
// for is refused, unless it has none at all.
func (q *Queue) Insert(ctx context.Context, tx *sql.Tx, jobs ...Job) error {
	if len(jobs) == 0 {
		return nil
	}
	now := q.now()
	batch := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		batch[i] = river.InsertManyParams{Args: args{kind: j.Kind, Subject: j.Subject}, InsertOpts: j.insertOpts(now)}
	}
	if _, err := q.inserter.InsertManyFastTx(ctx, tx, batch); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

func (j Job) insertOpts(now time.Time) *river.InsertOpts {
	opts := &river.InsertOpts{Queue: j.Kind.lane(), MaxAttempts: j.Kind.maxAttempts()}
	// With any time at all, even a past one, River parks the job until its leader's
	// next round, up to five seconds later.
	if j.At.After(now) {
		opts.ScheduledAt = j.At
	}
	return opts
}

func (q *Queue) now() time.Time {
	if q.cfg.Now != nil {
		return q.cfg.Now()
	}
	return time.Now()
}

// args is what River keeps of a job.
type args struct {
	kind    Kind
	Subject string `json:"subject"`
}

func (a args) Kind() string { return string(a.kind) }
