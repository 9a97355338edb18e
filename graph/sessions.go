package graph

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/switchboard"
)

// A token that is revoked ends its sockets and streams within 10 seconds: at once when the event arrives, and otherwise when it is looked at again.
const lookAgain = 8 * time.Second

// sessions are the sockets and streams of those who are signed in. One goroutine looks after all of them, as long as there are any.
type sessions struct {
	r    *Resolver
	mu   sync.Mutex
	open map[*session]struct{}
	stop context.CancelFunc // what looks after them
}

type session struct {
	who viewer.Viewer
	end context.CancelFunc
}

func newSessions(r *Resolver) *sessions { return &sessions{r: r, open: map[*session]struct{}{}} }

// lasting is ctx, and ends when who was signed in is so no more. It may be told to end sooner.
func (s *sessions) lasting(ctx context.Context, id switchboard.Identity) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	if id.Expires != nil {
		var expire context.CancelFunc
		ctx, expire = context.WithTimeout(ctx, id.Expires.Sub(s.r.Now())) // that has the real clock
		context.AfterFunc(ctx, expire)
	}
	leave := s.enter(&session{id.Viewer, end})
	context.AfterFunc(ctx, leave)
	return ctx, end
}

func (s *sessions) enter(one *session) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 {
		var ctx context.Context
		ctx, s.stop = context.WithCancel(viewer.System(context.Background()))
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
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Wake():
			sub.Take() // whose tokens these are does not matter: all are looked at
		case <-again.C:
		}
		who := s.present()
		valid, err := guarded(s.r, func() (map[viewer.Viewer]bool, error) { return s.r.Desk.StillValid(ctx, who) })
		if err != nil && ctx.Err() == nil {
			s.r.Log.WarnContext(ctx, "look whether tokens are still valid", "error", err)
		}
		if err == nil {
			s.endInvalid(valid)
		}
	}
}

// present are who has something open, each once.
func (s *sessions) present() []viewer.Viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[viewer.Viewer]struct{}{}
	for one := range s.open {
		all[one.who] = struct{}{}
	}
	return slices.Collect(maps.Keys(all))
}

// endInvalid ends what those have open of whom it was found that they are not valid.
func (s *sessions) endInvalid(valid map[viewer.Viewer]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		if ok, looked := valid[one.who]; looked && !ok {
			one.end()
		}
	}
}
