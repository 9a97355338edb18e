package socket_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maskline/maskline/graph/socket"
)

// feeds lets a test play the resolver of the subscription "fed": each one started is handed to it.
type feed struct {
	ctx    context.Context
	events chan string
}

func fed(s *schema) <-chan feed {
	feeds := make(chan feed, 200)
	s.subscriptions["fed"] = func(ctx context.Context, _ map[string]any) (<-chan string, error) {
		f := feed{ctx, make(chan string)}
		feeds <- f
		return f.events, nil
	}
	return feeds
}

func TestSubscriptionStory(t *testing.T) {
	t.Parallel()
	s := newSchema()
	feeds := fed(s)
	c := serve(t, s, socket.Config{}).connect(t)

	c.send(subscribe("a", "subscription { fed }"))
	a := <-feeds
	c.send(subscribe("b", "subscription { it: fed }"))
	b := <-feeds
	a.events <- `"one"`
	c.want(next("a", `{"fed":"one"}`))
	b.events <- `"two"`
	c.want(next("b", `{"it":"two"}`))
	c.send(subscribe("c", "{ hello }")) // a query in between
	c.want(next("c", `{"hello":"world"}`), complete("c"))

	c.send(complete("a"))
	<-a.ctx.Done()
	close(a.events) // by a careful resolver; the client must not hear of it
	c.quiet()

	c.send(subscribe("a", "subscription { fed }"))
	again := <-feeds
	again.events <- `"three"`
	c.want(next("a", `{"fed":"three"}`))

	close(b.events)
	c.want(complete("b"))
	c.quiet()
	if err := again.ctx.Err(); err != nil {
		t.Errorf("the end of one subscription ended another: %v", err)
	}
}

// An event that the resolver had sent before the client's complete was read is not delivered after it, not even to the id's next owner.
func TestNothingAfterComplete(t *testing.T) {
	t.Parallel()
	s := newSchema()
	c := serve(t, s, socket.Config{}).connect(t)
	for i := range 200 {
		mine := fmt.Sprintf(`{"count":%d}`, 1)
		c.send(subscribe("x", "subscription { flood }"), complete("x"), `{"type":"ping"}`, subscribe("x", "subscription { count(to: 1) }"))
		ponged := false
		for {
			got, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case got == `{"type":"pong"}`:
				ponged = true
				continue
			case !ponged && strings.Contains(got, "flood"): // before the server has read complete
				continue
			}
			if want := `{"id":"x","type":"next","payload":{"data":` + mine + `}}`; got != want {
				t.Fatalf("round %d: got %.100s, want %s", i, got, want)
			}
			break
		}
		c.want(complete("x"))
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	s := newSchema()
	feeds := fed(s)
	srv := serve(t, s, socket.Config{})
	cause := errors.New("pq: secret")
	srv.gql.SetErrorPresenter(func(_ context.Context, err error) *gqlerror.Error {
		if errors.Is(err, cause) {
			return gqlerror.Errorf("presented")
		}
		return gqlerror.Errorf("not presented: %v", err)
	})
	c := srv.connect(t)
	c.send(subscribe("1", "subscription { fed }"))
	f := <-feeds
	f.events <- `"one"`
	c.want(next("1", `{"fed":"one"}`))
	if !socket.Fail(f.ctx, fmt.Errorf("read on: %w", cause)) {
		t.Error("the subscription's context belongs to no operation")
	}
	close(f.events)
	c.want(`{"id":"1","type":"error","payload":[{"message":"presented"}]}`)
	c.quiet()
	if socket.Fail(context.Background(), cause) {
		t.Error("a context without a subscription took an error")
	}
}

func TestTooManyOperations(t *testing.T) {
	t.Parallel()
	s := newSchema()
	feeds := fed(s)
	srv := serve(t, s, socket.Config{})
	c := srv.connect(t)
	for i := range 50 {
		c.send(subscribe(fmt.Sprint(i), "subscription { fed }"))
		<-feeds
	}
	const refused = `{"id":"new","type":"error","payload":[{"message":"Too many operations are active on this connection.","extensions":{"code":"TOO_COMPLEX"}}]}`
	for range 1000 {
		c.send(subscribe("new", "subscription { fed }"))
		c.want(refused)
	}
	c.send(complete("7"), subscribe("new", "subscription { fed }"))
	f := <-feeds
	f.events <- `"room"`
	c.want(next("new", `{"fed":"room"}`))
	other := srv.connect(t) // the limit is a connection's
	other.send(subscribe("1", "{ hello }"))
	other.want(next("1", `{"hello":"world"}`), complete("1"))
}

// Resolvers that do not return when they are told to cannot pile up without end.
func TestTooManyStubbornResolvers(t *testing.T) {
	t.Parallel()
	started, stop := make(chan struct{}, 100), make(chan struct{})
	stubborn := newSchema()
	stubborn.queries["slow"] = func(context.Context, map[string]any) (string, error) {
		started <- struct{}{}
		<-stop
		return `"at last"`, nil
	}
	srv := serve(t, stubborn, socket.Config{MaxOperations: 5})
	t.Cleanup(func() { close(stop) })
	c := srv.connect(t)
	for range 10 {
		c.send(subscribe("1", "{ slow }"))
		<-started
		c.send(complete("1"))
	}
	c.send(subscribe("1", "{ slow }"))
	c.want(`{"id":"1","type":"error","payload":[{"message":"Too many operations are active on this connection.","extensions":{"code":"TOO_COMPLEX"}}]}`)
	if len(started) > 0 {
		t.Error("an eleventh resolver runs")
	}
}

// When a connection ends, by whatever, its operations' contexts do too, and no operation is told that it is complete.
func TestContextsEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(*testing.T, *server, *client)
	}{
		{"the peer closes", func(_ *testing.T, _ *server, c *client) { _ = c.ws.Close(1000, "") }},
		{"the peer is gone", func(_ *testing.T, _ *server, c *client) { _ = c.ws.CloseNow() }},
		{"the peer breaks the protocol", func(_ *testing.T, _ *server, c *client) { c.send("?"); c.wantClose(4400) }},
		{"a drain", func(t *testing.T, s *server, c *client) {
			go s.drain(t)
			c.wantClose(1012)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSchema()
			feeds := fed(s)
			srv := serve(t, s, socket.Config{})
			c := srv.connect(t)
			var all []feed
			for i := range 10 {
				c.send(subscribe(fmt.Sprint(i), "subscription { fed }"))
				f := <-feeds
				context.AfterFunc(f.ctx, func() { close(f.events) })
				all = append(all, f)
			}
			tt.end(t, srv, c)
			for _, f := range all {
				<-f.ctx.Done()
			}
			srv.left(t)
		})
	}
}

// Each operation sees the request's headers and what Init put into the context.
func TestOperationContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	s := newSchema()
	s.queries["hello"] = func(ctx context.Context, _ map[string]any) (string, error) {
		op := graphql.GetOperationContext(ctx)
		if op.Stats.Read.Start.IsZero() || op.Stats.Read.End.Before(op.Stats.Read.Start) || op.Stats.OperationStart.Before(op.Stats.Read.End) {
			t.Errorf("times %+v", op.Stats)
		}
		return fmt.Sprintf("%q", fmt.Sprint(ctx.Value(key{}), " ", op.Headers.Get("Sec-Websocket-Protocol"))), nil
	}
	for _, tt := range []struct{ name, payload, want string }{
		{"as in the contract", `{"authorization":"Bearer a"}`, "Bearer a"},
		{"in another case", `{"Authorization":"Bearer a"}`, "Bearer a"},
		{"exact before another case", `{"AUTHORIZATION":"Bearer b","authorization":"Bearer a","Authorization":"Bearer c"}`, "Bearer a"},
		{"the first in order", `{"Authorization":"Bearer b","AUTHORIZATION":"Bearer a"}`, "Bearer a"},
		{"no text", `{"authorization":{"Bearer":"a"}}`, ""},
		{"none", `{}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, s, socket.Config{Init: func(ctx context.Context, authorization string) (context.Context, error) {
				return context.WithValue(ctx, key{}, authorization), nil
			}})
			c := srv.dial(t, nil)
			c.send(`{"type":"connection_init","payload":` + tt.payload + `}`)
			c.want(ack)
			c.send(subscribe("1", "{ hello }"))
			c.want(next("1", fmt.Sprintf(`{"hello":%q}`, tt.want+" "+protocol)), complete("1"))
		})
	}
}
