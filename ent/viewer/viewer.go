// Package viewer says who is asking. Every read and write of the database needs a viewer in its context; without one it is refused.
package viewer

import (
	"context"

	"github.com/maskline/maskline/phone"
)

// Viewer is who reads or writes: a signed-in user, or the system itself (webhooks and workers).
type Viewer struct {
	ID     string
	Role   phone.Role
	Token  string // the id of the token that said so; empty when that is of somebody else's issue
	system bool
	bin    bool
}

// SeesAll tells whether everybody's objects are shown: to administrators and to the system.
func (v Viewer) SeesAll() bool { return v.system || v.Role == phone.RoleAdmin }

// IsSystem tells whether this is the program itself and not a user.
func (v Viewer) IsSystem() bool { return v.system }

// ReachesIntoBin tells whether deleted voicemails are shown too, as long as they can be restored.
func (v Viewer) ReachesIntoBin() bool { return v.bin }

type key struct{}

// With puts a user into the context.
func With(ctx context.Context, v Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// System marks the context as the program's own: webhooks, workers, commands.
func System(ctx context.Context) context.Context { return With(ctx, Viewer{system: true}) }

// IntoBin lets whoever asks reach into their bin too.
func IntoBin(ctx context.Context) context.Context {
	v, ok := From(ctx)
	if !ok {
		return ctx
	}
	v.bin = true
	return With(ctx, v)
}

// From is who asks; false when nobody said so.
func From(ctx context.Context) (Viewer, bool) {
	v, ok := ctx.Value(key{}).(Viewer)
	return v, ok
}
