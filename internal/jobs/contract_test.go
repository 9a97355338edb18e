package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestJobIsWorkedOnceItsTransactionCommits(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		worked := make(chan Job, 10)
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(worked), SendMail: tell(worked)}})
		stop := run(t, q)

		w.insert(t, q, Job{Kind: Appear, Subject: "vm_1"})
		if got := receive(t, worked, "the job"); got.Kind != Appear || got.Subject != "vm_1" || got.Attempt != 1 || got.At.IsZero() {
			t.Errorf("worked %+v", got)
		}

		refused := errors.New("the caller changed its mind")
		err := inTx(w.db, func(tx *sql.Tx) error {
			if err := q.Insert(t.Context(), tx, Job{Kind: Appear, Subject: "vm_2"}); err != nil {
				t.Error(err)
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		w.insert(t, q, Job{Kind: SendMail, Subject: "mail_1"}, Job{Kind: Appear, Subject: "vm_3"})
		rest := []string{receive(t, worked, "a job").Subject, receive(t, worked, "a job").Subject}
		slices.Sort(rest)
		if want := []string{"mail_1", "vm_3"}; !slices.Equal(rest, want) {
			t.Errorf("worked %v, want %v", rest, want)
		}

		stop()
		w.wantRow(t, "vm_1", "completed", 1)
		w.wantRow(t, "vm_3", "completed", 1)
		w.wantRow(t, "mail_1", "completed", 1)
		if n := w.count(t, `SELECT count(*) FROM river_job`); n != 3 {
			t.Errorf("%d jobs are stored, want 3: the rolled back one must not be", n)
		}
	})
}

func TestJobDoesNotWaitForTheNextPoll(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		worked := make(chan Job, 1)
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(worked)}})
		q.pace.pollEvery = 10 * time.Second
		run(t, q)
		another := w.queue(t, Config{}) // as if in another process
		w.insert(t, another, Job{Kind: Appear})
		receive(t, worked, "the first job, by which Run listens")
		begin := time.Now()
		for range 10 {
			w.insert(t, another, Job{Kind: Appear})
			receive(t, worked, "the job")
		}
		if took := time.Since(begin); took > 2*q.pace.pollEvery {
			t.Errorf("ten jobs took %s", took)
		}
	})
}

func TestJobForAnUnknownKindIsRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(nil)}})
		err := inTx(w.db, func(tx *sql.Tx) error {
			return q.Insert(t.Context(), tx, Job{Kind: "apear_voicemail", Subject: "vm_1"})
		})
		if err == nil || !strings.Contains(err.Error(), "apear_voicemail") {
			t.Errorf("inserting it gave %v", err)
		}
		// A process that works none may insert any.
		w.insert(t, w.queue(t, Config{}), Job{Kind: Appear, Subject: "vm_2"})
	})
}

func TestFailedJobIsTriedAgainUntilItSucceeds(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		log := &logbook{}
		done := make(chan Job, 1)
		q := w.queue(t, Config{Log: slog.New(log), Work: map[Kind]Work{FetchRecording: func(_ context.Context, j Job) error {
			if j.Attempt < 3 {
				return fmt.Errorf("no audio yet")
			}
			done <- j
			return nil
		}}})
		q.pace.backoff = func(int) time.Duration { return 50 * time.Millisecond }
		stop := run(t, q)

		w.insert(t, q, Job{Kind: FetchRecording, Subject: "vm_1"})
		if got := receive(t, done, "the third attempt"); got.Attempt != 3 {
			t.Errorf("succeeded at attempt %d, want 3", got.Attempt)
		}
		stop()
		w.wantRow(t, "vm_1", "completed", 3)
		log.want(t,
			`WARN job failed, will be tried again kind=fetch_recording subject=vm_1 attempt=1 error=no audio yet`,
			`WARN job failed, will be tried again kind=fetch_recording subject=vm_1 attempt=2 error=no audio yet`)
	})
}

func TestF32APoisonJobHoldsUpNoOther(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		log := &logbook{}
		worked := make(chan Job, 10)
		q := w.queue(t, Config{Log: slog.New(log), Work: map[Kind]Work{
			Appear: func(_ context.Context, j Job) error {
				worked <- j
				panic("poison")
			},
			SendMail: tell(worked),
		}})
		stop := run(t, q)
		for i := range 5 {
			w.insert(t, q, Job{Kind: Appear, Subject: fmt.Sprint("vm_", i)}, Job{Kind: SendMail, Subject: fmt.Sprint("mail_", i)})
		}
		for range 10 {
			receive(t, worked, "all jobs, good and bad")
		}
		stop()
		for i := range 5 {
			subject := fmt.Sprint("vm_", i)
			if n := w.count(t, `SELECT count(*) FROM river_job WHERE args ->> 'subject' = $1
				AND attempt = 1 AND state IN ('available', 'retryable') AND errors IS NOT NULL`, subject); n != 1 {
				t.Errorf("job about %s does not wait for its second attempt", subject)
			}
		}
		if n := len(log.all()); n != 5 {
			t.Errorf("%d lines in the log, want one per panic:\n%s", n, strings.Join(log.all(), "\n"))
		}
		for _, line := range log.all() {
			if !strings.Contains(line, "error=panic: poison") || !strings.Contains(line, "contract_test.go") {
				t.Errorf("log does not say what happened where: %s", line)
			}
		}
	})
}

func TestPeriodicJobComesAgainButNeverTwiceAtATime(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		quick, slow, release := make(chan Job, 100), make(chan Job, 100), make(chan struct{})
		q := w.queue(t, Config{
			Work: map[Kind]Work{
				"sweep": tell(quick),
				"audit": func(_ context.Context, j Job) error {
					slow <- j
					<-release
					return nil
				},
			},
			Periodic: []Periodic{{Kind: "sweep", Every: time.Second}, {Kind: "audit", Every: time.Second}},
		})
		stop := run(t, q)
		receive(t, slow, "the slow periodic job")
		for range 3 {
			receive(t, quick, "the quick periodic job")
		}
		if n := w.count(t, `SELECT count(*) FROM river_job WHERE kind = 'audit'`); n != 1 {
			t.Errorf("%d of the slow job piled up while it ran", n-1)
		}
		close(release)
		stop()
	})
}

func TestStoppingLetsRunningJobsFinishAndLeavesTheOthers(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		running, release := make(chan Job, 10), make(chan struct{})
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: func(ctx context.Context, j Job) error {
			running <- j
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()

		w.insert(t, q, Job{Kind: Appear, Subject: "begun"}, Job{Kind: Appear, Subject: "later", At: time.Now().Add(time.Hour)})
		receive(t, running, "the job to begin")
		cancel()
		select {
		case err := <-ended:
			t.Fatalf("Run returned %v while a job was running", err)
		default:
		}
		close(release)
		if err := receive(t, ended, "Run to return"); err != nil {
			t.Errorf("Run: %v", err)
		}
		w.wantRow(t, "begun", "completed", 1)
		w.wantRow(t, "later", "scheduled", 0)
		if n := w.count(t, `SELECT count(*) FROM job_leases`); n != 0 {
			t.Errorf("%d leases are left, want none: the process said goodbye", n)
		}
	})
}

func TestStoppingLosesPatienceWithJobsThatDoNotFinish(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		running := make(chan Job, 1)
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: func(ctx context.Context, j Job) error {
			running <- j
			<-ctx.Done()
			return ctx.Err()
		}}})
		q.pace.patience = 50 * time.Millisecond
		stop := run(t, q)
		w.insert(t, q, Job{Kind: Appear, Subject: "vm_1"})
		receive(t, running, "the job to begin")
		stop()
		if n := w.count(t, `SELECT count(*) FROM river_job WHERE attempt = 1 AND state IN ('available', 'retryable')`); n != 1 {
			t.Error("the cancelled job does not wait for its second attempt")
		}
	})
}

// Work that uses the database itself, and inserts more of it, shares SQLite's one
// connection with everything that River does.
func TestManyJobsThatWriteAndInsertMore(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		const chains, length = 20, 5
		exec(t, w.db, `CREATE TABLE seen (subject text PRIMARY KEY)`)
		done := make(chan string, chains)
		var q *Queue
		q = w.queue(t, Config{Work: map[Kind]Work{Appear: func(ctx context.Context, j Job) error {
			var chain, link int
			if _, err := fmt.Sscanf(j.Subject, "%d-%d", &chain, &link); err != nil {
				return err
			}
			err := inTx(w.db, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, `INSERT INTO seen (subject) VALUES ($1)`, j.Subject); err != nil {
					return err
				}
				if link == length {
					return nil
				}
				return q.Insert(ctx, tx, Job{Kind: Appear, Subject: fmt.Sprintf("%d-%d", chain, link+1)})
			})
			if err == nil && link == length {
				done <- j.Subject
			}
			return err
		}}})
		stop := run(t, q)
		var inserts sync.WaitGroup
		for chain := range chains {
			inserts.Go(func() {
				if err := inTx(w.db, func(tx *sql.Tx) error {
					return q.Insert(context.Background(), tx, Job{Kind: Appear, Subject: fmt.Sprintf("%d-1", chain)})
				}); err != nil {
					t.Error(err)
				}
			})
		}
		inserts.Wait()
		for range chains {
			receive(t, done, "all chains to end")
		}
		stop()
		if n := w.count(t, `SELECT count(*) FROM seen`); n != chains*length {
			t.Errorf("%d jobs wrote, want %d", n, chains*length)
		}
		if n := w.count(t, `SELECT count(*) FROM river_job WHERE state = 'completed' AND attempt = 1`); n != chains*length {
			t.Errorf("%d jobs are completed at the first attempt, want %d", n, chains*length)
		}
	})
}

func TestQueueThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	log := slog.New(slog.DiscardHandler)
	for name, cfg := range map[string]Config{
		"no database":           {Dialect: w.dialect, Log: log},
		"no log":                {DB: w.db, Dialect: w.dialect},
		"an unknown dialect":    {DB: w.db, Dialect: "mysql", Log: log},
		"nobody for a periodic": {DB: w.db, Dialect: w.dialect, Log: log, Periodic: []Periodic{{Kind: "sweep", Every: time.Hour}}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("a queue with %s was made", name)
		}
	}
	if err := w.queue(t, Config{}).Run(t.Context()); err == nil {
		t.Error("a queue that can only insert ran")
	}
}

// logbook keeps what is logged, a line each.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.Key + "=" + a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logbook) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logbook) WithGroup(string) slog.Handler      { return l }

func (l *logbook) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *logbook) want(t testing.TB, want ...string) {
	t.Helper()
	if got := l.all(); !slices.Equal(got, want) {
		t.Errorf("log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
