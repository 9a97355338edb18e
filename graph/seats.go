package graph

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/graph/socket"
	"github.com/maskline/maskline/phone"
)

// What one user may have open at one replica.
const (
	// seatsOfOne is how many sockets and streams: half of the sockets that there may be at all ([socket.Config.MaxConnections]), so that nobody
	// takes all. Whoever serves many people from behind one token needs that many.
	seatsOfOne = 5000

	// subscriptionsOfOne is how many subscriptions, over all of them.
	subscriptionsOfOne = 5000
)

// seats counts what each user has open.
type seats struct {
	each int
	mu   sync.Mutex
	of   map[string]int
}

var errNoSeat = &phone.Error{Code: phone.RateLimited, Message: "You have as many subscriptions open as anybody may. Please close some.", RetryAfter: 30 * time.Second}

func newSeats(each int) *seats { return &seats{each: each, of: map[string]int{}} }

// take counts one more, until leave is called; if that is too many it says so.
func (s *seats) take(user string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[user] >= s.each {
		return nil, errNoSeat
	}
	s.of[user]++
	return sync.OnceFunc(func() { s.leave(user) }), nil
}

func (s *seats) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[user]--; s.of[user] == 0 {
		delete(s.of, user)
	}
}

// admission says who connects on a socket; its context lasts as long as they may.
type admission func(ctx context.Context, authorization string) (context.Context, error)

// seated takes a seat for whoever signs in, until the socket is closed. Who finds none is to come back later.
func (s *seats) seated(signIn admission) admission {
	return func(ctx context.Context, authorization string) (context.Context, error) {
		ctx, err := signIn(ctx, authorization)
		if err != nil {
			return nil, err
		}
		leave, err := s.take(identity(ctx).Viewer.ID)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", socket.ErrUnavailable, err)
		}
		context.AfterFunc(ctx, leave)
		return ctx, nil
	}
}

// subscribed counts the subscriptions of each user, and refuses one more than anybody may have.
type subscribed struct {
	*seats
	present graphql.ErrorPresenterFunc
}

// ExtensionName is for gqlgen.
func (subscribed) ExtensionName() string { return "Subscriptions" }

// Validate is for gqlgen.
func (subscribed) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation takes a seat for a subscription until it is over. What is refused was not begun, so it has no data. A stream has taken its
// seat before, since it can't be refused once it is open.
func (s subscribed) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	streams := ctx.Value(streamKey{}) != nil
	if streams || graphql.GetOperationContext(ctx).Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	leave, err := s.take(identity(ctx).Viewer.ID)
	if err != nil {
		return func(ctx context.Context) *graphql.Response {
			return &graphql.Response{Errors: gqlerror.List{s.present(ctx, err)}}
		}
	}
	context.AfterFunc(ctx, leave)
	return next(ctx)
}
