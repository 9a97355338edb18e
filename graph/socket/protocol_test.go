package socket_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maskline/maskline/graph/socket"
)

const (
	initialise = `{"type":"connection_init"}`
	ack        = `{"type":"connection_ack"}`
)

// Each case is a conversation: what the client says, marked >, what it must hear, marked <, and at last the code it is closed with.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	table := []struct {
		name string
		say  []string
		code int
	}{
		{"not JSON first", []string{`> nonsense`}, 4400},
		{"not JSON after the acknowledgement", ready(`> nonsense`), 4400},
		{"nothing", ready(`> `), 4400},
		{"two values", ready(`> {"type":"ping"}{"type":"ping"}`), 4400},
		{"not UTF-8", ready("> {\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}"), 4400},
		{"an array", ready(`> [{"type":"ping"}]`), 4400},
		{"a string", ready(`> "ping"`), 4400},
		{"null", ready(`> null`), 4400},
		{"no type", ready(`> {"id":"1"}`), 4400},
		{"a type that is no string", ready(`> {"type":1}`), 4400},
		{"a type in another case", ready(`> {"type":"Ping"}`), 4400},
		{"the name of the type in another case", ready(`> {"Type":"ping"}`), 4400},
		{"unknown type", ready(`> {"type":"start","id":"1"}`), 4400},
		{"the server's connection_ack", ready(`> {"type":"connection_ack"}`), 4400},
		{"the server's next", ready(`> {"type":"next","id":"1","payload":{}}`), 4400},
		{"the server's error", ready(`> {"type":"error","id":"1","payload":[]}`), 4400},
		{"binary", ready(`> binary: {"type":"ping"}`), 4400},
		{"binary first", []string{`> binary: {"type":"connection_init"}`}, 4400},

		{"init payload a string", []string{`> {"type":"connection_init","payload":"x"}`}, 4400},
		{"init payload an array", []string{`> {"type":"connection_init","payload":[]}`}, 4400},
		{"init payload a number", []string{`> {"type":"connection_init","payload":0}`}, 4400},
		{"init payload false", []string{`> {"type":"connection_init","payload":false}`}, 4400},
		{"ping payload a string", ready(`> {"type":"ping","payload":"x"}`), 4400},
		{"pong payload an array", ready(`> {"type":"pong","payload":[1]}`), 4400},

		{"subscribe without id", ready(`> {"type":"subscribe","payload":{"query":"{ hello }"}}`), 4400},
		{"subscribe with an empty id", ready(`> {"type":"subscribe","id":"","payload":{"query":"{ hello }"}}`), 4400},
		{"subscribe with a number for id", ready(`> {"type":"subscribe","id":1,"payload":{"query":"{ hello }"}}`), 4400},
		{"subscribe without payload", ready(`> {"type":"subscribe","id":"1"}`), 4400},
		{"subscribe with null", ready(`> {"type":"subscribe","id":"1","payload":null}`), 4400},
		{"subscribe with a string", ready(`> {"type":"subscribe","id":"1","payload":"{ hello }"}`), 4400},
		{"subscribe with an array", ready(`> {"type":"subscribe","id":"1","payload":[]}`), 4400},
		{"subscribe without query", ready(`> {"type":"subscribe","id":"1","payload":{}}`), 4400},
		{"query a number", ready(`> {"type":"subscribe","id":"1","payload":{"query":1}}`), 4400},
		{"query null", ready(`> {"type":"subscribe","id":"1","payload":{"query":null}}`), 4400},
		{"operationName a number", ready(`> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","operationName":1}}`), 4400},
		{"variables an array", ready(`> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","variables":[]}}`), 4400},
		{"extensions a string", ready(`> {"type":"subscribe","id":"1","payload":{"query":"{ hello }","extensions":"x"}}`), 4400},
		{"complete without id", ready(`> {"type":"complete"}`), 4400},
		{"complete with an empty id", ready(`> {"type":"complete","id":""}`), 4400},

		{"subscribe before init", []string{`> ` + subscribe("1", "{ hello }")}, 4401},
		{"subscribe while init is being looked at", []string{`> {"type":"connection_init","payload":{"authorization":"slow"}}`, `> ` + subscribe("1", "{ hello }")}, 4401},
		{"init refused", []string{`> {"type":"connection_init","payload":{"authorization":"Bearer bad"}}`}, 4403},
		{"second init", ready(`> ` + initialise), 4429},
		{"second init while the first is being looked at", []string{`> {"type":"connection_init","payload":{"authorization":"slow"}}`, `> ` + initialise}, 4429},
		{"id of an active subscription", ready(`> `+subscribe("1", "subscription { forever }"), `> `+subscribe("1", "{ hello }")), 4409},
		{"id of an active query", ready(`> `+subscribe("1", "{ slow }"), `> `+subscribe("1", "{ hello }")), 4409},
		{"id of an active subscription, very long", ready(`> `+subscribe(strings.Repeat("ü", 500), "subscription { forever }"), `> `+subscribe(strings.Repeat("ü", 500), "{ hello }")), 4409},
		{"message over the limit", ready(`> {"type":"ping","payload":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`), 1009},
		{"message over the limit first", []string{`> {"type":"ping","payload":{"x":"` + strings.Repeat("x", 1<<20) + `"}}`}, 1009},
		{"init that cannot be checked", []string{`> {"type":"connection_init","payload":{"authorization":"no database"}}`}, 1013},
		{"init that panics", []string{`> {"type":"connection_init","payload":{"authorization":"panic"}}`}, 4500},
	}
	codes := map[int]int{}
	for _, tt := range table {
		codes[tt.code]++
	}
	t.Logf("%d conversations end with these codes: %v", len(table), codes)
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newSchema(), socket.Config{Init: func(ctx context.Context, authorization string) (context.Context, error) {
				switch authorization {
				case "slow":
					<-ctx.Done()
				case "no database":
					return nil, fmt.Errorf("%w: pq: secret", socket.ErrUnavailable)
				case "panic":
					panic("at the disco")
				}
				return anybody(ctx, authorization)
			}})
			c := s.dial(t, nil)
			c.play(tt.say...)
			c.wantClose(tt.code)
			s.left(t)
			if n := s.Connections(); n != 0 {
				t.Errorf("%d connections are left", n)
			}
		})
	}
}

func ready(say ...string) []string { return append([]string{`> ` + initialise, `< ` + ack}, say...) }

func (c *client) play(lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		if frame, ok := strings.CutPrefix(line, "> "); ok {
			c.send(frame)
		} else {
			c.want(strings.TrimPrefix(line, "< "))
		}
	}
}

func TestSubprotocol(t *testing.T) {
	t.Parallel()
	s := serve(t, newSchema(), socket.Config{})
	for _, tt := range []struct {
		name    string
		offered []string
		taken   string
		code    int
	}{
		{"none", nil, "", 4406},
		{"legacy", []string{"graphql-ws"}, "graphql-ws", 4406},
		{"another", []string{"mqtt"}, "mqtt", 4406},
		{"in another case", []string{"GraphQL-Transport-WS"}, "GraphQL-Transport-WS", 4406},
		{"legacy preferred", []string{"graphql-ws", protocol}, protocol, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := s.dial(t, &websocket.DialOptions{Subprotocols: tt.offered})
			if got := c.ws.Subprotocol(); got != tt.taken {
				t.Errorf("subprotocol %q, want %q", got, tt.taken)
			}
			if tt.code != 0 {
				c.wantClose(tt.code)
				return
			}
			c.play(ready()...)
		})
	}
}

func TestConversations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		say  []string
	}{
		{"ping before init", []string{`> {"type":"ping"}`, `< {"type":"pong"}`}},
		{"ping with a payload before init", []string{`> {"type":"ping","payload":{"a":[1,"<&>"]}}`, `< {"type":"pong","payload":{"a":[1,"<&>"]}}`}},
		{"ping with null", ready(`> {"type":"ping","payload":null}`, `< {"type":"pong"}`)},
		{"pong unasked", ready(`> {"type":"pong"}`, `> {"type":"pong","payload":{"a":1}}`)},
		{"pong before init", []string{`> {"type":"pong"}`}},
		{"init with a payload", []string{`> {"type":"connection_init","payload":{"authorization":"Bearer good","x":[]}}`, `< ` + ack}},
		{"init with null", []string{`> {"type":"connection_init","payload":null}`, `< ` + ack}},
		{"complete before init", []string{`> ` + complete("1")}},
		{"complete of an unknown id", ready(`> ` + complete("1"))},
		{"a message of just the limit", ready(`> {"type":"pong","payload":{"x":"` + strings.Repeat("x", 64<<10-35) + `"}}`)},

		{"query", ready(`> `+subscribe("1", "{ hello }"), `< `+next("1", `{"hello":"world"}`), `< `+complete("1"))},
		{"the same id again", ready(
			`> `+subscribe("1", "{ hello }"), `< `+next("1", `{"hello":"world"}`), `< `+complete("1"),
			`> `+subscribe("1", "{ hello }"), `< `+next("1", `{"hello":"world"}`), `< `+complete("1"))},
		{"query with all there is", ready(
			`> {"id":"1","type":"subscribe","payload":{"query":"query A { hello } query B($n: Int) { echo(n: $n) }","operationName":"B","variables":{"n":9007199254740993},"extensions":{"a":1}}}`,
			`< `+next("1", `{"echo":"9007199254740993"}`), `< `+complete("1"))},
		{"query with nulls", ready(`> {"id":"1","type":"subscribe","payload":{"query":"{ hello }","operationName":null,"variables":null,"extensions":null}}`,
			`< `+next("1", `{"hello":"world"}`), `< `+complete("1"))},
		{"mutation", ready(`> `+subscribe("1", "mutation { set(n: 3) }"), `< `+next("1", `{"set":3}`), `< `+complete("1"))},
		{"a field's error", ready(`> `+subscribe("1", "{ fails }"),
			`< {"id":"1","type":"next","payload":{"data":{"fails":null},"errors":[{"message":"no luck"}]}}`, `< `+complete("1"))},

		{"parse error", ready(`> `+subscribe("1", "{"),
			`< {"id":"1","type":"error","payload":[{"message":"Expected Name, found <EOF>","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`)},
		{"empty query", ready(`> `+subscribe("1", ""),
			`< {"id":"1","type":"error","payload":[{"message":"no operation provided","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)},
		{"validation errors", ready(`> `+subscribe("1", "{ a b }"),
			`< {"id":"1","type":"error","payload":[
				{"message":"Cannot query field \"a\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}},
				{"message":"Cannot query field \"b\" on type \"Query\".","locations":[{"line":1,"column":5}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)},
		{"variable of the wrong type", ready(
			`> {"id":"1","type":"subscribe","payload":{"query":"query($n: Int!) { echo(n: $n) }","variables":{"n":"x"}}}`,
			`< {"id":"1","type":"error","payload":[{"message":"cannot use string as Int","path":["variable","n"],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)},
		{"a limit", ready(`> `+subscribe("1", "query Refused { hello }"),
			`< {"id":"1","type":"error","payload":[{"message":"too much","extensions":{"code":"TOO_COMPLEX"}}]}`)},
		{"an interceptor's refusal", ready(`> `+subscribe("1", "query Limited { hello }"), `< {"id":"1","type":"error","payload":[{"message":"slow down"}]}`)},
		{"an interceptor's refusal for ever", ready(`> `+subscribe("1", "query LimitedForEver { hello }"), `< {"id":"1","type":"error","payload":[{"message":"slow down"}]}`)},
		{"an interceptor's timeout", ready(`> `+subscribe("1", "subscription Short { forever }"),
			`< {"id":"1","type":"error","payload":[{"message":"The operation was cut short.","extensions":{"code":"UNAVAILABLE"}}]}`)},
		{"an id after an error", ready(`> `+subscribe("1", "{ a }"),
			`< {"id":"1","type":"error","payload":[{"message":"Cannot query field \"a\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
			`> `+subscribe("1", "{ hello }"), `< `+next("1", `{"hello":"world"}`), `< `+complete("1"))},

		{"a panic", ready(`> `+subscribe("1", "{ panics }"),
			`< {"id":"1","type":"error","payload":[{"message":"recovered: at the disco","extensions":{"code":"INTERNAL"}}]}`,
			`> `+subscribe("1", "{ hello }"), `< `+next("1", `{"hello":"world"}`), `< `+complete("1"))},
		{"a panic in a subscription", ready(`> `+subscribe("1", "subscription { panics }"),
			`< {"id":"1","type":"error","payload":[{"message":"recovered: at the disco","extensions":{"code":"INTERNAL"}}]}`)},
		{"a panic in an interceptor", ready(`> `+subscribe("1", "query Panic { hello }"),
			`< {"id":"1","type":"error","payload":[{"message":"recovered: at the disco","extensions":{"code":"INTERNAL"}}]}`)},
		{"a panic while the operation is looked at", ready(`> `+subscribe("1", "query PanicEarly { hello }"),
			`< {"id":"1","type":"error","payload":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}`)},
		{"a panic in the presenter, too", ready(`> `+subscribe("1", "query PanicTwice { panics }"),
			`< {"id":"1","type":"error","payload":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}`)},
		{"a result that is not JSON", ready(`> `+subscribe("1", "{ odd }"),
			`< {"id":"1","type":"error","payload":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}`)},

		{"subscription to its end", ready(`> `+subscribe("1", "subscription { count(to: 3) }"),
			`< `+next("1", `{"count":1}`), `< `+next("1", `{"count":2}`), `< `+next("1", `{"count":3}`), `< `+complete("1"))},
		{"subscription that fails", ready(`> `+subscribe("1", "subscription { fails }"), `< {"id":"1","type":"error","payload":[{"message":"no luck"}]}`)},
		{"complete by the client", ready(`> `+subscribe("1", "subscription { forever }"), `> `+complete("1"),
			`> `+subscribe("1", "{ hello }"), `< `+next("1", `{"hello":"world"}`), `< `+complete("1"))},
		{"complete by the client before a query's result", ready(`> `+subscribe("1", "{ slow }"), `> `+complete("1"))},
		{"complete twice", ready(`> `+subscribe("1", "subscription { forever }"), `> `+complete("1"), `> `+complete("1"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newSchema(), socket.Config{})
			s.gql.Use(limits{})
			s.gql.AroundOperations(interceptors)
			s.gql.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
				if graphql.HasOperationContext(ctx) {
					if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Name == "PanicTwice" {
						panic("again")
					}
				}
				return graphql.DefaultErrorPresenter(ctx, err)
			})
			c := s.dial(t, nil)
			c.play(tt.say...)
			c.quiet()
		})
	}
}

// limits refuses by the name of the operation.
type limits struct{}

func (limits) ExtensionName() string                   { return "Limits" }
func (limits) Validate(graphql.ExecutableSchema) error { return nil }

func (limits) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	switch op.Operation.Name {
	case "Refused":
		return &gqlerror.Error{Message: "too much", Extensions: map[string]any{"code": "TOO_COMPLEX"}}
	case "PanicEarly":
		panic("at the disco")
	}
	return nil
}

func interceptors(ctx context.Context, proceed graphql.OperationHandler) graphql.ResponseHandler {
	refusal := graphql.ErrorResponse(ctx, "slow down")
	switch graphql.GetOperationContext(ctx).Operation.Name {
	case "Limited":
		return graphql.OneShot(refusal)
	case "LimitedForEver":
		return func(context.Context) *graphql.Response { return refusal }
	case "Panic":
		panic("at the disco")
	case "Short":
		short, cancel := context.WithTimeout(ctx, 1)
		defer cancel()
		return proceed(short)
	}
	return proceed(ctx)
}
