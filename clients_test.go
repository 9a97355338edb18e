//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// TestACrowdOfOfficialClientsMissesNothing has CLIENTS official clients follow what arrives at 50 voicemails a second at two replicas behind
// a balancer, while each replica is restarted, PostgreSQL too, and the connection on which replicas hear of each other is cut twice.
// It takes the whole machine, so it runs beside no other test.
func TestACrowdOfOfficialClientsMissesNothing(t *testing.T) {
	dir := npm(t, "graphql@16.11.0", "graphql-ws@6.4.2", "ws@8.18.3")
	w := newModelWorld(t, testdb.NewServer(t), rand.New(rand.NewPCG(1, 6)), plot{binary: binary, faster: 1, env: []string{"TWILIO_API_URL=" + mediaOnly(t)}})
	defer w.close()
	w.settle()
	tn := w.tenants[0]
	clients := number(t, "CLIENTS", "200")
	crowd := w.crowd(dir, tn, clients)

	sent := make(chan int)
	stop := make(chan struct{})
	go func() { sent <- w.leaveMessages(tn, 50, stop) }()
	joined := w.join(tn)
	for _, happens := range []func(){
		w.replicas[0].restart,
		w.replicas[1].restart,
		func() { w.server.Stop(); w.server.Start() },
		w.cutListeners,
		w.cutListeners,
	} {
		time.Sleep(2 * time.Second)
		happens()
	}
	time.Sleep(2 * time.Second)
	close(stop)
	n := <-sent
	got := crowd.told(n)
	var want []string
	eventually(t, time.Minute, func() bool {
		all, err := w.listVoicemails(tn.token)
		want = nil
		for i := range all {
			want = append(want, all[len(all)-1-i].RecordingSid)
		}
		return err == nil && len(all) == n
	})
	joined.sawEachOnce(want)
	t.Logf("%d clients heard of %d voicemails each; sockets were closed with %v", clients, n, got.Closed)
	if got.Completed != 0 || len(got.Failed) > 0 || got.Closed["1012"] == 0 {
		t.Errorf("%d subscriptions were told that they are over, others failed: %v; closed: %v", got.Completed, got.Failed, got.Closed)
	}
	if same := got.Sequences[strings.Join(want, " ")]; same != clients {
		t.Errorf("%d of %d clients heard of all %d once and in order; there were %d sequences", same, clients, n, len(got.Sequences))
	}
}

// joiner is a client that reads a list, and goes on from it with a subscription.
type joiner struct {
	*watcher
	t      *testing.T
	listed []string // newest first
}

func (w *modelWorld) join(tn *modelTenant) *joiner {
	w.t.Helper()
	var listed []modelVoicemail
	eventually(w.t, patience, func() bool {
		var err error
		listed, err = w.listVoicemails(tn.token)
		return err == nil && len(listed) > 0
	})
	j := &joiner{watcher: &watcher{base: w.public, token: tn.token, query: watchReceived, after: listed[0].cursor}, t: w.t}
	for _, v := range listed {
		j.listed = append(j.listed, v.RecordingSid)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { j.run(ctx) })
	w.t.Cleanup(func() { cancel(); running.Wait() })
	return j
}

// sawEachOnce compares what was listed, and what was pushed after it, with all, the oldest first.
func (j *joiner) sawEachOnce(all []string) {
	j.t.Helper()
	var got, wrong []string
	eventually(j.t, time.Minute, func() bool {
		var pushes []modelPush
		pushes, wrong = j.seen()
		got = slices.Clone(j.listed)
		slices.Reverse(got)
		for _, p := range pushes {
			got = append(got, p.VoicemailReceived.Node.RecordingSid)
		}
		return len(got) >= len(all)
	})
	if !slices.Equal(got, all) || len(wrong) > 0 || len(j.listed) == len(all) {
		j.t.Errorf("who joined at the %dth of %d voicemails saw %d, %v", len(j.listed), len(all), len(got), wrong)
	}
}

// crowdReport is what the clients say in the end.
type crowdReport struct {
	Sequences map[string]int
	Completed int
	Failed    []string
	Closed    map[string]int
}

type crowd struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func (w *modelWorld) crowd(dir string, tn *modelTenant, clients int) *crowd {
	t := w.t
	t.Helper()
	text, err := os.ReadFile("testdata/crowd.mjs")
	check(t, err)
	program := filepath.Join(dir, "crowd.mjs")
	check(t, os.WriteFile(program, text, 0o600))
	after := (&process{t: t, h: w.h}).present(tn.token)
	cmd := exec.Command("node", program, "ws"+strings.TrimPrefix(w.public, "http")+"/graphql", tn.token, after, strconv.Itoa(clients))
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // as a rule it has ended
	c := &crowd{t: t, in: in, out: bufio.NewReader(out)}
	if line := c.line(); line != "ready\n" {
		t.Fatalf("the clients say %q", line)
	}
	return c
}

func (c *crowd) line() string {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	check(c.t, err)
	return line
}

func (c *crowd) told(n int) (r crowdReport) {
	c.t.Helper()
	_, err := fmt.Fprintln(c.in, n)
	check(c.t, err)
	check(c.t, json.Unmarshal([]byte(c.line()), &r))
	return r
}

// leaveMessages tells of so many recordings a second, each until it is acknowledged, and returns how many there were.
func (w *modelWorld) leaveMessages(tn *modelTenant, aSecond int, stop <-chan struct{}) (n int) {
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(time.Second / time.Duration(aSecond))
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return n
		case <-tick.C:
		}
		n++
		sid := fmt.Sprintf("%032x", n)
		all.Go(func() {
			for begun := time.Now(); !w.tellOf(tn, sid) && time.Since(begun) < time.Minute; {
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
}

// tellOf posts a recording callback as Twilio does, and tells whether it was taken.
func (w *modelWorld) tellOf(tn *modelTenant, sid string) bool {
	query := url.Values{"call": {"CA" + sid}, "from": {customer}, "to": {tn.mask}}
	at := w.public + "/webhooks/recording?" + query.Encode()
	form := url.Values{
		"AccountSid": {accountSID}, "CallSid": {"CA" + sid}, "RecordingSid": {"RE" + sid}, "RecordingStatus": {"completed"}, "RecordingDuration": {"1"},
		"RecordingUrl": {"https://api.twilio.com/2010-04-01/Accounts/" + accountSID + "/Recordings/RE" + sid}, "RecordingChannels": {"1"},
		"RecordingStartTime": {time.Now().UTC().Format(time.RFC1123Z)}, "RecordingSource": {"RecordVerb"}, "ErrorCode": {"0"},
	}
	req, err := http.NewRequest(http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", network.Sign(authToken, at, form))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusNoContent
}

// cutListeners ends the connections on which the replicas hear of each other, as soon as there are any.
func (w *modelWorld) cutListeners() {
	w.t.Helper()
	eventually(w.t, patience, func() bool { return w.server.CutWhere("query LIKE 'LISTEN \"maskline%'") > 0 })
}

// mediaOnly is a Twilio that has a second of silence for every recording, and knows of no call.
func mediaOnly(t *testing.T) string {
	t.Helper()
	n := network.New(network.Config{AccountSID: accountSID, AuthToken: authToken})
	t.Cleanup(n.Close)
	file := network.Recording{Status: "completed", Duration: time.Second}.WAV()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/Recordings/RE") {
			n.Handler().ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "audio/x-wav")
		http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(file))
	}))
	t.Cleanup(s.Close)
	return s.URL
}
