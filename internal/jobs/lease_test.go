package jobs

import (
	"context"
	"testing"
	"time"
)

// abandon makes the job about subject look as a process that was killed left it.
func (w world) abandon(t testing.TB, subject, owner string, attempt int, silentFor time.Duration) {
	t.Helper()
	owners, since := `ARRAY[$1]`, `now() - make_interval(secs => $2)`
	if w.dsn == "" {
		owners, since = `jsonb(json_array($1))`, `unixepoch('subsec') - $2`
	}
	exec(t, w.db, `UPDATE river_job SET state = 'running', attempt = $3, attempted_by = `+owners+`
		WHERE args ->> 'subject' = $2`, owner, subject, attempt)
	exec(t, w.db, `INSERT INTO job_leases (client_id, renewed_at) VALUES ($1, `+since+`)
		ON CONFLICT (client_id) DO UPDATE SET renewed_at = excluded.renewed_at`, owner, silentFor.Seconds())
}

func (w world) leases(t testing.TB, owner string) int {
	t.Helper()
	return w.count(t, `SELECT count(*) FROM job_leases WHERE client_id = $1`, owner)
}

func TestJobsOfAKilledProcessAreTakenOver(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		worked := make(chan Job, 10)
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(worked)}})
		w.insert(t, q, Job{Kind: Appear, Subject: "silent"}, Job{Kind: Appear, Subject: "unknown"},
			Job{Kind: Appear, Subject: "alive"}, Job{Kind: Appear, Subject: "deadly"})
		w.abandon(t, "silent", "killed", 1, 16*time.Second)
		w.abandon(t, "deadly", "killed", 100, 16*time.Second)
		w.abandon(t, "alive", "neighbour", 1, 14*time.Second)
		exec(t, w.db, `UPDATE river_job SET state = 'running', attempt = 3 WHERE args ->> 'subject' = 'unknown'`)

		stop := run(t, q)
		for range 2 {
			j := receive(t, worked, "the dead process's jobs")
			if want := map[string]int{"silent": 2, "unknown": 4}[j.Subject]; j.Attempt != want {
				t.Errorf("job about %s was worked at attempt %d, want %d", j.Subject, j.Attempt, want)
			}
		}
		stop()
		w.wantRow(t, "silent", "completed", 2)
		w.wantRow(t, "unknown", "completed", 4)
		w.wantRow(t, "alive", "running", 1)
		w.wantRow(t, "deadly", "running", 100)
		if w.leases(t, "killed") != 0 || w.leases(t, "neighbour") != 1 {
			t.Error("want the stale lease removed and the neighbour's kept")
		}
	})
}

func TestNeighbourIsTakenOverFromWhileRunning(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		worked := make(chan Job, 10)
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(worked)}})
		q.pace.renewEvery, q.pace.leaseLasts = 20*time.Millisecond, time.Second
		w.insert(t, q, Job{Kind: Appear, Subject: "vm_1"})
		w.abandon(t, "vm_1", "neighbour", 1, 0) // just killed: its lease has yet to run out
		run(t, q)
		if j := receive(t, worked, "the job of a process killed meanwhile"); j.Attempt != 2 {
			t.Errorf("worked at attempt %d, want 2", j.Attempt)
		}
	})
}

func TestRunningJobsOfTheLivingAreLeftAlone(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		begun, release := make(chan string, 10), make(chan struct{})
		process := func(name string, beats chan<- struct{}) *Queue {
			q := w.queue(t, Config{ID: name, Work: map[Kind]Work{Appear: func(ctx context.Context, j Job) error {
				begun <- name
				<-release
				return nil
			}}})
			q.pace.renewEvery, q.pace.leaseLasts = 50*time.Millisecond, time.Second
			q.pace.renewed = func() {
				select {
				case beats <- struct{}{}:
				default:
				}
			}
			return q
		}
		beats := map[string]chan struct{}{"first": make(chan struct{}), "second": make(chan struct{})}
		first, second := process("first", beats["first"]), process("second", beats["second"])
		stopFirst := run(t, first)
		w.insert(t, first, Job{Kind: Appear, Subject: "vm_1"})
		receive(t, begun, "the job to begin")
		stopSecond := run(t, second)
		for range 40 { // two leases' time
			receive(t, beats["first"], "the first to renew its lease")
			receive(t, beats["second"], "the second to look for the dead")
		}
		close(release)
		stopFirst()
		stopSecond()
		w.wantRow(t, "vm_1", "completed", 1)
		if len(begun) > 0 {
			t.Errorf("%s began the job a second time", <-begun)
		}
	})
}

func TestNobodyIsHeldForDeadJustAfterTheDatabaseWasAway(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(nil)}})
		now := time.Now()
		l := q.newLease()
		l.now = func() time.Time { return now }
		beat := func(ctx context.Context, wait time.Duration) error {
			now = now.Add(wait)
			return l.beat(ctx)
		}
		away, cancel := context.WithCancel(t.Context())
		cancel()
		for _, outage := range []struct {
			name string
			end  func() error
		}{
			{"renewing failed", func() error {
				if err := beat(away, 5*time.Second); err == nil {
					t.Error("renewing without a database succeeded")
				}
				return beat(t.Context(), 5*time.Second)
			}},
			{"renewing took long", func() error { return beat(t.Context(), 16*time.Second) }},
		} {
			w.insert(t, q, Job{Kind: Appear, Subject: outage.name})
			w.abandon(t, outage.name, "neighbour", 1, 20*time.Second)
			if err := outage.end(); err != nil {
				t.Fatal(err)
			}
			w.wantRow(t, outage.name, "running", 1)
			for range 3 {
				if err := beat(t.Context(), 5*time.Second); err != nil {
					t.Fatal(err)
				}
			}
			w.wantRow(t, outage.name, "available", 1)
		}
	})
}

func TestRestartedProcessIsNotTakenForTheOneThatDied(t *testing.T) {
	t.Parallel()
	if a, b := clientID("web-1"), clientID("web-1"); a == b {
		t.Errorf("two processes are both %s", a)
	}
	if id := clientID(string(make([]byte, 500))); len(id) > 100 {
		t.Errorf("an id has %d bytes, River takes 100", len(id))
	}
}
