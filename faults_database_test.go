package main

import (
	"context"
	"database/sql"
	"net/http"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

func TestF03NoCallbackIsLostWhilePostgresIsDown(t *testing.T) {
	t.Parallel()
	server := testdb.Open(t, testdb.Postgres, jobs.Migrate)
	line, dsn := newCable(t, server.DSN())
	db, err := database.Open(dsn)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	h := newHouse(t, db)
	tn := h.newTenant("olivia@example.com", mask, 100, 50)
	h.net.AddPhone(owner, network.NoAnswer())
	call := h.net.Dial(hello, mask)
	check(t, h.net.RunTo(h.ctx, func(e network.Event) bool { return e.Kind == network.Recorded }))
	line.pull() // all decisions are made; the news of the end, the recording and the transcript come now
	check(t, h.net.Run(h.ctx))
	check(t, call.Err())
	line.plugIn()
	check(t, h.app.desk.Replay(h.ctx))
	h.play()
	h.wantStored(tn)
	if v, _ := h.voicemail(tn); v.Transcription != phone.TranscriptionCompleted {
		t.Errorf("the transcript is %s", v.Transcription)
	}
}

// Somebody ends a third of all sessions, in the midst of whatever they do, ten times a second. Connecting anew takes the
// whole machine, so this runs beside no other test.
func TestF04NothingIsLostWhenSessionsAreEnded(t *testing.T) {
	server, tw := testdb.Open(t, testdb.Postgres), newStrictestTown(t)
	p := tw.start(t, server.DSN(), t.TempDir(), "")
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() { ended <- endSessions(ctx, t, server.Writer()) }()
	calls := tw.messages(60, 3)
	check(t, tw.net.Run(t.Context()))
	stop()
	if n := <-ended; n == 0 {
		t.Error("no session was ended")
	}
	wantAnswered(t, calls)
	p.wantNothingLost(tw, tn, 2) // a mail may have gone out whose transaction was ended
}

func endSessions(ctx context.Context, t *testing.T, db *sql.DB) (ended int) {
	const some = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.33`
	for tick := time.NewTicker(100 * time.Millisecond); ctx.Err() == nil; {
		var n int
		if err := db.QueryRowContext(t.Context(), some).Scan(&n); err != nil {
			t.Error(err)
		}
		ended += n
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
		}
	}
	return ended
}

// A job is in the middle of its work when the database becomes slow, and comes to its end all the same. Jobs for later wait: who hands them
// out loses that office when the database is so slow.
func TestF07CallsAreAnsweredAndJobsDoneOnASlowDatabase(t *testing.T) {
	t.Parallel()
	server, tw, media := testdb.Open(t, testdb.Postgres), newStrictestTown(t), &twilioLine{}
	line, dsn := newCable(t, server.DSN())
	tw.rest = media.before(t, tw.rest)
	p := tw.start(t, dsn, t.TempDir(), "")
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	download := newHeld()
	media.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if isMedia(r) {
			download.wait()
		}
		return false
	})
	tw.messages(1, 1)
	check(t, tw.net.Run(t.Context()))
	<-download.begun
	line.slow(2 * time.Second)
	calls := tw.messages(20, 20)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	line.slow(200 * time.Millisecond) // with two seconds for each message it takes more than a minute, and does the same
	close(download.free)
	eventually(t, settleWithin, func() bool {
		var n int
		const done = `SELECT count(*) FROM river_job WHERE state = 'completed' AND kind = 'fetch_recording'`
		check(t, server.Writer().QueryRowContext(t.Context(), done).Scan(&n))
		return n > 0
	})
	line.slow(0)
	p.wantNothingLost(tw, tn, 1)
}
