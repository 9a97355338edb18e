package testdb

import (
	"os"
	"syscall"
)

// folder is where the server's folder is made: in memory where there is plenty, since a copy of a database is three hundred files.
func folder() string {
	const memory, plenty = "/dev/shm", 2 << 30
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err == nil && s.Bavail*uint64(s.Bsize) >= plenty {
		return memory
	}
	return os.TempDir()
}
