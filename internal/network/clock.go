package network

import (
	"container/heap"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

var (
	errClosed      = errors.New("network: closed")
	errNothingLeft = errors.New("network: nothing is left to happen, and the awaited event did not")
)

// clock is virtual time with an agenda. What is on the agenda runs in goroutines of its own; time moves only when each
// of them has ended or sleeps.
type clock struct {
	wait    func(context.Context, time.Duration) error
	overlap bool       // time goes on while somebody is at work
	turn    sync.Mutex // one run at a time

	mu     sync.Mutex
	still  *sync.Cond // nobody is at work any more
	now    time.Time
	agenda agenda
	booked uint64
	atWork int
	ctx    context.Context // of the run that is on
	closed bool
}

func newClock(start time.Time, wait func(context.Context, time.Duration) error, overlap bool) *clock {
	k := &clock{now: start, wait: wait, overlap: overlap, ctx: context.Background()}
	k.still = sync.NewCond(&k.mu)
	return k
}

func (k *clock) time() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// after has f run d from now, in a goroutine of its own.
func (k *clock) after(d time.Duration, f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.book(k.now.Add(d), false, func() {
		go func() {
			defer k.leave()
			f()
		}()
	})
}

// sleeper is somebody whom others may wake before time.
type sleeper struct{ due *appointment }

// sleep puts a goroutine that the clock started to sleep. It does not return on a closed clock: the goroutine ends
// there, its deferred calls run, and no code above has to know about it.
func (k *clock) sleep(s *sleeper, until time.Time) {
	awake := make(chan struct{})
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		runtime.Goexit()
	}
	s.due = k.book(until, true, func() { close(awake) })
	k.rest()
	k.mu.Unlock()
	<-awake
	k.mustBeOpen()
}

// mustBeOpen ends the goroutine when the clock was closed, or its run given up, meanwhile.
func (k *clock) mustBeOpen() {
	k.mu.Lock()
	over := k.closed || k.ctx.Err() != nil
	k.mu.Unlock()
	if over {
		runtime.Goexit()
	}
}

// wake brings a sleeper's appointment forward to now.
func (k *clock) wake(s *sleeper) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.due != nil && s.due.place >= 0 && s.due.at.After(k.now) {
		s.due.at = k.now
		heap.Fix(&k.agenda, s.due.place)
	}
}

// context is that of the run that is on.
func (k *clock) context() context.Context {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ctx
}

// run works the agenda until it is empty or enough says so of the next time due.
func (k *clock) run(ctx context.Context, enough func(next time.Time) bool) error {
	k.turn.Lock()
	defer k.turn.Unlock()
	k.mu.Lock()
	k.ctx = ctx
	k.mu.Unlock()
	for {
		next, ok := k.next()
		if soon := k.time().Add(glance); k.overlap && (next.After(soon) || !ok && k.busy()) {
			next, ok = soon, true // those at work may book something before
		}
		if !ok || enough(next) {
			return k.state(ctx)
		}
		if err := k.move(ctx, next); err != nil {
			return err
		}
		k.work()
	}
}

// skip moves time to t although nothing is due then.
func (k *clock) skip(ctx context.Context, t time.Time) error {
	k.turn.Lock()
	defer k.turn.Unlock()
	return k.move(ctx, t)
}

func (k *clock) next() (time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.agenda) == 0 || k.closed {
		return time.Time{}, false
	}
	return k.agenda[0].at, true
}

// move lets time pass until t. When that fails all who sleep are let go, since no later run could make sense of them.
func (k *clock) move(ctx context.Context, t time.Time) error {
	err := k.state(ctx)
	if d := t.Sub(k.time()); d > 0 && err == nil {
		err = k.wait(ctx, d)
	}
	if err != nil {
		k.close()
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if t.After(k.now) {
		k.now = t
	}
	return nil
}

func (k *clock) state(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if k.closed {
		return errClosed
	}
	return nil
}

// work begins all that is due and waits until everybody has ended or sleeps.
func (k *clock) work() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.agenda) > 0 && !k.agenda[0].at.After(k.now) {
		k.begin()
	}
	for k.atWork > 0 && !k.overlap {
		k.still.Wait()
	}
}

// glance is how long a clock with overlap goes on without looking at its agenda again.
const glance = 5 * time.Millisecond

func (k *clock) busy() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.atWork > 0
}

func (k *clock) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for len(k.agenda) > 0 {
		if k.agenda[0].asleep {
			k.begin()
		} else {
			heap.Pop(&k.agenda)
		}
	}
	for k.atWork > 0 {
		k.still.Wait()
	}
}

func (k *clock) begin() {
	next := heap.Pop(&k.agenda).(*appointment)
	k.atWork++
	next.begin()
}

func (k *clock) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rest()
}

func (k *clock) rest() {
	k.atWork--
	if k.atWork == 0 {
		k.still.Broadcast()
	}
}

func (k *clock) book(at time.Time, asleep bool, begin func()) *appointment {
	k.booked++
	a := &appointment{at: at, order: k.booked, asleep: asleep, begin: begin}
	heap.Push(&k.agenda, a)
	return a
}
