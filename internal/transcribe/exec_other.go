//go:build !unix

package transcribe

import "os/exec"

// asGroup does nothing here: when the program's time is up, it alone is ended.
func asGroup(*exec.Cmd) {}
