package main

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// smallDisk mounts a disk of a few megabytes on a folder, which takes root.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m")
	if errors.Is(err, os.ErrPermission) {
		t.Skip("NOT TESTED ON A FULL DISK: only root may mount one")
	}
	check(t, err)
	t.Cleanup(func() { check(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
}
