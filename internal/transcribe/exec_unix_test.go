//go:build unix

package transcribe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// callers are the processes that call, by the names they go by.
func callers(t *testing.T, line *net.TCPListener, n int) map[string]net.Conn {
	t.Helper()
	all := map[string]net.Conn{}
	for range n {
		conn, err := line.Accept()
		check(t, err)
		t.Cleanup(func() { _ = conn.Close() }) // which the program may have done
		check(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		name, err := bufio.NewReader(conn).ReadString('\n')
		check(t, err)
		all[name[:len(name)-1]] = conn
	}
	return all
}

func mustBeGone(t *testing.T, name string, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s is still there", name)
	}
}

func TestTheProgramEndsTogetherWithThoseThatItStarted(t *testing.T) {
	t.Parallel()
	line := listen(t)
	e := programThat(t, "parent", line.Addr().String())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error)
	go func() {
		_, err := e.Transcribe(ctx, bytes.NewReader(voice), "")
		failed <- err
	}()
	processes := callers(t, line, 2)
	cancel()
	mustFail(t, "", <-failed, true, "The transcription was interrupted.")
	for name, conn := range processes {
		mustBeGone(t, name, conn)
	}
}

func TestAProgramIsDoneThoughItLeavesOneBehind(t *testing.T) {
	t.Parallel()
	line := listen(t)
	e := programThat(t, "orphan", line.Addr().String())
	type result struct {
		text string
		err  error
	}
	done := make(chan result)
	go func() {
		text, err := e.Transcribe(t.Context(), bytes.NewReader(voice), "")
		done <- result{text, err}
	}()
	processes := callers(t, line, 2)
	_, err := io.WriteString(processes["orphan"], "!")
	check(t, err)
	if got := <-done; got != (result{"done", nil}) {
		t.Errorf("got %q, %v", got.text, got.err)
	}
	mustBeGone(t, "the one left behind", processes["hang"])
}
