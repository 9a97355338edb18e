package mail

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mood is how a sink treats those who come to it; the zero mood takes everything.
type mood struct {
	rcpt, data, mail error
	dataOnce         error // instead of data, the first time
	hang, cut        bool  // after the message, before the answer
	cutAfter         bool  // after the answer
	user, password   string
	size             int64 // announced; 0: none
	noUTF8           bool  // SMTPUTF8 is not announced
}

// sink is a mail server in the test process that remembers what it got.
type sink struct {
	mood
	addr string
	done chan struct{}

	mu       sync.Mutex
	received []received
	sessions int
	tls      bool
	helo     string
}

type received struct {
	from string
	to   []string
	raw  []byte
}

// security is how a sink encrypts.
type security int

const (
	plain security = iota
	startTLS
	implicitTLS
)

func newSink(t *testing.T, s security, m mood) *sink {
	t.Helper()
	k := &sink{mood: m, done: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(k.greet))
	server.Domain, server.ErrorLog, server.EnableSMTPUTF8 = "sink.test", log.New(io.Discard, "", 0), !m.noUTF8
	server.MaxMessageBytes = m.size
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k.addr = listener.Addr().String()
	if s != plain {
		server.TLSConfig = certificate(t)
	}
	if s == implicitTLS {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		close(k.done)
		// The listener is closed too, since a server that has not begun to serve does not know it yet.
		for _, err := range []error{server.Close(), listener.Close()} {
			if err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
		<-served
	})
	return k
}

// certificate is one that nobody trusts.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return &tls.Config{Certificates: server.TLS.Certificates}
}

func (k *sink) greet(c *smtp.Conn) (smtp.Session, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sessions++
	k.helo = c.Hostname()
	_, k.tls = c.TLSConnectionState()
	s := &session{sink: k, conn: c.Conn()}
	if k.user != "" {
		return &loginSession{s}, nil
	}
	return s, nil
}

func (k *sink) got() []received {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.received
}

// only is the one mail that the sink must have got.
func (k *sink) only(t *testing.T) received {
	t.Helper()
	got := k.got()
	if len(got) != 1 {
		t.Fatalf("the sink has %d mails, want 1", len(got))
	}
	return got[0]
}

type session struct {
	*sink
	conn     net.Conn
	mail     received
	answered bool
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail = received{from: from}
	return s.sink.mood.mail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = append(s.mail.to, to)
	return s.rcpt
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.raw = raw
	s.mu.Lock()
	s.received = append(s.received, s.mail)
	s.mu.Unlock()
	switch {
	case s.hang:
		<-s.done
	case s.cut:
		return errors.Join(errors.New("cut"), s.conn.Close())
	case s.dataOnce != nil && len(s.got()) == 1:
		return s.dataOnce
	}
	s.answered = true
	return s.data
}

func (s *session) Reset() {
	if s.cutAfter && s.answered {
		_ = s.conn.Close()
	}
}

func (s *session) Logout() error { return nil }

type loginSession struct{ *session }

func (s *loginSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *loginSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.user || password != s.password {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// opened is a mail taken to pieces, all decoded.
type opened struct {
	header     netmail.Header
	text, html string
	name       string
	audioType  string
	audio      []byte
}

func openMail(t *testing.T, raw []byte) opened {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("read mail: %v in\n%s", err, raw)
	}
	o := opened{header: msg.Header}
	o.part(t, msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), "", msg.Body)
	return o
}

func (o *opened) part(t *testing.T, contentType, encoding, disposition string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("content type %q: %v", contentType, err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		o.parts(t, multipart.NewReader(body, params["boundary"]))
		return
	}
	b := decode(t, encoding, body)
	switch {
	case disposition != "":
		_, params, err := mime.ParseMediaType(disposition)
		if err != nil {
			t.Fatalf("disposition %q: %v", disposition, err)
		}
		o.name, o.audioType, o.audio = params["filename"], kind, b
	case kind == "text/html":
		o.html = string(b)
	default:
		o.text = string(b)
	}
}

func (o *opened) parts(t *testing.T, r *multipart.Reader) {
	t.Helper()
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		o.part(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.Header.Get("Content-Disposition"), p)
	}
}

func (o *opened) subject(t *testing.T) string {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(o.header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return subject
}
