package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/graph/generated"
	"github.com/maskline/maskline/graph/socket"
	"github.com/maskline/maskline/internal/peers"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

const maxTokens = 2000

// Server answers GraphQL over HTTP, as event streams and over WebSocket.
type Server struct {
	http.Handler
	Sockets *socket.Transport
	Streams *Streams
}

// NewServer serves what r resolves to clients whose browsers come from one of the origins, or from our own.
func NewServer(r *Resolver, o Origins) *Server {
	seats, subscriptions := newSeats(cmp.Or(r.SeatsOfOne, seatsOfOne)), newSeats(cmp.Or(r.SubscriptionsOfOne, subscriptionsOfOne))
	if r.appeared == nil {
		r.appeared, r.changed = newShared[[]*ent.VoicemailEdge](r), newShared[changes](r)
	}
	sessions := newSessions(r)
	sockets := socket.New(socket.Config{Init: seats.seated(sessions.signIn), Origins: o.allow, Peer: peerOf, Panicked: r.Desk.Metrics.Panicked, Log: r.Log})
	streams := newStreams(r, sessions, seats, subscriptions)
	schema := served()
	gql := handler.New(generated.NewExecutableSchema(generated.Config{Schema: schema, Resolvers: r}))
	entrance := &front{r, schema, newQueries(), newGate(r), limits{r.OnlyWarn, r.Log, r.Now, &budgets{of: map[string]budget{}}}}
	for _, t := range []graphql.Transport{sockets, streams, overHTTP{r}} {
		gql.AddTransport(entrance.before(t))
	}
	gql.SetQueryCache(handed{})
	gql.AroundResponses(remembering)
	gql.SetErrorPresenter(present(r.Log))
	gql.SetRecoverFunc(func(_ context.Context, p any) error { return r.panicked(p) })
	gql.Use(extension.Introspection{})
	gql.Use(subscribed{subscriptions, present(r.Log)})
	gql.Use(entrance.gate)
	gql.Use(sights{r.Desk})
	gql.Use(entrance.limits)
	return &Server{Sockets: sockets, Streams: streams, Handler: o.cors(shareGraphQL, methods(r.onceReady(r.signedIn(sockets, gql))))}
}

// Drain ends all sockets and streams, evenly over the time spread, such that their clients come back elsewhere; it takes no new ones.
func (s *Server) Drain(ctx context.Context, spread time.Duration) error {
	streams := make(chan error, 1)
	go func() { streams <- s.Streams.Drain(ctx, spread) }()
	return errors.Join(s.Sockets.Drain(ctx, spread), <-streams)
}

// served is the schema without the directives that are meant for our generators, and without defer: we answer all at once.
func served() *ast.Schema {
	s := *generated.NewExecutableSchema(generated.Config{}).Schema()
	s.Directives = maps.Clone(s.Directives)
	maps.DeleteFunc(s.Directives, func(name string, _ *ast.DirectiveDefinition) bool {
		return slices.Contains([]string{"goField", "goModel", "defer"}, name)
	})
	return &s
}

type identityKey struct{}

// as puts who asks into the context.
func as(ctx context.Context, id switchboard.Identity) context.Context {
	return context.WithValue(viewer.With(ctx, id.Viewer), identityKey{}, id)
}

func identity(ctx context.Context) switchboard.Identity {
	id, _ := ctx.Value(identityKey{}).(switchboard.Identity)
	return id
}

// signIn names the viewer of a socket, until its token is over.
func (s *sessions) signIn(ctx context.Context, authorization string) (context.Context, error) {
	id, err := s.r.authenticate(ctx, bearerOf(authorization))
	if code := phone.CodeOf(err); switchboard.Away(err) || code == phone.Unavailable || code == phone.RateLimited {
		return nil, fmt.Errorf("%w: %w", socket.ErrUnavailable, err)
	}
	if err != nil {
		return nil, err
	}
	ctx, _ = s.lasting(as(ctx, id), id) // it ends with the socket
	return ctx, nil
}

// peerOf names who sent a request, unless no limit of one peer applies.
func peerOf(r *http.Request) string {
	if p := peers.From(r.Context()); p.Limited {
		return p.String()
	}
	return ""
}

var errNotReady = &phone.Error{Code: phone.Unavailable, Message: "The database is away. Please try again soon.", RetryAfter: 5 * time.Second}

// onceReady turns everybody away until there is a database to ask.
func (r *Resolver) onceReady(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.Ready != nil && !r.Ready() {
			r.turnAway(w, req, errNotReady)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// signedIn lets through requests with a valid token; sockets bring theirs in their first message.
func (r *Resolver) signedIn(sockets *socket.Transport, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if sockets.Supports(req) {
			next.ServeHTTP(w, req)
			return
		}
		ctx := context.WithValue(req.Context(), untilKey{}, time.Now().Add(r.waitAtMost()))
		id, err := r.authenticate(ctx, bearer(req))
		if err != nil {
			r.turnAway(w, req, err)
			return
		}
		next.ServeHTTP(w, req.WithContext(as(ctx, id)))
	})
}

// turnAway answers a request of which nothing was begun.
func (r *Resolver) turnAway(w http.ResponseWriter, req *http.Request, err error) {
	shown := present(r.Log)(req.Context(), err)
	writeError(w, req, statusOf(gqlerror.List{shown}, http.StatusInternalServerError), shown)
}

func bearer(r *http.Request) string { return bearerOf(r.Header.Get("Authorization")) }

func bearerOf(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
