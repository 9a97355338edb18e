package main

import (
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/network"
)

// ownSQLite is a town's process on a SQLite file in a folder, behind a balancer that waits for it, with a tenant.
func ownSQLite(t *testing.T, tw *town, dir string) (*process, tenant, string) {
	t.Helper()
	file, front := filepath.Join(dir, "maskline.db"), newBalancer(t)
	p := tw.start(t, "sqlite://"+filepath.ToSlash(file), dir, front.url)
	front.replicas(p.base)
	tw.net.AddNumber(numberAt(front.url, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	tw.messages(1, 1)
	check(t, tw.net.Run(t.Context()))
	p.wantNothingLost(tw, tn, 1)
	return p, tn, file
}

// another is somebody else who has the file open.
func another(t *testing.T, file, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: options}).String())
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func TestF34CallsAreAnsweredWhileAnotherProcessHoldsTheFile(t *testing.T) {
	t.Parallel()
	tw := newStrictestTown(t)
	p, tn, file := ownSQLite(t, tw, t.TempDir())
	lock, err := another(t, file, "_txlock=immediate&_pragma=busy_timeout(60000)").BeginTx(t.Context(), nil)
	check(t, err)
	held := time.After(4 * time.Second)
	calls := tw.messages(5, 5)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	<-held
	check(t, lock.Rollback())
	p.wantNothingLost(tw, tn, 1)
}

// wantIntact checks the file as it was left.
func wantIntact(t *testing.T, file string) {
	t.Helper()
	var verdict string
	check(t, another(t, file, "").QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("the file is damaged: %s", verdict)
	}
}

// There is room for nothing, not even for the journal. Callers are answered all the same, and what no callback could leave is found later.
func TestF35CallsAreAnsweredOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	smallDisk(t, dir)
	db, err := database.Open("sqlite://" + filepath.ToSlash(filepath.Join(dir, "maskline.db")))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	h := newHouse(t, db, option{settings: func(s *Settings) { s.DataDir = dir }})
	tn := h.newTenant("olivia@example.com", mask, -1, -1)
	filler := fill(t, dir)
	call := h.net.Dial(hello, mask)
	check(t, h.net.Run(h.ctx))
	for _, e := range call.Story() {
		if e.Kind == network.Webhook && e.Status != http.StatusOK || e.Kind == network.CallbackSent && e.Status != http.StatusInternalServerError {
			t.Errorf("on a full disk %s", e)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "journal", "*")); err != nil || len(left) > 0 {
		t.Errorf("the journal left %d files with nothing in them, %v", len(left), err)
	}
	check(t, os.Remove(filler))
	check(t, h.app.desk.Replay(h.ctx)) // there is nothing to replay: it has everything compared with Twilio, at once and a minute later
	h.play()
	h.wantStored(tn)
	wantIntact(t, filepath.Join(dir, "maskline.db"))
}

// With a little room the journal holds what the database cannot take.
func TestF35TheJournalIsReplayedOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	smallDisk(t, dir)
	db, err := database.Open("sqlite://" + filepath.ToSlash(filepath.Join(dir, "maskline.db")))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	h := newHouse(t, db, option{settings: func(s *Settings) { s.DataDir = elsewhere }})
	tn := h.newTenant("olivia@example.com", mask, -1, -1)
	filler := fill(t, dir)
	call := h.net.Dial(hello, mask)
	check(t, h.net.Run(h.ctx))
	check(t, call.Err())
	check(t, os.Remove(filler))
	check(t, h.app.desk.Replay(h.ctx))
	h.play()
	h.wantStored(tn)
}
