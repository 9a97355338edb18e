//go:build unix

package testdb

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a PostgreSQL of a test's own, which it may stop, freeze and start again.
type Server struct {
	t        testing.TB
	bin, dir string
	keeper   *exec.Cmd
	input    io.Closer
	pid      int // of the postmaster
	admin    *sql.DB
}

// ownKeeper starts the server, says its process id, and ends it at once, as a crash would, when its input ends.
const ownKeeper = `cd /
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 -c fsync=off </dev/null >>"$2/log" 2>&1 &
echo $!
read -r _
kill -QUIT $!
wait $!`

// NewServer starts a server that ends with the test. Without PostgreSQL on this machine the test is skipped, aloud, as [Open] does it.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	s.run("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	s.Start()
	return s
}

// NewStandby starts a streaming standby of a server.
func NewStandby(t testing.TB, primary *Server) *Server {
	t.Helper()
	s := newServer(t)
	s.Follow(primary)
	return s
}

// Follow makes the server a streaming standby of another one, from a fresh copy of all that the other has.
func (s *Server) Follow(primary *Server) {
	s.t.Helper()
	if s.input != nil {
		s.Stop()
	}
	if err := os.RemoveAll(s.data()); err != nil {
		s.t.Fatal(err)
	}
	s.run("pg_basebackup", "-D", s.data(), "-R", "-N", "-c", "fast", "-d", "host="+primary.dir+" user=postgres")
	s.Start()
}

// CatchUp waits until a standby has all that its primary has.
func (s *Server) CatchUp(primary *Server) {
	s.t.Helper()
	var at string
	if err := primary.admin.QueryRowContext(context.Background(), "SELECT pg_current_wal_lsn()").Scan(&at); err != nil {
		s.t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var has bool
		if err := s.admin.QueryRowContext(context.Background(), "SELECT pg_last_wal_replay_lsn() >= $1", at).Scan(&has); err != nil {
			s.t.Fatal(err)
		}
		if has {
			return
		}
		if time.Since(begun) > patience {
			s.t.Fatal("the standby does not catch up")
		}
	}
}

// Promote makes a standby a primary.
func (s *Server) Promote() { s.t.Helper(); s.exec("SELECT pg_promote(true, 60)") }

// Admit puts a line before those of pg_hba.conf.
func (s *Server) Admit(line string) {
	s.t.Helper()
	file := s.data() + "/pg_hba.conf"
	lines, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append([]byte(line+"\n"), lines...), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.exec("SELECT pg_reload_conf()")
}

func (s *Server) data() string { return s.dir + "/data" }

// newServer is a server that has no data yet.
func newServer(t testing.TB) *Server {
	t.Helper()
	bin, err := programs()
	if err != nil {
		missing(t, err)
	}
	s := &Server{t: t, bin: bin, dir: ownFolder(t, "maskline-pg-")}
	if s.admin, err = sql.Open("postgres", s.DSN("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.admin.Close() }) // its server may be gone
	t.Cleanup(func() {
		if s.input != nil {
			s.Stop()
		}
	})
	return s
}

// ownFolder is a folder for a server, which is gone when the test ends.
func ownFolder(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp(folder(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (s *Server) run(program string, args ...string) {
	s.t.Helper()
	attr, err := account(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, attr
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// DSN is the address of a database on the server.
func (s *Server) DSN(database string) string {
	return "postgres://postgres@/" + database + "?sslmode=disable&host=" + s.dir
}

// Create makes an empty database and returns its address.
func (s *Server) Create(name string) string {
	s.t.Helper()
	s.exec("CREATE DATABASE " + name)
	return s.DSN(name)
}

// Exec runs a statement in the database postgres.
func (s *Server) Exec(statement string) { s.t.Helper(); s.exec(statement) }

func (s *Server) exec(statement string) {
	s.t.Helper()
	if _, err := s.admin.ExecContext(context.Background(), statement); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// Start starts the server again and returns once it answers.
func (s *Server) Start() {
	s.t.Helper()
	attr, err := account(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.keeper = exec.Command("/bin/sh", "-c", ownKeeper, "keeper", s.bin, s.dir)
	s.keeper.Dir, s.keeper.SysProcAttr = s.dir, attr
	in, err1 := s.keeper.StdinPipe()
	out, err2 := s.keeper.StdoutPipe()
	if err := errors.Join(err1, err2, s.keeper.Start()); err != nil {
		s.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	if s.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		s.t.Fatal(err)
	}
	s.input = in
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := waitFor(ctx, s.DSN("postgres")); err != nil {
		log, _ := os.ReadFile(s.dir + "/log") // what there is of it
		s.t.Fatalf("start PostgreSQL: %v\n%s", err, log)
	}
}

// Stop ends the server at once, as pg_ctl stop -m immediate does, and returns when it is gone.
func (s *Server) Stop() {
	s.t.Helper()
	_ = s.input.Close() // that is the signal
	s.input = nil
	_ = s.keeper.Wait() // how it ended is what was asked for
}

// Freeze stops the server and all who serve its clients where they are: connections stay open, and nobody answers.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets them go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.pid, sig); err != nil { // first of all the postmaster, so that no child is born meanwhile
		s.t.Fatal(fmt.Errorf("signal PostgreSQL: %w", err))
	}
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(s.pid)).Output()
	if err != nil {
		s.t.Fatal(fmt.Errorf("list the children of PostgreSQL: %w", err))
	}
	for _, child := range strings.Fields(string(out)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			s.t.Fatal(err)
		}
		_ = syscall.Kill(pid, sig) // it may have ended meanwhile
	}
}

// Cut ends every connection to a database.
func (s *Server) Cut(database string) { s.CutWhere("datname = '" + database + "'") }

// CutWhere ends the connections of which a condition on pg_stat_activity is true, and returns how many there were.
func (s *Server) CutWhere(condition string) (n int) {
	s.t.Helper()
	const cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
	if err := s.admin.QueryRowContext(context.Background(), cut+condition).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
