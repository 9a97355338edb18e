//go:build unix

package admission

import "syscall"

const unlimited = 1 << 20

// descriptors is how many files and connections the process may have open. Go has raised its limit to what the system allows.
func descriptors() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return unlimited
	}
	return int(min(uint64(l.Cur), unlimited))
}
