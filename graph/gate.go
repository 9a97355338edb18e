package graph

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// waitAtMost is how long a client is kept waiting for a connection to the database before it is told to come back.
const waitAtMost = time.Second

// gate has as many places as the database has connections for reading. Who reads a document, a query or a mutation takes one, and at most
// half of them are one user's; the others wait, and not for long. Subscriptions that are open take none: they take little, and their clients
// would not come back.
type gate struct {
	places  chan struct{}
	shares  *shares
	wait    time.Duration
	present graphql.ErrorPresenterFunc
}

func newGate(r *Resolver) gate {
	return gate{make(chan struct{}, r.Room), newShares(r.Room / 2), r.waitAtMost(), present(r.Log)}
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
		leave, err := g.enter(ctx, identity(ctx).Viewer.ID)
		if err != nil {
			return &graphql.Response{Errors: gqlerror.List{g.present(ctx, err)}}
		}
		defer leave()
		return execute(ctx)
	}
}

var (
	errBusy    = &phone.Error{Code: phone.Unavailable, Message: "The service is busy. Please try again soon.", RetryAfter: 5 * time.Second}
	errTooMany = &phone.Error{Code: phone.RateLimited, Message: "You have as many operations at work as one user may. Please try again soon.", RetryAfter: time.Second}
)

// enter takes a place for a user, until leave is called. It waits for one of the user's own share first, so that who asks for much waits for
// oneself.
func (g gate) enter(ctx context.Context, user string) (leave func(), err error) {
	until := g.untilOf(ctx)
	own := g.shares.join(user)
	if !take(ctx, own.places, until) {
		g.shares.part(own)
		return nil, errTooMany
	}
	if !take(ctx, g.places, until) {
		<-own.places
		g.shares.part(own)
		return nil, errBusy
	}
	return func() {
		<-g.places
		<-own.places
		g.shares.part(own)
	}, nil
}

// take takes one of the places, or gives up at a time or when ctx ends.
func take(ctx context.Context, places chan<- struct{}, until time.Time) bool {
	select {
	case places <- struct{}{}:
		return true
	default: // to wait may be too late already, when the machine is slow
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// shares are the places of each user who has or wants one.
type shares struct {
	each int
	mu   sync.Mutex
	of   map[string]*share
}

type share struct {
	user   string
	places chan struct{}
	used   int // by so many, that wait or have a place
}

func newShares(each int) *shares { return &shares{each: max(each, 1), of: map[string]*share{}} }

func (s *shares) join(user string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.of[user]
	if own == nil {
		own = &share{user: user, places: make(chan struct{}, s.each)}
		s.of[user] = own
	}
	own.used++
	return own
}

func (s *shares) part(own *share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own.used--; own.used == 0 {
		delete(s.of, own.user)
	}
}

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
