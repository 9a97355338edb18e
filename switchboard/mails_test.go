package switchboard_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/mailrecipient"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// post is a mail server that refuses some recipients for good, and the folder for mails of before there was one.
type post struct {
	mu      sync.Mutex
	refuses map[string]bool
	got     []string // recipient, and the mail
	dir     string
}

// posted makes a desk whose mails go to a mail server.
func posted(t *testing.T, db *database.DB) (*desk, *post) {
	t.Helper()
	d, p := newDesk(t, db), &post{refuses: map[string]bool{}, dir: t.TempDir()}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &talk{post: p}, nil }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	d.check(err)
	go func() { _ = server.Serve(l) }() // ends with the listener
	t.Cleanup(func() { d.check(server.Close()) })
	d.Mail, err = mail.New(mail.Config{SMTPURL: "smtp://" + l.Addr().String(), From: "maskline@example.com", Dir: p.dir, Now: d.now})
	d.check(err)
	d.Links.SetKey([]byte("key"))
	return d, p
}

type talk struct {
	*post
	to string
}

func (t *talk) Mail(string, *smtp.MailOptions) error { return nil }
func (t *talk) Reset()                               {}
func (t *talk) Logout() error                        { return nil }

func (t *talk) Rcpt(to string, _ *smtp.RcptOptions) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to = to; t.refuses[to] {
		return &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
	}
	return nil
}

func (t *talk) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, t.to+"\n"+strings.ReplaceAll(strings.ReplaceAll(string(text), "=\r\n", ""), "=3D", "="))
	return err
}

// taken are the recipients of the mails that came since the last time.
func (p *post) taken() (to []string) {
	for _, m := range p.mails() {
		recipient, _, _ := strings.Cut(m, "\n")
		to = append(to, recipient)
	}
	slices.Sort(to)
	return to
}

func (p *post) mails() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// later lets time go by, and has the work done that is due then. What fails is tried again.
func (d *desk) later(by time.Duration) {
	d.t.Helper()
	d.wait(by)
	d.check(d.work())
}

// leaves has call n leave a message, whose mail is due after a minute.
func (d *desk) leaves(n int) {
	d.t.Helper()
	d.check(d.Reported(d.ctx, d.spoke(n), phone.Reported{RecordingSID: recording(n), Status: "failed", Seconds: 9}))
	d.later(phone.AppearWithin)
	d.later(phone.MailPatience)
}

// misses has call n end unanswered while it rings.
func (d *desk) misses(n int, from string) phone.Incoming {
	d.t.Helper()
	in := incoming(n)
	in.From = from
	_, err := d.Receive(d.ctx, in)
	d.check(err)
	d.end(in)
	return in
}

func (d *desk) end(in phone.Incoming) {
	d.t.Helper()
	for range 2 { // Twilio repeats itself
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "no-answer"}))
	}
}

func (d *desk) notify(number string, to ...string) {
	d.t.Helper()
	d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.NotifyEmails = append([]string{}, to...) }))
}

func (d *desk) deliveries() []*ent.Delivery {
	return d.db.Client().Delivery.Query().Order(ent.Asc(delivery.FieldID)).AllX(d.ctx)
}

func (d *desk) recipient(address string) *ent.MailRecipient {
	return d.db.Client().MailRecipient.Query().Where(mailrecipient.Address(address)).OnlyX(d.ctx)
}

func wantTaken(t *testing.T, p *post, want ...string) {
	t.Helper()
	if got := p.taken(); !slices.Equal(got, want) {
		t.Errorf("the mail server got mails to %q, want %q", got, want)
	}
}

// saysOf counts deliveries by state and what they say.
func (d *desk) saysOf() map[string]int {
	all := map[string]int{}
	for _, m := range d.deliveries() {
		said := string(m.State)
		if m.LastError != nil {
			said += ": " + phone.ShowFailure(*m.LastError, false)
		}
		all[said]++
	}
	return all
}

// eachPosted runs body on both databases with a desk whose mails go to a mail server.
func eachPosted(t *testing.T, body func(*desk, *post)) {
	t.Helper()
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) { body(posted(t, db)) }, jobs.Migrate)
}

func TestNoMoreThanAHundredMailsADayGoOutForANumber(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		_, number, _ := d.number(-1, -1)
		d.sent(number, phone.MailsADay-5)
		var all []string
		for n := range 20 {
			all = append(all, fmt.Sprintf("a%02d@example.com", n))
		}
		d.notify(number, all...)
		d.leaves(1)
		first := p.taken()
		if len(first) != 5 {
			d.t.Fatalf("%d mails went out, want 5", len(first))
		}
		if got := d.saysOf(); got["DELIVERED"] != 5 || got["FAILED: "+phone.Withheld()] != 15 {
			d.t.Errorf("the deliveries are %v", got)
		}
		d.leaves(2)
		wantTaken(d.t, p)
		d.check(d.Delete(d.ctx, []string{d.db.Client().Voicemail.Query().FirstIDX(d.ctx)})) // frees nothing
		_, err := d.EmptyBin(d.ctx)
		d.check(err)
		d.leaves(3)
		wantTaken(d.t, p)

		d.wait(phone.MailsWithin)
		d.notify(number, first[0], "a19@example.com")
		d.leaves(4)
		for _, m := range p.mails() {
			if !strings.Contains(m, "since no more than 100 go out a day: ") {
				d.t.Errorf("it says nothing of the others:\n%s", m)
			}
		}
		d.leaves(5)
		for _, m := range p.mails() {
			if strings.Contains(m, "no more than 100") {
				d.t.Errorf("it says so again:\n%s", m)
			}
		}
	})
}

// sent makes so many mails of a number have gone out just now.
func (d *desk) sent(number string, n int) {
	tx, err := d.db.Begin(d.ctx)
	d.check(err)
	for i := range n {
		d.check(tx.Ent.SentMail.Create().SetID(fmt.Sprintf("sent%d", i)).SetNumberID(number).SetAt(d.now()).Exec(d.ctx))
	}
	d.check(tx.Commit())
}

func TestAMailThatWasHeldBackIsSentOnDemand(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		_, number, _ := d.number(-1, -1)
		d.sent(number, phone.MailsADay)
		d.leaves(1)
		held := d.deliveries()[0]
		retry := func() {
			d.check(d.RetryDelivery(d.ctx, held.ID))
			d.later(0)
		}
		retry()
		if got := d.saysOf(); len(p.taken()) > 0 || got["FAILED: "+phone.Withheld()] != 1 {
			d.t.Errorf("it went out, or is %v", got)
		}
		d.wait(phone.MailsWithin)
		retry()
		got := p.mails()
		if len(got) != 1 || strings.Contains(got[0], "held back") || d.saysOf()["DELIVERED"] != 1 {
			d.t.Errorf("%d mails, %v: %q", len(got), d.saysOf(), got)
		}
	})
}

func TestTheLimitOfMailsHoldsHoweverManyAreSentAtOnce(t *testing.T) {
	eachPosted(t, func(d *desk, p *post) {
		_, number, _ := d.number(-1, -1)
		d.sent(number, phone.MailsADay-7)
		var all []string
		for n := range 20 {
			all = append(all, fmt.Sprintf("a%02d@example.com", n))
		}
		d.notify(number, all...)
		d.check(d.Reported(d.ctx, d.spoke(1), phone.Reported{RecordingSID: recording(1), Status: "failed", Seconds: 9}))
		d.check(d.Work()[jobs.Appear](d.ctx, jobs.Job{Kind: jobs.Appear, Subject: d.onlyVoicemail()}))
		var sending sync.WaitGroup
		for _, m := range d.deliveries() {
			for range 2 { // two jobs about the same mail
				sending.Go(func() {
					_ = d.Work()[jobs.SendMail](d.ctx, jobs.Job{Kind: jobs.SendMail, Subject: m.ID}) // one of the two finds it claimed
				})
			}
		}
		sending.Wait()
		if got := d.saysOf(); len(p.taken()) != 7 || got["DELIVERED"] != 7 || got["FAILED: "+phone.Withheld()] != 13 {
			d.t.Errorf("the deliveries are %v", got)
		}
	})
}

func TestMailFilesGoWithTheirVoicemailAndAfterMailDays(t *testing.T) {
	each(t, func(d *desk) {
		dir := d.t.TempDir()
		var err error
		d.Mail, err = mail.New(mail.Config{From: "maskline@example.com", Dir: dir, Now: d.now})
		d.check(err)
		d.Settings.MailDays, d.Settings.BinDays = 30, 7
		files := func() int {
			all, err := filepath.Glob(filepath.Join(dir, "*"))
			d.check(err)
			return len(all)
		}
		d.number(-1, -1)
		d.leaves(1)
		d.leaves(2)
		if files() != 2 {
			d.t.Fatalf("there are %d mails", files())
		}
		d.check(os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("ours"), 0o600))
		d.check(d.Delete(d.ctx, []string{d.db.Client().Voicemail.Query().FirstIDX(d.ctx)}))
		keepHouse := func(after time.Duration) {
			d.wait(after)
			d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse}))
			if err := d.work(); err != nil && !errors.Is(err, os.ErrNotExist) {
				d.t.Error(err)
			}
		}
		keepHouse(8 * 24 * time.Hour)
		if files() != 2 {
			d.t.Errorf("after the bin was emptied there are %d files, want a mail and what is not ours", files())
		}
		keepHouse(21 * 24 * time.Hour)
		if files() != 2 {
			d.t.Errorf("before MAIL_DAYS there are %d files", files())
		}
		keepHouse(2 * 24 * time.Hour)
		if files() != 1 {
			d.t.Errorf("after MAIL_DAYS there are %d files", files())
		}
	})
}
