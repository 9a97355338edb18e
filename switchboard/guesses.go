package switchboard

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/peers"
	"github.com/maskline/maskline/phone"
)

// Sign-ins that fail: so many of one peer, in that time. Peers that may not be limited are counted all the same.
const (
	maxGuesses  = 10
	guessWindow = time.Second
	warnEvery   = time.Minute
)

// guesses are the sign-ins that failed.
type guesses struct {
	mu    sync.Mutex
	of    map[peers.Peer]*guesser
	swept time.Time

	said            time.Time // when the log was last told
	failed, refused int       // since then
	last            peers.Peer
}

// guesser is one peer.
type guesser struct {
	since  time.Time // its window began
	failed int       // in the window
	trying int       // sign-ins under way
	done   chan struct{}
}

func (g *guesser) over(now time.Time) bool {
	return now.Before(g.since) || now.Sub(g.since) >= guessWindow
}

func errGuessing(wait time.Duration) error {
	return &phone.Error{Code: phone.RateLimited, RetryAfter: wait, Message: "Too many sign-ins from your address have failed. Please try again in a second."}
}

// signIn tells who a token speaks for, unless too many sign-ins of the peer have failed. As many as may still fail are under way at a time,
// and the others wait for these: so the limit is exact, and nobody is refused while none fails.
func (s *Switchboard) signIn(ctx context.Context, bearer string) (Identity, error) {
	peer, failed := peers.From(ctx), false
	if peer.Limited {
		end, err := s.guesses.begin(ctx, peer, s.now)
		if phone.CodeOf(err) == phone.RateLimited {
			s.failed(ctx, peer, true)
		}
		if err != nil {
			return Identity{}, err
		}
		defer func() { end(failed) }()
	}
	id, err := s.identify(ctx, bearer)
	if failed = phone.CodeOf(err) == phone.Unauthenticated; failed {
		s.failed(ctx, peer, false)
	}
	return id, err
}

// begin waits until one more sign-in of the peer may be tried. The caller tells end how it went.
func (g *guesses) begin(ctx context.Context, peer peers.Peer, now func() time.Time) (end func(failed bool), err error) {
	for {
		one, wait := g.try(peer, now())
		switch {
		case wait > 0:
			return nil, errGuessing(wait)
		case one == nil:
			return func(failed bool) { g.end(peer, failed) }, nil
		}
		select {
		case <-one:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try counts a sign-in that begins. Otherwise it says how long the peer is refused, or gives a channel that closes when another sign-in ends.
func (g *guesses) try(peer peers.Peer, now time.Time) (busy <-chan struct{}, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	one := g.of[peer]
	if one == nil {
		one = &guesser{since: now, done: make(chan struct{})}
		g.of[peer] = one
	}
	if one.over(now) {
		one.since, one.failed = now, 0
	}
	switch {
	case one.failed >= maxGuesses:
		return nil, one.since.Add(guessWindow).Sub(now)
	case one.failed+one.trying >= maxGuesses:
		return one.done, 0
	}
	one.trying++
	return nil, 0
}

func (g *guesses) end(peer peers.Peer, failed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.of[peer] // it is there: sweep keeps who tries
	one.trying--
	if failed {
		one.failed++
	}
	close(one.done)
	one.done = make(chan struct{})
}

// sweep forgets, once a window, who has nothing under way and nothing that counts.
func (g *guesses) sweep(now time.Time) {
	if g.of == nil {
		g.of = map[peers.Peer]*guesser{}
	}
	if d := now.Sub(g.swept); d >= 0 && d < guessWindow {
		return
	}
	g.swept = now
	maps.DeleteFunc(g.of, func(_ peers.Peer, one *guesser) bool { return one.trying == 0 && one.over(now) })
}

// failed counts a sign-in that failed, or was refused, and warns.
func (s *Switchboard) failed(ctx context.Context, peer peers.Peer, refused bool) {
	s.Metrics.signInFailed(refused)
	s.guesses.count(peer, refused)
	s.warnOfGuesses(ctx)
}

func (g *guesses) count(peer peers.Peer, refused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = peer
	if refused {
		g.refused++
	} else {
		g.failed++
	}
}

// due is what the log is to be told, if it was told nothing for a while.
func (g *guesses) due(now time.Time) (failed, refused int, last peers.Peer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := now.Sub(g.said); d >= 0 && d < warnEvery || g.failed+g.refused == 0 {
		return 0, 0, peers.Peer{}
	}
	failed, refused, last = g.failed, g.refused, g.last
	g.said, g.failed, g.refused = now, 0, 0
	return failed, refused, last
}

func (s *Switchboard) warnOfGuesses(ctx context.Context) {
	if failed, refused, last := s.guesses.due(s.now()); failed+refused > 0 {
		s.Log.WarnContext(ctx, "sign-ins failed", "failed", failed, "refused", refused, "last_peer", last.String())
	}
}

// WarnOfGuesses warns, once a minute, of sign-ins that failed since it was last said, until ctx ends.
func (s *Switchboard) WarnOfGuesses(ctx context.Context) error {
	every := time.NewTicker(warnEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
			s.warnOfGuesses(ctx)
		}
	}
}
