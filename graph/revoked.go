package graph

import (
	"context"
	"time"

	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/switchboard"
)

// A token that is revoked ends its sockets and streams within 10 seconds: at once when the event arrives, and otherwise when it is looked at again.
const lookAgain = 8 * time.Second

// revoked is closed when who was signed in is so no more. It watches until ctx, the socket's, ends.
func (r *Resolver) revoked(ctx context.Context, id switchboard.Identity) <-chan struct{} {
	over := make(chan struct{})
	sub := r.Events.Subscribe(events.Token, func(e events.Event) bool { return e.Owner == id.Viewer.ID })
	go func() {
		defer sub.Close()
		again := time.NewTicker(lookAgain)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-sub.Wake():
				sub.Take() // whose tokens these are says match
			case <-again.C:
			}
			if valid, err := guarded(r, func() (bool, error) { return r.Desk.StillValid(ctx, id) }); err == nil && !valid {
				close(over)
				return
			} else if err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "look whether a token is still valid", "token", id.Key(), "error", err)
			}
		}
	}()
	return over
}
