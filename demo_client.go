package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// answerWithin is how long anything in the demo may take to answer.
const answerWithin = 15 * time.Second

// proxy stands between everybody and the service, as the one in front of PUBLIC_URL would: whatever is meant for that address goes to the
// listener, without the address's path. Nothing else goes anywhere, so the demo contacts no other host.
type proxy struct {
	public    *url.URL
	listener  string
	transport *http.Transport
}

// newProxy is a client that reaches public at the listener.
func newProxy(public, listener string) (*http.Client, error) {
	u, err := url.Parse(public)
	if err != nil {
		return nil, fmt.Errorf("PUBLIC_URL: %w", err)
	}
	p := &proxy{u, listener, &http.Transport{ResponseHeaderTimeout: answerWithin}}
	return &http.Client{Timeout: answerWithin, Transport: p}, nil
}

// RoundTrip sends the request on. The host stays that of PUBLIC_URL, for the service to see what it would see in life.
func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	path, inside := strings.CutPrefix(r.URL.EscapedPath(), p.public.EscapedPath())
	if r.URL.Scheme != p.public.Scheme || r.URL.Host != p.public.Host || !inside || !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("the demo asks nobody but %s, and not %s", p.public, r.URL.Redacted())
	}
	on := r.Clone(r.Context())
	on.Host = r.URL.Host
	on.URL = &url.URL{Scheme: "http", Host: p.listener, RawQuery: r.URL.RawQuery}
	var err error
	if on.URL, err = on.URL.Parse(path + query(r.URL)); err != nil {
		return nil, err
	}
	return p.transport.RoundTrip(on)
}

func query(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	return "?" + u.RawQuery
}

// client asks the service what any client with its token could.
type client struct {
	http  *http.Client
	base  string // PUBLIC_URL
	token string
}

// ask sends GraphQL and decodes the data. Any error in the answer is an error.
func (c client) ask(ctx context.Context, query string, vars map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.read(req)
	if err != nil {
		return fmt.Errorf("ask GraphQL: %w", err)
	}
	return decode(answer, into)
}

// decode reads a GraphQL response.
func decode(answer []byte, into any) error {
	var response struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return fmt.Errorf("read what GraphQL answered: %w", err)
	}
	if len(response.Errors) > 0 {
		return fmt.Errorf("GraphQL refused: %s", response.Errors[0].Message)
	}
	return json.Unmarshal(response.Data, into)
}

// fetch gets an address that needs no token.
func (c client) fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return c.read(req)
}

func (c client) read(req *http.Request) (body []byte, err error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s: %.200s", req.URL.Path, resp.Status, body)
	}
	return body, nil
}

// message is one of graphql-transport-ws, the protocol of GraphQL over WebSocket.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// subscriber is a GraphQL subscription on a WebSocket.
type subscriber struct{ conn *websocket.Conn }

// subscribe opens the socket, signs in and asks for the subscription.
func (c client) subscribe(ctx context.Context, query string, vars map[string]any) (s subscriber, err error) {
	signIn, err := json.Marshal(map[string]string{"authorization": "Bearer " + c.token})
	if err != nil {
		return s, err
	}
	what, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return s, err
	}
	options := &websocket.DialOptions{HTTPClient: c.http, Subprotocols: []string{"graphql-transport-ws"}}
	if s.conn, _, err = websocket.Dial(ctx, c.base+"/graphql", options); err != nil {
		return s, fmt.Errorf("open the WebSocket: %w", err)
	}
	if err = wsjson.Write(ctx, s.conn, message{Type: "connection_init", Payload: signIn}); err == nil {
		_, err = s.next(ctx, "connection_ack")
	}
	if err == nil {
		err = wsjson.Write(ctx, s.conn, message{ID: "1", Type: "subscribe", Payload: what})
	}
	if err != nil {
		_ = s.conn.CloseNow() // the first error is the one that counts
	}
	return s, err
}

// next is the payload of the next message of that type; another one means that the subscription is over.
func (s subscriber) next(ctx context.Context, kind string) (json.RawMessage, error) {
	for {
		var m message
		if err := wsjson.Read(ctx, s.conn, &m); err != nil {
			return nil, fmt.Errorf("read from the WebSocket: %w", err)
		}
		switch m.Type {
		case kind:
			return m.Payload, nil
		case "ping":
			if err := wsjson.Write(ctx, s.conn, message{Type: "pong"}); err != nil {
				return nil, fmt.Errorf("answer a ping: %w", err)
			}
		default:
			return nil, fmt.Errorf("the WebSocket said %s %s in place of %s", m.Type, m.Payload, kind)
		}
	}
}

// follow gives each push to receive until ctx ends.
func (s subscriber) follow(ctx context.Context, receive func(json.RawMessage) error) error {
	defer func() { _ = s.conn.CloseNow() }() // nobody listens any more
	for {
		push, err := s.next(ctx, "next")
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = receive(push)
		}
		if err != nil {
			return err
		}
	}
}
