package events

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func woken(s *Subscription) bool {
	select {
	case <-s.Wake():
		return true
	default:
		return false
	}
}

func mine(e Event) bool { return e.Owner == "usr_me" }

func TestASubscriberIsWokenForWhatConcernsIt(t *testing.T) {
	t.Parallel()
	h := NewHub()
	s := h.Subscribe(Voicemail, mine)
	h.Publish(Event{Kind: Voicemail, Owner: "usr_other", ID: "vm_1"}, Event{Kind: Call, Owner: "usr_me", ID: "call_1"})
	if woken(s) {
		t.Fatal("woken for another's voicemail, or for a call")
	}
	h.Publish(Event{Kind: Voicemail, Owner: "usr_me", ID: "vm_2"})
	h.Publish(Event{Kind: Voicemail, Owner: "usr_me", ID: "vm_3"})
	if !woken(s) {
		t.Fatal("not woken")
	}
	if woken(s) {
		t.Error("woken twice for what one look shows")
	}
	n := s.Take()
	if _, two := n.IDs["vm_2"]; !two || len(n.IDs) != 2 || n.Anything {
		t.Errorf("named %v, want vm_2 and vm_3", n)
	}
	if n := s.Take(); len(n.IDs) != 0 {
		t.Errorf("named %v again", n)
	}
	h.WakeAll()
	if !woken(s) || !s.Take().Anything {
		t.Error("not woken for anything")
	}
	s.Close()
	h.Publish(Event{Kind: Voicemail, Owner: "usr_me", ID: "vm_4"})
	if woken(s) {
		t.Error("woken after Close")
	}
}

// A publisher never waits, however slow its subscribers are.
func TestNobodyWaitsForASlowSubscriber(t *testing.T) {
	t.Parallel()
	h := NewHub()
	s := h.Subscribe(Call, func(Event) bool { return true })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				h.Publish(Event{Kind: Call, ID: "call_1"})
			}
		})
	}
	wg.Wait()
	if !woken(s) || woken(s) {
		t.Error("want one wake-up for everything")
	}
}

func TestWhatNobodyToldOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		told   []int64
		before int64 // the last place at the look before
		want   bool
	}{
		{"all were told", []int64{1, 2, 3}, 3, false},
		{"out of order", []int64{3, 1, 2}, 3, false},
		{"one is missing in the middle", []int64{1, 3}, 3, true},
		{"the last is missing", []int64{1, 2}, 3, true},
		{"the last is newer than the look before", []int64{1, 2}, 2, false},
		{"twice", []int64{1, 1, 2, 2}, 2, false},
	} {
		h := NewHub()
		s := h.Subscribe(Voicemail, mine)
		for _, p := range tt.told {
			h.Publish(Event{Kind: Voicemail, Owner: "usr_other", Place: p})
		}
		h.compare(Tail{Place: tt.before}, Tail{Place: tt.before})
		if got := woken(s); got != tt.want {
			t.Errorf("%s: woken %v, want %v", tt.name, got, tt.want)
		}
		h.compare(Tail{Place: tt.before}, Tail{Place: tt.before})
		if woken(s) {
			t.Errorf("%s: woken again for the same", tt.name)
		}
	}
}

func TestACallThatChangedUntoldWakesThoseWhomItConcerns(t *testing.T) {
	t.Parallel()
	h := NewHub()
	me, other, voicemails := h.Subscribe(Call, mine), h.Subscribe(Call, func(e Event) bool { return !mine(e) }), h.Subscribe(Voicemail, mine)
	begun := time.Now()
	change := func(at time.Duration) Event {
		return Event{Kind: Call, Owner: "usr_me", ID: "call_1", At: begun.Add(at)}
	}
	look := func(at time.Duration, calls ...Event) { h.compare(Tail{}, Tail{At: begun.Add(at), Calls: calls}) }

	look(time.Second, change(0))
	if n := me.Take(); !woken(me) || len(n.IDs) != 1 || n.Anything {
		t.Errorf("named %v for a change that nobody told of, want call_1", n)
	}
	look(2*time.Second, change(0))
	if woken(me) {
		t.Error("woken again for the same change")
	}
	h.Publish(change(3 * time.Second))
	if !woken(me) {
		t.Error("not woken for what was told")
	}
	look(4*time.Second, change(3*time.Second))
	if woken(me) {
		t.Error("woken again for what was told")
	}
	look(5*time.Second, change(4*time.Second))
	if !woken(me) {
		t.Error("not woken for the next change")
	}
	look(10 * time.Minute)
	if len(h.calls) != 0 {
		t.Errorf("remembers %d calls of long ago", len(h.calls))
	}
	if woken(other) || woken(voicemails) {
		t.Error("woke others")
	}
}

// After a look that failed the next one looks as far back as that would have.
func TestWhatChangedWhileNobodyCouldLookIsLookedAtAfterwards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begun := time.Now()
		var asked []time.Duration
		err := NewHub().Watch(ctx, slog.New(slog.DiscardHandler), func(_ context.Context, since time.Time) (Tail, error) {
			if since.IsZero() {
				since = begun
			}
			asked = append(asked, since.Sub(begun))
			switch len(asked) {
			case 2, 3:
				return Tail{}, errors.New("away")
			case 5:
				cancel()
			}
			return Tail{At: time.Now()}, nil
		})
		if want := []time.Duration{0, -ClocksApart, -ClocksApart, -ClocksApart, 6*time.Second - ClocksApart}; err != nil || !slices.Equal(asked, want) {
			t.Errorf("looked since %v, %v, want %v", asked, err, want)
		}
	})
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	looked := make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() {
		done <- NewHub().Watch(ctx, slog.New(slog.DiscardHandler), func(context.Context, time.Time) (Tail, error) {
			looked <- struct{}{}
			return Tail{}, nil
		})
	}()
	<-looked
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func BenchmarkPublishToOneOf5000(b *testing.B) {
	h := NewHub()
	for i := range 5000 {
		h.Subscribe(Voicemail, func(e Event) bool { return i == 17 && mine(e) })
	}
	for b.Loop() {
		h.Publish(Event{Kind: Voicemail, Owner: "usr_me", ID: "vm_1"})
	}
}
