package socket_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/maskline/maskline/graph/socket"
)

// What the official client says of each step, line by line, to its standard output. It goes on to the next step when it may read a line.
const script = `
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { createInterface } from 'node:readline'

const say = (...words) => console.log(words.join(' '))
const client = createClient({
  url: process.argv[2],
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: 'Bearer good' }),
  retryWait: async () => {},
  lazyCloseTimeout: 60_000,
  on: { connected: (_, __, again) => say(again ? 'reconnected' : 'connected'), closed: e => say('closed', e.code) },
})
const sink = name => ({
  next: r => say(name, 'next', JSON.stringify(r)),
  error: e => say(name, 'error', JSON.stringify(e)),
  complete: () => say(name, 'complete'),
})
const steps = [
  () => client.subscribe({ query: '{ hello }' }, sink('query')),
  () => client.subscribe({ query: '{ nothing }' }, sink('invalid')),
  () => client.subscribe({ query: 'subscription { count(to: 2) }' }, sink('count')),
  () => client.subscribe({ query: 'subscription { fed }' }, sink('fed')),
  () => process.exit(0),
]
for await (const _ of createInterface({ input: process.stdin })) steps.shift()()
`

// The official client queries, subscribes, and after a restart takes its subscription up again.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	dir := install(t)
	s := newSchema()
	feeds := fed(s)
	before, after := newServer(t, s, socket.Config{}), newServer(t, s, socket.Config{})
	var restarted atomic.Bool
	web := serve(t, s, socket.Config{}, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if restarted.Load() {
				after.ServeHTTP(w, r)
			} else {
				before.ServeHTTP(w, r)
			}
		})
	})
	t.Cleanup(func() { after.drain(t) })

	node := exec.CommandContext(t.Context(), "node", "client.mjs", strings.Replace(web.url, "http", "ws", 1))
	node.Dir, node.Stderr = dir, t.Output()
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	step := func() { _, _ = in.Write([]byte("\n")) } // when it is gone, want tells
	want := func(all ...string) {
		t.Helper()
		for _, w := range all {
			if !lines.Scan() || lines.Text() != w {
				t.Fatalf("got %q, %v; want %q", lines.Text(), lines.Err(), w)
			}
		}
	}
	step()
	want("connected", `query next {"data":{"hello":"world"}}`, "query complete")
	step()
	want(`invalid error [{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]`)
	step()
	want(`count next {"data":{"count":1}}`, `count next {"data":{"count":2}}`, "count complete")
	step()
	(<-feeds).events <- `"one"`
	want(`fed next {"data":{"fed":"one"}}`)
	restarted.Store(true)
	before.drain(t)
	want("closed 1012", "reconnected")
	(<-feeds).events <- `"two"`
	want(`fed next {"data":{"fed":"two"}}`)
	step()
	if err := node.Wait(); err != nil {
		t.Error(err)
	}
}

// install gives a folder with the client in it. Where there is none to be had the test is skipped, and says so.
func install(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the official client is not tried: %v", err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "client.mjs"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "graphql-ws@6.4.2", "ws@8", "graphql@16")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("the official client is not tried, as it cannot be installed: %v\n%s", err, out)
	}
	return dir
}
