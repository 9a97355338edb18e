package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	mostAtOnce  = 8                // requests
	mostMedia   = 6                // of them: these last until they are read and stored, and a storage that hangs must not keep us from asking
	silence     = 20 * time.Second // in which nothing comes is no answer any more
	failuresOut = 5                // in a row, and Twilio is left alone
	firstRest   = 5 * time.Second  // for so long at first, then for twice as long each time
	longestRest = 5 * time.Minute
)

// manners keep a Twilio in trouble from being pressed: a few requests at once, none before the time that it has asked us to wait, and none
// for a while when it fails time and again; then one is sent to see, and the others follow when that is answered.
type manners struct {
	now     func() time.Time
	silence time.Duration
	seats   chan struct{}
	media   chan struct{}

	mu      sync.Mutex
	failed  int       // in a row
	until   time.Time // nobody asks before
	looking bool      // one is on its way to see
}

func newManners(cfg Config) *manners {
	m := &manners{now: cfg.Now, silence: cfg.Silence, seats: make(chan struct{}, mostAtOnce), media: make(chan struct{}, mostMedia)}
	if m.now == nil {
		m.now = time.Now
	}
	if m.silence == 0 {
		m.silence = silence
	}
	return m
}

// seatForMedia waits until there may be one more of those.
func (m *manners) seatForMedia(ctx context.Context) (leave func(), err error) {
	select {
	case m.media <- struct{}{}:
		return sync.OnceFunc(func() { <-m.media }), nil
	case <-ctx.Done():
		return nil, &Error{Err: ctx.Err()}
	}
}

// seated gives a seat back when it is closed.
type seated struct {
	io.ReadCloser
	leave func()
}

func (s seated) Close() error {
	defer s.leave()
	return s.ReadCloser.Close()
}

// ask waits for a seat, and sends a request if this is a time for it.
func (m *manners) ask(req *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	select {
	case m.seats <- struct{}{}:
	case <-req.Context().Done():
		return nil, &Error{Err: req.Context().Err()}
	}
	if err := m.mayAsk(); err != nil {
		<-m.seats
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	b := &body{m: m, cancel: cancel, caller: req.Context(), ctx: ctx, timer: time.AfterFunc(m.silence, func() { cancel(errSilent) })}
	resp, err := send(req.WithContext(ctx))
	b.timer.Stop()
	if err != nil {
		err = b.why(err)
		b.done(err, 0)
		return nil, &Error{Err: withoutURL(err)}
	}
	if troubled(resp.StatusCode) {
		b.settle(errFailed, retryAfter(resp.Header.Get("Retry-After"), m.now()))
	}
	b.ReadCloser, resp.Body = resp.Body, b
	return resp, nil
}

var (
	errSilent = errors.New("it fell silent")
	errFailed = errors.New("it failed")
)

func troubled(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// mayAsk says when to come again, if this is not the time. Whoever gets no error has to tell how it went.
func (m *manners) mayAsk() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := m.until.Sub(m.now())
	if wait <= 0 && m.looking {
		wait = firstRest
	}
	if wait > 0 {
		return &Error{RetryAfter: wait, Err: fmt.Errorf("it is left alone for another %s, since it failed or asked us to wait", wait.Round(time.Second))}
	}
	m.looking = m.failed >= failuresOut
	return nil
}

// went takes in how a request went: nil, or why it failed, and for how long Twilio asked us to wait.
func (m *manners) went(err error, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looking = false
	if err == nil {
		m.failed = 0
		return
	}
	m.failed++
	if m.failed >= failuresOut {
		wait = max(wait, rest(m.failed-failuresOut))
	}
	if until := m.now().Add(wait); until.After(m.until) {
		m.until = until
	}
}

// rest is how long Twilio is left alone for the nth time, with up to a tenth more, so that not all replicas come back at once.
func rest(n int) time.Duration {
	d := firstRest
	for ; n > 0 && d < longestRest; n-- {
		d *= 2
	}
	d = min(d, longestRest)
	return d + rand.N(d/10) // #nosec G404 -- jitter needs no secrecy
}

// body is an answer that is being read. How the request went is known when it is read, or closed.
type body struct {
	io.ReadCloser
	m       *manners
	ctx     context.Context
	caller  context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	settled sync.Once
	freed   sync.Once
}

// Read fails when nothing comes for too long. The time in which nobody reads does not count.
func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.m.silence)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = b.why(err)
		b.settle(err, 0)
	}
	return n, err
}

// Close gives the seat back.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.done(nil, 0)
	return err
}

// why is the cause of an error where that is our own impatience.
func (b *body) why(err error) error {
	if context.Cause(b.ctx) == errSilent {
		return fmt.Errorf("%w for %s", errSilent, b.m.silence)
	}
	return err
}

// settle tells how it went, the first time that it is known. A request that its caller gave up tells nothing of Twilio.
func (b *body) settle(err error, wait time.Duration) {
	b.settled.Do(func() {
		if errors.Is(b.caller.Err(), context.Canceled) {
			b.m.gaveUp()
			return
		}
		b.m.went(err, wait)
	})
}

func (m *manners) gaveUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looking = false
}

func (b *body) done(err error, wait time.Duration) {
	b.settle(err, wait)
	b.freed.Do(func() {
		b.cancel(nil)
		<-b.m.seats
	})
}
