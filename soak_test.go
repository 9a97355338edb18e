//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

const (
	soakNumbers = 20
	soakPeriod  = 30 * time.Second // of one line of figures
	soakForgets = 5 * time.Minute  // what Twilio remembers, so that the test itself does not grow: several passes of the reconciler
)

// TestTheSoak has SOAK_RATE calls a second arrive for SOAK (10m, 1h) at two replicas on one PostgreSQL, with chaos, and wants nothing lost
// and nothing to grow. It prints what it sees every half minute.
func TestTheSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("NOT RUN: SOAK=10m runs it for ten minutes, as .ci/run --long does")
	}
	s := newSoak(t, number(t, "SOAK_RATE", "50"))
	s.run(long)
	s.wantNothingLost()
	s.wantNothingGrown()
}

// soak is the world of the test.
type soak struct {
	t        *testing.T
	rate     int
	net      *network.Network
	mail     *moodyMailbox
	replicas []*process
	numbers  []string
	client   *slowness

	calls  map[string]bool
	faults []error
	lines  []soakLine

	mu         sync.Mutex
	recordings map[string]network.Recording // all that were made
}

// soakLine is what one period came to.
type soakLine struct {
	rss, goroutines, files []int // of each replica
	p50, p99, worst        time.Duration
}

func newSoak(t *testing.T, rate int) *soak {
	t.Helper()
	s := &soak{t: t, rate: rate, mail: newMoodyMailbox(t), calls: map[string]bool{}, recordings: map[string]network.Recording{}, client: &slowness{base: &http.Transport{DisableKeepAlives: true}}}
	debug.SetGCPercent(400) // the test's Twilio remembers much, and must not take the processors from the program
	chaos := network.Chaos{Drop: 0.01, Duplicate: 0.1, Delay: 0.1, Early: 0.1, Repeat: 0.05, Unknown: 0.1, MaxDelay: 5 * time.Second}
	epoch := time.Now().UTC()
	s.net = network.New(network.Config{
		AccountSID: accountSID, AuthToken: authToken, Seed: 1, Start: epoch, Chaos: chaos, Overlap: true, Wait: pace(&s.net, epoch, 1),
		Client: &http.Client{Timeout: 15 * time.Second, Transport: s.client},
	})
	t.Cleanup(s.net.Close)
	rest := httptest.NewServer(s.keepingMedia(s.net.Handler()))
	t.Cleanup(rest.Close)
	dsn := testdb.NewServer(t).Create("soak")
	bucket := t.TempDir()
	for range 2 {
		s.replicas = append(s.replicas, s.start(dsn, bucket, rest.URL))
	}
	for i := range soakNumbers {
		s.settle(i)
	}
	check(t, s.net.Advance(t.Context(), time.Since(epoch))) // it begins now
	return s
}

func (s *soak) start(dsn, bucket, rest string) *process {
	s.t.Helper()
	addr := ownAddr()
	p := &process{t: s.t, program: binary, base: "http://" + addr, h: &house{t: s.t, ctx: s.t.Context(), url: "http://" + addr, admin: adminToken}}
	p.env = append(os.Environ(), "LISTEN_ADDR="+addr, "PUBLIC_URL="+p.base, "DATA_DIR="+s.t.TempDir(), "DATABASE_URL="+dsn, "RECORDINGS_URL=file://"+bucket,
		"RECORDINGS_SHARED=true", "ADMIN_TOKEN="+adminToken, "TWILIO_ACCOUNT_SID="+accountSID, "TWILIO_AUTH_TOKEN="+authToken, "TWILIO_API_URL="+rest,
		"SMTP_URL=smtp://"+s.mail.addr, "RECONCILE_EVERY=1m", "LOG_LEVEL=error", "METRICS_ADDR="+ownAddr())
	p.run()
	return p
}

// keepingMedia has the media of recordings outlive what the network remembers, as they do at Twilio: whoever fetches them late finds them.
func (s *soak) keepingMedia(rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		rec, old := s.recordings[strings.TrimSuffix(path.Base(r.URL.Path), ".wav")]
		s.mu.Unlock()
		if !old || !isMedia(r) {
			rest.ServeHTTP(w, r)
			return
		}
		http.ServeContent(w, r, "recording.wav", time.Time{}, bytes.NewReader(rec.WAV()))
	})
}

// settle makes an owner with a number, whose replica is one or the other.
func (s *soak) settle(i int) {
	p, mask, phoneNumber := s.replicas[i%2], fmt.Sprintf("+155500020%02d", i), fmt.Sprintf("+155501020%02d", i)
	tn := p.h.newTenant(fmt.Sprintf("soak%d@example.com", i), mask, -1, -1)
	p.h.set(tn, fmt.Sprintf("forwardTo: [%q], ringSeconds: 5", phoneNumber))
	s.net.AddPhone(phoneNumber, []network.Phone{network.NoAnswer(), network.Busy(), network.Human(time.Second, 2*time.Second).Press("1", 3*time.Second), network.Unreachable()}[i%4])
	s.net.AddNumber(numberAt(p.base, mask))
	s.numbers = append(s.numbers, mask)
}

func (s *soak) run(long time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	over := make(chan error, 1)
	r := rand.New(rand.NewPCG(1, 5))
	next, period := time.NewTicker(time.Second/time.Duration(s.rate)), time.NewTicker(soakPeriod)
	defer next.Stop()
	defer period.Stop()
	s.dial(r)
	go func() { over <- s.net.Run(ctx) }()
	for begun, end := time.Now(), time.After(long); ; {
		select {
		case <-next.C:
			for len(s.calls) < int(time.Since(begun).Seconds()*float64(s.rate)) {
				s.dial(r)
			}
			continue
		case <-period.C:
			s.look()
			continue
		case err := <-over:
			s.t.Fatalf("the network stopped: %v", err)
		case <-end:
		}
		break
	}
	check(s.t, <-over) // all calls have ended, and all is told; Twilio knows of the last of them for as long as anybody may ask
	s.remember(s.net.Calls(), s.net.Recordings())
}

func (s *soak) dial(r *rand.Rand) {
	c := network.From(fmt.Sprintf("+1555020%04d", r.IntN(10000))).LeaveMessage(2*time.Second+seconds(r, 2), "These are words.")
	if r.IntN(5) == 0 {
		c = c.HangUpAt(seconds(r, 20))
	}
	s.calls[s.net.Dial(c, s.numbers[r.IntN(len(s.numbers))]).SID] = true
}

// remember keeps what has to be found again.
func (s *soak) remember(calls []*network.Call, recordings []network.Recording) {
	for _, c := range calls {
		s.faults = append(s.faults, c.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range recordings {
		if r.Status == "completed" {
			s.recordings[r.SID] = r
		}
	}
}

func (s *soak) look() {
	s.t.Helper()
	s.remember(s.net.Forget(s.net.Now().Add(-soakForgets)))
	l := soakLine{}
	l.p50, l.p99, l.worst = s.client.take()
	for _, p := range s.replicas {
		rss, goroutines, files := p.footprint()
		l.rss, l.goroutines, l.files = append(l.rss, rss), append(l.goroutines, goroutines), append(l.files, files)
	}
	s.lines = append(s.lines, l)
	s.t.Logf("%d calls: RSS %v MB, goroutines %v, files %v, decisions p50 %s, p99 %s, worst %s, behind %s", len(s.calls), l.rss, l.goroutines, l.files,
		l.p50.Round(time.Millisecond), l.p99.Round(time.Millisecond), l.worst.Round(time.Millisecond), time.Since(s.net.Now()).Round(time.Millisecond))
}

var metricLine = regexp.MustCompile(`(?m)^(go_goroutines|process_resident_memory_bytes|process_open_fds) (\S+)$`)

// footprint is what a process takes: megabytes, goroutines, open files.
func (p *process) footprint() (rss, goroutines, files int) {
	p.t.Helper()
	var at string
	for _, e := range p.env {
		if v, ok := strings.CutPrefix(e, "METRICS_ADDR="); ok {
			at = v
		}
	}
	_, body := p.h.get("http://"+at+"/metrics", "")
	for _, m := range metricLine.FindAllStringSubmatch(string(body), -1) {
		v, err := strconv.ParseFloat(m[2], 64)
		check(p.t, err)
		switch m[1] {
		case "go_goroutines":
			goroutines = int(v)
		case "process_open_fds":
			files = int(v)
		default:
			rss = int(v) >> 20
		}
	}
	return rss, goroutines, files
}

// slowness notes how long decisions take.
type slowness struct {
	base http.RoundTripper
	mu   sync.Mutex
	took []time.Duration
}

func (l *slowness) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	resp, err := l.base.RoundTrip(r)
	if strings.HasPrefix(r.URL.Path, "/webhooks/voice") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.took = append(l.took, time.Since(begun))
	}
	return resp, err
}

func (l *slowness) take() (p50, p99, worst time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	if n := len(l.took); n > 0 {
		p50, p99, worst = l.took[n/2], l.took[n*99/100], l.took[n-1]
	}
	l.took = nil
	return p50, p99, worst
}

// wantNothingLost compares what the network saw with what the API shows, once all is quiet.
func (s *soak) wantNothingLost() {
	s.t.Helper()
	if err := errors.Join(s.faults...); err != nil {
		s.t.Errorf("a caller heard of trouble: %v", err)
	}
	w := &modelWorld{t: s.t, public: s.replicas[0].base}
	var wrong report
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; time.Sleep(time.Second) {
		if wrong = s.inspect(w); len(wrong) == 0 {
			break
		}
	}
	for _, x := range wrong[:min(len(wrong), 20)] {
		s.t.Error(x)
	}
	s.t.Logf("%d calls, %d recordings, %d mails, %d findings", len(s.calls), len(s.recordings), len(s.mail.took), len(wrong))
}

func (s *soak) inspect(w *modelWorld) (r report) {
	voicemails, err := w.listVoicemails(adminToken)
	if err != nil {
		r.add("%v", err)
	}
	calls, _, err := w.listCalls(adminToken)
	if err != nil {
		r.add("%v", err)
	}
	took, _ := s.mail.copies()
	kept := map[string]bool{}
	for _, v := range voicemails {
		kept[v.RecordingSid] = true
		switch {
		case s.recordings[v.RecordingSid].SID == "":
			r.add("voicemail %s is of no recording", v.ID)
		case v.Audio != "STORED":
			r.add("the audio of recording %s is %s (%s)", v.RecordingSid, v.Audio, v.AudioError)
		case len(v.Deliveries) != 1:
			r.add("voicemail %s has %d deliveries", v.ID, len(v.Deliveries))
		case took[v.Deliveries[0].ID] != 1 && v.Deliveries[0].LastError != phone.Withheld():
			r.add("the mail of voicemail %s was taken %d times and is %s (%s)", v.ID, took[v.Deliveries[0].ID], v.Deliveries[0].State, v.Deliveries[0].LastError)
		}
	}
	for _, c := range calls {
		if !s.calls[c.CallSid] || c.Outcome == "RINGING" || c.EndedAt == "" {
			r.add("call %s is %s", c.CallSid, c.Outcome)
		}
	}
	for sid := range s.recordings {
		if !kept[sid] {
			r.add("recording %s is no voicemail", sid)
		}
	}
	if len(voicemails) != len(s.recordings) || len(calls) != len(s.calls) {
		r.add("there are %d voicemails of %d recordings and %d calls of %d", len(voicemails), len(s.recordings), len(calls), len(s.calls))
	}
	return r
}

// wantNothingGrown compares the last third of the time with the second one.
func (s *soak) wantNothingGrown() {
	s.t.Helper()
	third := len(s.lines) / 3
	if third == 0 {
		return // too short to tell
	}
	then, now := s.lines[third:2*third], s.lines[len(s.lines)-third:]
	for i := range s.replicas {
		for name, of := range map[string]func(soakLine) int{
			"MB":         func(l soakLine) int { return l.rss[i] },
			"goroutines": func(l soakLine) int { return l.goroutines[i] },
			"open files": func(l soakLine) int { return l.files[i] },
		} {
			before, after := middle(then, of), middle(now, of)
			if after > before+before/10+20 {
				s.t.Errorf("replica %d went from %d to %d %s", i, before, after, name)
			}
		}
	}
	latency := func(l soakLine) int { return int(l.p99.Milliseconds()) }
	if before, after := middle(then, latency), middle(now, latency); after > 2*before+50 {
		s.t.Errorf("the 99th percentile of decisions went from %d to %d ms", before, after)
	}
}

func middle(lines []soakLine, of func(soakLine) int) int {
	var all []int
	for _, l := range lines {
		all = append(all, of(l))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
