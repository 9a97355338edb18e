package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
)

const (
	beatEvery   = 15 * time.Second
	writeWithin = 10 * time.Second // for a client to take one event
	cutWithin   = time.Second      // for a client to take the end of its stream
)

// Streams answers operations by the protocol GraphQL over Server-Sent Events, in its mode of distinct connections: results as events
// `next`, and `complete` when the operation is really over. A stream that is cut, since its token is over, we restart or its reader
// stalls, ends without `complete`, and its client comes back.
type Streams struct {
	r        *Resolver
	seats    []*seats // of streams, and of subscriptions
	sessions *sessions

	beatEvery, writeWithin time.Duration

	mu       sync.Mutex
	draining bool
	ends     map[*stream]context.CancelFunc // of those that would go on for ever
	open     sync.WaitGroup
}

var _ graphql.Transport = (*Streams)(nil)

func newStreams(r *Resolver, sessions *sessions, seats ...*seats) *Streams {
	return &Streams{r: r, seats: seats, sessions: sessions, beatEvery: beatEvery, writeWithin: writeWithin, ends: map[*stream]context.CancelFunc{}}
}

// Supports is true of what is to be answered in events.
func (s *Streams) Supports(r *http.Request) bool { return wantsEvents(r) }

// streamKey marks the context of an operation that is answered in events.
type streamKey struct{}

// Do answers one request, and returns when nothing of it is left.
func (s *Streams) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if !s.admit() {
		s.r.turnAway(w, r, restarting)
		return
	}
	defer s.open.Done()
	params, status, why := readRequest(w, r)
	if status != 0 {
		fail(w, r, status, why)
		return
	}
	op, errs := exec.CreateOperationContext(r.Context(), params)
	asStream := context.WithValue(graphql.WithOperationContext(r.Context(), op), streamKey{}, true)
	ctx, cancel := s.sessions.lasting(asStream, identity(r.Context()))
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	if len(errs) > 0 {
		errs = refusals(ctx, exec, errs)
	}
	if passing(errs) {
		write(w, r, statusOf(errs, 0), refusal{errs})
		return
	}
	st := &stream{ctx: ctx, to: w, control: http.NewResponseController(w), beatEvery: s.beatEvery, writeWithin: s.writeWithin}
	if len(errs) == 0 && op.Operation.Operation == ast.Subscription {
		for _, seats := range s.seats {
			leave, err := seats.take(identity(ctx).Viewer.ID)
			if err != nil {
				s.r.turnAway(w, r, err)
				return
			}
			defer leave()
		}
		s.remember(st, cancel)
		defer s.forget(st)
	}
	events := make(chan []byte)
	parts.Go(st.cut)
	var notNow gqlerror.List
	parts.Go(func() {
		defer close(events)
		notNow = produce(ctx, exec, op, errs, events)
	})
	if over := st.answer(events); over && len(notNow) > 0 && !st.begun {
		write(w, r, statusOf(notNow, 0), refusal{notNow})
	}
}

// passing tells whether what was refused may be had later: clients try again what has a status for that, and not what is complete.
func passing(errs gqlerror.List) bool { return statusOf(errs, 0) != 0 }

var restarting = &phone.Error{Code: phone.Unavailable, Message: "The server is about to restart. Please try again."}

// cut has a stream that ends wait no longer for a reader that stalls.
func (st *stream) cut() {
	<-st.ctx.Done()
	_ = st.control.SetWriteDeadline(time.Now().Add(cutWithin)) // it has worked before, or nothing was written
}

// produce makes the events of an operation, the last of them `complete` if it comes to its end. It returns why it was not begun now.
func produce(ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, refused gqlerror.List, to chan<- []byte) (notNow gqlerror.List) {
	defer func() {
		if p := recover(); p != nil {
			err := gqlerror.WrapIfUnwrapped(op.RecoverFunc(ctx, p))
			send(ctx, to, next(refusal{refusals(ctx, exec, gqlerror.List{err})}), complete)
		}
	}()
	if len(refused) > 0 {
		send(ctx, to, next(refusal{refused}), complete)
		return nil
	}
	respond, ctx := exec.DispatchOperation(ctx, op)
	isSubscription := op.Operation.Operation == ast.Subscription
	if isSubscription {
		send(ctx, to, beat) // from now on nothing is missed: the client is told that the stream is open
	}
	for {
		r := respond(ctx)
		switch {
		case r == nil && ctx.Err() != nil: // cut
			return nil
		case r == nil:
			send(ctx, to, complete)
			return nil
		case r.Data == nil && passing(r.Errors):
			return r.Errors
		case r.Data == nil:
			send(ctx, to, next(refusal{r.Errors}), complete)
			return nil
		case !isSubscription:
			send(ctx, to, next(r), complete)
			return nil
		case !send(ctx, to, next(r)):
			return nil
		}
	}
}

var (
	complete = []byte("event: complete\ndata:\n\n")
	beat     = []byte(":\n\n")
)

func next(result any) []byte {
	data, err := json.Marshal(result)
	if err != nil {
		panic(err) // gqlgen made no JSON
	}
	return fmt.Appendf(nil, "event: next\ndata: %s\n\n", data)
}

// stream is one answer. Nobody writes but the handler that the HTTP server has called, so that nothing is written once that has returned.
type stream struct {
	ctx     context.Context // ends as soon as it is decided that the stream does
	to      http.ResponseWriter
	control *http.ResponseController
	begun   bool

	beatEvery, writeWithin time.Duration
}

// answer writes events, and signs of life between them, until the stream ends or its reader stalls, or there are no more: only then it is
// over by itself.
func (st *stream) answer(events <-chan []byte) (over bool) {
	beats := time.NewTicker(st.beatEvery)
	defer beats.Stop()
	for {
		event, more := beat, true
		select {
		case <-st.ctx.Done():
			return false
		case event, more = <-events:
		case <-beats.C:
		}
		if !more {
			return true
		}
		if st.write(event) != nil {
			return false
		}
	}
}

func (st *stream) begin() {
	h := st.to.Header()
	h.Set("Content-Type", typeEvents)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	h.Set("X-Content-Type-Options", "nosniff")
	st.begun = true
}

// write sends an event. Its time is set before the look at the context, since cut sets it after the end of the context.
func (st *stream) write(event []byte) error {
	if err := st.control.SetWriteDeadline(time.Now().Add(st.writeWithin)); err != nil {
		return err
	}
	if err := st.ctx.Err(); err != nil {
		return err
	}
	if !st.begun {
		st.begin()
	}
	if _, err := st.to.Write(event); err != nil {
		return err
	}
	return st.control.Flush()
}

// Drain ends all subscriptions, evenly over the time spread lest their clients return all at once, and refuses new streams from now on.
// It returns when every stream is closed, or else when ctx ends.
func (s *Streams) Drain(ctx context.Context, spread time.Duration) error {
	ends := s.refuseMore()
	for _, end := range ends {
		end()
		pause(ctx, spread/time.Duration(len(ends)))
	}
	gone := make(chan struct{})
	go func() {
		s.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain event streams: %w", ctx.Err())
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *Streams) refuseMore() (ends []context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for _, end := range s.ends {
		ends = append(ends, end)
	}
	return ends
}

func (s *Streams) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.open.Add(1)
	}
	return !s.draining
}

// remember makes a stream known to Drain. One that was admitted before a drain and is remembered after its start ends here.
func (s *Streams) remember(st *stream, end context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[st] = end
	if s.draining {
		end()
	}
}

func (s *Streams) forget(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ends, st)
}
