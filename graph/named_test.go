package graph

import (
	"context"
	"testing"

	"github.com/maskline/maskline/internal/events"
)

func TestWhatAFollowerWasNamedIsNotKeptForIt(t *testing.T) {
	t.Parallel()
	hub := events.NewHub()
	sub := hub.Subscribe(events.Voicemail, func(events.Event) bool { return true })
	named := make(chan events.Named)
	follow(t.Context(), &Resolver{}, sub, func(_ context.Context, n events.Named) (some[int], error) {
		named <- n
		return some[int]{}, nil
	})
	<-named
	for _, id := range []string{"vm_1", "vm_2"} {
		hub.Publish(events.Event{Kind: events.Voicemail, ID: id})
		n := <-named
		if _, is := n.IDs[id]; !is || len(n.IDs) != 1 {
			t.Errorf("named %v, want %s alone", n.IDs, id)
		}
	}
}
