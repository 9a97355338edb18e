package graph

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maskline/maskline/phone"
)

// A user who wants many places gets half of them, and waits for the others; everybody else finds the other half.
func TestAUserHoldsAtMostHalfOfThePlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gate{places: make(chan struct{}, 10), shares: newShares(5), wait: time.Second}
		refused := make(chan error, 24)
		release := make(chan struct{})
		for range 24 {
			go func() {
				leave, err := g.enter(t.Context(), "ann")
				if err == nil {
					<-release
					leave()
				}
				refused <- err
			}()
		}
		synctest.Wait()
		if n := len(g.places); n != 5 {
			t.Errorf("%d places are taken, want 5", n)
		}
		var leaves []func()
		for range 5 {
			leave, err := g.enter(t.Context(), "bob")
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		if _, err := g.enter(t.Context(), "carl"); phone.CodeOf(err) != phone.Unavailable {
			t.Errorf("got %v, want UNAVAILABLE: all places are taken", err)
		}
		for range 19 {
			if err := <-refused; phone.CodeOf(err) != phone.RateLimited {
				t.Errorf("got %v, want RATE_LIMITED: the others are at work for her", err)
			}
		}
		for _, leave := range leaves {
			leave()
		}
		close(release)
		synctest.Wait()
		if len(g.places) != 0 || len(g.shares.of) != 0 {
			t.Errorf("%d places and %d shares are left", len(g.places), len(g.shares.of))
		}
	})
}

func TestWhoWaitsForAPlaceGetsTheNextOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gate{places: make(chan struct{}, 2), shares: newShares(1), wait: time.Second}
		leave, err := g.enter(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(500 * time.Millisecond)
			leave()
		}()
		if leave, err = g.enter(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(gone, "ann"); err == nil {
			t.Error("who is gone has a place")
		}
		leave()
		if len(g.places) != 0 || len(g.shares.of) != 0 {
			t.Errorf("%d places and %d shares are left", len(g.places), len(g.shares.of))
		}
	})
}
