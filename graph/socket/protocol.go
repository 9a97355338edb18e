package socket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

// closing is a close code and, in at most 123 bytes, the reason for it.
type closing struct {
	code   websocket.StatusCode
	reason string
}

var (
	later    = closing{websocket.StatusTryAgainLater, "Try again later"}
	restarts = closing{websocket.StatusServiceRestart, "Service restart"}
)

// phase is how far the initialisation of a connection has come.
type phase int

const (
	opened       phase = iota // waits for connection_init
	initialising              // Init runs
	ready                     // connection_ack was sent
	phases
)

// rule is what a message means in a phase.
type rule func(*conn, frame)

// rules has a row for each message that a client may send; any other is 4400. Columns: opened, initialising, ready. Further codes come
// from take (4400), start (4403, 1013), subscribe (4409), and conn.go: 4406, 4408, 1009, 1013, 4403 when a token is over, 4500.
var rules = map[string][phases]rule{
	"connection_init": {(*conn).initialise, tooMany, tooMany},
	"ping":            {(*conn).pong, (*conn).pong, (*conn).pong},
	"pong":            {ignore, ignore, ignore}, // it was heard
	"subscribe":       {unauthorized, unauthorized, (*conn).subscribe},
	"complete":        {ignore, ignore, (*conn).complete},
}

var (
	tooMany      = refusal(4429, "Too many initialisation requests")
	unauthorized = refusal(4401, "Unauthorized")
)

func refusal(code websocket.StatusCode, reason string) rule {
	return func(c *conn, _ frame) { c.end(closing{code, reason}) }
}

func ignore(*conn, frame) {}

// take does what a message of the client asks for.
func (c *conn) take(kind websocket.MessageType, data []byte) {
	if kind != websocket.MessageText {
		c.end(closing{4400, "Invalid message: binary"})
		return
	}
	received := graphql.Now()
	f, err := parse(data)
	if err != nil {
		c.end(closing{4400, "Invalid message: " + err.Error()})
		return
	}
	if f.params != nil {
		f.params.ReadTime = graphql.TraceTiming{Start: received, End: graphql.Now()}
		f.params.Headers = c.header
	}
	c.mu.Lock()
	now := c.phase
	c.mu.Unlock()
	rules[f.kind][now](c, f)
}

func (c *conn) in(p phase) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == p
}

func (c *conn) pong(f frame) {
	m := message{Type: "pong"}
	if f.payload != nil {
		m.Payload = f.payload
	}
	c.tell(m)
}

func (c *conn) initialise(f frame) {
	c.mu.Lock()
	c.phase = initialising
	c.mu.Unlock()
	c.transport.begun(c.stranger)
	c.spawn(func() { c.start(authorization(f.payload)) })
}

// start asks Init. Meanwhile the reader goes on.
func (c *conn) start(authorization string) {
	ctx, err := c.transport.cfg.Init(c.ctx, authorization)
	switch {
	case errors.Is(err, ErrUnavailable):
		c.end(later)
		return
	case err != nil || ctx.Err() != nil:
		c.end(closing{4403, "Forbidden"})
		return
	}
	context.AfterFunc(ctx, func() { c.end(over(ctx.Err())) })
	if !c.hold(c.ctx) { // first the turn: no result may come before the acknowledgement
		return
	}
	defer c.pass()
	c.mu.Lock()
	c.phase, c.base = ready, ctx
	c.mu.Unlock()
	c.write([]byte(`{"type":"connection_ack"}`))
}

// over is how to close a connection whose session has ended.
func over(why error) closing {
	if errors.Is(why, context.DeadlineExceeded) {
		return closing{4403, "Token expired"}
	}
	return closing{4403, "Token revoked"}
}

// message is what the server sends.
type message struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
}

// encode leaves out an error that is not JSON, which only a strange extension could cause.
func encode(m message) []byte {
	data, err := json.Marshal(m)
	if err != nil {
		m.Payload = gqlerror.List{problem("INTERNAL", "Internal error.")}
		data, _ = json.Marshal(m)
	}
	return data
}

// frame is a valid message of the client.
type frame struct {
	kind    string
	id      string
	payload json.RawMessage    // nil: absent or null
	params  *graphql.RawParams // of subscribe
}

// parse checks what can be told from a message alone. Names are compared exactly, where decoding into a struct would ignore case.
func parse(data []byte) (frame, error) {
	var all map[string]json.RawMessage
	if !utf8.Valid(data) || json.Unmarshal(data, &all) != nil || all == nil {
		return frame{}, errors.New("not a JSON object")
	}
	f := frame{payload: all["payload"]}
	if !text(all["type"], &f.kind) || rules[f.kind][opened] == nil {
		return frame{}, errors.New("unknown type")
	}
	if null(f.payload) {
		f.payload = nil
	}
	named := f.kind == "subscribe" || f.kind == "complete"
	if named && (!text(all["id"], &f.id) || f.id == "") {
		return frame{}, errors.New("no id")
	}
	switch f.kind {
	case "complete": // its payload is nobody's business
		return f, nil
	case "subscribe":
		var err error
		f.params, err = decodeParams(f.payload)
		return f, err
	}
	if f.payload != nil && f.payload[0] != '{' {
		return frame{}, errors.New("payload is not an object")
	}
	return f, nil
}

// decodeParams keeps numbers as they are written, as gqlgen wants them.
func decodeParams(payload json.RawMessage) (*graphql.RawParams, error) {
	var all map[string]json.RawMessage
	if payload == nil || json.Unmarshal(payload, &all) != nil {
		return nil, errors.New("payload is not an object")
	}
	p := &graphql.RawParams{}
	if !text(all["query"], &p.Query) {
		return nil, errors.New("query is not a string")
	}
	if raw := all["operationName"]; !null(raw) && !text(raw, &p.OperationName) {
		return nil, errors.New("operationName is not a string")
	}
	if !object(all["variables"], &p.Variables) {
		return nil, errors.New("variables is not an object")
	}
	if !object(all["extensions"], &p.Extensions) {
		return nil, errors.New("extensions is not an object")
	}
	return p, nil
}

func null(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// object decodes a JSON object, null or nothing.
func object(raw json.RawMessage, into *map[string]any) bool {
	if null(raw) {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into) == nil
}

// text decodes a JSON string, and nothing else.
func text(raw json.RawMessage, into *string) bool {
	return len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, into) == nil
}

// authorization finds the text of that name in the payload of connection_init: in this spelling, or else in the first of any other case.
func authorization(payload json.RawMessage) string {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(payload, &all) // parse has seen that it is an object, if any
	name := "authorization"
	if _, ok := all[name]; !ok {
		for _, other := range slices.Sorted(maps.Keys(all)) {
			if strings.EqualFold(other, name) {
				name = other
				break
			}
		}
	}
	var value string
	text(all[name], &value)
	return value
}

// duplicate is 4409. The id is the client's: it is cut to what a close frame holds.
func duplicate(id string) closing {
	const room = 80
	if len(id) > room {
		id = strings.ToValidUTF8(id[:room], "") + "…"
	}
	return closing{4409, fmt.Sprintf("Subscriber for %s already exists", id)}
}
