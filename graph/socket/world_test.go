package socket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/maskline/maskline/graph/socket"
)

// patience is how long a test waits for what must happen; it is never waited out when all is well.
const patience = time.Minute

// A small schema that executes as generated code does. A result is a piece of JSON.
var document = gqlparser.MustLoadSchema(&ast.Source{Input: `
	type Query { hello: String!  echo(n: Int): String  fails: String  panics: String  slow: String  odd: String  big(size: Int!): String }
	type Mutation { set(n: Int!): Int! }
	type Subscription { forever: String!  count(to: Int!): Int!  fed: String!  fails: String!  panics: String!  flood: String! }`})

type (
	query        func(ctx context.Context, args map[string]any) (string, error)
	subscription func(ctx context.Context, args map[string]any) (<-chan string, error)
)

type schema struct {
	queries       map[string]query
	subscriptions map[string]subscription
	flooded       atomic.Int64 // events of "flood" taken
}

func newSchema() *schema {
	s := &schema{
		queries: map[string]query{
			"hello": func(context.Context, map[string]any) (string, error) { return `"world"`, nil },
			"echo": func(_ context.Context, args map[string]any) (string, error) {
				return fmt.Sprintf(`"%v"`, args["n"]), nil
			},
			"fails":  func(context.Context, map[string]any) (string, error) { return `null`, errors.New("no luck") },
			"panics": func(context.Context, map[string]any) (string, error) { panic("at the disco") },
			"odd":    func(context.Context, map[string]any) (string, error) { return `not JSON`, nil },
			"slow": func(ctx context.Context, _ map[string]any) (string, error) {
				<-ctx.Done()
				return `"late"`, nil
			},
			"big": func(_ context.Context, args map[string]any) (string, error) {
				return `"` + strings.Repeat("x", int(args["size"].(int64))) + `"`, nil
			},
			"set": func(_ context.Context, args map[string]any) (string, error) { return fmt.Sprint(args["n"]), nil },
		},
		subscriptions: map[string]subscription{
			"forever": func(ctx context.Context, _ map[string]any) (<-chan string, error) { return untilOver(ctx), nil },
			"count": func(_ context.Context, args map[string]any) (<-chan string, error) {
				numbers := make(chan string, args["to"].(int64))
				defer close(numbers)
				for i := range args["to"].(int64) {
					numbers <- fmt.Sprint(i + 1)
				}
				return numbers, nil
			},
			"fails":  func(context.Context, map[string]any) (<-chan string, error) { return nil, errors.New("no luck") },
			"panics": func(context.Context, map[string]any) (<-chan string, error) { panic("at the disco") },
		},
	}
	s.subscriptions["flood"] = s.flood
	return s
}

func (s *schema) flood(ctx context.Context, _ map[string]any) (<-chan string, error) {
	flood := make(chan string)
	drop := `"` + strings.Repeat("x", 1000) + `"`
	go func() {
		defer close(flood)
		for {
			select {
			case flood <- drop:
				s.flooded.Add(1)
			case <-ctx.Done():
				return
			}
		}
	}()
	return flood, nil
}

// untilOver is a channel that closes when ctx ends, as those of careful resolvers do: what a transport may take for a natural end.
func untilOver(ctx context.Context) <-chan string {
	events := make(chan string)
	context.AfterFunc(ctx, func() { close(events) })
	return events
}

func (s *schema) Schema() *ast.Schema { return document }

func (s *schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	field := op.Operation.SelectionSet[0].(*ast.Field)
	args := field.ArgumentMap(op.Variables)
	if op.Operation.Operation != ast.Subscription {
		done := false
		return func(ctx context.Context) *graphql.Response {
			if done {
				return nil
			}
			done = true
			value, err := s.queries[field.Name](ctx, args)
			graphql.AddError(ctx, err)
			return &graphql.Response{Data: fmt.Appendf(nil, `{"%s":%s}`, field.Alias, value)}
		}
	}
	events, err := s.subscriptions[field.Name](ctx, args)
	if err != nil {
		graphql.AddError(ctx, err)
		return nil
	}
	var buf bytes.Buffer // used again for each event, as in generated code
	return func(ctx context.Context) *graphql.Response {
		select {
		case value, ok := <-events:
			if !ok {
				return nil
			}
			buf.Reset()
			fmt.Fprintf(&buf, `{"%s":%s}`, field.Alias, value)
			return &graphql.Response{Data: buf.Bytes()}
		case <-ctx.Done():
			return nil
		}
	}
}

// anybody lets everybody in whose token is not "bad".
func anybody(ctx context.Context, authorization string) (context.Context, error) {
	if authorization == "Bearer bad" {
		return nil, errors.New("no such token")
	}
	return ctx, nil
}

// server is a transport behind a real HTTP server.
type server struct {
	*socket.Transport
	gql *handler.Server
	url string
}

func serve(t *testing.T, s *schema, c socket.Config, wrap ...func(http.Handler) http.Handler) *server {
	t.Helper()
	srv := newServer(t, s, c)
	var h http.Handler = srv
	for _, w := range wrap {
		h = w(h)
	}
	web := httptest.NewServer(h)
	srv.url = web.URL
	t.Cleanup(web.Close)
	t.Cleanup(func() { srv.drain(t) })
	return srv
}

// drain closes all that a test has left open.
func (s *server) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Drain(ctx, 0); err != nil {
		t.Errorf("drain: %v", err)
	}
}

func newServer(t *testing.T, s *schema, c socket.Config) *server {
	t.Helper()
	if c.Init == nil {
		c.Init = anybody
	}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := &server{Transport: socket.New(c), gql: handler.New(s)}
	srv.gql.AddTransport(srv.Transport)
	srv.gql.SetRecoverFunc(func(_ context.Context, r any) error { return fmt.Errorf("recovered: %v", r) })
	return srv
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.gql.ServeHTTP(w, r) }

// left waits till all connections were served to their end.
func (s *server) left(t *testing.T) {
	t.Helper()
	gone := make(chan struct{})
	go func() {
		s.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatalf("%d connections are still served", s.Connections())
	}
}

const protocol = "graphql-transport-ws"

// client is one end of a connection that says what it is told to.
type client struct {
	t  *testing.T
	ws *websocket.Conn
}

func (s *server) dial(t *testing.T, o *websocket.DialOptions) *client {
	t.Helper()
	if o == nil {
		o = &websocket.DialOptions{Subprotocols: []string{protocol}}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, s.url, o)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	ws.SetReadLimit(-1)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{t: t, ws: ws}
}

// connect dials and initialises.
func (s *server) connect(t *testing.T) *client {
	t.Helper()
	c := s.dial(t, nil)
	c.send(`{"type":"connection_init"}`)
	c.want(`{"type":"connection_ack"}`)
	return c
}

func (c *client) send(frames ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, f := range frames {
		kind := websocket.MessageText
		if strings.HasPrefix(f, "binary:") {
			kind = websocket.MessageBinary
		}
		if err := c.ws.Write(ctx, kind, []byte(f)); err != nil {
			c.t.Fatalf("send %.100s: %v", f, err)
		}
	}
}

// next is the next frame that is not the server's ping.
func (c *client) next() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, data, err := c.ws.Read(ctx)
		if err != nil || string(data) != `{"type":"ping"}` {
			return string(data), err
		}
	}
}

// want reads these frames, and nothing else between them.
func (c *client) want(frames ...string) {
	c.t.Helper()
	for _, want := range frames {
		got, err := c.next()
		if err != nil {
			c.t.Fatalf("got %v, want %s", err, want)
		}
		if !reflect.DeepEqual(decode(c.t, got), decode(c.t, want)) {
			c.t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// wantClose expects the connection to be closed next.
func (c *client) wantClose(code int) {
	c.t.Helper()
	got, err := c.next()
	if err == nil {
		c.t.Fatalf("got %s, want close %d", got, code)
	}
	if status := int(websocket.CloseStatus(err)); status != code {
		c.t.Fatalf("got %v, want close %d", err, code)
	}
}

// quiet shows by a ping that nothing else is on its way.
func (c *client) quiet() {
	c.t.Helper()
	c.send(`{"type":"ping","payload":{"quiet":true}}`)
	c.want(`{"type":"pong","payload":{"quiet":true}}`)
}

func decode(t *testing.T, frame string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(frame), &v); err != nil {
		t.Fatalf("%s: %v", frame, err)
	}
	return v
}

func subscribe(id, query string) string {
	return fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":%q}}`, id, query)
}

func next(id, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":"next","payload":{"data":%s}}`, id, data)
}

func complete(id string) string { return fmt.Sprintf(`{"id":%q,"type":"complete"}`, id) }
