package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

var update = flag.Bool("update", false, "write the stories in testdata anew")

// A story is one call as everybody saw it: each webhook and its TwiML, then what a GraphQL client, a subscriber and the owner's mailbox
// got. The same story is told on both databases, word for word.
var stories = []struct {
	name    string
	phone   network.Phone
	caller  network.Caller
	prepare func(*house, tenant)
}{
	{name: "nobody answers", phone: network.NoAnswer(), caller: network.From(customer).LeaveMessage(12*time.Second, "Hello Olivia, please call me back.")},
	{name: "the phone is busy", phone: network.Busy(), caller: network.From(customer).LeaveMessage(5*time.Second, "It is me again.")},
	{name: "the phone cannot be reached", phone: network.Unreachable(), caller: network.From(customer).LeaveMessage(5*time.Second, "Are you abroad?")},
	{name: "the owner answers and presses 1", phone: network.Human(4*time.Second, time.Minute).Press("1", 3*time.Second), caller: network.From(customer)},
	{name: "a mailbox picks up", phone: network.Mailbox(2 * time.Second), caller: network.From(customer).LeaveMessage(7*time.Second, "Your mailbox got in first.")},
	{name: "the caller hangs up while it rings", phone: network.NoAnswer(), caller: network.From(customer).HangUpAt(6 * time.Second)},
	{name: "a withheld caller", phone: network.NoAnswer(), caller: network.From("Restricted").LeaveMessage(4*time.Second, "You know who I am.")},
	{name: "no subscription", caller: network.From(customer), prepare: func(h *house, tn tenant) { h.exec(`UPDATE number_subscriptions SET active = false`) }},
	{name: "the plan is used up", caller: network.From(customer), prepare: func(h *house, tn tenant) { h.subscribe(tn.number, 0, 0) }},
	{name: "no calls left but voicemails", caller: network.From(customer).LeaveMessage(5*time.Second, "I try the mailbox."), prepare: func(h *house, tn tenant) { h.subscribe(tn.number, 0, 5) }},
	{name: "calls left but no voicemails", phone: network.NoAnswer(), caller: network.From(customer), prepare: func(h *house, tn tenant) { h.subscribe(tn.number, 5, 0) }},
	{name: "a silent message", phone: network.NoAnswer(), caller: network.From(customer).Silent()},
}

func TestStories(t *testing.T) {
	t.Parallel()
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				h := newHouse(t, db)
				tn := h.newTenant("olivia@example.com", mask, 100, 50)
				if story.prepare != nil {
					story.prepare(h, tn)
				}
				h.net.AddPhone(owner, story.phone)
				pushes := follow(t, h.url, tn.token, `subscription { voicemailReceived { node { from durationSeconds transcript audio call { outcome } } } }`, nil)
				call := h.net.Dial(story.caller, mask)
				h.play()
				check(t, call.Err())
				golden(t, "testdata/"+strings.ReplaceAll(story.name, " ", "_")+".txt", h.tell(call, tn, pushes))
			}, jobs.Migrate)
		})
	}
}

func (h *house) exec(statement string) {
	h.t.Helper()
	_, err := h.app.db.Writer().ExecContext(h.ctx, statement)
	check(h.t, err)
}

// tell writes a story down, with what differs from run to run taken out.
func (h *house) tell(call *network.Call, tn tenant, pushes *follower) string {
	h.t.Helper()
	var b strings.Builder
	for _, e := range call.Story() {
		h.tellEvent(&b, e)
	}
	var calls, voicemails json.RawMessage
	h.ask(tn.token, `{ calls { edges { node { from to outcome durationSeconds voicemail { recordingSid } timeline { kind detail } } } } }`, nil, &calls)
	h.ask(tn.token, `{ voicemails { edges { node { from durationSeconds receivedAt heardAt audio audioError transcription transcript transcriptionError
		number { label unheardVoicemails subscription { callsUsed voicemailsUsed } } call { outcome } deliveries { channel recipient state attempts lastError } } } } }`, nil, &voicemails)
	section(&b, "calls, as GraphQL shows them", pretty(h.t, calls))
	section(&b, "voicemails, as GraphQL shows them", pretty(h.t, voicemails))
	h.audioIsWhole(tn)
	for range h.net.Recordings() {
		if bytes.Contains(voicemails, []byte(`"node"`)) {
			var push json.RawMessage
			pushes.next(&push)
			section(&b, "pushed to a subscriber", pretty(h.t, push))
		}
	}
	for _, m := range h.mails() {
		section(&b, "mailed", tellMail(h.t, m))
	}
	return h.anonymous(b.String())
}

// audioIsWhole fetches each voicemail's audio as a browser would, and compares it with what the network recorded.
func (h *house) audioIsWhole(tn tenant) {
	h.t.Helper()
	var list struct {
		Voicemails struct {
			Edges []struct {
				Node struct{ RecordingSid, AudioURL string }
			}
		}
	}
	h.ask(tn.token, `{ voicemails { edges { node { recordingSid audioURL } } } }`, nil, &list)
	recorded := map[string][]byte{}
	for _, r := range h.net.Recordings() {
		recorded[r.SID] = r.WAV()
	}
	for _, e := range list.Voicemails.Edges {
		resp, got := h.get(e.Node.AudioURL, "")
		if resp.StatusCode != 200 || len(got) == 0 || !bytes.Equal(got, recorded[e.Node.RecordingSid]) {
			h.t.Errorf("audioURL of %s: status %d and %d bytes, want the %d that the network recorded", e.Node.RecordingSid, resp.StatusCode, len(got), len(recorded[e.Node.RecordingSid]))
		}
	}
}

func (h *house) tellEvent(b *strings.Builder, e network.Event) {
	at := e.At.Sub(h.net.Calls()[0].Story()[0].At)
	switch e.Kind {
	case network.Webhook, network.CallbackSent:
		u, err := url.Parse(e.URL)
		check(h.t, err)
		fmt.Fprintf(b, "%4.0fs POST %s%s -> %d\n", at.Seconds(), u.Path, told(e.Form), e.Status)
		if e.Body != "" {
			fmt.Fprint(b, indented(h.t, e.Body))
		}
	default:
		fmt.Fprintf(b, "%4.0fs %s\n", at.Seconds(), e)
	}
}

// told are the parameters that say what a request is about.
func told(form url.Values) string {
	var all []string
	for _, name := range []string{"CallStatus", "DialCallStatus", "DialBridged", "Digits", "RecordingStatus", "RecordingDuration", "ErrorCode", "TranscriptionStatus"} {
		if v, ok := form[name]; ok {
			all = append(all, name+"="+strings.Join(v, ","))
		}
	}
	return " " + strings.Join(all, " ")
}

func section(b *strings.Builder, title, text string) { fmt.Fprintf(b, "\n-- %s --\n%s\n", title, text) }

func pretty(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	check(t, json.Indent(&b, raw, "", "  "))
	return b.String()
}

// indented shows TwiML with one element a line.
func indented(t *testing.T, doc string) string {
	t.Helper()
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	e.Indent("        ", "  ")
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			check(t, e.Flush())
			return b.String() + "\n"
		}
		check(t, err)
		switch x := tok.(type) {
		case xml.ProcInst:
		case xml.CharData:
			if strings.TrimSpace(string(x)) != "" {
				check(t, e.EncodeToken(x))
			}
		default:
			check(t, e.EncodeToken(tok))
		}
	}
}

// tellMail shows what a reader sees of a mail: its main headers, its text, and that the audio is attached.
func tellMail(t *testing.T, text string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	check(t, err)
	var b strings.Builder
	for _, name := range []string{"From", "To", "Subject"} {
		value, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		check(t, err)
		fmt.Fprintf(&b, "%s: %s\n", name, value)
	}
	tellParts(t, &b, m.Header.Get("Content-Type"), m.Body)
	return b.String()
}

func tellParts(t *testing.T, b *strings.Builder, contentType string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	check(t, err)
	if !strings.HasPrefix(kind, "multipart/") {
		return
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		check(t, err)
		fmt.Fprintf(b, "[%s %s]\n", strings.Split(part.Header.Get("Content-Type"), ";")[0], part.FileName())
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			plain, err := io.ReadAll(quotedprintable.NewReader(part))
			check(t, err)
			fmt.Fprintln(b, strings.TrimSpace(strings.ReplaceAll(string(plain), "\r\n", "\n")))
			continue
		}
		tellParts(t, b, part.Header.Get("Content-Type"), part)
	}
}

var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b(call|vm|dlv|num|usr|sub|plan|tok|rcp)_[0-9a-z]{26}\b`), "${1}_…"},
	{regexp.MustCompile(`\bCA[0-9a-f]{32}\b`), "CA…"},
	{regexp.MustCompile(`\bRE[0-9a-f]{32}\b`), "RE…"},
	{regexp.MustCompile(`expires=\d+&signature=[\w-]+`), "expires=…&signature=…"},
}

func (h *house) anonymous(s string) string {
	s = strings.ReplaceAll(s, h.url, "https://maskline.example")
	for _, c := range changing {
		s = c.pattern.ReplaceAllString(s, c.with)
	}
	return s
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if got != string(want) {
		t.Errorf("the story differs from %s (go test -run TestStories -update writes it anew):\n%s", file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if i >= len(w) || i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %q\ngot  %q", i+1, slices.Concat(w, make([]string, len(g)))[i], slices.Concat(g, make([]string, len(w)))[i])
		}
	}
	return "nothing"
}
