package socket

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds parse against the reference implementation's validateMessage, told in other words.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ping"}`, `{"type":"pong","payload":null}`, `{"type":"connection_init","payload":{"authorization":"Bearer x"}}`,
		`{"id":"1","type":"subscribe","payload":{"query":"{ a }","operationName":null,"variables":{"n":1e400},"extensions":{}}}`,
		`{"id":"1","type":"complete","payload":7}`, `{"id":1,"type":"complete"}`, `{"type":"next","id":"1","payload":{}}`, ` { "type" : "ping" } `,
		`{"type":"ping","type":"pong"}`, `[]`, `null`, `"ping"`, ``, `{"type":"ping","payload":[]}`, "{\"type\":\"ping\",\"x\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parse(data)
		if want := valid(data); (err == nil) != want {
			t.Fatalf("%q: got %v, want valid %v", data, err, want)
		}
		if err != nil && len(err.Error()) > 60 {
			t.Errorf("%q: the reason is long: %v", data, err)
		}
		if err == nil && (got.kind == "subscribe") != (got.params != nil) {
			t.Errorf("%q: params %v", data, got.params)
		}
		if err == nil && got.kind == "connection_init" {
			authorization(got.payload)
		}
		if reason := duplicate(got.id).reason; len(reason) > 123 || !utf8.ValidString(reason) {
			t.Errorf("%q: reason %q", data, reason)
		}
	})
}

func valid(data []byte) bool {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // whatever its size
	if !utf8.Valid(data) || !json.Valid(data) || d.Decode(&v) != nil {
		return false
	}
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	is := func(v any, kinds string) bool {
		switch v.(type) {
		case nil:
			return kinds != "string" // absent or null
		case map[string]any:
			return kinds == "object?"
		case string:
			return kinds == "string" || kinds == "string?"
		}
		return false
	}
	switch m["type"] {
	case "connection_init", "ping", "pong":
		return is(m["payload"], "object?")
	case "complete":
		return is(m["id"], "string") && m["id"] != ""
	case "subscribe":
		p, ok := m["payload"].(map[string]any)
		return ok && is(m["id"], "string") && m["id"] != "" && is(p["query"], "string") &&
			is(p["operationName"], "string?") && is(p["variables"], "object?") && is(p["extensions"], "object?")
	}
	return false
}
