package graph

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/graph/generated"
	"github.com/maskline/maskline/graph/socket"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

const (
	maxTokens     = 2000
	cachedQueries = 1000
)

// Server answers GraphQL over HTTP and WebSocket.
type Server struct {
	http.Handler
	Sockets *socket.Transport
}

// NewServer serves what r resolves to clients whose browsers come from one of the origins, or from our own.
func NewServer(r *Resolver, o Origins) *Server {
	sockets := socket.New(socket.Config{Init: r.signIn, Origins: o.allow, Log: r.Log})
	gql := handler.New(generated.NewExecutableSchema(generated.Config{Schema: served(), Resolvers: r}))
	gql.AddTransport(sockets)
	gql.AddTransport(overHTTP{})
	gql.SetParserTokenLimit(maxTokens)
	gql.SetQueryCache(lru.New[*ast.QueryDocument](cachedQueries))
	gql.SetErrorPresenter(present(r.Log))
	gql.SetRecoverFunc(recovered)
	gql.Use(extension.Introspection{})
	gql.Use(limits{r.OnlyWarn, r.Log})
	return &Server{Sockets: sockets, Handler: o.cors(methods(r.signedIn(sockets, gql)))}
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

// signIn names the viewer of a socket, and says when its token is over.
func (r *Resolver) signIn(ctx context.Context, authorization string) (context.Context, *socket.Session, error) {
	id, err := r.Desk.Authenticate(ctx, bearerOf(authorization))
	if switchboard.Away(err) {
		return nil, nil, fmt.Errorf("%w: %w", socket.ErrUnavailable, err)
	}
	if err != nil {
		return nil, nil, err
	}
	ctx = viewer.With(ctx, id.Viewer)
	s := &socket.Session{Revoked: r.revoked(ctx, id.TokenID)}
	if id.Expires != nil {
		s.Expires = *id.Expires
	}
	return ctx, s, nil
}

// signedIn lets through requests with a valid token; sockets bring theirs in their first message.
func (r *Resolver) signedIn(sockets *socket.Transport, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if sockets.Supports(req) {
			next.ServeHTTP(w, req)
			return
		}
		id, err := r.Desk.Authenticate(req.Context(), bearer(req))
		if err != nil {
			r.unauthorized(w, req, err)
			return
		}
		next.ServeHTTP(w, req.WithContext(viewer.With(req.Context(), id.Viewer)))
	})
}

func (r *Resolver) unauthorized(w http.ResponseWriter, req *http.Request, err error) {
	shown := present(r.Log)(req.Context(), err)
	switch shown.Extensions["code"] {
	case phone.Unauthenticated:
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeError(w, req, http.StatusUnauthorized, shown)
	case phone.Unavailable:
		w.Header().Set("Retry-After", "5")
		writeError(w, req, http.StatusServiceUnavailable, shown)
	default:
		writeError(w, req, http.StatusInternalServerError, shown)
	}
}

func bearer(r *http.Request) string { return bearerOf(r.Header.Get("Authorization")) }

func bearerOf(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
