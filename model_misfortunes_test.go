//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/maskline/maskline/internal/database"
)

// plannedDeaths are the lines at which the lives of a process end. Only the first life may end in the middle of a decision: a caller whom
// two deaths in a row hit hears Twilio's own apology, which nobody could help. It does not end before the tenants are made, in some 20 commits.
func (w *modelWorld) plannedDeaths() []string {
	quiet := []string{"mail sent", "audio half copied", "audio copied", "job begun", "job done", "callback taken"}
	loud := append([]string{"before commit", "after commit", "journal written", "decision made"}, quiet...)
	deaths := []string{fmt.Sprintf("%s@%d", loud[w.r.IntN(len(loud))], 30+w.r.IntN(40))}
	for range 3 {
		deaths = append(deaths, "", fmt.Sprintf("%s@%d", quiet[w.r.IntN(len(quiet))], 1+w.r.IntN(8)))
	}
	return deaths
}

// misfortune begins, and ends after a while.
type misfortune struct {
	name    string
	longest time.Duration // zero: it is over at once
	silent  bool          // for its while the database takes no commit, so that mails which are out may go out once more
	begin   func(w *modelWorld)
	end     func(w *modelWorld)
}

var everywhere = []misfortune{
	{name: "a process is killed", begin: func(w *modelWorld) { w.someReplica().kill() }},
	{name: "a process is restarted", begin: func(w *modelWorld) { w.someReplica().restart() }},
	{name: "the mail server changes its mood", begin: func(w *modelWorld) { w.mail.set(mailMood(w.r.IntN(int(moods)))) }},
	{name: "Twilio's REST is overloaded", longest: time.Second,
		begin: func(w *modelWorld) { w.net.FailREST(http.StatusTooManyRequests, -1, time.Second) }, end: restoreREST},
	{name: "Twilio's REST fails", longest: time.Second,
		begin: func(w *modelWorld) { w.net.FailREST(http.StatusServiceUnavailable, -1, 0) }, end: restoreREST},
	{name: "media are late", begin: func(w *modelWorld) { w.net.Media404For(seconds(w.r, 30)) }},
	{name: "the recordings' disk is full", longest: time.Second,
		begin: func(w *modelWorld) { w.fillBucket() }, end: func(w *modelWorld) { w.freeBucket() }},
}

func restoreREST(w *modelWorld) { w.net.FailREST(0, 0, 0) }

var onPostgres = []misfortune{
	{name: "PostgreSQL stops", silent: true, longest: 1500 * time.Millisecond, begin: func(w *modelWorld) { w.server.Stop() }, end: func(w *modelWorld) { w.server.Start() }},
	{name: "PostgreSQL is restarted", silent: true, begin: func(w *modelWorld) { w.server.Stop(); w.server.Start() }},
	{name: "PostgreSQL freezes", silent: true, longest: 2500 * time.Millisecond, begin: func(w *modelWorld) { w.server.Freeze() }, end: func(w *modelWorld) { w.server.Thaw() }},
	{name: "connections are cut", silent: true, begin: func(w *modelWorld) { w.server.Cut(w.database) }},
}

var onSQLite = []misfortune{
	{name: "another process holds the database", silent: true, longest: 1500 * time.Millisecond, begin: func(w *modelWorld) { w.hold() }, end: func(w *modelWorld) { w.letGo() }},
}

// suffer has one misfortune after another happen, for as long as said, and leaves the world in order.
func (w *modelWorld) suffer(r *rand.Rand, long time.Duration) {
	all := append([]misfortune{}, everywhere...)
	if w.server != nil {
		all = append(all, onPostgres...)
	} else {
		all = append(all, onSQLite...)
	}
	for begun := time.Now(); time.Since(begun) < long; {
		time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond)
		m := all[r.IntN(len(all))]
		w.faults++
		if m.silent {
			w.silences++
		}
		w.t.Logf("%s: %s", time.Since(begun).Round(time.Millisecond), m.name)
		m.begin(w)
		if m.longest > 0 {
			time.Sleep(time.Duration(r.Int64N(int64(m.longest))))
			m.end(w)
		}
	}
	w.mail.set(takesMail)
	w.net.Media404For(0)
}

func (w *modelWorld) someReplica() *replica { return w.replicas[w.r.IntN(len(w.replicas))] }

func (w *modelWorld) fillBucket() {
	if w.bucket.isSmall {
		check(w.t, w.bucket.fill())
	}
}

func (w *modelWorld) freeBucket() {
	if w.bucket.isSmall {
		check(w.t, w.bucket.free())
	}
}

// hold takes SQLite's write lock, as a process that hangs would.
func (w *modelWorld) hold() {
	db, err := database.Open("sqlite://" + w.database)
	check(w.t, err)
	conn, err := db.Writer().Conn(context.Background())
	check(w.t, err)
	_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	check(w.t, err)
	w.held = func() { check(w.t, conn.Close()); check(w.t, db.Close()) }
}

func (w *modelWorld) letGo() { w.held() }
