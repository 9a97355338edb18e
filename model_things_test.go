//go:build linux

package main

import (
	"errors"
	"io"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"
)

// bucket is where recordings are kept: a small disk that can be full.
type bucket struct {
	dir     string
	isSmall bool
}

const bucketSize = "size=24m"

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{dir: t.TempDir()}
	if err := syscall.Mount("tmpfs", b.dir, "tmpfs", 0, bucketSize); err != nil {
		t.Logf("THE DISK IS NEVER FULL HERE: mount a tmpfs: %v", err)
		return b
	}
	b.isSmall = true
	t.Cleanup(func() { check(t, syscall.Unmount(b.dir, syscall.MNT_DETACH)) })
	return b
}

// fill takes all room that is left.
func (b *bucket) fill() error {
	f, err := os.Create(filepath.Join(b.dir, "filler"))
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

func (b *bucket) free() error { return os.Remove(filepath.Join(b.dir, "filler")) }

// mood is how a mail server treats what it is sent.
type mailMood int

const (
	takesMail    mailMood = iota
	defersMail            // 451 at the recipient
	losesMail             // hangs up behind the text, and has not taken it
	losesReplies          // takes it, and hangs up in place of saying so
	moods
)

// moodyMailbox is a mail server that keeps what it takes, by its Message-ID.
type moodyMailbox struct {
	addr string
	mu   sync.Mutex
	mood mailMood
	took map[string]int
	lost int // replies
}

func newMoodyMailbox(t *testing.T) *moodyMailbox {
	t.Helper()
	m := &moodyMailbox{took: map[string]int{}}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &moodySession{m, c}, nil }))
	s.ErrorLog = quietly{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	m.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }() // ends with the listener
	t.Cleanup(func() { _ = s.Close() })
	return m
}

type quietly struct{}

func (quietly) Printf(string, ...any) {}
func (quietly) Println(...any)        {}

func (m *moodyMailbox) set(mood mailMood) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood = mood
}

func (m *moodyMailbox) now() mailMood {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mood
}

// copies are how many of each delivery's mail were taken.
func (m *moodyMailbox) copies() (took map[string]int, lostReplies int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	took = map[string]int{}
	for id, n := range m.took {
		took[id] = n
	}
	return took, m.lost
}

type moodySession struct {
	box  *moodyMailbox
	conn *smtp.Conn
}

func (s *moodySession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *moodySession) Reset()                               {}
func (s *moodySession) Logout() error                        { return nil }

var errLater = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, please try again later"}

func (s *moodySession) Rcpt(string, *smtp.RcptOptions) error {
	if s.box.now() == defersMail {
		return errLater
	}
	return nil
}

func (s *moodySession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	if s.box.mood == losesMail {
		return errors.Join(errLater, s.conn.Close())
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(strings.Trim(parsed.Header.Get("Message-ID"), "<>"), "@")
	s.box.took[id]++
	if s.box.mood == losesReplies {
		s.box.lost++
		return errors.Join(errLater, s.conn.Close())
	}
	return nil
}
