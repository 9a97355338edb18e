package mail

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"mime/quotedprintable"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-smtp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newSender(t *testing.T, smtpURL string) *Sender {
	t.Helper()
	s, err := New(Config{SMTPURL: smtpURL, From: "Maskline <maskline@mask.example>", Dir: t.TempDir(), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (k *sink) sender(t *testing.T) *Sender {
	t.Helper()
	return newSender(t, "smtp://"+k.addr)
}

func message() Message {
	return Message{ID: "dlv_01h2", Attempt: 2, To: "owner@a.example", Subject: "Grüße 👋 aus São Paulo", Text: "Erste Zeile\n.\nzweite: ü\n", HTML: "<p>ü</p>"}
}

func attachment(b []byte) *Attachment {
	return &Attachment{Name: "voicemail.wav", ContentType: "audio/wav", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func decode(t *testing.T, encoding string, body io.Reader) []byte {
	t.Helper()
	switch encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("decode %s: %v", encoding, err)
	}
	return b
}

func send(t *testing.T, s *Sender, m Message) {
	t.Helper()
	if retry, err := s.Send(t.Context(), m); err != nil || retry {
		t.Fatalf("got retry %t, %v", retry, err)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{})
	m := message()
	audio := bytes.Repeat([]byte("\x00\r\n.\r\n\xff=\n"), 20_000)
	m.Audio = attachment(audio)
	send(t, k.sender(t), m)

	got := k.only(t)
	if got.from != "maskline@mask.example" || !slices.Equal(got.to, []string{"owner@a.example"}) || k.helo != "mask.example" {
		t.Errorf("envelope from %s to %q after greeting %s", got.from, got.to, k.helo)
	}
	o := openMail(t, got.raw)
	if o.subject(t) != m.Subject {
		t.Errorf("subject %q", o.subject(t))
	}
	if text := strings.ReplaceAll(o.text, "\r\n", "\n"); text != m.Text || o.html != m.HTML {
		t.Errorf("text %q, HTML %q", text, o.html)
	}
	if !bytes.Equal(o.audio, audio) || o.name != "voicemail.wav" || o.audioType != "audio/wav" {
		t.Errorf("attached %d bytes of %s as %q", len(o.audio), o.audioType, o.name)
	}
	for name, want := range map[string]string{
		"From": `"Maskline" <maskline@mask.example>`, "To": "<owner@a.example>", "Message-Id": "<dlv_01h2@mask.example>",
		"Date": "Sun, 01 Mar 2026 12:00:00 +0000", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0", "X-Maskline-Attempt": "2",
	} {
		if got := o.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Maskline-Attempt"}
	if names := slices.Sorted(maps.Keys(o.header)); !slices.Equal(names, want) {
		t.Errorf("headers %q, want %q", names, want)
	}
}

func TestMailOfTextAlone(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{})
	send(t, k.sender(t), Message{ID: "dlv_1", To: "owner@a.example", Subject: "x", Text: strings.Repeat("long ", 2000)})
	o := openMail(t, k.only(t).raw)
	if strings.TrimSuffix(o.text, "\r\n") != strings.Repeat("long ", 2000) || o.html != "" || o.audio != nil {
		t.Errorf("got %d bytes of text, HTML %q, %d bytes of audio", len(o.text), o.html, len(o.audio))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	answer := func(code int) error { return &smtp.SMTPError{Code: code, Message: "as the sink wishes"} }
	for _, c := range []struct {
		name  string
		mood  mood
		retry bool
	}{
		{"greylisted", mood{rcpt: answer(451)}, true},
		{"mailbox full for now", mood{data: answer(452)}, true},
		{"busy", mood{mail: answer(421)}, true},
		{"no such mailbox", mood{rcpt: answer(550)}, false},
		{"malformed address", mood{rcpt: answer(501)}, false},
		{"sender unwanted", mood{mail: answer(553)}, false},
		{"message unwanted", mood{data: answer(554)}, false},
		{"message too large", mood{data: answer(552)}, false},
		{"takes no mail", mood{rcpt: answer(521)}, false},
		{"wants a login", mood{mail: answer(530)}, true},
		{"wants a login, in other words", mood{mail: answer(502)}, true},
		{"cut before the answer", mood{cut: true}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			retry, err := newSink(t, plain, c.mood).sender(t).Send(t.Context(), message())
			if err == nil || retry != c.retry {
				t.Errorf("got retry %t, %v; want %t", retry, err, c.retry)
			}
		})
	}
}

func TestRepeatHasTheSameMessageID(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{dataOnce: &smtp.SMTPError{Code: 451, Message: "later"}})
	s := k.sender(t)
	if retry, err := s.Send(t.Context(), message()); err == nil || !retry {
		t.Fatalf("got retry %t, %v", retry, err)
	}
	send(t, s, message())
	got := k.got()
	if len(got) != 2 {
		t.Fatalf("the sink has %d mails", len(got))
	}
	first, second := openMail(t, got[0].raw), openMail(t, got[1].raw)
	if a, b := first.header.Get("Message-ID"), second.header.Get("Message-ID"); a != b || a == "" {
		t.Errorf("got %q, then %q", a, b)
	}
}

func TestF24AServerThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	retry, err := k.sender(t).Send(ctx, message())
	if !retry || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got retry %t, %v", retry, err)
	}
}

func TestServerThatNeverGreets(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, scheme := range []string{"smtp://", "smtps://"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		retry, err := newSender(t, scheme+listener.Addr().String()).Send(ctx, message())
		cancel()
		if !retry || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got retry %t, %v", scheme, retry, err)
		}
	}
}

func TestServerThatGoesAfterItsAnswer(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{cutAfter: true})
	send(t, k.sender(t), message())
	k.only(t)
}

func TestServerThatIsAway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s := newSender(t, "smtp://user:secret@"+listener.Addr().String())
	if retry, err := s.Send(t.Context(), message()); !retry || err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got retry %t, %v", retry, err)
	}
	if _, err := s.Check(t.Context()); err == nil {
		t.Error("passes the check")
	}
}

func TestUndeliverableMessages(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{})
	s := k.sender(t)
	for _, to := range []string{"", "owner", "@a.example", "a@b, c@d", "a@b\r\nBcc: c@d", "a@b\nRCPT TO:<c@d>", "<a@b>", "A <a@b>", "a@b (c)", "a@b\x00", "a\u202e@b", "a@b\u200b.example", "a b@c"} {
		m := message()
		m.To = to
		if retry, err := s.Send(t.Context(), m); retry || !errors.Is(err, ErrMessage) {
			t.Errorf("to %q: got retry %t, %v", to, retry, err)
		}
	}
	for _, id := range []string{"", "../x", "a/b", "a\r\nBcc: c@d", ".hidden", "a@b", strings.Repeat("a", 101)} {
		m := message()
		m.ID = id
		if retry, err := s.Send(t.Context(), m); retry || !errors.Is(err, ErrMessage) {
			t.Errorf("identifier %q: got retry %t, %v", id, retry, err)
		}
	}
	if k.sessions != 0 {
		t.Errorf("the server was asked %d times", k.sessions)
	}
}

func TestAttachmentsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{})
	broken := errors.New("store is away")
	for _, c := range []struct {
		name  string
		open  func() (io.ReadCloser, error)
		want  error
		retry bool
	}{
		{"not opened", func() (io.ReadCloser, error) { return nil, broken }, broken, true},
		{"broken off", func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("RIFF"), iotest.ErrReader(broken))), nil
		}, broken, true},
		{"endless", func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }, ErrMessage, false},
	} {
		m := message()
		m.Audio = &Attachment{Name: "a.wav", ContentType: "audio/wav", Open: c.open}
		if retry, err := k.sender(t).Send(t.Context(), m); retry != c.retry || !errors.Is(err, c.want) {
			t.Errorf("%s: got retry %t, %v", c.name, retry, err)
		}
	}
	if k.sessions != 0 {
		t.Errorf("the server was asked %d times", k.sessions)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestHostileNamesAddNothing(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{})
	s := k.sender(t)
	var want []string
	for i, name := range hostile {
		m := message()
		m.Subject, m.Text, m.HTML = "From "+name, name, ""
		m.Audio = attachment([]byte("RIFF"))
		m.Audio.Name, m.Audio.ContentType = name+".wav", "audio/wav"
		send(t, s, m)
		got := k.got()[i]
		o := openMail(t, got.raw)
		names := slices.Sorted(maps.Keys(o.header))
		if i == 0 {
			want = names
		}
		if !slices.Equal(names, want) || len(got.to) != 1 {
			t.Errorf("%q: headers %q to %q, want %q to one", name, names, got.to, want)
		}
		if subject := o.subject(t); subject != headerText(subject) || len([]rune(subject)) > maxHeaderText {
			t.Errorf("%q: subject %q", name, subject)
		}
		if string(o.audio) != "RIFF" || o.name != fileName(name+".wav") {
			t.Errorf("%q: attached %q as %q", name, o.audio, o.name)
		}
		for line := range bytes.Lines(got.raw) {
			if !bytes.HasSuffix(line, []byte("\r\n")) || len(line) > 1000 {
				t.Errorf("%q: line of %d bytes %.60q", name, len(line), line)
			}
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSender(t, "")
	m := message()
	m.Audio = attachment([]byte("RIFF...."))
	for range 2 {
		send(t, s, m)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "dlv_01h2.eml" {
		t.Fatalf("the folder has %v, %v", entries, err)
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "dlv_01h2.eml"))
	if err != nil {
		t.Fatal(err)
	}
	o := openMail(t, raw)
	if o.subject(t) != m.Subject || string(o.audio) != "RIFF...." || o.header.Get("Message-ID") != "<dlv_01h2@mask.example>" {
		t.Errorf("got %+v", o)
	}
	if bytes.Count(raw, []byte("\n")) != bytes.Count(raw, []byte("\r\n")) {
		t.Error("the file has bare line feeds")
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := newSender(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if retry, err := s.Send(ctx, message()); !retry || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got retry %t, %v", retry, err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "dlv_01h2.eml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if retry, err := s.Send(t.Context(), message()); !retry || err == nil {
		t.Errorf("name taken: got retry %t, %v", retry, err)
	}
	if entries, err := os.ReadDir(s.dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if retry, err := s.Send(t.Context(), message()); !retry || err == nil {
		t.Errorf("folder gone: got retry %t, %v", retry, err)
	}
	if _, err := s.Check(t.Context()); err == nil {
		t.Error("folder gone: passes the check")
	}
}
