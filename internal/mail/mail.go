// Package mail sends mails, over SMTP or into a folder as .eml files, and composes the one that tells of a voicemail.
//
// It promises that a repeated delivery carries the same Message-ID, or overwrites the same file; that the text of strangers
// adds no header, no recipient and no markup to a mail; and that each failure says whether trying again is of use.
package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// maxAttachment bounds what is read into memory for one mail.
const maxAttachment = 25 << 20

var plainID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)

// Config says by which way mails leave the house.
type Config struct {
	// SMTPURL is smtp://user:password@host:port or smtps://…, where user and port may be left out. With smtp:// the connection
	// is encrypted as TLS says, and then its certificate must be good unless the server is this very machine; a password is never
	// sent to another machine in the clear. Empty: mails become files in Dir.
	SMTPURL string
	// TLS is required, opportunistic or off. Empty: required when a password goes to another machine, else opportunistic.
	TLS  string
	From string // one address, with or without a name
	Dir  string
	Now  func() time.Time
}

// Message is one mail to one recipient.
type Message struct {
	ID                      string // the delivery's: the Message-ID and the name of an .eml file are made of it
	To, Subject, Text, HTML string
	Attempt                 int         // of sending it, from 1 on: whoever has two with one Message-ID sees why
	Unsubscribe             string      // an address that takes the recipient off with one POST (RFC 8058); empty: none
	Audio                   *Attachment // nil: none
	Light                   *Message    // what is sent in place of one that is too large for the server; nil: nothing
}

// Attachment is a file that goes with a message; it is opened once for each sending.
type Attachment struct {
	Name, ContentType string
	Open              func() (io.ReadCloser, error)
}

// Sender sends mails; it is safe for concurrent use and repeats nothing by itself.
type Sender struct {
	from   *mail.Address
	domain string
	now    func() time.Time
	relay  *relay // nil: into dir
	dir    string
}

// New checks the configuration and contacts nobody.
func New(cfg Config) (*Sender, error) {
	from, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return nil, errors.New("MAIL_FROM: it must be one address, such as Maskline <maskline@example.com>")
	}
	from.Name = headerText(from.Name)
	if from.Address, err = wireAddress(from.Address); err != nil {
		return nil, fmt.Errorf("MAIL_FROM %q: %w", cfg.From, err)
	}
	s := &Sender{from: from, domain: from.Address[strings.LastIndex(from.Address, "@")+1:], now: cfg.Now, dir: cfg.Dir}
	if s.now == nil {
		s.now = time.Now
	}
	if cfg.SMTPURL == "" {
		return s, makeFolder(cfg.Dir)
	}
	if s.relay, err = parseRelay(cfg.SMTPURL, s.domain); err != nil {
		return nil, fmt.Errorf("SMTP_URL: %w", err)
	}
	if s.relay.policy, err = s.relay.policyOf(cfg.TLS); err != nil {
		return nil, fmt.Errorf("SMTP_TLS: %w", err)
	}
	return s, nil
}

// Send hands m to the server, or writes its file, and reports after a failure whether the same message may succeed later; [Describe]
// says what it was. When it cannot tell whether the server took the message it says so too: the repeat has the same Message-ID.
func (s *Sender) Send(ctx context.Context, m Message) (retry bool, err error) {
	if retry, err = s.send(ctx, m); err != nil && m.Light != nil && tooLarge(err) {
		retry, err = s.send(ctx, *m.Light)
	}
	if err != nil {
		return retry, fmt.Errorf("send mail %s: %w", m.ID, err)
	}
	return false, nil
}

func (s *Sender) send(ctx context.Context, m Message) (retry bool, err error) {
	to, msg, err := s.render(m)
	switch {
	case err != nil:
		return !errors.Is(err, ErrMessage), err
	case s.relay == nil:
		return true, s.save(ctx, m.ID, msg)
	}
	return s.relay.send(ctx, to, msg)
}

// Check reports whether mails could leave just now: whether the server lets us in, and over an encrypted connection, or the folder can be
// written to.
func (s *Sender) Check(ctx context.Context) (encrypted bool, err error) {
	if s.relay == nil {
		return false, s.probe()
	}
	return s.relay.check(ctx)
}

// ToThisMachine tells whether mails go to a server on this very machine.
func (s *Sender) ToThisMachine() bool { return s.relay != nil && loopback(s.relay.host) }

func (s *Sender) render(m Message) (to string, msg *gomail.Msg, err error) {
	recipient, err := parseRecipient(m.To)
	if err != nil {
		return "", nil, err
	}
	if !plainID.MatchString(m.ID) {
		return "", nil, fmt.Errorf("identifier %q: %w", m.ID, ErrMessage)
	}
	msg = gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(recipient)
	msg.Subject(headerText(m.Subject))
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain)
	msg.SetDateWithValue(s.now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Maskline-Attempt", strconv.Itoa(m.Attempt))
	if link := safeLink(m.Unsubscribe); link != "" {
		msg.SetGenHeaderPreformatted("List-Unsubscribe", "<"+link+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return recipient.Address, msg, attach(msg, m.Audio)
}

// parseRecipient takes a bare address only, so that one recipient can never become two.
func parseRecipient(address string) (*mail.Address, error) {
	to, err := mail.ParseAddress(address)
	if err != nil || to.Address != address || oneLine(address) != address {
		return nil, fmt.Errorf("recipient %q: %w", address, ErrMessage)
	}
	if to.Address, err = wireAddress(address); err != nil {
		return nil, fmt.Errorf("recipient %q: %w: %w", address, ErrMessage, err)
	}
	return to, nil
}

// wireAddress returns the address as mail servers write it: a domain outside ASCII becomes punycode.
func wireAddress(address string) (string, error) {
	at := strings.LastIndex(address, "@")
	domain := address[at+1:]
	if ascii(domain) {
		return address, nil
	}
	domain, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("domain: %w", err)
	}
	return address[:at+1] + domain, nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// attach reads the whole file before the server is asked: a message that breaks off in the midst would be delivered as it is.
func attach(msg *gomail.Msg, a *Attachment) error {
	if a == nil {
		return nil
	}
	file, err := a.Open()
	if err != nil {
		return fmt.Errorf("open attachment: %w", err)
	}
	limited := &io.LimitedReader{R: file, N: maxAttachment + 1}
	err = msg.AttachReader(fileName(a.Name), limited, gomail.WithFileContentType(gomail.ContentType(headerText(a.ContentType))))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("read attachment: %w", err)
	}
	if limited.N == 0 {
		return fmt.Errorf("attachment of more than %d bytes: %w", maxAttachment, ErrMessage)
	}
	return nil
}
