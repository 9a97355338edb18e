package twilio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/twilio"
)

// polite is a client on a clock that a test moves.
type polite struct {
	*twilio.Client
	now atomic.Pointer[time.Time]
}

func (h *host) polite(t *testing.T) *polite {
	t.Helper()
	p := &polite{}
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	p.now.Store(&start)
	var err error
	p.Client, err = twilio.New(twilio.Config{
		BaseURL: h.URL, AccountSID: account, User: "u", Password: "p", Now: func() time.Time { return *p.now.Load() }, Silence: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *polite) wait(d time.Duration) {
	later := p.now.Load().Add(d)
	p.now.Store(&later)
}

func TestNobodyAsksBeforeRetryAfter(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusTooManyRequests, `{"code":20429,"message":"Too Many Requests"}`, "Retry-After", "60"), plays(audio))
	p := h.polite(t)
	if e := refusal(t, open(t.Context(), p.Client)); e.Wait() != time.Minute {
		t.Errorf("told to wait %s, want a minute", e.Wait())
	}
	p.wait(59 * time.Second)
	if e := refusal(t, askAccount(t.Context(), p.Client)); e.Wait() != time.Second || !e.Temporary() || len(h.asked()) != 1 {
		t.Errorf("after 59 s: wait %s, temporary %v, %d requests", e.Wait(), e.Temporary(), len(h.asked()))
	}
	p.wait(time.Second)
	heard(t, p.Client)
}

func TestATwilioThatFailsAgainAndAgainIsLeftAlone(t *testing.T) {
	t.Parallel()
	held, seen := make(chan struct{}), make(chan struct{})
	h := newHost(t, says(500, ""), says(503, ""), says(500, ""), says(502, ""), says(429, ""), says(500, ""),
		func(w http.ResponseWriter, r *http.Request) { close(seen); <-held; plays(audio)(w, r) }, plays(audio))
	p := h.polite(t)
	refused := func(asked int) time.Duration {
		t.Helper()
		e := refusal(t, open(t.Context(), p.Client))
		if got := len(h.asked()); got != asked {
			t.Fatalf("%d requests, want %d", got, asked)
		}
		return e.Wait()
	}
	for i := range 5 {
		refused(i + 1)
	}
	first := refused(5) // at once
	p.wait(first)
	refused(6) // one goes to see
	second := refused(6)
	if first < 5*time.Second || first > 5500*time.Millisecond || second < 10*time.Second || second > 11*time.Second {
		t.Errorf("left alone for %s, then for %s; want 5 s and 10 s, and up to a tenth more", first, second)
	}
	p.wait(second)
	var one sync.WaitGroup
	one.Go(func() { heard(t, p.Client) })
	<-seen
	refused(7) // while one is on its way to see, nobody else is
	close(held)
	one.Wait()
	heard(t, p.Client)
}

func TestAnAnswerThatStopsHalfWayIsAFailure(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, audio)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	p := h.polite(t)
	for range 5 {
		media, err := p.OpenRecording(t.Context(), recording)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(media.Body)
		if err == nil || !strings.Contains(err.Error(), "silent") {
			t.Errorf("got %v, want it to have fallen silent", err)
		}
		if err := media.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if e := refusal(t, open(t.Context(), p.Client)); e.Wait() == 0 || len(h.asked()) != 5 {
		t.Errorf("asked %d times, told to wait %s", len(h.asked()), e.Wait())
	}
}

// Half an answer to a listing is the same, and so is none at all.
func TestSilenceIsAFailure(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"sid":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	p := h.polite(t)
	for range 2 {
		if e := refusal(t, askAccount(t.Context(), p.Client)); !e.Temporary() || !strings.Contains(e.Error(), "silent") {
			t.Errorf("got %v", e)
		}
	}
}

// Whoever gives up says nothing of Twilio: the next one is sent to see.
func TestARequestThatIsGivenUpLeavesTheWayFree(t *testing.T) {
	t.Parallel()
	down := says(500, "")
	seen := make(chan struct{})
	h := newHost(t, down, down, down, down, down, func(_ http.ResponseWriter, r *http.Request) { close(seen); <-r.Context().Done() }, plays(audio))
	p := h.polite(t)
	for range 5 {
		refusal(t, open(t.Context(), p.Client))
	}
	p.wait(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-seen; cancel() }()
	if err := open(ctx, p.Client)(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was given up", err)
	}
	heard(t, p.Client)
}

func TestOnlyAFewAskAtOnce(t *testing.T) {
	t.Parallel()
	var inside, most atomic.Int64
	arrived, goOn := make(chan struct{}, 100), make(chan struct{})
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		n := inside.Add(1)
		defer inside.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		arrived <- struct{}{}
		<-goOn
		plays(audio)(w, r)
	})
	c := h.client(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { heard(t, c) })
	}
	for range 6 { // who fetch media leave seats to others: they may keep theirs for long
		<-arrived
	}
	for range 20 {
		all.Go(func() { _ = askAccount(t.Context(), c)() }) // it is answered with audio
	}
	for range 2 {
		<-arrived
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(ctx, c)(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was given up", err)
	}
	close(goOn)
	all.Wait()
	if got := most.Load(); got != 8 || len(h.asked()) != 40 {
		t.Errorf("%d requests at once, %d in all; want 8 and 40", got, len(h.asked()))
	}
}
