//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
)

// stalls are requests that never end, with the status that ends them; 0 is none.
var stalls = []struct {
	sent   string
	status int
}{
	{"", 0},
	{"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", 0},
	{"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n", http.StatusRequestTimeout},
	{"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", http.StatusRequestTimeout},
	{"GET /webhooks/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", http.StatusRequestTimeout},
	{"POST /webhooks/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nCallSid=", http.StatusRequestTimeout},
}

// stall sends what never ends, and returns the status that the server ended it with and after how long.
func stall(ctx context.Context, addr, sent string) (status int, after time.Duration) {
	begun := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, time.Since(begun)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = io.WriteString(conn, sent) // a server that is full has cut it
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		status = resp.StatusCode
		_ = resp.Body.Close()
	}
	return status, time.Since(begun)
}

// stallAll keeps n connections stalled until ctx ends. One that the server gives up comes back a second later.
func stallAll(ctx context.Context, addr string, n int) (stalled *sync.WaitGroup) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for ctx.Err() == nil {
				stall(ctx, addr, stalls[i%len(stalls)].sent)
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	return &all
}

// call asks what to do with a new call, on a connection of its own, and returns how long it waited.
func (p *process) call(n int) (time.Duration, error) {
	form := url.Values{"AccountSid": {accountSID}, "CallSid": {fmt.Sprintf("CA%032x", n)}, "From": {fmt.Sprintf("+1555021%04d", n)}, "To": {mask}, "CallStatus": {"ringing"}, "Direction": {"inbound"}}
	req, err := http.NewRequest(http.MethodPost, p.base+"/webhooks/voice", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", network.Sign(authToken, p.base+"/webhooks/voice", form))
	begun := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Since(begun), err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "<Dial")) {
		err = fmt.Errorf("got %d %s", resp.StatusCode, body)
	}
	return time.Since(begun), err
}

// calls makes so many calls, 20 a second, each of which must be answered within 2 s.
func (p *process) calls(n int) {
	p.t.Helper()
	var all sync.WaitGroup
	every := time.NewTicker(time.Second / 20)
	defer every.Stop()
	for i := range n {
		<-every.C
		all.Go(func() {
			if took, err := p.call(i); err != nil || took > 2*time.Second {
				p.t.Errorf("call %d: %v after %s", i, err, took)
			}
		})
	}
	all.Wait()
}

// TestF37StalledConnectionsDelayNoCall has connections stall beside 20 calls a second: with as many file descriptors as there are, and with fewer than
// connections.
func TestF37StalledConnectionsDelayNoCall(t *testing.T) {
	t.Parallel()
	for descriptors, connections := range map[string]int{"": 2000, "1024": 2000, "256": 300} {
		t.Run("ulimit "+descriptors, func(t *testing.T) {
			p := newTown(t).prepare(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")), t.TempDir(), "")
			if descriptors != "" {
				p.program = limited(t, "ulimit -n "+descriptors)
			}
			p.run()
			p.h.newTenant("olivia@example.com", mask, -1, -1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stalled := stallAll(ctx, strings.TrimPrefix(p.base, "http://"), connections)
			p.calls(60)
			cancel()
			stalled.Wait()
		})
	}
}

// limited is the binary under a limit of the shell's.
func limited(t *testing.T, limit string) func() (string, error) {
	t.Helper()
	path, err := binary()
	check(t, err)
	script := filepath.Join(t.TempDir(), "limited")
	check(t, os.WriteFile(script, []byte("#!/bin/sh\n"+limit+" || exit 1\nexec '"+path+"' \"$@\"\n"), 0o700))
	return func() (string, error) { return script, nil }
}

// TestRequestsThatNeverEndAreEnded looks at each kind alone.
func TestRequestsThatNeverEndAreEnded(t *testing.T) {
	t.Parallel()
	p := newTown(t).start(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")), t.TempDir(), "")
	var all sync.WaitGroup
	defer all.Wait()
	for _, s := range stalls {
		all.Go(func() {
			if status, after := stall(t.Context(), strings.TrimPrefix(p.base, "http://"), s.sent); status != s.status || after > 12*time.Second {
				t.Errorf("%q: got %d after %s, want %d within 10s", s.sent, status, after, s.status)
			}
		})
	}
}
