package mail

import (
	"context"
	"net"
	"strings"
	"testing"
)

// pretend makes the sender believe that the sink is another machine, called so.
func pretend(s *Sender, k *sink, host string) *Sender {
	s.relay.host = host
	s.relay.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, k.addr)
	}
	return s
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		security security
		scheme   string
		host     string // empty: this machine
		sent     bool
		tls      bool
	}{
		{"not offered", plain, "smtp://", "mail.example", true, false},
		{"offered by this machine, with a certificate of nobody", startTLS, "smtp://", "", true, true},
		{"offered by another, with a certificate of nobody", startTLS, "smtp://", "mail.example", false, false},
		{"from the start, by this machine", implicitTLS, "smtps://", "", true, true},
		{"from the start, by another, with a certificate of nobody", implicitTLS, "smtps://", "mail.example", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newSink(t, c.security, mood{})
			s := newSender(t, c.scheme+k.addr)
			if c.host != "" {
				pretend(s, k, c.host)
			}
			retry, err := s.Send(t.Context(), message())
			if (err == nil) != c.sent || retry == c.sent || len(k.got()) == 1 != c.sent {
				t.Errorf("got retry %t, %v, and %d mails", retry, err, len(k.got()))
			}
			if c.sent && k.tls != c.tls {
				t.Errorf("encrypted is %t, want %t", k.tls, c.tls)
			}
			if encrypted, err := s.Check(t.Context()); (err == nil) != c.sent || encrypted != (c.sent && c.tls) {
				t.Errorf("check: encrypted is %t, %v", encrypted, err)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	login := mood{user: "maskline@a.example", password: "p@ss/w:rd"}
	const right, wrong = "maskline%40a.example:p%40ss%2Fw%3Ard@", "maskline%40a.example:secret@"
	for _, c := range []struct {
		name     string
		security security
		mood     mood
		url      string
		host     string
		sent     bool
	}{
		{"encrypted", implicitTLS, login, "smtps://" + right, "", true},
		{"after STARTTLS", startTLS, login, "smtp://" + right, "", true},
		{"wrong password", implicitTLS, login, "smtps://" + wrong, "", false},
		{"not offered", implicitTLS, mood{}, "smtps://" + wrong, "", false},
		{"offered in the clear by another machine", plain, login, "smtp://" + right, "mail.example", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newSink(t, c.security, c.mood)
			s := newSender(t, c.url+k.addr)
			if c.host != "" {
				pretend(s, k, c.host)
			}
			retry, err := s.Send(t.Context(), message())
			if (err == nil) != c.sent || retry == c.sent || len(k.got()) == 1 != c.sent {
				t.Errorf("got retry %t, %v, and %d mails", retry, err, len(k.got()))
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "p@ss")) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, from string
		host      string // empty: refused
		port      int
	}{
		{"smtp://a.example", "m@b.example", "a.example", 25},
		{"smtp://a.example/", "Masked <m@b.example>", "a.example", 25},
		{"smtp://u:secret@a.example", "m@b.example", "a.example", 587},
		{"smtps://u:secret@a.example", "m@b.example", "a.example", 465},
		{"smtp://[::1]:2525", "m@b.example", "::1", 2525},
		{"smtp://a.example:99999", "m@b.example", "", 0},
		{"smtp://u:secret@a.example:smtp", "m@b.example", "", 0},
		{"smtp://u:secret@a.example?tls=off", "m@b.example", "", 0},
		{"smtp://u:secret@a.example/inbox", "m@b.example", "", 0},
		{"smtp://u:secret@", "m@b.example", "", 0},
		{"smtp://u:secr%et@a.example", "m@b.example", "", 0},
		{"http://u:secret@a.example", "m@b.example", "", 0},
		{"a.example:25", "m@b.example", "", 0},
		{"smtp://a.example", "", "", 0},
		{"smtp://a.example", "Masked", "", 0},
		{"smtp://a.example", "a@b.example, c@d.example", "", 0},
		{"smtp://a.example", "a@b.example\r\nBcc: c@d.example", "", 0},
	} {
		s, err := New(Config{SMTPURL: c.url, From: c.from})
		if (err == nil) != (c.host != "") || err != nil && strings.Contains(err.Error(), "secr") {
			t.Errorf("%s from %q: got %v", c.url, c.from, err)
		}
		if err == nil && (s.relay.host != c.host || s.relay.port != c.port) {
			t.Errorf("%s: got %s, port %d", c.url, s.relay.host, s.relay.port)
		}
	}
	if _, err := New(Config{From: "m@b.example"}); err == nil {
		t.Error("neither server nor folder is refused by nobody")
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{"mask.example": "mask.example", "127.0.0.1": "[127.0.0.1]", "[::1]": "[IPv6:::1]", "localhost": "localhost"} {
		if got := greeting(domain); got != want {
			t.Errorf("%s: got %s, want %s", domain, got, want)
		}
	}
}
