package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func TestSMTPTLS(t *testing.T) {
	t.Parallel()
	const noTLS = "The mail server offers no secure connection, so the mail was not sent."
	for _, c := range []struct {
		name     string
		policy   string
		url      string // before the address
		security security
		host     string // empty: this machine
		said     string // of the failure; empty: sent
		tls      bool
	}{
		{"password, STARTTLS stripped by another machine", "", "smtp://u:secret@", plain, "mail.example", noTLS, false},
		{"no password, STARTTLS stripped", "", "smtp://", plain, "mail.example", "", false},
		{"required, stripped", "required", "smtp://", plain, "mail.example", noTLS, false},
		{"required, stripped on this machine", "required", "smtp://", plain, "", noTLS, false},
		{"required, offered", "required", "smtp://", startTLS, "", "", true},
		{"required, from the start", "required", "smtps://", implicitTLS, "", "", true},
		{"required, with a certificate of nobody", "required", "smtp://", startTLS, "mail.example", noTLS, false},
		{"opportunistic, offered", "opportunistic", "smtp://", startTLS, "", "", true},
		{"opportunistic, not offered", "opportunistic", "smtp://", plain, "mail.example", "", false},
		{"off, offered", "off", "smtp://", startTLS, "mail.example", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newSink(t, c.security, mood{})
			s, err := New(Config{SMTPURL: c.url + k.addr, TLS: c.policy, From: "m@mask.example", Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			if c.host != "" {
				pretend(s, k, c.host)
				if s.relay.policy, err = s.relay.policyOf(c.policy); err != nil {
					t.Fatal(err)
				}
			}
			retry, err := s.Send(t.Context(), message())
			if sent := c.said == ""; (err == nil) != sent || retry == sent || (len(k.got()) == 1) != sent || sent && k.tls != c.tls {
				t.Fatalf("got retry %t, %v, %d mails, encrypted is %t", retry, err, len(k.got()), k.tls)
			}
			if err != nil && Describe(err).Said != c.said {
				t.Errorf("the owner reads %q", Describe(err).Said)
			}
		})
	}
}

func TestSMTPTLSThatContradicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, policy string }{{"smtp://u:secret@a.example", "always"}, {"smtps://u:secret@a.example", "off"}} {
		_, err := New(Config{SMTPURL: c.url, TLS: c.policy, From: "m@mask.example"})
		if err == nil || !strings.HasPrefix(err.Error(), "SMTP_TLS: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s with %s: %v", c.url, c.policy, err)
		}
	}
}

func TestServerOnIPv6(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{"smtp://[::1]:25": "[::1]:25", "smtp://[2001:db8::7]": "[2001:db8::7]:25", "smtp://a.example:2525": "a.example:2525"} {
		k := newSink(t, plain, mood{})
		s := newSender(t, url)
		dialled := ""
		s.relay.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = address
			return new(net.Dialer).DialContext(ctx, network, k.addr)
		}
		send(t, s, message())
		if k.only(t); dialled != want {
			t.Errorf("%s: dialled %s, want %s", url, dialled, want)
		}
	}
}

func TestAddressesOutsideASCII(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to, wire string // empty: not sent
		noUTF8   bool
		said     string
	}{
		{to: "bob@bücher.example", wire: "bob@xn--bcher-kva.example", noUTF8: true},
		{to: "bob@bücher.example", wire: "bob@xn--bcher-kva.example"},
		{to: "bób@bücher.example", wire: "bób@xn--bcher-kva.example"},
		{to: "bób@a.example", noUTF8: true, said: "The mail server does not take addresses that have other characters than ASCII before the @."},
		{to: "bob@a_b.example", wire: "bob@a_b.example", noUTF8: true},
		{to: "bob@\u00fc\u200b.example", said: "No mail can be sent to this address."},
	} {
		k := newSink(t, plain, mood{noUTF8: c.noUTF8})
		m := message()
		m.To = c.to
		retry, err := k.sender(t).Send(t.Context(), m)
		if retry || (err == nil) != (c.wire != "") {
			t.Fatalf("%s: retry %t, %v", c.to, retry, err)
		}
		if err != nil {
			if got := Describe(err).Said; got != c.said || len(k.got()) > 0 || Refused(err) {
				t.Errorf("%s: the owner reads %q, and the server got %d mails", c.to, got, len(k.got()))
			}
			continue
		}
		if got := k.only(t); got.to[0] != c.wire || !strings.Contains(string(got.raw), "To: <"+c.wire+">") {
			t.Errorf("%s: sent to %q as\n%.500s", c.to, got.to, got.raw)
		}
	}
}

func TestSenderOutsideASCII(t *testing.T) {
	t.Parallel()
	k := newSink(t, plain, mood{noUTF8: true})
	s, err := New(Config{SMTPURL: "smtp://" + k.addr, From: "maskline@bücher.example", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, message())
	if got := k.only(t); got.from != "maskline@xn--bcher-kva.example" || k.helo != "xn--bcher-kva.example" {
		t.Errorf("from %s after greeting %s", got.from, k.helo)
	}
}

// nineMinutes is what nine minutes are as a WAV file of a telephone.
const nineMinutes = 9 * 60 * 16000

func TestMessageTooLargeGoesOutWithTheLinkAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		mood  mood
		mails int // of which the server got the content
	}{
		{"SIZE 10240000", mood{size: 10240000}, 1},
		{"SIZE unlimited", mood{}, 1},
		{"552", mood{dataOnce: &smtp.SMTPError{Code: 552, Message: "too big"}}, 2},
		{"5.3.4", mood{dataOnce: &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "too big"}}, 2},
		{"5.2.3", mood{dataOnce: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 2, 3}, Message: "too big"}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := newSink(t, plain, c.mood)
			m, light := message(), message()
			m.Audio, m.Light = attachment(bytes.Repeat([]byte("x"), nineMinutes)), &light
			light.Text = "with the link alone"
			send(t, k.sender(t), m)
			got := k.got()
			if len(got) != c.mails {
				t.Fatalf("the server got %d mails, want %d", len(got), c.mails)
			}
			last := openMail(t, got[len(got)-1].raw)
			if light := c.name != "SIZE unlimited"; (last.audio == nil) != light || strings.Contains(last.text, "link alone") != light {
				t.Errorf("the last has %d bytes of audio and says %q", len(last.audio), last.text)
			}
			if id := last.header.Get("Message-ID"); id != "<dlv_01h2@mask.example>" {
				t.Errorf("its Message-ID is %s", id)
			}
		})
	}
}

func TestOwnersReadAClassOfFailure(t *testing.T) {
	t.Parallel()
	answer := func(code int) error { return &smtp.SMTPError{Code: code, Message: "host relay-7.internal at 10.1.2.3"} }
	for _, c := range []struct {
		name    string
		mood    mood
		want    string
		refused bool
	}{
		{"no such mailbox", mood{rcpt: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}}, "The mail server refused this address for good: 550 5.1.1 no such mailbox", true},
		{"greylisted", mood{rcpt: answer(451)}, "The mail server does not take this mail at the moment (451).", false},
		{"busy", mood{mail: answer(421)}, "The mail server does not take this mail at the moment (421).", false},
		{"message unwanted", mood{data: answer(554)}, "The mail server refused this mail for good (554).", false},
		{"too large", mood{data: answer(552)}, "The mail server does not take a mail of this size.", false},
		{"wants a login", mood{mail: answer(530)}, "The mail server did not let us sign in.", false},
		{"cut", mood{cut: true}, "The connection to the mail server broke off.", false},
	} {
		_, err := newSink(t, plain, c.mood).sender(t).Send(t.Context(), message())
		if err == nil {
			t.Fatalf("%s: sent", c.name)
		}
		if got := Describe(err); got.Said != c.want || got.Cause != err.Error() || Refused(err) != c.refused {
			t.Errorf("%s: %q of %q, refused is %t", c.name, got.Said, got.Cause, Refused(err))
		}
	}
	_, err := newSender(t, "smtp://127.0.0.1:1").Send(t.Context(), message())
	if got := Describe(err).Said; got != "The mail server could not be reached." {
		t.Errorf("a server that is away: %q of %v", got, err)
	}
	k := newSink(t, plain, mood{user: "u", password: "p"})
	for _, url := range []string{"smtp://u:wrong@" + k.addr, "smtp://u:p@" + newSink(t, plain, mood{}).addr} {
		_, err := newSender(t, url).Send(t.Context(), message())
		if got := Describe(err).Said; got != "The mail server did not let us sign in." {
			t.Errorf("a login that is refused: %q of %v", got, err)
		}
	}
	m := message()
	m.Audio = &Attachment{Open: func() (io.ReadCloser, error) { return nil, errors.New("/var/lib/maskline: no such file") }}
	if _, err = newSender(t, "smtp://127.0.0.1:1").Send(context.Background(), m); Describe(err).Said != "The mail could not be sent." {
		t.Errorf("no attachment: %q", Describe(err).Said)
	}
}

func TestOneClickUnsubscribe(t *testing.T) {
	t.Parallel()
	const link = "https://calls.example.com/unsubscribe/rcp_01h2xcejqtf2nbrexx3vqjhp41?expires=2092521600&signature=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	k := newSink(t, plain, mood{})
	m := message()
	m.Unsubscribe = link
	send(t, k.sender(t), m)
	header := openMail(t, k.only(t).raw).header
	if got := strings.ReplaceAll(header.Get("List-Unsubscribe"), " ", ""); got != "<"+link+">" {
		t.Errorf("List-Unsubscribe: %s", got)
	}
	if got := header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post: %s", got)
	}
}
