//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// watcher is a client that follows a subscription through lost connections, with the last cursor that it saw, as the examples do it.
type watcher struct {
	base, token, query string

	mu     sync.Mutex
	after  string
	times  int // that it connected
	pushes []modelPush
	wrong  []string
}

// modelVoicemail is what a push or a list tells of a voicemail.
type modelVoicemail struct {
	ID, RecordingSid, From      string
	Audio, AudioError, AudioURL string
	Transcription               string
	Number                      struct{ ID string }
	Call                        struct{ CallSid string }
	Deliveries                  []modelMail

	cursor string // of its edge in a list
}

func (v modelVoicemail) state() string { return v.Audio + " " + v.Transcription }

type modelMail struct{ ID, State, LastError string }

type modelCall struct {
	CallSid, Outcome, EndedAt string
}

type modelPush struct {
	VoicemailReceived *struct {
		Cursor string
		Node   modelVoicemail
	}
	VoicemailChanged *struct {
		Cursor      string
		VoicemailID string
		Voicemail   *modelVoicemail
	}
	CallChanged *modelCall

	connection int // on which it came
}

func (p modelPush) cursor() string {
	switch {
	case p.VoicemailReceived != nil:
		return p.VoicemailReceived.Cursor
	case p.VoicemailChanged != nil:
		return p.VoicemailChanged.Cursor
	}
	return ""
}

const (
	watchReceived = `subscription($after: Cursor) { voicemailReceived(after: $after) { cursor node { id recordingSid audio transcription } } }`
	watchChanged  = `subscription($after: Cursor) { voicemailChanged(after: $after) { cursor voicemailID voicemail { id recordingSid audio transcription } } }`
	watchCalls    = `subscription { callChanged { callSid outcome endedAt } }`
)

// watch has every owner follow their voicemails, and the administrator the calls, until stop is called.
func (w *modelWorld) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	follow := func(token, query, after string) *watcher {
		x := &watcher{base: w.public, token: token, query: query, after: after}
		all.Go(func() { x.run(ctx) })
		return x
	}
	for _, tn := range w.tenants {
		after := (&process{t: w.t, h: w.h}).present(tn.token)
		tn.received, tn.changed = follow(tn.token, watchReceived, after), follow(tn.token, watchChanged, after)
	}
	w.calls = follow(adminToken, watchCalls, "")
	return func() { cancel(); all.Wait() }
}

func (x *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		x.session(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// session is one connection, until it breaks.
func (x *watcher) session(ctx context.Context) {
	opening, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(opening, "ws"+strings.TrimPrefix(x.base, "http")+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	x.connected()
	vars := map[string]any{}
	if x.after != "" {
		vars["after"] = x.after
	}
	say := func(m frame) error { return wsjson.Write(ctx, conn, m) }
	err = say(frame{Type: "connection_init", Payload: encoded(map[string]string{"authorization": "Bearer " + x.token})})
	for err == nil {
		var m frame
		if err = wsjson.Read(ctx, conn, &m); err != nil {
			break
		}
		switch m.Type {
		case "connection_ack":
			err = say(frame{ID: "1", Type: "subscribe", Payload: encoded(map[string]any{"query": x.query, "variables": vars})})
		case "ping":
			err = say(frame{Type: "pong"})
		case "next":
			err = x.take(m.Payload)
		case "error":
			x.refused(m.Payload)
			return
		default:
			x.complain("%s", m.Type)
			return
		}
	}
	if code := websocket.CloseStatus(err); code == 4403 || code == 4400 || code == 1011 {
		x.complain("closed with %d", code)
	}
}

func (x *watcher) connected() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.times++
}

// connections is how often it connected, which is the number of the connection that it has now.
func (x *watcher) connections() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.times
}

func encoded(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings only
	}
	return b
}

func (x *watcher) complain(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrong = append(x.wrong, "a subscriber got: "+fmt.Sprintf(format, args...))
}

// refused is an operation that ended in an error; that the database is away is no reason to complain.
func (x *watcher) refused(payload json.RawMessage) {
	if !strings.Contains(string(payload), "UNAVAILABLE") {
		x.complain("%s", payload)
	}
}

func (x *watcher) take(payload json.RawMessage) error {
	var got struct {
		Data   modelPush
		Errors []json.RawMessage
	}
	if err := json.Unmarshal(payload, &got); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(got.Errors) > 0 {
		x.wrong = append(x.wrong, fmt.Sprintf("a push had errors: %s", payload))
		return nil
	}
	if c := got.Data.cursor(); c != "" {
		x.after = c
	}
	got.Data.connection = x.times
	x.pushes = append(x.pushes, got.Data)
	return nil
}

func (x *watcher) seen() ([]modelPush, []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]modelPush{}, x.pushes...), append([]string{}, x.wrong...)
}
