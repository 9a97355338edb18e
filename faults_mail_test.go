package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
)

// postOffice is a mail server that does with each mail what it is told, and knows how often it was asked.
type postOffice struct {
	mu sync.Mutex
	// What it says to a recipient, and to a mail, on that attempt at that recipient; nil takes everything.
	onRcpt, onData func(to string, attempt int) error
	asked          map[string]int // by recipient
	mailbox
}

// newPostOffice opens a mail server, and is an option for the house to send its mails there.
func newPostOffice(t *testing.T) (*postOffice, option) {
	t.Helper()
	o := &postOffice{asked: map[string]int{}}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &counter{office: o, conn: c.Conn()}, nil }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	o.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }() // ends with the listener
	t.Cleanup(func() { check(t, s.Close()) })
	return o, option{settings: func(s *Settings) { s.SMTPURL = Secret("smtp://" + o.addr) }}
}

// counter is one conversation.
type counter struct {
	office *postOffice
	conn   net.Conn
	to     string
	nth    int
}

func (c *counter) Mail(string, *smtp.MailOptions) error { return nil }
func (c *counter) Reset()                               {}
func (c *counter) Logout() error                        { return nil }

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.asked[to]++
	c.to, c.nth = to, c.office.asked[to]
	if c.office.onRcpt != nil {
		return c.office.onRcpt(c.to, c.nth)
	}
	return nil
}

var errCut = errors.New("the line is cut")

func (c *counter) Data(r io.Reader) error {
	if err := (&mailSession{&c.office.mailbox}).Data(r); err != nil {
		return err
	}
	if c.office.onData == nil {
		return nil
	}
	err := c.office.onData(c.to, c.nth)
	if errors.Is(err, errCut) {
		err = errors.Join(err, c.conn.Close())
	}
	return err
}

func says(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: text}
}

// mailed is a delivery as the owner's client sees it.
type mailed struct {
	ID, Recipient, State string
	Attempts             int
	LastError            *string
}

// deliveries are those of the one voicemail.
func (h *house) deliveries(tn tenant) map[string]mailed {
	h.t.Helper()
	var list struct {
		Voicemails struct {
			Edges []struct{ Node struct{ Deliveries []mailed } }
		}
	}
	h.ask(tn.token, `{ voicemails { edges { node { deliveries { id recipient state attempts lastError } } } } }`, nil, &list)
	if len(list.Voicemails.Edges) != 1 {
		h.t.Fatalf("%d voicemails, want 1", len(list.Voicemails.Edges))
	}
	all := map[string]mailed{}
	for _, d := range list.Voicemails.Edges[0].Node.Deliveries {
		all[d.Recipient] = d
	}
	return all
}

// playUntil lets all calls happen, and the work that they made until then.
func (h *house) playUntil(end time.Time) {
	h.t.Helper()
	for check(h.t, h.net.Run(h.ctx)); ; {
		_, err := h.app.queue.Drain(h.ctx, h.net.Now())
		check(h.t, err)
		at, more, err := h.app.queue.Next(h.ctx)
		check(h.t, err)
		if !more || at.After(end) {
			check(h.t, h.net.RunUntil(h.ctx, end))
			return
		}
		check(h.t, h.net.RunUntil(h.ctx, at))
	}
}

// mailFault is a house whose mail server has its moods, in which one message was left.
func mailFault(t *testing.T, db *database.DB, set func(*postOffice, *house)) (*house, tenant, *postOffice) {
	t.Helper()
	office, there := newPostOffice(t)
	h := newHouse(t, db, there)
	tn := h.newTenant("olivia@example.com", mask, -1, -1)
	set(office, h)
	h.net.Dial(hello, mask)
	return h, tn, office
}

// wantDelivered checks how often a mail was tried and how many copies arrived, all of one Message-ID.
func (h *house) wantDelivered(tn tenant, office *postOffice, attempts, copies int) {
	h.t.Helper()
	d := h.deliveries(tn)["olivia@example.com"]
	if d.State != "DELIVERED" || d.Attempts != attempts {
		h.t.Errorf("it is %s after %d attempts, want DELIVERED after %d", d.State, d.Attempts, attempts)
	}
	if ids := office.byID(); len(ids) != 1 || ids[d.ID] != copies {
		h.t.Errorf("copies by Message-ID: %v, want %d of %s", ids, copies, d.ID)
	}
}

const outage = 6 * time.Hour

func TestF21MailWaitsSixHoursForItsServer(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		var end time.Time
		h, tn, office := mailFault(t, db, func(o *postOffice, h *house) {
			end = h.net.Now().Add(outage)
			o.onRcpt = func(string, int) error {
				if h.net.Now().Before(end) {
					return says(421, "closing down")
				}
				return nil
			}
		})
		h.playUntil(end.Add(-time.Minute))
		d := h.deliveries(tn)["olivia@example.com"]
		if d.State != "PENDING" || d.LastError == nil || *d.LastError != "The mail server does not take this mail at the moment (421)." || d.Attempts < 15 {
			t.Errorf("meanwhile it is %+v", d)
		}
		h.playUntil(end.Add(31 * time.Minute))
		h.wantDelivered(tn, office, office.asked["olivia@example.com"], 1)
	}, jobs.Migrate)
}

func TestF22AGreylistingServerGetsTheMailLater(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		var first time.Time
		h, tn, office := mailFault(t, db, func(o *postOffice, h *house) {
			o.onRcpt = func(_ string, attempt int) error {
				if attempt == 1 {
					first = h.net.Now()
				}
				if h.net.Now().Before(first.Add(5 * time.Minute)) {
					return says(451, "greylisted, come back in 300 seconds")
				}
				return nil
			}
		})
		h.play()
		h.wantDelivered(tn, office, office.asked["olivia@example.com"], 1)
	}, jobs.Migrate)
}

func TestF23ARefusedMailIsNotTriedAgainAndSaysWhy(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h, tn, office := mailFault(t, db, func(o *postOffice, h *house) {
			o.onRcpt = func(string, int) error { return says(550, "no such mailbox here") }
		})
		h.play()
		d := h.deliveries(tn)["olivia@example.com"]
		if d.State != "FAILED" || d.Attempts != 1 || d.LastError == nil || *d.LastError != "The mail server refused this address for good: 550 5.7.1 no such mailbox here" || office.asked["olivia@example.com"] != 1 {
			t.Errorf("it is %+v, and the server was asked %v", d, office.asked)
		}
		if _, metrics := h.get(h.url+"/metrics", ""); !strings.Contains(string(metrics), `maskline_given_up_total{what="mail"} 1`) {
			t.Error("no metric tells that a mail was given up")
		}
	}, jobs.Migrate)
}

// That a server which hangs after DATA is left, and asked again later, is TestF24AServerThatHangsIsLeft in internal/mail.
func TestF24AMailOfWhichNobodyKnowsIsSentAgain(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h, tn, office := mailFault(t, db, func(o *postOffice, h *house) {
			o.onData = func(_ string, attempt int) error {
				if attempt == 1 {
					return errCut // it has the mail, and we have no answer
				}
				return nil
			}
		})
		h.play()
		h.wantDelivered(tn, office, 2, 2)
	}, jobs.Migrate)
}

func TestF24SomeRecipientsAreTakenAndOthersNot(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h, tn, office := mailFault(t, db, func(o *postOffice, h *house) {
			o.onRcpt = func(to string, attempt int) error {
				switch {
				case to == "busy@example.com" && attempt == 1:
					return says(452, "mailbox full")
				case to == "gone@example.com":
					return says(550, "moved away")
				}
				return nil
			}
		})
		h.set(tn, `notifyEmails: ["fine@example.com", "busy@example.com", "gone@example.com"]`)
		h.play()
		got := h.deliveries(tn)
		for to, want := range map[string]mailed{
			"fine@example.com": {State: "DELIVERED", Attempts: 1}, "busy@example.com": {State: "DELIVERED", Attempts: 2}, "gone@example.com": {State: "FAILED", Attempts: 1},
		} {
			if d := got[to]; d.State != want.State || d.Attempts != want.Attempts {
				t.Errorf("%s: got %+v, want %+v", to, d, want)
			}
		}
		if ids := office.byID(); len(ids) != 2 || ids[got["fine@example.com"].ID] != 1 || ids[got["busy@example.com"].ID] != 1 {
			t.Errorf("copies: %v, want one each for fine and busy", ids)
		}
	}, jobs.Migrate)
}
