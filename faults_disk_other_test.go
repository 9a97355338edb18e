//go:build !linux

package main

import "testing"

func smallDisk(t *testing.T, _ string) {
	t.Helper()
	t.Skip("NOT TESTED ON A FULL DISK: this system has no small ones")
}
