//go:build unix

package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/testdb"
)

// foundWithin is how soon the primary must be in use again.
const foundWithin = 15 * time.Second

// pair is a process at an address that leads to one of two servers, of which the second is a standby of the first.
type pair struct {
	*process
	a, b *testdb.Server
	line *cable
	tw   *town
	tn   tenant
}

func newPair(t *testing.T) *pair {
	t.Helper()
	a := testdb.NewServer(t)
	home := a.Create("calls")
	f := &pair{a: a, b: testdb.NewStandby(t, a), tw: newStrictestTown(t)}
	var dsn string
	f.line, dsn = newCable(t, home)
	f.process = f.tw.start(t, dsn, t.TempDir(), "")
	f.tw.net.AddNumber(numberAt(f.base, mask))
	f.tn = f.h.newTenant("olivia@example.com", mask, -1, -1)
	f.answered(1)
	f.wantNothingLost(f.tw, f.tn, 1)
	f.wantLive(a)
	return f
}

// answered has callers leave messages, and wants Twilio content with every answer.
func (f *pair) answered(n int) {
	f.t.Helper()
	calls := f.tw.messages(n, n)
	check(f.t, f.tw.net.Run(f.t.Context()))
	wantAnswered(f.t, calls)
}

// wantAway waits until the process knows that its server is a standby: /readyz says so, and mutations are UNAVAILABLE.
func (f *pair) wantAway() {
	f.t.Helper()
	eventually(f.t, patience, func() bool {
		resp, body := f.h.get(f.base+"/readyz", "")
		return resp.StatusCode == 200 && bytes.Contains(body, []byte("takes no writes: it is a standby"))
	})
	for _, mutation := range []string{`mutation { blockCaller(from: "+15550200009") }`, `mutation { emptyBin }`} {
		if errs := f.h.try(f.tn.token, mutation, nil, nil); len(errs) != 1 || errs[0].Extensions.Code != "UNAVAILABLE" {
			f.t.Errorf("on a standby %s gives %+v", mutation, errs)
		}
	}
}

// wantLive waits until the process works on a server: both of its listeners listen there.
func (f *pair) wantLive(s *testdb.Server) {
	f.t.Helper()
	eventually(f.t, foundWithin, f.answers)
	eventually(f.t, foundWithin, func() bool { return sessionsOf(f.t, s, "query LIKE 'LISTEN%'") == 2 })
}

// sessionsOf are the process's sessions on a server of which a condition is true.
func sessionsOf(t *testing.T, s *testdb.Server, condition string) (n int) {
	t.Helper()
	admin, err := sql.Open("postgres", s.DSN("postgres"))
	check(t, err)
	defer admin.Close()
	check(t, admin.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'calls' AND "+condition).Scan(&n))
	return n
}

// The address leads to the standby by mistake and back; then the primary dies, and its standby is promoted; then the old primary, which has become
// a standby of the new one, takes over again. Calls come all the while.
func TestF05NoVoicemailIsLostInAFailOver(t *testing.T) {
	t.Parallel()
	f := newPair(t)

	f.line.lead(t, f.b.DSN("calls"))
	f.answered(5)
	f.wantAway()
	f.answered(5)
	f.line.lead(t, f.a.DSN("calls"))
	f.wantLive(f.a)
	f.wantNothingLost(f.tw, f.tn, 1)
	if n := sessionsOf(t, f.b, "true"); n > 0 {
		t.Errorf("%d sessions stayed on the standby", n)
	}

	for _, turn := range []struct{ old, next *testdb.Server }{{f.a, f.b}, {f.b, f.a}} {
		turn.next.CatchUp(turn.old)
		turn.old.Stop()
		f.answered(3)
		f.line.lead(t, turn.next.DSN("calls"))
		f.wantAway()
		f.answered(5)
		turn.next.Promote()
		f.wantLive(turn.next)
		f.wantNothingLost(f.tw, f.tn, 1)
		f.answered(3)
		f.wantNothingLost(f.tw, f.tn, 1)
		turn.old.Follow(turn.next)
	}
}

// record holds what a process logs, in JSON.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *record) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// lines are those from a warning up, and those whose message contains a text.
func (l *record) lines(t *testing.T, text string) (lines []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		var r struct{ Level, Msg string }
		if json.Unmarshal([]byte(line), &r) != nil || r.Level != "INFO" && r.Level != "DEBUG" || strings.Contains(r.Msg, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// Everything that needs the database fails again and again, and two lines say so: one when it goes away, one when it is back.
func TestAnOutageIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*testing.T, *testdb.Server, *cable) (back func()){
		"no server":                func(_ *testing.T, _ *testdb.Server, line *cable) func() { line.pull(); return line.plugIn },
		"a server that is stopped": func(_ *testing.T, s *testdb.Server, _ *cable) func() { s.Stop(); return s.Start },
		"a standby": func(t *testing.T, s *testdb.Server, line *cable) func() {
			standby := testdb.NewStandby(t, s)
			line.lead(t, standby.DSN("calls"))
			return func() { line.lead(t, s.DSN("calls")) }
		},
		"a server that is frozen": func(_ *testing.T, s *testdb.Server, _ *cable) func() { s.Freeze(); return s.Thaw },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, tw, book := testdb.NewServer(t), newTown(t), &record{}
			line, dsn := newCable(t, server.Create("calls"))
			p := tw.prepare(t, dsn, t.TempDir(), "", "LOG_FORMAT=json")
			p.log = book
			p.run()
			eventually(t, patience, func() bool { return sessionsOf(t, server, "query LIKE 'LISTEN%'") == 2 })
			before := len(book.lines(t, "the database"))
			back := away(t, server, line)
			eventually(t, patience, func() bool { return len(book.lines(t, "the database")) > before })
			for range 5 { // it lasts, while each part tries again and again
				begun := time.Now()
				eventually(t, patience, func() bool { return time.Since(begun) > 3*time.Second })
				if p.answers() {
					t.Error("/readyz names no trouble")
				}
			}
			back()
			eventually(t, patience, func() bool {
				lines := book.lines(t, "the database")
				return p.answers() && strings.Contains(lines[len(lines)-1], "answers again")
			})
			if lines := book.lines(t, "the database")[before:]; len(lines) > 3 { // the server may be starting in between
				t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, ""))
			}
		})
	}
}

// The password is wrong: the start goes on, once said, and ends when it is right.
func TestAWrongPasswordIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	server, tw, book := testdb.NewServer(t), newTown(t), &record{}
	address := server.Create("calls")
	server.Exec("CREATE ROLE olga LOGIN SUPERUSER PASSWORD 'another'")
	server.Admit("local all olga scram-sha-256")
	p := tw.prepare(t, strings.Replace(address, "postgres@", "olga:S3cretWord@", 1), t.TempDir(), "", "LOG_FORMAT=json")
	p.log = book
	p.launch()
	eventually(t, patience, func() bool {
		resp, err := p.tryReady()
		return err == nil && strings.Contains(resp, "refuses the password") && strings.Contains(resp, "percent-encode")
	})
	doctor := exec.Command(p.cmd.Path, "doctor")
	doctor.Env = p.env
	told, _ := doctor.CombinedOutput() // it fails, since there is trouble
	server.Exec("ALTER ROLE olga PASSWORD 'S3cretWord'")
	eventually(t, patience, p.answers)
	lines := book.lines(t, "the database")
	if text := strings.Join(lines, ""); strings.Count(text, "refuses the password") != 1 || strings.Contains(text, "S3cretWord") {
		t.Errorf("logged\n%s", text)
	}
	if !bytes.Contains(told, []byte("refuses the password")) || !bytes.Contains(told, []byte("percent-encode")) || bytes.Contains(told, []byte("S3cretWord")) {
		t.Errorf("doctor says\n%s", told)
	}
}

// What would never work ends the start, in one line.
func TestADatabaseThatIsRefusedForGoodEndsTheStart(t *testing.T) {
	t.Parallel()
	server, tw := testdb.NewServer(t), newTown(t)
	server.Create("calls")
	server.Exec("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	bouncer := testdb.NewBouncer(t, server, "transaction")
	sessions := testdb.NewBouncer(t, server, "session")
	for name, tt := range map[string]struct{ address, want string }{
		"LATIN1":              {server.DSN("latin"), "server_encoding is not UTF8"},
		"transaction pooling": {bouncer("calls"), "pool_mode=session"},
		"a startup parameter": {sessions("calls") + "&options=-c%20jit%3Doff", "Remove options from DATABASE_URL"},
		"an unknown setting":  {server.DSN("calls") + "&work_memory=1MB", "correct or remove it"},
		"forgetful":           {server.DSN("calls") + "&synchronous_commit=off", "Set it to on, or to local"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := &record{}
			p := tw.prepare(t, tt.address, t.TempDir(), "", "LOG_FORMAT=json")
			p.log = book
			p.launch()
			ended := make(chan error, 1)
			go func() { ended <- p.cmd.Wait() }()
			select {
			case err := <-ended:
				if p.cmd.ProcessState.ExitCode() != 1 {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(patience):
				t.Fatal("it goes on")
			}
			lines := book.lines(t, "the database")
			if n := strings.Count(strings.Join(lines, ""), tt.want); n == 0 || !strings.Contains(lines[len(lines)-1], tt.want) || len(lines) > 2 {
				t.Errorf("it says\n%s", strings.Join(lines, ""))
			}
			doctor := exec.Command(p.cmd.Path, "doctor")
			doctor.Env = p.env
			if told, err := doctor.CombinedOutput(); err == nil || !bytes.Contains(told, []byte(tt.want)) {
				t.Errorf("doctor says\n%s", told)
			}
		})
	}
}

// Behind a pooler that leaves each client its session everything works as it comes.
func TestCallsGoOnBehindPgBouncer(t *testing.T) {
	t.Parallel()
	server, tw := testdb.NewServer(t), newStrictestTown(t)
	server.Create("calls")
	p := tw.start(t, testdb.NewBouncer(t, server, "session")("calls"), t.TempDir(), "")
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	calls := tw.messages(10, 5)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	p.wantNothingLost(tw, tn, 1)
	eventually(t, foundWithin, func() bool { return sessionsOf(t, server, "query LIKE 'LISTEN%'") == 2 })
}
