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

// examples are the programs of docs/examples, and what each says: of the voicemail that it lists, of one that arrives, and of one that
// arrives while the service restarts.
var examples = map[string]struct{ lists, hears []string }{
	"graphql-ws":  {[]string{"has %"}, []string{"received %"}},
	"graphql-sse": {[]string{"has %"}, []string{"received %"}},
	"apollo":      {[]string{"has %"}, []string{"received %", "heard % and the list knows it"}},
	"urql":        {[]string{"has %"}, []string{"received %", "streamed %"}},
	"relay":       {[]string{"has %"}, []string{"received % as the first of the list", "heard % on Front desk"}},
}

func TestTheExamplesForFrontendsMissNothing(t *testing.T) {
	t.Parallel()
	dir := buildExamples(t)
	tw := newTown(t)
	p := tw.start(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")), t.TempDir(), "")
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
	running := map[string]*example{}
	for name := range examples {
		running[name] = runExample(t, dir, name, busyNowAndThen(t, p.base), tn.token)
		running[name].says(first, examples[name].lists)
	}
	hear := func(recording string) {
		t.Helper()
		for name, e := range running {
			e.says(recording, examples[name].hears)
		}
	}
	hear(leave())
	p.kill()
	p.run()
	hear(leave())
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

// buildExamples type-checks and bundles them, against the schema that is committed.
func buildExamples(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	found, err := filepath.Glob("docs/examples/*.*")
	check(t, err)
	for _, from := range append(found, "graph/testdata/schema.graphql") {
		text, err := os.ReadFile(from)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(dir, filepath.Base(from)), text, 0o600))
	}
	npmInstall(t, dir)
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
	cmd.Dir, cmd.Stderr = dir, t.Output()
	cmd.Env = append(os.Environ(), "MASKLINE_URL="+base, "MASKLINE_TOKEN="+token)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it follows for ever
	return &example{t, name, bufio.NewScanner(out), cmd.Process.Kill}
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
