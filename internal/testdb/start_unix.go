//go:build unix

package testdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// where are the folders in which systems keep PostgreSQL's programs without naming them in PATH.
var where = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/local/pgsql/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// keeper starts the server, and ends it and removes its folder when its input ends: when the process at the other end is gone.
const keeper = `cd /
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=300 -c autovacuum=off \
	-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
	</dev/null >"$2/log" 2>&1 &
read -r _
kill -QUIT $!
wait $!
rm -rf "$2"`

// alive is the keeper's input. It is kept here lest it be collected, and thereby closed.
var alive io.Closer

// startPostgres starts a server that lasts as long as this process, and returns its address.
func startPostgres(ctx context.Context) (_ string, err error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(folder(), "maskline-pg-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	attr, err := account(dir)
	if err != nil {
		return "", err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", dir+"/data", "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--lc-ctype="+letters(), "-N")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	sh := exec.Command("/bin/sh", "-c", keeper, "keeper", bin, dir)
	sh.Dir, sh.SysProcAttr = dir, attr
	if alive, err = sh.StdinPipe(); err != nil {
		return "", err
	}
	if err := sh.Start(); err != nil {
		return "", err
	}
	address := "postgres://postgres@/postgres?sslmode=disable&host=" + dir
	if err := waitFor(ctx, address); err != nil {
		log, _ := os.ReadFile(dir + "/log") // what there is of it
		return "", errors.Join(fmt.Errorf("start %s/postgres: %w\n%s", bin, err, log), alive.Close())
	}
	return address, nil
}

// letters is the locale whose letters have a small and a capital form beyond a to z.
func letters() string {
	if runtime.GOOS == "darwin" {
		return "UTF-8"
	}
	return "C.UTF-8"
}

// programs is the folder of the newest PostgreSQL.
func programs() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		p, err = filepath.EvalSymlinks(p) // the other programs are where it is, not where the link is
		return filepath.Dir(p), err
	}
	var found []string
	for _, pattern := range where {
		dirs, err := filepath.Glob(pattern + "/initdb")
		if err != nil {
			return "", err
		}
		found = append(found, dirs...)
	}
	if len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// version is the first number in a path.
func version(path string) int {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	if i := strings.IndexFunc(path, isDigit); i >= 0 {
		n, _ := strconv.Atoi(path[i : i+len(path[i:])-len(strings.TrimLeftFunc(path[i:], isDigit))])
		return n
	}
	return 0
}

// account makes processes, apart from the signals of a terminal, and as the user postgres when we are root, as whom PostgreSQL will
// not run; dir then becomes that user's.
func account(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root needs a user for PostgreSQL to run as: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2, os.Chown(dir, int(uid), int(gid))); err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, nil
}

func waitFor(ctx context.Context, address string) error {
	db, err := sql.Open("postgres", address)
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
