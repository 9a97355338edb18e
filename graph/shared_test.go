package graph

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Five hundred who are woken at once have two readings between them: the first one's, and one for all who came while that was under way.
func TestWhoReadsTheSameAtTheSameMomentReadsItTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShared[int](&Resolver{})
		var readings, mine atomic.Int64
		release := make(chan struct{})
		read := func(context.Context) (int, error) {
			n := readings.Add(1)
			<-release
			return int(n), nil
		}
		ask := func(v view, want int) {
			go func() {
				if got, err := s.read(t.Context(), v, read); err != nil || got != want {
					t.Errorf("%v got what reading %d read, %v, want %d", v, got, err, want)
				}
				mine.Add(1)
			}()
			synctest.Wait()
		}
		ann := view{id: "ann", past: 7}
		ask(ann, 1)
		for range 499 {
			ask(ann, 3) // not 1: that may have been too early for them
		}
		ask(view{id: "bob", past: 7}, 2)
		if n := readings.Load(); n != 2 {
			t.Errorf("%d readings are under way, want ann's first and bob's", n)
		}
		close(release)
		synctest.Wait()
		if readings.Load() != 3 || mine.Load() != 501 || len(s.next)+len(s.running) != 0 {
			t.Errorf("%d readings for %d, and %d are left; want 3 for 501, and none", readings.Load(), mine.Load(), len(s.next)+len(s.running))
		}
	})
}

// What fails fails for all, and for nobody afterwards. Whoever has begun a reading may leave before the others have it.
func TestAReadingThatFailsOrWhoseBeginnerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShared[int](&Resolver{})
		begun, leave := context.WithCancel(t.Context())
		release := make(chan error)
		read := func(ctx context.Context) (int, error) {
			err := <-release
			return 1, errors.Join(err, ctx.Err())
		}
		answers := make(chan error, 3)
		for _, ctx := range []context.Context{begun, begun, t.Context()} {
			go func() {
				_, err := s.read(ctx, view{}, read)
				answers <- err
			}()
			synctest.Wait()
		}
		release <- errors.New("away")
		if err := <-answers; err == nil {
			t.Error("what failed did not")
		}
		leave()
		release <- nil
		for range 2 {
			if err := <-answers; err != nil {
				t.Errorf("the next reading: %v", err)
			}
		}
		if got := fmt.Sprint(len(s.next), len(s.running)); got != "0 0" {
			t.Errorf("left over: %s", got)
		}
	})
}
