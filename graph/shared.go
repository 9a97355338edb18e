package graph

import (
	"context"
	"sync"
	"time"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
)

// view is what decides which rows past a place are seen.
type view struct {
	id     string
	role   phone.Role
	number string
	past   int64
}

func viewOf(ctx context.Context, numberID *string, past int64) view {
	who, _ := viewer.From(ctx)
	v := view{id: who.ID, role: who.Role, past: past}
	if numberID != nil {
		v.number = *numberID
	}
	return v
}

// shared has those who want to read the same at the same moment, as all followers of an owner do when something happened, read it once and
// together. Who comes while it is being read has part in the next reading: what they were woken for may have come too late for this one.
type shared[T any] struct {
	r       *Resolver
	mu      sync.Mutex
	running map[view]*oneRead[T]
	next    map[view]*oneRead[T]
}

type oneRead[T any] struct {
	done chan struct{}
	got  T
	err  error
}

func newShared[T any](r *Resolver) *shared[T] {
	return &shared[T]{r: r, running: map[view]*oneRead[T]{}, next: map[view]*oneRead[T]{}}
}

// readWithin is for one reading, which may go on after whoever has begun it is gone.
const readWithin = 10 * time.Second

// read is what do has read after it was called. Nobody may change it.
func (s *shared[T]) read(ctx context.Context, v view, do func(context.Context) (T, error)) (T, error) {
	one, before, isMine := s.join(v)
	if !isMine {
		<-one.done
		return one.got, one.err
	}
	if before != nil {
		<-before.done
	}
	s.begin(v, one)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin)
	defer cancel()
	one.got, one.err = guarded(s.r, func() (T, error) { return do(ctx) })
	s.end(v)
	close(one.done)
	return one.got, one.err
}

// join is the reading of which whoever asks has part: one that is about to begin, or else one of their own, with what it has to wait for.
func (s *shared[T]) join(v view) (one, before *oneRead[T], isMine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := s.next[v]; next != nil {
		return next, nil, false
	}
	one = &oneRead[T]{done: make(chan struct{})}
	s.next[v] = one
	return one, s.running[v], true
}

func (s *shared[T]) begin(v view, one *oneRead[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.next, v)
	s.running[v] = one
}

func (s *shared[T]) end(v view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, v)
}
