package socket_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/graph/socket"
)

// FuzzConversation says whatever to a server, a message a line, and checks all that it answers: only the server's messages, only for ids
// that were subscribed to, no result before the acknowledgement, nothing after an operation's end, one of the codes at the end if it
// closes, and nothing left.
func FuzzConversation(f *testing.F) {
	for _, seed := range [][]string{
		{initialise, subscribe("1", "{ hello }"), subscribe("2", "subscription { count(to: 3) }"), `{"type":"ping"}`},
		{initialise, subscribe("1", "subscription { forever }"), complete("1"), subscribe("1", "{ panics }"), subscribe("1", "{ a }")},
		{initialise, subscribe("1", "subscription { forever }"), subscribe("1", "{ hello }")},
		{subscribe("1", "{ hello }"), initialise},
		{initialise, initialise},
		{`{"type":"connection_init","payload":{"authorization":"Bearer bad"}}`},
		{"?"}, {"binary:"}, {""}, {`{"type":"pong","payload":{"x":"` + strings.Repeat("x", 3000) + `"}}`},
	} {
		f.Add([]byte(strings.Join(seed, "\n")))
	}
	f.Fuzz(func(t *testing.T, say []byte) {
		srv := serve(t, newSchema(), socket.Config{MaxMessage: 2000})
		c := srv.dial(t, nil)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		go func() {
			for _, line := range bytes.Split(say, []byte("\n")) {
				kind := websocket.MessageText
				if bytes.HasPrefix(line, []byte("binary:")) {
					kind = websocket.MessageBinary
				}
				if c.ws.Write(ctx, kind, line) != nil {
					return // it was closed
				}
			}
			_ = c.ws.Write(ctx, websocket.MessageText, []byte(`{"type":"bye"}`)) // 4400 at the latest
		}()
		heard := conversation{subscribed: map[string]int{}, ended: map[string]int{}}
		for _, line := range bytes.Split(say, []byte("\n")) {
			heard.said(line)
		}
		for {
			frame, err := c.next()
			if err != nil {
				switch code := websocket.CloseStatus(err); code {
				case 4400, 4401, 4403, 4409, 4429, 1009:
				default:
					t.Errorf("closed with %v", err)
				}
				break
			}
			heard.check(t, frame)
		}
		srv.left(t)
	})
}

type conversation struct {
	acknowledged      bool
	subscribed, ended map[string]int // times, by id
}

func (c *conversation) said(line []byte) {
	var m struct{ ID string }
	if json.Unmarshal(line, &m) == nil {
		c.subscribed[m.ID]++
	}
}

func (c *conversation) check(t *testing.T, frame string) {
	t.Helper()
	var m struct {
		ID, Type string
		Payload  json.RawMessage
	}
	if err := json.Unmarshal([]byte(frame), &m); err != nil {
		t.Fatalf("heard %s: %v", frame, err)
	}
	switch m.Type {
	case "connection_ack":
		if c.acknowledged {
			t.Error("acknowledged twice")
		}
		c.acknowledged = true
	case "pong":
	case "next", "error", "complete":
		if !c.acknowledged {
			t.Errorf("before the acknowledgement: %s", frame)
		}
		if c.ended[m.ID] >= c.subscribed[m.ID] {
			t.Errorf("subscribed %d times, and after the end: %s", c.subscribed[m.ID], frame)
		}
		if m.Type != "next" {
			c.ended[m.ID]++
		}
		if (m.Payload == nil) != (m.Type == "complete") {
			t.Errorf("payload: %s", frame)
		}
	default:
		t.Errorf("heard %s", frame)
	}
}

// Many clients do everything at once, for the race detector.
func TestTogether(t *testing.T) {
	t.Parallel()
	srv := serve(t, newSchema(), socket.Config{PingEvery: time.Second})
	for range 10 {
		c := srv.connect(t)
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			for {
				frame, err := c.next()
				if err != nil {
					return
				}
				if strings.Contains(frame, `"forever"`) {
					t.Errorf("got %s", frame)
				}
			}
		}()
		go func() {
			for range 100 {
				c.send(subscribe("a", "subscription { forever }"), subscribe("b", "subscription { count(to: 5) }"), `{"type":"ping"}`, complete("a"), complete("b"))
			}
			_ = c.ws.Close(1000, "")
		}()
		defer func() { <-heard }()
	}
}
