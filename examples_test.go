package main

import (
	"bufio"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
)

// examples are the programs of docs/examples, and what each says of a voicemail that arrives.
var examples = map[string][]string{
	"graphql-ws":  {"received %"},
	"graphql-sse": {"received %"},
	"apollo":      {"received %", "heard % and the list knows it"},
	"urql":        {"received %", "streamed %"},
	"relay":       {"received % as the first of the list", "heard % on Front desk"},
}

// pageOrigin is that of the page on which examples run in a browser.
const pageOrigin = "http://pages.example"

// Each example lists, and hears of what arrives, goes and comes back, over a restart too. Once the token is revoked it says so and ends.
func TestTheExamplesForFrontendsMissNothing(t *testing.T) {
	t.Parallel()
	dir := buildExamples(t)
	tw := newTown(t)
	p := tw.start(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")), t.TempDir(), "", "ALLOWED_ORIGINS="+pageOrigin)
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	leave := func() (recording string) {
		t.Helper()
		tw.net.Dial(network.From(customer).LeaveMessage(5*time.Second, "Hello, frontend."), mask)
		check(t, tw.net.Run(t.Context()))
		all := tw.net.Recordings()
		return all[len(all)-1].SID
	}
	first := leave()
	p.delivered(tn.token)
	var running []*example
	for name := range examples {
		running = append(running, runExample(t, dir, name, busyNowAndThen(t, p.base), tn.token))
	}
	for _, name := range []string{"graphql-ws", "urql"} { // a WebSocket, fetch, and an event stream
		running = append(running, runInBrowser(t, dir, name, p.base, tn.token))
	}
	each := func(recording string, lines ...string) {
		t.Helper()
		for _, e := range running {
			said := lines
			if said == nil {
				said = examples[e.name]
			}
			e.says(recording, said)
		}
	}
	each(first, "has %")
	each(leave())
	ids := map[string]any{"ids": []string{p.voicemailOf(tn.token, first)}}
	p.h.ask(tn.token, `mutation($ids: [ID!]!) { deleteVoicemails(ids: $ids) }`, ids, nil)
	each(first, "deleted %")
	p.h.ask(tn.token, `mutation($ids: [ID!]!) { restoreVoicemails(ids: $ids) { id } }`, ids, nil)
	each(first, "restored %")
	p.kill()
	p.run()
	each(leave())
	p.h.revokeAll(tn)
	each("", "signed out")
	for _, e := range running {
		e.ends()
	}
}

// voicemailOf is the id of the voicemail of a recording.
func (p *process) voicemailOf(token, recording string) string {
	p.t.Helper()
	var list struct {
		Voicemails struct {
			Edges []struct{ Node struct{ ID string } }
		}
	}
	p.h.ask(token, `query($sid: String!) { voicemails(where: {recordingSid: $sid}) { edges { node { id } } } }`, map[string]any{"sid": recording}, &list)
	return list.Voicemails.Edges[0].Node.ID
}

// busyNowAndThen stands before a service and says of every other request that there is no time for it just now.
func busyNowAndThen(t *testing.T, base string) string {
	t.Helper()
	to, err := url.Parse(base)
	check(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ErrorLog: log.New(io.Discard, "", 0)}
	var requests atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && requests.Add(1)%2 == 1 {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// buildExamples type-checks and bundles them in a copy of their folder alone, as its README says.
func buildExamples(t *testing.T) (dir string) {
	t.Helper()
	dir = npm(t, "jsdom@26.1.0", "ws@8.18.3") // for browser.mjs
	for _, program := range []string{"docs/examples", "testdata/browser.mjs"} {
		check(t, exec.Command("cp", "-R", program, dir).Run())
	}
	dir = filepath.Join(dir, "examples")
	npmDoes(t, "ci", "--prefix", dir)
	build := exec.CommandContext(t.Context(), "npm", "run", "build")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// example is one of the programs, running.
type example struct {
	t     *testing.T
	name  string
	lines *bufio.Scanner
	end   func() error
}

func runExample(t *testing.T, dir, name, base, token string) *example {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("dist", name+".js"))
	cmd.Env = append(os.Environ(), "MASKLINE_URL="+base, "MASKLINE_TOKEN="+token)
	return running(t, cmd, dir, name)
}

// runInBrowser runs an example by its page.
func runInBrowser(t *testing.T, dir, name, base, token string) *example {
	t.Helper()
	return running(t, exec.CommandContext(t.Context(), "node", filepath.Join("..", "browser.mjs"), dir, pageOrigin, name, base, token), dir, name)
}

func running(t *testing.T, cmd *exec.Cmd, dir, name string) *example {
	t.Helper()
	cmd.Dir, cmd.Stderr = dir, t.Output()
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it follows until its token is over
	return &example{t, name, bufio.NewScanner(out), cmd.Process.Kill}
}

// ends checks that it ends by itself, and says nothing more.
func (e *example) ends() {
	e.t.Helper()
	killed := make(chan struct{})
	late := time.AfterFunc(patience, func() { close(killed); _ = e.end() })
	defer late.Stop()
	for e.lines.Scan() {
		e.t.Errorf("%s goes on and says %q", e.name, e.lines.Text())
	}
	select {
	case <-killed:
		e.t.Errorf("%s goes on with a token that was revoked", e.name)
	default:
	}
}

// says checks that the next lines are these of a recording, in any order.
func (e *example) says(recording string, lines []string) {
	e.t.Helper()
	late := time.AfterFunc(patience, func() { _ = e.end() }) // then there is no line more
	defer late.Stop()
	missing := map[string]bool{}
	for _, l := range lines {
		missing[strings.ReplaceAll(l, "%", recording)] = true
	}
	for range lines {
		if !e.lines.Scan() || !missing[e.lines.Text()] {
			e.t.Fatalf("%s says %q, %v; want %v", e.name, e.lines.Text(), e.lines.Err(), missing)
		}
		delete(missing, e.lines.Text())
	}
}
