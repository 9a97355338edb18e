package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// virtual is a queue on a clock of its own, and what was worked when.
type virtual struct {
	world
	q   *Queue
	now time.Time
	did []string
}

func (w world) virtual(t testing.TB, now time.Time, work map[Kind]Work) *virtual {
	v := &virtual{world: w, now: now}
	for kind, do := range work {
		work[kind] = func(ctx context.Context, j Job) error {
			v.did = append(v.did, fmt.Sprintf("%s %s %d", v.now.Sub(now), j.Subject, j.Attempt))
			return do(ctx, j)
		}
	}
	v.q = w.queue(t, Config{Now: func() time.Time { return v.now }, Work: work})
	return v
}

// forward works jobs as they fall due, up to after d.
func (v *virtual) forward(t testing.TB, d time.Duration) {
	t.Helper()
	end := v.now.Add(d)
	for {
		at, ok, err := v.q.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok || at.After(end) {
			break
		}
		if at.After(v.now) {
			v.now = at
		}
		if n, err := v.q.Drain(t.Context(), v.now); err != nil || n == 0 {
			t.Fatalf("drained %d at %s, where one was due: %v", n, v.now, err)
		}
	}
	v.now = end
	if n, err := v.q.Drain(t.Context(), v.now); err != nil || n != 0 {
		t.Fatalf("drained %d more at the end: %v", n, err)
	}
}

func (v *virtual) want(t testing.TB, want ...string) {
	t.Helper()
	if !slices.Equal(v.did, want) {
		t.Errorf("worked %q\nwant   %q", v.did, want)
	}
}

func onEachClock(t *testing.T, body func(t *testing.T, w world, now time.Time)) {
	onEachDatabase(t, func(t *testing.T, w world) {
		for _, now := range []time.Time{
			time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC),
			time.Date(2093, 2, 3, 4, 5, 6, 789_000_000, time.FixedZone("east", 9*3600)),
		} {
			exec(t, w.db, `DELETE FROM river_job`)
			body(t, w, now)
		}
	})
}

func TestDrainWorksWhatIsDueInItsOrder(t *testing.T) {
	onEachClock(t, func(t *testing.T, w world, now time.Time) {
		ok := func(context.Context, Job) error { return nil }
		v := w.virtual(t, now, map[Kind]Work{Appear: ok, SendMail: ok, FetchRecording: ok})
		v.insert(t, v.q,
			Job{Kind: Appear, Subject: "third", At: now.Add(120 * time.Second)},
			Job{Kind: SendMail, Subject: "second", At: now.Add(time.Second)},
			Job{Kind: FetchRecording, Subject: "first"},
			Job{Kind: FetchRecording, Subject: "overdue", At: now.Add(-time.Hour)})
		if at, ok, err := v.q.Next(t.Context()); err != nil || !ok || !at.Equal(now) {
			t.Errorf("next is due at %s, %v, %v, want %s", at, ok, err, now)
		}
		v.forward(t, 119*time.Second)
		v.want(t, "0s first 1", "0s overdue 1", "1s second 1")
		v.forward(t, time.Second)
		v.want(t, "0s first 1", "0s overdue 1", "1s second 1", "2m0s third 1")
		for _, subject := range []string{"first", "second", "third", "overdue"} {
			v.wantRow(t, subject, "completed", 1)
		}
		if at, ok, err := v.q.Next(t.Context()); ok || err != nil {
			t.Errorf("next is due at %s, %v, want none", at, err)
		}
	})
}

func TestDrainTriesAgainAfterTheBackoff(t *testing.T) {
	onEachClock(t, func(t *testing.T, w world, now time.Time) {
		v := w.virtual(t, now, map[Kind]Work{FetchRecording: func(_ context.Context, j Job) error {
			switch j.Attempt {
			case 1, 2:
				return errors.New("no audio yet")
			case 3:
				panic("odd audio")
			}
			return nil
		}})
		v.insert(t, v.q, Job{Kind: FetchRecording, Subject: "vm_1"})
		v.forward(t, time.Hour)
		v.want(t, "0s vm_1 1", "5s vm_1 2", "15s vm_1 3", "35s vm_1 4")
		v.wantRow(t, "vm_1", "completed", 4)
	})
}

func TestF32APoisonJobIsDiscardedWithItsReason(t *testing.T) {
	onEachClock(t, func(t *testing.T, w world, now time.Time) {
		var gaveUp []Kind
		panics := 0
		v := w.virtual(t, now, map[Kind]Work{Appear: func(_ context.Context, j Job) error {
			if j.Subject == "vm_poison" {
				panic("never")
			}
			return nil
		}})
		v.q.cfg.GaveUp = func(k Kind) { gaveUp = append(gaveUp, k) }
		v.q.cfg.Panicked = func() { panics++ }
		v.insert(t, v.q, Job{Kind: Appear, Subject: "vm_poison"}, Job{Kind: Appear, Subject: "vm_good"})
		v.forward(t, 60*24*time.Hour)
		if n := len(v.did); n != 101 || panics != 100 || !slices.Equal(gaveUp, []Kind{Appear}) {
			t.Errorf("tried %d times, want 100 and the good one; %d panics were counted; gave up %v", n, panics, gaveUp)
		}
		v.wantRow(t, "vm_poison", "discarded", 100)
		v.wantRow(t, "vm_good", "completed", 1)
		if n := w.count(t, `SELECT count(*) FROM river_job WHERE state = 'discarded' AND CAST(errors AS text) LIKE '%panic: never%'`); n != 1 {
			t.Errorf("%d rows say why, want 1", n)
		}
	})
}

func TestDrainFollowsWhatJobsInsert(t *testing.T) {
	onEachClock(t, func(t *testing.T, w world, now time.Time) {
		var v *virtual
		insert := func(jobs ...Job) error {
			return inTx(w.db, func(tx *sql.Tx) error { return v.q.Insert(t.Context(), tx, jobs...) })
		}
		v = w.virtual(t, now, map[Kind]Work{
			FetchRecording: func(context.Context, Job) error { return insert(Job{Kind: Appear, Subject: "appear"}) },
			Appear: func(context.Context, Job) error {
				return insert(Job{Kind: SendMail, Subject: "mail", At: v.now.Add(time.Minute)})
			},
			SendMail: func(context.Context, Job) error { return nil },
		})
		v.insert(t, v.q, Job{Kind: FetchRecording, Subject: "fetch"})
		if n, err := v.q.Drain(t.Context(), now); n != 2 || err != nil {
			t.Errorf("drained %d, %v, want the fetch and what it led to", n, err)
		}
		v.forward(t, time.Minute)
		v.want(t, "0s fetch 1", "0s appear 1", "1m0s mail 1")
	})
}

func TestDrainOnTheRealClock(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		worked := make(chan Job, 1)
		q := w.queue(t, Config{Work: map[Kind]Work{Appear: tell(worked)}})
		w.insert(t, q, Job{Kind: Appear, Subject: "vm_1"}, Job{Kind: Appear, Subject: "vm_2", At: time.Now().Add(time.Hour)})
		if n, err := q.Drain(t.Context(), time.Now().Add(time.Second)); n != 1 || err != nil {
			t.Errorf("drained %d, %v, want 1", n, err)
		}
		if j := receive(t, worked, "the job"); j.Subject != "vm_1" {
			t.Errorf("worked %+v", j)
		}
	})
}

// What Drain left is in the states in which Run goes on with it.
func TestRunOnAClockOfItsOwnGoesOnAfterDrain(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, w world) {
		now := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		worked := make(chan Job, 1)
		q := w.queue(t, Config{Now: func() time.Time { return now }, Work: map[Kind]Work{
			Appear: func(_ context.Context, j Job) error {
				if j.Attempt == 1 {
					return errors.New("not yet")
				}
				worked <- j
				return nil
			},
		}})
		w.insert(t, q, Job{Kind: Appear, Subject: "vm_1"})
		if n, err := q.Drain(t.Context(), now); n != 1 || err != nil {
			t.Fatalf("drained %d, %v", n, err)
		}
		w.wantRow(t, "vm_1", "retryable", 1)
		now = now.Add(time.Minute)
		run(t, q)
		if j := receive(t, worked, "the second attempt"); j.Attempt != 2 {
			t.Errorf("worked at attempt %d, want 2", j.Attempt)
		}
	})
}
