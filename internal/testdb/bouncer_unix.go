//go:build unix

package testdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// bouncerKeeper starts PgBouncer, and ends it when its input ends.
const bouncerKeeper = `"$1" -q "$2/pgbouncer.ini" </dev/null >>"$2/out" 2>&1 &
read -r _
kill -INT $!
wait $!`

const bouncerConfig = `[databases]
* = host=%s
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %[2]s
logfile = %[2]s/log
auth_type = trust
auth_file = %[2]s/users
pool_mode = %s
`

var errNoBouncer = errors.New("there is no pgbouncer on this machine")

// NewBouncer starts a PgBouncer before a server, with the settings that it has by itself but for its pool_mode, and returns how to address
// databases through it. Without the program the test is skipped, aloud, or fails when TEST_PGBOUNCER_REQUIRED is 1.
func NewBouncer(t testing.TB, s *Server, mode string) (dsn func(database string) string) {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil && os.Getenv("TEST_PGBOUNCER_REQUIRED") != "1" {
		t.Skipf("NOT TESTED BEHIND PGBOUNCER: %v", errNoBouncer)
	}
	if err != nil {
		t.Fatal(errNoBouncer)
	}
	dir := ownFolder(t, "maskline-bouncer-")
	err = errors.Join(os.WriteFile(dir+"/pgbouncer.ini", fmt.Appendf(nil, bouncerConfig, s.dir, dir, mode), 0o644),
		os.WriteFile(dir+"/users", []byte("\"postgres\" \"\"\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	attr, err := account(dir)
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.Command("/bin/sh", "-c", bouncerKeeper, "keeper", program, dir)
	sh.Dir, sh.SysProcAttr = dir, attr
	in, err := sh.StdinPipe()
	if err := errors.Join(err, sh.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // that is the signal
		_ = sh.Wait()  // how it ended is what was asked for
	})
	dsn = func(database string) string {
		return "postgres://postgres@/" + database + "?sslmode=disable&port=6432&host=" + dir
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := waitFor(ctx, dsn("postgres")); err != nil {
		out, _ := os.ReadFile(dir + "/out") // what there is of it
		t.Fatalf("start PgBouncer: %v\n%s", err, out)
	}
	return dsn
}
