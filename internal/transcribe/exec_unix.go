//go:build unix

package transcribe

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// asGroup makes the program and those that it starts one group, so that they end together when its time is up.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
