package socket

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
)

// operation is one that the client subscribed to, a query and a mutation as well.
type operation struct {
	id     string
	ctx    context.Context // ends with the connection, and by the client's complete
	cancel context.CancelFunc

	mu     sync.Mutex
	failed []error // by Fail
}

type operationKey struct{}

// Fail lets the subscription that ctx belongs to end in `error` rather than in `complete` once its resolver closes its channel: for a
// resolver that finds out later that it cannot go on. The error passes through the server's error presenter. It returns false when ctx
// does not belong to an operation of this transport.
func Fail(ctx context.Context, err error) bool {
	o, ok := ctx.Value(operationKey{}).(*operation)
	if !ok || err == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = append(o.failed, err)
	return true
}

func (o *operation) failures() (list gqlerror.List) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, err := range o.failed {
		list = append(list, listed(err))
	}
	return list
}

// problem is an error that is made here rather than by the schema.
func problem(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

func (c *conn) subscribe(f frame) {
	most := c.transport.cfg.MaxOperations
	c.mu.Lock()
	_, taken := c.active[f.id]
	// Resolvers may take a while to return after the client's complete, but not for ever more of them.
	full := len(c.active) >= most || c.running >= 2*most
	var o *operation
	if !taken && !full {
		o = c.enter(f.id)
	}
	c.mu.Unlock()
	switch {
	case taken:
		c.end(duplicate(f.id))
	case full:
		refused := problem("TOO_COMPLEX", "Too many operations are active on this connection.")
		c.tell(message{ID: f.id, Type: "error", Payload: gqlerror.List{refused}})
	default:
		c.spawn(func() { c.run(o, f.params) })
	}
}

// enter makes an operation active. The caller holds mu.
func (c *conn) enter(id string) *operation {
	o := &operation{id: id}
	o.ctx, o.cancel = context.WithCancel(context.WithValue(c.base, operationKey{}, o))
	c.active[id] = o
	c.running++
	return o
}

// complete is the client's. Its id is free at once.
func (c *conn) complete(f frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.active[f.id]; o != nil {
		o.cancel()
		delete(c.active, f.id)
	}
}

// free gives up the id of an operation unless another has taken it up.
func (c *conn) free(o *operation) {
	if c.active[o.id] == o {
		delete(c.active, o.id)
	}
}

func (c *conn) run(o *operation, params *graphql.RawParams) {
	defer func() {
		o.cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.free(o)
		c.running--
	}()
	last := message{ID: o.id, Type: "complete"}
	if errs := c.execute(o, params); len(errs) > 0 {
		last.Type, last.Payload = "error", errs
	}
	data := encode(last)
	if !c.hold(o.ctx) {
		return
	}
	defer c.pass()
	c.mu.Lock()
	c.free(o) // before the client learns that it may use the id again
	c.mu.Unlock()
	c.write(data)
}

// begun is an operation that is executed.
type begun struct {
	ctx     context.Context
	op      *graphql.OperationContext
	respond graphql.ResponseHandler
	refused gqlerror.List // then there is nothing more
}

// begin parses an operation, checks it and starts it.
func (c *conn) begin(o *operation, params *graphql.RawParams) (b begun) {
	b.ctx = graphql.StartOperationTrace(o.ctx)
	defer func() {
		if r := recover(); r != nil {
			b.refused = c.panicked(b.ctx, b.op, r)
		}
	}()
	op, refused := c.exec.CreateOperationContext(b.ctx, params)
	b.op, b.ctx = op, graphql.WithOperationContext(b.ctx, op)
	if len(refused) > 0 {
		b.refused = c.present(b.ctx, refused)
		return b
	}
	b.respond, b.ctx = c.exec.DispatchOperation(b.ctx, op)
	return b
}

// execute runs an operation and sends its results. It returns the errors that it ends with, if it does. It begins on a goroutine that is gone
// afterwards, with the large stack that this takes: what waits for results, of a subscription maybe for days, has a small one.
func (c *conn) execute(o *operation, params *graphql.RawParams) (errs gqlerror.List) {
	beginning := make(chan begun)
	go func() { beginning <- c.begin(o, params) }()
	b := <-beginning
	if len(b.refused) > 0 {
		return b.refused
	}
	defer func() {
		if r := recover(); r != nil {
			errs = c.panicked(b.ctx, b.op, r)
		}
	}()
	for {
		r := b.respond(b.ctx)
		switch {
		case r == nil:
			return c.ended(b.ctx, o)
		case r.Data == nil && len(r.Errors) > 0: // refused by an interceptor, or by the subscription's resolver: nothing was executed
			return r.Errors
		}
		data, err := json.Marshal(message{ID: o.id, Type: "next", Payload: r})
		if err != nil {
			return c.unwritable(b.ctx, err)
		}
		if !c.next(o, data) {
			return nil
		}
		more := r.HasNext != nil && *r.HasNext
		if b.op.Operation.Operation != ast.Subscription && !more {
			return nil
		}
	}
}

func (c *conn) next(o *operation, data []byte) bool {
	if !c.hold(o.ctx) {
		return false
	}
	defer c.pass()
	c.write(data)
	return true
}

// ended is what a subscription ends with whose resolver has no more results. gqlgen says the same when the context is over, by an
// interceptor's timeout for one; that is no end that clients should take for one.
func (c *conn) ended(ctx context.Context, o *operation) gqlerror.List {
	if failures := o.failures(); len(failures) > 0 {
		return c.present(ctx, failures)
	}
	if ctx.Err() != nil {
		return gqlerror.List{problem("UNAVAILABLE", "The operation was cut short.")}
	}
	return nil
}

const maxErrors = 10 // in one message: a document may be wrong in a thousand places

// present passes errors through the server's error presenter.
func (c *conn) present(ctx context.Context, list gqlerror.List) gqlerror.List {
	list = list[:min(len(list), maxErrors)]
	if r := c.exec.DispatchError(ctx, list); r != nil && len(r.Errors) > 0 {
		return r.Errors
	}
	return list
}

// panicked makes an error of a panic, with the server's own hook for that, and is on its guard against the hook too.
func (c *conn) panicked(ctx context.Context, op *graphql.OperationContext, r any) (errs gqlerror.List) {
	c.transport.cfg.Log.Error("operation panicked", "panic", r, "stack", string(debug.Stack()))
	internal := problem("INTERNAL", "Internal error.")
	defer func() {
		if recover() != nil {
			errs = gqlerror.List{internal}
		}
	}()
	err := error(internal)
	if op != nil && op.RecoverFunc != nil {
		err = op.RecoverFunc(ctx, r)
	} else {
		c.transport.cfg.Panicked()
	}
	errs = c.present(ctx, gqlerror.List{listed(err)})
	for _, e := range errs {
		if e.Extensions["code"] == nil {
			errcode.Set(e, "INTERNAL")
		}
	}
	return errs
}

// unwritable is for a result that is not JSON.
func (c *conn) unwritable(ctx context.Context, err error) gqlerror.List {
	c.transport.cfg.Log.Error("result cannot be written", "error", err)
	return c.present(ctx, gqlerror.List{problem("INTERNAL", "Internal error.")})
}

// listed is err as gqlgen lists errors; presenters find the original in it.
func listed(err error) *gqlerror.Error {
	var known *gqlerror.Error
	if errors.As(err, &known) {
		return known
	}
	return &gqlerror.Error{Err: err, Message: err.Error()}
}
