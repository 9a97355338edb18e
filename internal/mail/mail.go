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

	gomail "github.com/wneessen/go-mail"
)

// maxAttachment bounds what is read into memory for one mail.
const maxAttachment = 25 << 20

// ErrMessage says that a message is one that no server could be asked to deliver.
var ErrMessage = errors.New("undeliverable message")

var plainID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)

// Config says by which way mails leave the house.
type Config struct {
	// SMTPURL is smtp://user:password@host:port or smtps://…, where user and port may be left out. With smtp:// the connection
	// is encrypted when the server offers it, and then its certificate must be good unless the server is this very machine;
	// a password is never sent to another machine in the clear. Empty: mails become files in Dir.
	SMTPURL string
	From    string // one address, with or without a name
	Dir     string
	Now     func() time.Time
}

// Message is one mail to one recipient.
type Message struct {
	ID                      string // the delivery's: the Message-ID and the name of an .eml file are made of it
	To, Subject, Text, HTML string
	Attempt                 int         // of sending it, from 1 on: whoever has two with one Message-ID sees why
	Audio                   *Attachment // nil: none
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
	return s, nil
}

// Send hands m to the server, or writes its file, and reports after a failure whether the same message may succeed later.
// When it cannot tell whether the server took the message it says so too: the repeat has the same Message-ID.
func (s *Sender) Send(ctx context.Context, m Message) (retry bool, err error) {
	msg, err := s.render(m)
	switch {
	case err != nil:
		retry = !errors.Is(err, ErrMessage)
	case s.relay == nil:
		retry, err = true, s.save(ctx, m.ID, msg)
	default:
		retry, err = s.relay.send(ctx, msg)
	}
	if err != nil {
		return retry, fmt.Errorf("send mail %s: %w", m.ID, err)
	}
	return false, nil
}

// Check reports whether mails could leave just now: whether the server lets us in, or the folder can be written to.
func (s *Sender) Check(ctx context.Context) error {
	if s.relay == nil {
		return s.probe()
	}
	return s.relay.check(ctx)
}

func (s *Sender) render(m Message) (*gomail.Msg, error) {
	to, err := recipient(m.To)
	if err != nil {
		return nil, err
	}
	if !plainID.MatchString(m.ID) {
		return nil, fmt.Errorf("identifier %q: %w", m.ID, ErrMessage)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(to)
	msg.Subject(headerText(m.Subject))
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain)
	msg.SetDateWithValue(s.now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Maskline-Attempt", strconv.Itoa(m.Attempt))
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, attach(msg, m.Audio)
}

// recipient takes a bare address only, so that one recipient can never become two.
func recipient(address string) (*mail.Address, error) {
	to, err := mail.ParseAddress(address)
	if err != nil || to.Address != address || oneLine(address) != address {
		return nil, fmt.Errorf("recipient %q: %w", address, ErrMessage)
	}
	return to, nil
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
