package doctor_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/doctor"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/phone"
)

const (
	account = "AC00000000000000000000000000000001"
	token   = "0123456789abcdef0123456789abcdef"
	public  = "https://mask.example.com"
	mask    = "+15550006789"
	other   = "+15550006790"
	owner   = "+15550100001"
)

func TestMain(m *testing.M) {
	// The S3 client takes its credentials from the environment, and would otherwise look for them on the network.
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// clinic is an installation in which nothing is wrong, with the world around it.
type clinic struct {
	t  *testing.T
	db *database.DB
	*network.Network
	doctor.Patient
	twist atomic.Pointer[twist] // what a test does to Twilio's answers
}

// twist answers in Twilio's place, or not.
type twist func(w http.ResponseWriter, r *http.Request) (answered bool)

func newClinic(t *testing.T, db *database.DB) *clinic {
	t.Helper()
	n := network.New(network.Config{AccountSID: account, AuthToken: token, APIKey: "SKkey", APISecret: "quiet", Seed: 1})
	t.Cleanup(n.Close)
	c := &clinic{t: t, db: db, Network: n}
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if twist := c.twist.Load(); twist != nil && (*twist)(w, r) {
			return
		}
		n.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(twilio.Close)
	dir := t.TempDir()
	c.Patient = doctor.Patient{
		PublicURL: public, DataDir: dir, DatabaseURL: address(db), RecordingsURL: recordings.FolderURL(filepath.Join(dir, "recordings")),
		Mail:   mail.Config{SMTPURL: "smtp://" + mailServer(t, "220 hello"), From: "Maskline <maskline@example.com>", Dir: filepath.Join(dir, "mail")},
		Twilio: doctor.Credentials{APIURL: twilio.URL, AccountSID: account, AuthToken: token},
	}
	c.own(mask, owner)
	n.AddNumber(rightNumber(mask))
	return c
}

// address is where the database is to be had by another process.
func address(db *database.DB) string {
	if db.Dialect() == dialect.SQLite {
		file, _, _ := strings.Cut(strings.TrimPrefix(db.DSN(), "file:"), "?")
		return "sqlite://" + file
	}
	return db.DSN()
}

// rightNumber leads to Maskline.
func rightNumber(number string) network.Number {
	const decision, callback = "#rc=1&rp=ct,rt,5xx", "#rc=3&rp=ct,rt,5xx"
	return network.Number{
		PhoneNumber: number, VoiceURL: public + "/webhooks/voice" + decision, VoiceMethod: "POST",
		VoiceFallbackURL: public + "/webhooks/voice/fallback" + decision, VoiceFallbackMethod: "POST",
		StatusCallback: public + "/webhooks/status" + callback, StatusCallbackMethod: "POST",
		SMSURL: public + "/webhooks/messages" + decision, SMSMethod: "POST",
	}
}

// own makes a masked number of ours.
func (c *clinic) own(number string, forwardTo ...phone.Number) {
	c.t.Helper()
	ctx := viewer.System(c.t.Context())
	tx, err := c.db.Begin(ctx)
	check(c.t, err)
	user, err := tx.Ent.User.Create().SetEmail(number[1:] + "@example.com").SetName("Olga").Save(ctx)
	check(c.t, err)
	check(c.t, tx.Ent.MaskedNumber.Create().SetOwner(user).SetPhoneNumber(phone.Number(number)).SetForwardTo(forwardTo).SetNotifyEmails([]string{}).Exec(ctx))
	check(c.t, tx.Commit())
}

// sql changes the database behind the program's back.
func (c *clinic) sql(statement string) {
	c.t.Helper()
	_, err := c.db.Writer().ExecContext(c.t.Context(), statement)
	check(c.t, err)
}

// twistWith puts a test in the way of Twilio's answers.
func (c *clinic) twistWith(t twist) { c.twist.Store(&t) }

// route changes where the first number leads.
func (c *clinic) route(change func(*network.Number)) {
	n := c.Numbers()[0]
	change(&n)
	c.AddNumber(n)
}

func (c *clinic) examine() doctor.Report {
	c.t.Helper()
	return doctor.Examine(c.t.Context(), c.Patient)
}

// found is whether the report has such a finding.
func found(r doctor.Report, level doctor.Level, what, mend string) bool {
	for _, f := range r.Findings {
		if f.Level == level && strings.Contains(f.What+" "+f.Now+" "+f.Wanted, what) && strings.Contains(f.Mend, mend) {
			return true
		}
	}
	return false
}

func printed(t *testing.T, r doctor.Report) string {
	t.Helper()
	var b strings.Builder
	check(t, r.Print(&b))
	return b.String()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mailServer greets everybody like that, and takes no mail.
func mailServer(t *testing.T, greeting string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			go converse(conn, greeting)
		}
	}()
	return l.Addr().String()
}

func converse(conn net.Conn, greeting string) {
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "%s\r\n", greeting)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch verb, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); verb {
		case "EHLO":
			_, _ = fmt.Fprint(conn, "250-mail.test\r\n250 AUTH PLAIN\r\n")
		case "AUTH":
			_, _ = fmt.Fprint(conn, "535 no\r\n")
		case "QUIT":
			_, _ = fmt.Fprint(conn, "221 bye\r\n")
		default:
			_, _ = fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}
