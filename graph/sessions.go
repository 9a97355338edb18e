package graph

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/switchboard"
)

// A token that is revoked, or is over, ends its sockets and streams within 10 seconds: at once when the event arrives or its time has come, and
// otherwise when all are looked at again.
const (
	lookAgain  = 8 * time.Second
	lookWithin = 2 * time.Second // for the database to say so
)

// sessions are the sockets and streams of those who are signed in. One goroutine looks after all of them, as long as there are any.
type sessions struct {
	r    *Resolver
	mu   sync.Mutex
	open map[*session]struct{}
	stop context.CancelFunc // what looks after them
}

type session struct {
	id  switchboard.Identity
	end context.CancelFunc
}

func newSessions(r *Resolver) *sessions { return &sessions{r: r, open: map[*session]struct{}{}} }

// lasting is ctx, and ends when who was signed in is so no more. It may be told to end sooner.
func (s *sessions) lasting(ctx context.Context, id switchboard.Identity) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	if id.Expires != nil {
		var expire context.CancelFunc
		ctx, expire = context.WithTimeout(ctx, id.Expires.Sub(s.r.Now()))
		context.AfterFunc(ctx, expire)
	}
	leave := s.enter(&session{id, end})
	context.AfterFunc(ctx, leave)
	return ctx, end
}

func (s *sessions) enter(one *session) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 {
		var ctx context.Context
		ctx, s.stop = context.WithCancel(context.Background())
		go s.watch(ctx)
	}
	s.open[one] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, one)
		if len(s.open) == 0 {
			s.stop()
		}
	}
}

// watch ends what is over until ctx ends.
func (s *sessions) watch(ctx context.Context) {
	sub := s.r.Events.Subscribe(events.Token, func(events.Event) bool { return true })
	defer sub.Close()
	again := time.NewTicker(cmp.Or(s.r.LookAgain, lookAgain))
	defer again.Stop()
	for {
		of := events.Named{Anything: true}
		select {
		case <-ctx.Done():
			return
		case <-sub.Wake():
			of = sub.Take()
		case <-again.C:
		}
		for s.look(ctx, of) != nil && waitFor(ctx, sub, true) {
			of.Anything = true // of what has come meanwhile too
		}
	}
}

// look ends what is over of these users.
func (s *sessions) look(ctx context.Context, of events.Named) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	who := s.present(of)
	valid, err := guarded(s.r, func() (map[viewer.Viewer]bool, error) { return s.r.Desk.StillValid(ctx, who) })
	if err != nil {
		s.r.Log.WarnContext(ctx, "look whether tokens are still valid", "error", err)
	}
	s.endInvalid(valid)
	return err
}

// present are those of these users who have something open, each token once.
func (s *sessions) present(of events.Named) []viewer.Viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[viewer.Viewer]struct{}{}
	for one := range s.open {
		if _, named := of.IDs[one.id.Viewer.ID]; named || of.Anything {
			all[one.id.Viewer] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(all))
}

// endInvalid ends what is open for those who were looked for and are not valid, and what is over by the clock: timers stand still while a
// machine sleeps.
func (s *sessions) endInvalid(valid map[viewer.Viewer]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.r.Now()
	for one := range s.open {
		ok, looked := valid[one.id.Viewer]
		if looked && !ok || one.id.Expires != nil && !now.Before(*one.id.Expires) {
			one.end()
		}
	}
}
