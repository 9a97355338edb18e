package graph_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/maskline/maskline/graph"
)

// The official client asks, subscribes, takes its subscription up again after a restart, and hangs up.
func TestTheOfficialClientOfEventStreams(t *testing.T) {
	t.Parallel()
	dir := withPackages(t, "graphql-sse@2.6.1", "graphql@16.11.0")
	script, err := os.ReadFile("testdata/sse.mjs")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "sse.mjs"), script, 0o600))
	w := light(t)
	a := w.tenant("ann")
	before, after := graph.NewServer(w.resolver, graph.Origins{Own: w.url}), graph.NewServer(w.resolver, graph.Origins{Own: w.url})
	var restarted atomic.Bool
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if restarted.Load() {
			after.ServeHTTP(rw, r)
		} else {
			before.ServeHTTP(rw, r)
		}
	})
	c := talk(t, dir, "sse.mjs", w.url+"/graphql", a.token, "subscription { voicemailReceived { node { id } } }")
	c.step("connected", `query next {"data":{"viewer":{"email":"ann@example.com"}}}`, "query complete")
	c.step("connected", `invalid next {"errors":[{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"BAD_USER_INPUT"}}]}`, "invalid complete")
	c.step("connected")
	pushed := func() string {
		return `push next {"data":{"voicemailReceived":{"node":{"id":"` + w.voicemails(a, 1)[0] + `"}}}}`
	}
	c.wants(pushed())
	check(t, before.Drain(t.Context(), 0)) // clients that come back at once are refused, and try again
	restarted.Store(true)
	c.wants("connected again")
	c.wants(pushed())
	c.step("hung up", "push complete") // so the client calls its own end
	check(t, after.Drain(t.Context(), 0))
	c.step()
	check(t, c.node.Wait())
}

// conversation is with a program that does one step for each line it is sent, and says what it gets.
type conversation struct {
	t     *testing.T
	node  *exec.Cmd
	in    io.Writer
	lines *bufio.Scanner
}

func talk(t *testing.T, dir string, args ...string) *conversation {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", args...)
	node.Dir, node.Stderr = dir, t.Output()
	in, err := node.StdinPipe()
	check(t, err)
	out, err := node.StdoutPipe()
	check(t, err)
	check(t, node.Start())
	return &conversation{t, node, in, bufio.NewScanner(out)}
}

// step has it do the next step, and say this.
func (c *conversation) step(says ...string) {
	c.t.Helper()
	_, err := io.WriteString(c.in, "\n")
	check(c.t, err)
	c.wants(says...)
}

func (c *conversation) wants(says ...string) {
	c.t.Helper()
	for _, want := range says {
		if !c.lines.Scan() || c.lines.Text() != want {
			c.t.Fatalf("got %q, %v; want %q", c.lines.Text(), c.lines.Err(), want)
		}
	}
}
