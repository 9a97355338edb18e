package graph

import (
	"cmp"
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// waitAtMost is how long a client is kept waiting for a connection to the database before it is told to come back.
const waitAtMost = time.Second

// gate lets in as many queries and mutations as the database has connections for reading; the others wait, and not for long. Subscriptions
// do not pass it: they take little, and their clients would not come back.
type gate struct {
	places  chan struct{}
	wait    time.Duration
	present graphql.ErrorPresenterFunc
}

func newGate(r *Resolver) gate {
	return gate{make(chan struct{}, r.Room), r.waitAtMost(), present(r.Log)}
}

// ExtensionName is for gqlgen.
func (gate) ExtensionName() string { return "Gate" }

// Validate is for gqlgen.
func (gate) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation has the operation wait for its place. What is refused was not begun, so it has no data.
func (g gate) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	execute := next(ctx)
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		return execute
	}
	return func(ctx context.Context) *graphql.Response {
		if !g.enter(ctx) {
			return &graphql.Response{Errors: gqlerror.List{g.present(ctx, errBusy)}}
		}
		defer g.leave()
		return execute(ctx)
	}
}

var errBusy = &phone.Error{Code: phone.Unavailable, Message: "The service is busy. Please try again soon.", RetryAfter: 5 * time.Second}

func (g gate) enter(ctx context.Context) bool {
	select {
	case g.places <- struct{}{}:
		return true
	default: // to wait may be too late already, when the machine is slow
	}
	timer := time.NewTimer(time.Until(g.untilOf(ctx)))
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func (g gate) leave() { <-g.places }

type untilKey struct{}

// untilOf is how long an operation may wait for its place: a request has waited for its token already.
func (g gate) untilOf(ctx context.Context) time.Time {
	if until, ok := ctx.Value(untilKey{}).(time.Time); ok {
		return until
	}
	return time.Now().Add(g.wait)
}

func (r *Resolver) waitAtMost() time.Duration { return cmp.Or(r.WaitAtMost, waitAtMost) }

// authenticate tells who a token speaks for, or soon that it can't be told now.
func (r *Resolver) authenticate(ctx context.Context, bearer string) (switchboard.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, r.waitAtMost())
	defer cancel()
	return r.Desk.Authenticate(ctx, bearer)
}
