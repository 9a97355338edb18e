package doctor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/maskline/maskline/doctor"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/oidc"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/internal/transcribe"
)

func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		c := newClinic(t, db)
		r := c.examine()
		text := printed(t, r)
		if r.Count(doctor.Trouble)+r.Count(doctor.Warning) > 0 || len(r.Changes) > 0 || !strings.HasSuffix(text, "\nNothing is wrong.\n") {
			t.Errorf("%d changes and\n%s", len(r.Changes), text)
		}
		for _, area := range []string{"settings", "database", "mail", "recordings", "Twilio", "clock", "numbers"} {
			if !strings.Contains(text, "✓ ok       "+area) {
				t.Errorf("nothing is said of %s:\n%s", area, text)
			}
		}
		t.Log("\n" + text)
	})
}

// says answers requests whose path ends so, as Twilio would.
func says(end string, status int, body string) twist {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, end) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

const accountFile = "/Accounts/" + account + ".json"

// refused is how Twilio words a refusal.
func refused(status, code int) string {
	return fmt.Sprintf(`{"code":%d,"message":"No","status":%d}`, code, status)
}

// engine is one that runs a program.
func engine(t *testing.T, program string) doctor.Part {
	t.Helper()
	e, err := transcribe.NewExec(program)
	check(t, err)
	return e
}

// issuer is one of tokens, at an address below another's: one that has a key is at /.
func (c *clinic) issuer(at string) doctor.Part {
	c.t.Helper()
	var base string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below, isKeys := strings.CutSuffix(r.URL.Path, "keys")
		switch {
		case below == "/empty/" && isKeys:
			_, _ = fmt.Fprint(w, `{"keys":[]}`)
		case isKeys:
			_, _ = fmt.Fprint(w, `{"keys":[{"kty":"OKP"}]}`)
		case strings.HasPrefix(r.URL.Path, "/away/"):
			w.WriteHeader(http.StatusBadGateway)
		case strings.HasPrefix(r.URL.Path, "/moved/"):
			http.Redirect(w, r, "/"+strings.TrimPrefix(r.URL.Path, "/moved/"), http.StatusFound)
		default:
			below := base + strings.TrimSuffix(r.URL.Path, ".well-known/openid-configuration")
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, below, below+"keys")
		}
	}))
	c.t.Cleanup(web.Close)
	base = web.URL
	i, err := oidc.New(base+at, "maskline", time.Now)
	check(c.t, err)
	return i
}

// misfortune is one thing that goes wrong, and what the doctor is to say of it.
type misfortune struct {
	name       string
	plant      func(c *clinic)
	level      doctor.Level
	what, mend string
	changes    int
}

var misfortunes = []misfortune{
	{"no account", func(c *clinic) { c.Twilio = doctor.Credentials{APIURL: c.Twilio.APIURL} },
		doctor.Trouble, "No Twilio account is set", "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN", 0},
	{"no token, though a key", func(c *clinic) { c.Twilio.AuthToken, c.Twilio.APIKey, c.Twilio.APISecret = "", "SKkey", "quiet" },
		doctor.Trouble, "TWILIO_AUTH_TOKEN is not set", "TWILIO_AUTH_TOKEN", 0},
	{"a wrong token", func(c *clinic) { c.Twilio.AuthToken = "wrong-token" },
		doctor.Trouble, "TWILIO_AUTH_TOKEN is refused", "Copy the auth token anew", 0},
	{"a wrong API key", func(c *clinic) { c.Twilio.APIKey, c.Twilio.APISecret = "SKother", "quiet" },
		doctor.Trouble, "TWILIO_API_KEY with its TWILIO_API_SECRET is refused", "Make a new API key", 0},
	{"an API key for an account", func(c *clinic) { c.Twilio.AccountSID = "SK00000000000000000000000000000001" },
		doctor.Trouble, "TWILIO_ACCOUNT_SID is no account's", "belongs into TWILIO_API_KEY", 0},
	{"an account that Twilio does not know", func(c *clinic) { c.twistWith(says(accountFile, 404, refused(404, 20404))) },
		doctor.Trouble, "knows no account " + account, "Copy TWILIO_ACCOUNT_SID anew", 0},
	{"test credentials", func(c *clinic) { c.twistWith(says(".json", 403, refused(403, 20008))) },
		doctor.Trouble, "test credentials", "live ones", 0},
	{"a key that may not read numbers", func(c *clinic) {
		c.Twilio.APIKey, c.Twilio.APISecret = "SKkey", "quiet"
		c.twistWith(says("/IncomingPhoneNumbers.json", 403, refused(403, 70051)))
	}, doctor.Trouble, "may not read this", "permission", 0},
	{"a suspended account", func(c *clinic) { c.twistWith(says(accountFile, 200, `{"status":"suspended","type":"Full"}`)) },
		doctor.Trouble, "is suspended: it makes and takes no calls", "most often it is money", 0},
	{"a closed account", func(c *clinic) { c.twistWith(says(".json", 403, refused(403, 20005))) },
		doctor.Trouble, "is not active", "most often it is money", 0},
	{"a trial account", func(c *clinic) { c.twistWith(says(accountFile, 200, `{"status":"active","type":"Trial"}`)) },
		doctor.Warning, "verified numbers only", "Upgrade", 0},
	{"phones that a trial account does not ring", func(c *clinic) { c.twistWith(says(accountFile, 200, `{"status":"active","type":"Trial"}`)) },
		doctor.Warning, "once they are verified: " + owner, "Verified Caller IDs", 0},
	{"Twilio is asked too much", func(c *clinic) { c.FailREST(429, -1, 7*time.Second) },
		doctor.Trouble, "too much at once", "Wait 1m0s", 0},
	{"Twilio has a fault", func(c *clinic) { c.FailREST(503, -1, 0) },
		doctor.Trouble, "a trouble of its own", "status.twilio.com", 0},
	{"a proxy's page in Twilio's place", func(c *clinic) { c.twistWith(says("", 200, "<html>")) },
		doctor.Trouble, "Unexpected", "TWILIO_API_URL", 0},
	{"Twilio is away", func(c *clinic) { c.Twilio.APIURL = "http://127.0.0.1:1" },
		doctor.Trouble, "does not answer", "reaches that address", 0},
	{"TWILIO_API_URL is none", func(c *clinic) { c.Twilio.APIURL = "api.twilio.com" },
		doctor.Trouble, "TWILIO_API_URL", "unset", 0},

	{"no program that transcribes", func(c *clinic) { c.Engine = engine(c.t, "no-such-program") },
		doctor.Trouble, "TRANSCRIBER_COMMAND: exec: ", "TRANSCRIBER", 0},
	{"a program that transcribes", func(c *clinic) { c.Engine = engine(c.t, "go") },
		doctor.OK, "What transcribes the messages is there", "", 0},

	{"an issuer", func(c *clinic) { c.Issuer = c.issuer("/") }, doctor.OK, "The issuer of tokens is there", "", 0},
	{"an issuer under another name", func(c *clinic) { c.Issuer = c.issuer("") },
		doctor.Trouble, "issuer", "letter for letter", 0},
	{"an issuer without keys", func(c *clinic) { c.Issuer = c.issuer("/empty/") },
		doctor.Trouble, "no keys", "OIDC_ISSUER", 0},
	{"an issuer that is elsewhere now", func(c *clinic) { c.Issuer = c.issuer("/moved/") },
		doctor.Trouble, "302", "OIDC_ISSUER", 0},
	{"an issuer that is away", func(c *clinic) { c.Issuer = c.issuer("/away/") },
		doctor.Trouble, "502", "OIDC_ISSUER", 0},

	{"a number that is not in the account", func(c *clinic) { c.own(other) },
		doctor.Trouble, other + " is not in the account " + account, "RELEASED", 0},
	{"no number yet", func(c *clinic) { c.sql("DELETE FROM masked_numbers") },
		doctor.Warning, "no masked number yet", "createNumber", 0},
	{"a number at Twilio that leads here", func(c *clinic) { c.AddNumber(rightNumber(other)) },
		doctor.Warning, other + " leads here and is none of", "createNumber", 0},
	{"a released number that leads here", func(c *clinic) { c.sql("UPDATE masked_numbers SET state = 'RELEASED'") },
		doctor.Warning, mask + " leads here and is RELEASED", "give it back", 0},
	{"another's number in the account", func(c *clinic) { c.AddNumber(network.Number{PhoneNumber: other, VoiceURL: "https://other.example/"}) },
		doctor.OK, "left alone: " + other, "", 0},
	{"a wrong voice URL", func(c *clinic) {
		c.route(func(n *network.Number) { n.VoiceURL = "https://demo.twilio.com/welcome/voice/" })
	}, doctor.Trouble, "voice URL leads elsewhere, so its calls do not come to Maskline. POST https://demo.twilio.com/welcome/voice/ POST " + public + "/webhooks/voice#rc=1", "--fix", 1},
	{"a wrong method", func(c *clinic) { c.route(func(n *network.Number) { n.VoiceMethod = "GET" }) },
		doctor.Trouble, "voice URL is asked by GET", "--fix", 1},
	{"no fallback", func(c *clinic) { c.route(func(n *network.Number) { n.VoiceFallbackURL = "" }) },
		doctor.Trouble, "voice fallback URL is not set, so when something fails, callers hear an error", "--fix", 1},
	{"no status callback", func(c *clinic) { c.route(func(n *network.Number) { n.StatusCallback = "" }) },
		doctor.Trouble, "status callback is not set", "--fix", 1},
	{"messages go elsewhere", func(c *clinic) { c.route(func(n *network.Number) { n.SMSURL = "https://other.example/sms" }) },
		doctor.Warning, "messaging URL leads elsewhere", "--fix", 1},
	{"nothing is repeated", func(c *clinic) { c.route(func(n *network.Number) { n.StatusCallback = public + "/webhooks/status" }) },
		doctor.Warning, "status callback is right, but Twilio does not repeat", "--fix", 1},
	{"a TwiML application", func(c *clinic) {
		c.route(func(n *network.Number) { n.VoiceApplicationSID = "AP11111111111111111111111111111111" })
	}, doctor.Trouble, "a TwiML application takes its calls, and its voice URLs are not used. AP11111111111111111111111111111111 none", "--fix", 1},
	{"a SIP trunk", func(c *clinic) {
		c.route(func(n *network.Number) { n.TrunkSID = "TK11111111111111111111111111111111" })
	}, doctor.Trouble, "a SIP trunk takes its calls", "--fix", 1},

	{"the mail server is down", func(c *clinic) { c.Mail.SMTPURL = "smtp://127.0.0.1:1" },
		doctor.Trouble, "The mail server does not take us", "SMTP_URL", 0},
	{"the mail server turns us away", func(c *clinic) { c.Mail.SMTPURL = "smtp://" + mailServer(c.t, "554 no") },
		doctor.Trouble, "The mail server does not take us", "SMTP_URL", 0},
	{"the mail server refuses our password", func(c *clinic) {
		c.Mail.SMTPURL = strings.Replace(c.Mail.SMTPURL, "smtp://", "smtp://olga:hidden@", 1)
	}, doctor.Trouble, "The mail server does not take us", "password", 0},
	{"the mail server offers no STARTTLS, which is required", func(c *clinic) { c.Mail.TLS = "required" },
		doctor.Trouble, "The mail server offers no secure connection", "SMTP_TLS=opportunistic", 0},
	{"SMTP_TLS is no word", func(c *clinic) { c.Mail.TLS = "always" },
		doctor.Trouble, "SMTP_TLS: want required, opportunistic or off", "SMTP_URL", 0},
	{"the folder for mails can't be made", func(c *clinic) {
		c.Mail.SMTPURL, c.Mail.Dir = "", filepath.Join(c.file(), "mail")
	}, doctor.Trouble, "Mails can't be put into", "DATA_DIR", 0},
	{"the bucket is read-only", func(c *clinic) { c.RecordingsURL = readOnlyBucket(c.t) },
		doctor.Trouble, "write a probe", "RECORDINGS_URL", 0},
	{"the folder for recordings can't be made", func(c *clinic) { c.RecordingsURL = "file://" + c.file() + "/recordings" },
		doctor.Trouble, "Recordings can't be kept", "RECORDINGS_URL", 0},

	{"the database is away", func(c *clinic) { c.DatabaseURL = c.away() },
		doctor.Trouble, "ping database", "DATABASE_URL", 0},
	{"the database is away, so the numbers are unknown", func(c *clinic) { c.DatabaseURL = c.away() },
		doctor.Warning, "which are ours stands in the database", "", 0},
	{"the database takes no writes", func(c *clinic) { c.DatabaseURL = c.readOnly() },
		doctor.Trouble, "", "DATABASE_URL", 0},
	{"the database's address is none", func(c *clinic) { c.DatabaseURL = "mysql://x" },
		doctor.Trouble, "The database can't be opened", "DATABASE_URL", 0},
	{"the database is empty", func(c *clinic) { c.DatabaseURL = address(testdb.Empty(c.t, c.db.Dialect())) },
		doctor.Warning, "", "maskline migrate", 0},
	{"the database is older", func(c *clinic) { c.sql("ALTER TABLE masked_numbers RENAME COLUMN ring_seconds TO rings") },
		doctor.Trouble, "lacks masked_numbers.ring_seconds, and has masked_numbers.rings", "maskline migrate", 0},
	{"the database lacks a table", func(c *clinic) { c.sql("DROP TABLE deliveries") },
		doctor.Warning, "older than this version: it lacks deliveries", "maskline migrate", 0},
	{"the database is newer", func(c *clinic) { c.sql("ALTER TABLE calls ADD COLUMN mood text") },
		doctor.Trouble, "newer than this version: it has calls.mood", "newer version", 0},

	{"what Twilio told is set aside", func(c *clinic) {
		c.sql(`INSERT INTO raw_webhooks (id, number, form, told_at, why, entry) VALUES ('CA1/reported/RE1/completed', '+15550009999', '', '2026-11-25', 'no such number', '{}'),
			('CA2/reported/RE2/completed', '+15550009999', '', '2026-11-25', 'no such number', '{}'), ('CA3/received', '+15550006789', '', '2026-11-25', NULL, NULL)`)
	}, doctor.Warning, "2 in all, since its number is not ours or it could not be taken: +15550009999", "Create the number", 0},

	{"the clock is fast", func(c *clinic) { c.Patient.Now = func() time.Time { return time.Now().Add(3 * time.Minute) } },
		doctor.Warning, "ahead of Twilio's: links", "NTP", 0},
	{"the clock is slow", func(c *clinic) { c.Patient.Now = func() time.Time { return time.Now().Add(-time.Hour) } },
		doctor.Warning, "behind Twilio's: links", "NTP", 0},
}

// file is one where a folder should be.
func (c *clinic) file() string {
	c.t.Helper()
	path := filepath.Join(c.DataDir, "file")
	check(c.t, os.WriteFile(path, nil, 0o600))
	return filepath.ToSlash(path)
}

// away is the address of a database of the same kind that is away.
func (c *clinic) away() string {
	if c.db.Dialect() == dialect.SQLite {
		return "sqlite://" + filepath.ToSlash(c.DataDir) // which is a folder
	}
	return "postgres://nobody:hidden@127.0.0.1:1/none?sslmode=disable"
}

// readOnly is the address at which nothing can be written.
func (c *clinic) readOnly() string {
	if c.db.Dialect() == dialect.SQLite {
		file := filepath.Join(c.t.TempDir(), "text.db")
		check(c.t, os.WriteFile(file, []byte("This is no database, however long one looks at it."), 0o600))
		return "sqlite://" + filepath.ToSlash(file)
	}
	return c.DatabaseURL + "&default_transaction_read_only=on"
}

func readOnlyBucket(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	check(t, backend.CreateBucket("voicemails"))
	inside := gofakes3.New(backend).Server()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
			return
		}
		inside.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return "s3://voicemails?region=us-east-1&endpoint=" + s.URL
}

func TestMisfortunes(t *testing.T) {
	t.Parallel()
	for _, m := range misfortunes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				c := newClinic(t, db)
				m.plant(c)
				r := c.examine()
				text := printed(t, r)
				if !found(r, m.level, m.what, m.mend) || len(r.Changes) != m.changes {
					t.Errorf("want %s %q to be mended by %q, and %d changes for --fix; got %d changes and\n%s", m.level, m.what, m.mend, m.changes, len(r.Changes), text)
				}
				if strings.Contains(text, "hidden") || strings.Contains(text, token) || strings.Contains(text, "quiet") || strings.Contains(text, "wrong-token") {
					t.Errorf("a secret is shown:\n%s", text)
				}
				for _, f := range r.Findings {
					if (f.Level == doctor.OK) != (f.Mend == "") {
						t.Errorf("%+v", f)
					}
				}
			})
		})
	}
}

// A misfortune in one part keeps nobody from examining the others.
func TestEverythingIsWrong(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		c := newClinic(t, db)
		c.DatabaseURL, c.Mail.SMTPURL, c.RecordingsURL, c.Twilio.AuthToken = c.away(), "smtp://127.0.0.1:1", readOnlyBucket(t), "wrong"
		r := c.examine()
		if r.Count(doctor.Trouble) != 4 || !strings.Contains(printed(t, r), "\n4 troubles and 1 warning.\n") {
			t.Errorf("\n%s", printed(t, r))
		}
	})
}

// With the API key the service can do its work, though the key may not read the account.
func TestAKeyOfTheUsualKind(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		c := newClinic(t, db)
		c.Twilio.APIKey, c.Twilio.APISecret = "SKkey", "quiet"
		c.twistWith(func(w http.ResponseWriter, r *http.Request) bool {
			user, _, _ := r.BasicAuth()
			return strings.HasPrefix(user, "SK") && says(accountFile, 401, refused(401, 20003))(w, r)
		})
		if r := c.examine(); r.Count(doctor.OK) != len(r.Findings) || !found(r, doctor.OK, "The API key opens the account", "") {
			t.Errorf("\n%s", printed(t, r))
		}
		c.Twilio.AuthToken = ""
		if r := c.examine(); !found(r, doctor.Warning, "suspended or on trial is not known", "TWILIO_AUTH_TOKEN") || !found(r, doctor.OK, mask+": everything leads to Maskline", "") {
			t.Errorf("\n%s", printed(t, r))
		}
	})
}

func TestAPasswordInAnAddressIsHidden(t *testing.T) {
	t.Parallel()
	c := newClinic(t, testdb.Open(t, testdb.SQLite))
	c.route(func(n *network.Number) { n.VoiceURL = "https://user:hidden@other.example/\x1b[2Jx" })
	r := c.examine()
	text := printed(t, r)
	for _, s := range r.Changes[0].Steps() {
		text += s.Now + s.To
	}
	if strings.Contains(text, "hidden") || strings.Contains(text, "\x1b") || !strings.Contains(text, "other.example") {
		t.Errorf("\n%q", text)
	}
}

func TestFixAndRestore(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		c := newClinic(t, db)
		c.own(other)
		c.route(func(n *network.Number) {
			n.VoiceURL, n.VoiceMethod, n.VoiceFallbackURL = "https://old.example/voice?a=1.5", "GET", ""
			n.StatusCallback, n.SMSURL, n.TrunkSID = "", "https://old.example/sms", "TK11111111111111111111111111111111"
		})
		c.AddNumber(network.Number{PhoneNumber: other, FriendlyName: "Second", VoiceApplicationSID: "AP11111111111111111111111111111111"})
		stranger := network.Number{PhoneNumber: "+15550009999", VoiceURL: "https://other.example/"}
		c.AddNumber(stranger)
		first := c.Numbers()

		r := c.examine()
		if len(r.Changes) != 2 {
			t.Fatalf("%d changes and\n%s", len(r.Changes), printed(t, r))
		}
		t.Log("\n" + printed(t, r))
		c.fix(r.Changes)
		if r := c.examine(); r.Count(doctor.OK) != len(r.Findings) || len(r.Changes) > 0 {
			t.Errorf("after --fix:\n%s", printed(t, r))
		}
		if got := c.Numbers(); got[2] != first[2] || got[1].FriendlyName != "Second" {
			t.Errorf("--fix set what it should not: %+v", got)
		}

		// The world moves to another address; what is kept stays what was there first.
		c.PublicURL = "https://moved.example.com"
		again := c.examine().Changes
		if len(again) != 2 {
			t.Fatalf("%d changes", len(again))
		}
		c.fix(again)
		if got := c.Numbers()[0].VoiceURL; !strings.HasPrefix(got, c.PublicURL) {
			t.Errorf("the voice URL is %s", got)
		}

		back, gone, err := doctor.Restorable(t.Context(), c.Patient)
		if err != nil || len(gone) > 0 || len(back) != 2 {
			t.Fatalf("to be restored: %+v, gone %v, %v", back, gone, err)
		}
		check(t, doctor.Restore(t.Context(), c.Patient, back, func(_ doctor.Change, err error) { check(t, err) }))
		for i, got := range c.Numbers() {
			want := first[i]
			if want.VoiceFallbackMethod == "" { // what was never set is POST
				want.VoiceMethod, want.VoiceFallbackMethod, want.StatusCallbackMethod, want.SMSMethod = got.VoiceMethod, got.VoiceFallbackMethod, got.StatusCallbackMethod, got.SMSMethod
			}
			if got != want {
				t.Errorf("restored\n%+v, want\n%+v", got, want)
			}
		}
		if back, gone, err := doctor.Restorable(t.Context(), c.Patient); err != nil || len(back)+len(gone) > 0 {
			t.Errorf("still to be restored: %+v, %v, %v", back, gone, err)
		}
		if _, err := os.Stat(c.BeforeFile()); !os.IsNotExist(err) {
			t.Errorf("what was kept is still there: %v", err)
		}
	})
}

func (c *clinic) fix(changes []doctor.Change) {
	c.t.Helper()
	told := 0
	check(c.t, doctor.Fix(c.t.Context(), c.Patient, changes, func(_ doctor.Change, err error) {
		check(c.t, err)
		told++
	}))
	if told != len(changes) {
		c.t.Errorf("told of %d changes of %d", told, len(changes))
	}
}

// broken has two numbers that lead elsewhere, and returns the changes that mend them.
func (c *clinic) broken() []doctor.Change {
	c.t.Helper()
	c.own(other)
	c.AddNumber(network.Number{PhoneNumber: other, VoiceURL: "https://old.example/2"})
	c.route(func(n *network.Number) { n.VoiceURL = "https://old.example/1" })
	changes := c.examine().Changes
	if len(changes) != 2 {
		c.t.Fatalf("%d changes", len(changes))
	}
	return changes
}

func TestFixThatTwilioInterrupts(t *testing.T) {
	t.Parallel()
	c := newClinic(t, testdb.Open(t, testdb.SQLite))
	changes := c.broken()
	c.FailREST(503, 1, 0)
	var told []error
	err := doctor.Fix(t.Context(), c.Patient, changes, func(_ doctor.Change, err error) { told = append(told, err) })
	if err == nil || !strings.Contains(err.Error(), "1 of 2 numbers") || len(told) != 2 || told[0] == nil || told[1] != nil {
		t.Errorf("got %v, told %v", err, told)
	}
	c.fix(c.examine().Changes)
	if r := c.examine(); r.Count(doctor.OK) != len(r.Findings) {
		t.Errorf("\n%s", printed(t, r))
	}
	back, _, err := doctor.Restorable(t.Context(), c.Patient)
	check(t, err)
	c.FailREST(503, 1, 0)
	if err := doctor.Restore(t.Context(), c.Patient, back, func(doctor.Change, error) {}); err == nil {
		t.Error("a restoring that failed is none")
	}
	back, _, err = doctor.Restorable(t.Context(), c.Patient)
	if err != nil || len(back) != 1 {
		t.Errorf("left to restore: %+v, %v", back, err)
	}
}

func TestWhatCannotBeKeptIsNotChanged(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(c *clinic){
		"a file that is not understood": func(c *clinic) { check(c.t, os.WriteFile(c.BeforeFile(), []byte("{"), 0o600)) },
		"a folder that can't be made":   func(c *clinic) { c.DataDir = c.file() + "/x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, testdb.Open(t, testdb.SQLite))
			changes := c.broken()
			plant(c)
			first := c.Numbers()
			err := doctor.Fix(t.Context(), c.Patient, changes, func(doctor.Change, error) { t.Error("a number was touched") })
			if err == nil || !strings.Contains(err.Error(), "before") || c.Numbers()[0] != first[0] {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	c := newClinic(t, testdb.Open(t, testdb.SQLite))
	c.Patient.Now = func() time.Time { return time.Now().Truncate(time.Second) }
	check(t, os.WriteFile(c.BeforeFile(), []byte(`{"numbers":[{"account_sid":"AC9","sid":"PN9","phone_number":"+1555","voice_url":"https://x.example/"}]}`), 0o600))
	c.fix(c.broken())
	text, err := os.ReadFile(c.BeforeFile())
	check(t, err)
	info, err := os.Stat(c.BeforeFile())
	check(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	var file struct{ Numbers []map[string]string }
	check(t, json.Unmarshal(text, &file))
	if len(file.Numbers) != 3 || file.Numbers[0]["sid"] != "PN9" || file.Numbers[1]["voice_url"] != "https://old.example/1" || file.Numbers[1]["account_sid"] != account {
		t.Errorf("kept\n%s", text)
	}
	// Numbers of another account wait for that account, and what has left this one can't be restored.
	c.twistWith(says("/IncomingPhoneNumbers.json", 200, `{"incoming_phone_numbers":[]}`))
	back, gone, err := doctor.Restorable(t.Context(), c.Patient)
	if err != nil || len(back) != 0 || len(gone) != 2 {
		t.Errorf("to be restored: %+v, gone %v, %v", back, gone, err)
	}
}

func TestWithoutCredentialsNothingIsChanged(t *testing.T) {
	t.Parallel()
	p := doctor.Patient{DataDir: t.TempDir()}
	_, _, restorable := doctor.Restorable(t.Context(), p)
	for _, err := range []error{restorable, doctor.Fix(t.Context(), p, nil, nil), doctor.Restore(t.Context(), p, nil, nil)} {
		if err == nil || !strings.Contains(err.Error(), "TWILIO_ACCOUNT_SID") {
			t.Errorf("got %v", err)
		}
	}
}
