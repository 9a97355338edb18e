package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/phone"
)

// FAULTS=full plays each fault as often as docs/faults.md says of the long run, and gives decisions the two seconds that are promised. Its
// tests then want the machine for themselves: go test -parallel 1.
var full = os.Getenv("FAULTS") == "full"

// often is how many times a fault is played.
func often(usually, inFull int) int {
	if full {
		return inFull
	}
	return usually
}

// promised is what a decision may take, however much is broken.
const promised = 2 * time.Second

// budget is what it may take on a machine that is busy with other tests, or while a balancer waits for its replica.
const budget = promised + 3*time.Second

// strict hangs up on a decision that takes longer than its budget.
type strict struct {
	http.RoundTripper
	budget time.Duration
}

func (s strict) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/webhooks/voice") {
		return s.RoundTripper.RoundTrip(r)
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.budget)
	defer cancel()
	resp, err := s.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body) // before the context ends
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// newStrictTown is a town whose telephone network keeps to the budget.
func newStrictTown(t *testing.T, budget time.Duration) *town {
	t.Helper()
	return newTown(t, func(c *network.Config) {
		c.Client = &http.Client{Timeout: 15 * time.Second, Transport: strict{&http.Transport{DisableKeepAlives: true}, budget}}
	})
}

// newStrictestTown is one that keeps to what is promised, where the tests have the machine for themselves.
func newStrictestTown(t *testing.T) *town {
	t.Helper()
	if full {
		return newStrictTown(t, promised)
	}
	return newStrictTown(t, budget)
}

// messages has so many callers leave a message, some of them at once.
func (tw *town) messages(n, atOnce int) (calls []*network.Call) {
	for i := range n {
		c := network.From(fmt.Sprintf("+1555030%04d", len(tw.net.Calls()))).LeaveMessage(4*time.Second, "One of many.")
		calls = append(calls, tw.net.Dial(c.After(time.Duration(i/atOnce)*time.Minute), mask))
	}
	return calls
}

// amidst has messages left and does something in the midst of it, at the nth thing that happens, while they go on.
func (tw *town) amidst(t *testing.T, nth int, do func()) {
	t.Helper()
	calls, ran, seen := tw.messages(4, 2), make(chan error, 1), 0
	check(t, tw.net.RunTo(t.Context(), func(network.Event) bool { seen++; return seen == nth }))
	if seen < nth {
		t.Fatalf("only %d things happened", seen)
	}
	go func() { ran <- tw.net.Run(t.Context()) }()
	do()
	check(t, <-ran)
	wantAnswered(t, calls)
}

// wantAnswered is that Twilio had nothing to complain about: every answer was valid TwiML in time, every callback was taken.
func wantAnswered(t *testing.T, calls []*network.Call) {
	t.Helper()
	for _, c := range calls {
		if err := c.Err(); err != nil {
			t.Errorf("%s: %v", c.SID, err)
		}
	}
}

// settleWithin is longer than anything takes: a job of a killed process waits 15 s for its lease to run out, and one that failed a while too.
const settleWithin = 2 * time.Minute

// kept is a voicemail as its owner's client sees it.
type kept struct {
	RecordingSid, Audio, AudioURL string
	Deliveries                    []struct{ ID, State, LastError string }
}

// mailed reports whether the mail of the voicemail is out, or held back because as many as may be went out for the number that day.
func (k kept) mailed() bool {
	return len(k.Deliveries) == 1 && (k.Deliveries[0].State == "DELIVERED" || k.heldBack())
}

func (k kept) heldBack() bool {
	return k.Deliveries[0].State == "FAILED" && k.Deliveries[0].LastError == phone.Withheld()
}

// voicemails are all, page by page, and false when they cannot be had just now.
func (p *process) voicemails(token string) (all []kept, ok bool) {
	p.t.Helper()
	vars := map[string]any{}
	for {
		var list struct {
			Voicemails struct {
				Edges    []struct{ Node kept }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		if len(p.h.try(token, `query($a: Cursor) { voicemails(first: 50, after: $a) { edges { node { recordingSid audio audioURL deliveries { id state lastError } } } pageInfo { hasNextPage endCursor } } }`, vars, &list)) > 0 {
			return nil, false
		}
		for _, e := range list.Voicemails.Edges {
			all = append(all, e.Node)
		}
		if !list.Voicemails.PageInfo.HasNextPage {
			return all, true
		}
		vars["a"] = list.Voicemails.PageInfo.EndCursor
	}
}

// counts are what a tenant's API tells of how much there is, and of how much of the plan is used.
type counts struct {
	Calls, Ringing, Voicemails struct{ TotalCount int }
	Plan                       struct{ CallsUsed, VoicemailsUsed int }
}

const countsQuery = `query($s: ID!) {
	calls { totalCount }
	ringing: calls(where: {outcome: RINGING}) { totalCount }
	voicemails { totalCount }
	plan: node(id: $s) { ... on NumberSubscription { callsUsed voicemailsUsed } }
}`

// counted tells whether each call and each recording of a town is there once, counted, and no call is left open.
func (p *process) counted(tw *town, tn tenant) bool {
	p.t.Helper()
	var got, want counts
	want.Calls.TotalCount, want.Voicemails.TotalCount = len(tw.net.Calls()), len(tw.net.Recordings())
	want.Plan.CallsUsed, want.Plan.VoicemailsUsed = want.Calls.TotalCount, want.Voicemails.TotalCount
	return len(p.h.try(tn.token, countsQuery, map[string]any{"s": tn.subscription}, &got)) == 0 && got == want
}

// allDelivered reports whether all voicemails are stored and mailed.
func (p *process) allDelivered(tn tenant) bool {
	p.t.Helper()
	all, ok := p.voicemails(tn.token)
	for _, v := range all {
		ok = ok && v.Audio == "STORED" && v.mailed()
	}
	return ok
}

// wantNothingLost waits until all is done, and then checks: each recording at Twilio is one voicemail with its very audio, the first
// [phone.MailsADay] of a number are mailed, none more often than it may be, and each call is known, counted and over.
func (p *process) wantNothingLost(tw *town, tn tenant, copies int) {
	p.t.Helper()
	recorded := map[string][]byte{}
	for _, r := range tw.net.Recordings() {
		recorded[r.SID] = r.WAV()
	}
	eventually(p.t, settleWithin, func() bool { return p.counted(tw, tn) && p.allDelivered(tn) })
	mails := tw.mail.byID()
	all, _ := p.voicemails(tn.token)
	mailed := 0
	for _, v := range all {
		want, ok := recorded[v.RecordingSid]
		delete(recorded, v.RecordingSid)
		if _, got := p.h.get(v.AudioURL, ""); !ok || !bytes.Equal(got, want) {
			p.t.Errorf("%s is there twice, or with other audio: %d bytes, want %d", v.RecordingSid, len(got), len(want))
		}
		n := mails[v.Deliveries[0].ID]
		if n > copies || n < 1 && !v.heldBack() {
			p.t.Errorf("%s was mailed %d times, want 1 to %d", v.RecordingSid, n, copies)
		}
		if n > 0 {
			mailed++
		}
	}
	if want := min(len(all), phone.MailsADay); mailed < want {
		p.t.Errorf("%d voicemails are mailed, want %d", mailed, want)
	}
	if len(recorded) > 0 {
		p.t.Errorf("%d recordings are lost", len(recorded))
	}
	var calls struct{ Calls struct{ TotalCount int } }
	p.h.ask(tn.token, `{ calls { totalCount } }`, nil, &calls)
	if want := len(tw.net.Calls()); calls.Calls.TotalCount != want {
		p.t.Errorf("%d calls are known, want %d", calls.Calls.TotalCount, want)
	}
}

// byID counts the mails by the deliveries that their Message-IDs name.
func (m *mailbox) byID() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := map[string]int{}
	for _, text := range m.mails {
		_, id, _ := strings.Cut(text, "Message-ID: <")
		id, _, _ = strings.Cut(id, "@")
		count[id]++
	}
	return count
}

// metric is the value of one of the process's metrics.
func (p *process) metric(name string) (value float64) {
	p.t.Helper()
	_, body := p.h.get(p.base+"/metrics", "")
	for line := range strings.Lines(string(body)) {
		if _, err := fmt.Sscanf(line, name+" %g\n", &value); err == nil {
			return value
		}
	}
	p.t.Fatalf("there is no metric %s", name)
	return 0
}

// balancer is what stands before replicas: it hands each request to the first that answers, and waits while there is none.
type balancer struct {
	url string
	mu  sync.Mutex
	to  []string
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

func (b *balancer) replicas(to ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
}

func (b *balancer) now() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.to
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		for _, to := range b.now() {
			if passOn(w, r, to, body) {
				return
			}
		}
		select {
		case <-again.C:
		case <-r.Context().Done():
			return
		}
	}
}

// passOn asks one replica, and tells whether it answered.
func passOn(w http.ResponseWriter, r *http.Request, to string, body []byte) bool {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return false
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer) // whom it does not reach has gone
	return true
}

// held is something that waits, once, until it is let go.
type held struct {
	once        sync.Once
	begun, free chan struct{}
}

func newHeld() *held { return &held{begun: make(chan struct{}), free: make(chan struct{})} }

func (h *held) wait() { h.once.Do(func() { close(h.begun); <-h.free }) }
