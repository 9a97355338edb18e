package graph

import (
	"context"
	"time"

	"github.com/maskline/maskline/internal/events"
)

// A token that is revoked ends its sockets within 10 seconds: at once when the event arrives, and otherwise when it is looked at again.
const lookAgain = 8 * time.Second

// revoked is closed when the token is valid no more. It watches until ctx, the socket's, ends.
func (r *Resolver) revoked(ctx context.Context, tokenID string) <-chan struct{} {
	over := make(chan struct{})
	sub := r.Events.Subscribe(events.Token, func(e events.Event) bool { return e.ID == tokenID })
	go func() {
		defer sub.Close()
		again := time.NewTicker(lookAgain)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-sub.Wake():
			case <-again.C:
			}
			if valid, err := r.Desk.StillValid(ctx, tokenID); err == nil && !valid {
				close(over)
				return
			} else if err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "look whether a token is still valid", "token", tokenID, "error", err)
			}
		}
	}()
	return over
}
