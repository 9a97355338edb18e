package webhooks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/phone"
)

// TestWhatIsDecidedInTimeIsAnswered decides so fast that the answer is often there before anybody waits for it.
func TestWhatIsDecidedInTimeIsAnswered(t *testing.T) {
	t.Parallel()
	want := phone.Goodbye{Language: "en-US"}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10000 {
				got, err := within(t.Context(), time.Hour, func(context.Context) (phone.Answer, error) { return want, nil })
				if got != want || err != nil {
					t.Errorf("got %v, %v, want %v", got, err, want)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestNobodyWaitsForWorkThatDoesNotHeedItsContext(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	defer close(stuck)
	got, err := within(t.Context(), time.Millisecond, func(context.Context) (phone.Answer, error) {
		<-stuck
		return phone.HangUp{}, nil
	})
	if got != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v, want to give up", got, err)
	}
}

func TestWorkEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := within(ctx, time.Hour, func(ctx context.Context) (phone.Answer, error) {
		cancel() // whoever asked is gone
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	refused := errors.New("no")
	for name, do := range map[string]func(context.Context) (phone.Answer, error){
		"a panic":  func(context.Context) (phone.Answer, error) { panic("oops") },
		"an error": func(context.Context) (phone.Answer, error) { return nil, refused },
	} {
		if got, err := within(t.Context(), time.Hour, do); got != nil || err == nil {
			t.Errorf("%s: got %v, %v, want an error", name, got, err)
		}
	}
}
