package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sealed runs a program with the whole system read-only but for one folder, so that SQLite finds no place for temporary files.
const sealed = `set -e
mount --make-rprivate /
for dir in /tmp /var/tmp /usr/tmp; do [ ! -d $dir ] || { mount --bind $dir $dir; mount -o remount,ro,bind $dir; }; done
mount -o remount,ro,bind /
mount --bind "$1" "$1"
mount -o remount,rw,bind "$1"
cd /
exec "$2" serve`

// seal has a process run so.
func (p *process) seal(folder string) {
	p.t.Helper()
	if os.Geteuid() != 0 {
		p.t.Skip("NOT TESTED ON A READ-ONLY SYSTEM: only root may mount one")
	}
	p.wrap = func(path string) *exec.Cmd {
		return exec.Command("unshare", "-m", "sh", "-c", sealed, "sealed", folder, path)
	}
}

func TestSQLiteNeedsNoFolderForTemporaryFiles(t *testing.T) {
	t.Parallel()
	tw, dir := newStrictestTown(t), t.TempDir()
	p := tw.prepare(t, "sqlite://"+filepath.ToSlash(filepath.Join(dir, "maskline.db")), dir, "", "TMPDIR=/tmp", "SQLITE_TMPDIR=")
	p.seal(dir)
	p.run()
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	calls := tw.messages(10, 5)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	p.wantNothingLost(tw, tn, 1)
}

// The disk becomes read-only under a running process: calls go on, and everybody who looks is told.
func TestATroubleOfSQLiteIsNeverSilent(t *testing.T) {
	t.Parallel()
	dir, book := t.TempDir(), &record{}
	smallDisk(t, dir)
	tw := newStrictestTown(t)
	p := tw.prepare(t, "sqlite://"+filepath.ToSlash(filepath.Join(dir, "maskline.db")), t.TempDir(), "", "LOG_FORMAT=json")
	p.log = book
	p.run()
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	tw.messages(1, 1) // so that the number is remembered
	check(t, tw.net.Run(t.Context()))
	p.wantNothingLost(tw, tn, 1)
	filler := fill(t, dir)
	calls := tw.messages(5, 5)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	if errs := p.h.try(tn.token, `mutation { blockCaller(from: "+15550200009") }`, nil, nil); len(errs) != 1 || errs[0].Extensions.Code != "UNAVAILABLE" {
		t.Errorf("on a full disk a mutation gives %+v", errs)
	}
	if ready, err := p.tryReady(); err != nil || !strings.Contains(ready, "The disk of the SQLite file is full") {
		t.Errorf("/readyz says %s, %v", ready, err)
	}
	lines := strings.Join(book.lines(t, "the database"), "")
	if strings.Count(lines, "The disk of the SQLite file is full") != 1 || !strings.Contains(lines, "(13)") {
		t.Errorf("logged\n%s", lines)
	}
	check(t, os.Remove(filler))
	p.wantNothingLost(tw, tn, 1)
	eventually(t, patience, p.answers)

	p.kill()
	check(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	doctor := exec.Command(p.cmd.Path, "doctor")
	doctor.Env = p.env
	if told, err := doctor.CombinedOutput(); err == nil || !strings.Contains(string(told), "mounted read-only") {
		t.Errorf("doctor says\n%s", told)
	}
}
