package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/testdb"
)

// kanari is in each part of a setting that must not be echoed.
const kanari = "kanari"

// malformed are thirty addresses that cannot be read as they were meant. S stands for the scheme.
var malformed = []string{
	"S://kanariu:kanarip/kanaria@kanarih/kanarid", "S://kanariu:kanarip?kanaria@kanarih/kanarid", "S://kanariu:kanarip#kanaria@kanarih/kanarid",
	"S://kanariu:12/kanarip@kanarih/kanarid", "S://kanariu:12?kanarip@kanarih/kanarid", "S://kanariu:12#kanarip@kanarih/kanarid",
	"S://kanariu:kanarip%kanari@kanarih/kanarid", "S://kanariu:kanarip kanari@kanarih/kanarid", "S://kanariu:kanarip[kanari@kanarih/kanarid",
	`S://kanariu:kanarip\kanari@kanarih/kanarid`, `S://kanariu:kanarip"kanari@kanarih/kanarid`, "S://kanariu:kanarip^kanari@kanarih/kanarid",
	"S://kanariu:kanarip\nkanari@kanarih/kanarid", "S://kanariu:<kanari>@kanarih/kanarid", "S://kanariu:kanarip`kanari@kanarih/kanarid",
	"S://kanariu:{kanari}@kanarih/kanarid", "S://kanariu:kanarip|kanari@kanarih/kanarid", "S://kanariu:kanarip@kanarih:kanariport/kanarid",
	"S://kanariu:kanarip@kanarih:99999999/kanarid", "S://kanariu:kanarip@[kanarih/kanarid", "S//kanariu:kanarip@kanarih/kanarid",
	"S:kanariu:kanarip@kanarih/kanarid", "kanariu:kanarip@kanarih:5432/kanarid", "kanaris://kanariu:kanarip@kanarih/kanarid",
	"S://kanariu:kanarip%zz@kanarih/kanarid", "S://kanariu/kanarip@kanarih", "S://kanariu:kanarip@kanarih/kanarid#kanarif",
	"S://kanariu:kanarip@kanarih%zz/kanarid", "S ://kanariu:kanarip@kanarih/kanarid", "S://kanariu:kanarip@kanarih/kanarid?kanari n=%zz",
}

func addressesOf(scheme string) (all []string) {
	for _, m := range malformed {
		all = append(all, strings.ReplaceAll(m, "S", scheme))
	}
	return all
}

// thirty are values that are put together of a text and an end.
func thirty(format string) (all []string) {
	for i := range 30 {
		all = append(all, fmt.Sprintf(format, strings.Repeat("x", i%20)))
	}
	return all
}

// secretSettings are those that may hold a secret, be it by mistake, with values that are refused.
var secretSettings = []struct {
	name   string
	values []string
	beside []string // what else is set
}{
	{"DATABASE_URL", append(addressesOf("postgres"), "postgres://h/d?sslmode=kanari", "postgres://h/d?connect_timeout=kanari", "sqlite://kanari?x", "sqlite:///dev/null/kanari/x.db"), []string{"RECORDINGS_SHARED=true"}},
	{"RECORDINGS_URL", append(addressesOf("s3"), "file://kanari", "file:///dev/null/kanari", "file:///%zzkanari", "s3://b?kanari=1", "s3://b?endpoint=http://u:kanari@h", "s3://b?use_path_style=kanari"), nil},
	{"SMTP_URL", addressesOf("smtp"), nil},
	{"OIDC_ISSUER", append(addressesOf("https"), "https://kanariu:kanarip@kanarih"), []string{"OIDC_AUDIENCE=maskline"}},
	{"TRANSCRIBER_URL", append(addressesOf("https"), "https://kanarih?kanari=1"), []string{"TRANSCRIBER=openai"}},
	{"TWILIO_API_URL", append(addressesOf("https"), "https://kanari:kanari@h"), nil},
	{"PUBLIC_URL", append(addressesOf("https"), "https://kanari:kanari@h"), nil},
	{"ALLOWED_ORIGINS", append(addressesOf("https"), "kanari:5173", "https://kanari/kanari", "*kanari"), nil},
	{"OTEL_EXPORTER_OTLP_ENDPOINT", addressesOf("http"), nil},
	{"OTEL_EXPORTER_OTLP_HEADERS", thirty("authorization kanari%s"), nil},
	{"LISTEN_ADDR", addressesOf("http"), nil},
	{"METRICS_ADDR", addressesOf("http"), nil},
	{"MAIL_FROM", addressesOf("http"), nil},
	{"ADMIN_TOKEN", thirty("kanari%s"), nil},
	{"SECRET_KEY", thirty("kanari%s"), nil},
	{"TWILIO_ACCOUNT_SID", thirty("kanari%s"), nil},
	{"TWILIO_API_SECRET", thirty("kanari%s"), nil},
	{"TWILIO_AUTH_TOKEN", thirty("kanari%s"), nil},
	{"TRANSCRIBER_KEY", thirty("kanari %s ü"), []string{"TRANSCRIBER=openai", "TRANSCRIBER_URL=http://127.0.0.1:1"}},
	{"TRANSCRIBER_COMMAND", thirty("kanari --key 'kanari%s"), []string{"TRANSCRIBER=exec"}},
	{"RECORDINGS_SHARED", addressesOf("https")[:2], nil},
	{"BIN_DAYS", addressesOf("https")[:2], nil},
	{"DRAIN_DELAY", addressesOf("https")[:2], nil},
	{"LOG_LEVEL", addressesOf("https")[:2], nil},
}

// A setting that may hold a secret is named when it is wrong, and no part of it is quoted: neither by the start nor by doctor, neither from the
// environment nor from a flag.
func TestNoSettingThatMayHoldASecretIsEchoed(t *testing.T) {
	t.Parallel()
	for _, s := range secretSettings {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, value := range s.values {
				out, err := runWith(t, dir, append(s.beside, s.name+"="+value), "serve")
				if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || strings.Contains(strings.ToLower(out), kanari) || !strings.Contains(out, s.name) {
					t.Errorf("serve with %s=%q: got %v and\n%s\nwant it refused, %s named and nothing quoted", s.name, value, err, out, s.name)
				}
				if strings.HasPrefix(s.name, "OTEL_") {
					continue // libraries read these from the environment
				}
				var b bytes.Buffer
				args := []string{"doctor", "--data-dir=" + dir, flagOf(s.name + "=" + value)}
				for _, other := range s.beside {
					args = append(args, flagOf(other))
				}
				if status := run(args, &b, &b); status == 0 || strings.Contains(strings.ToLower(b.String()), kanari) || !strings.Contains(b.String(), s.name) {
					t.Errorf("doctor with %s=%q: got %d and\n%s\nwant it refused, %s named and nothing quoted", s.name, value, status, b.String(), s.name)
				}
			}
		})
	}
}

// flagOf is NAME=value as a flag.
func flagOf(setting string) string {
	name, value, _ := strings.Cut(setting, "=")
	return "--" + strings.ReplaceAll(strings.ToLower(name), "_", "-") + "=" + value
}

// runWith runs the built program in dir until it ends by itself, with nothing in its environment but env.
func runWith(t *testing.T, dir string, env []string, args ...string) (out string, err error) {
	t.Helper()
	path, err := binary()
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DATA_DIR=" + filepath.Join(dir, "data"), "LISTEN_ADDR=127.0.0.1:0", "LOG_LEVEL=debug", "AWS_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true"}, env...)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

// What is well-formed and does not work is not quoted either.
func TestNoSettingIsEchoedByWhatFailsLater(t *testing.T) {
	t.Parallel()
	server := testdb.Open(t, testdb.Postgres).DSN()
	for _, s := range [][]string{
		{"DATABASE_URL=postgres://kanariu:kanarip@127.0.0.1:1/kanarid?sslmode=disable"},
		{"DATABASE_URL=postgres://kanariu:kanarip@kanari.invalid/kanarid?sslmode=disable"},
		{"DATABASE_URL=postgres://kanariu:kanari%2Fp@127.0.0.1:1/kanarid?application_name=kanari&sslmode=require"},
		{"DATABASE_URL=postgres://127.0.0.1:1/kanarid?user=kanari&password=kanari&sslmode=disable"},
		{"DATABASE_URL=" + as(server, "kanari", "kanari", "kanari")},
		{"DATABASE_URL=" + as(server, "postgres", "kanari", "kanari")},
		{"DATABASE_URL=" + as(server, "postgres", "", "postgres") + "&kanari=kanari"},
		{"DATABASE_URL=" + as(server, "postgres", "", "postgres") + "&datestyle=kanari"},
		{"DATABASE_URL=" + as(server, "postgres", "", "postgres") + "&options=-c%20work_mem%3Dkanari"},
		{"SMTP_URL=smtp://kanariu:kanarip@127.0.0.1:1"}, {"SMTP_URL=smtps://kanariu:kanarip@kanari.invalid"},
		{"OIDC_ISSUER=http://127.0.0.1:1/kanari", "OIDC_AUDIENCE=maskline"}, {"OIDC_ISSUER=http://kanari.invalid/kanari", "OIDC_AUDIENCE=maskline"},
		{"TRANSCRIBER=openai", "TRANSCRIBER_URL=http://127.0.0.1:1/kanari", "TRANSCRIBER_KEY=kanari-key"},
		{"TRANSCRIBER=openai", "TRANSCRIBER_URL=http://kanari.invalid/kanari", "TRANSCRIBER_KEY=kanari-key"},
		{"TRANSCRIBER=exec", "TRANSCRIBER_COMMAND=kanari --key kanari"},
		{"RECORDINGS_URL=s3://kanari?endpoint=http://127.0.0.1:1&region=kanari", "AWS_ACCESS_KEY_ID=kanari", "AWS_SECRET_ACCESS_KEY=kanari-secret"},
		{"RECORDINGS_URL=s3://kanari?endpoint=http://kanari.invalid", "AWS_ACCESS_KEY_ID=kanari", "AWS_SECRET_ACCESS_KEY=kanari-secret"},
		{"TWILIO_API_URL=http://127.0.0.1:1/kanari", "TWILIO_ACCOUNT_SID=" + accountSID, "TWILIO_AUTH_TOKEN=kanari-token"},
		{"TWILIO_API_URL=http://kanari.invalid/kanari", "TWILIO_ACCOUNT_SID=" + accountSID, "TWILIO_AUTH_TOKEN=kanari-token", "TWILIO_API_KEY=kanari", "TWILIO_API_SECRET=kanari-secret"},
	} {
		name, _, _ := strings.Cut(s[len(s)-1], "=")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s = append([]string{"RECORDINGS_SHARED=true"}, s...)
			dir := t.TempDir()
			if out, _ := runWith(t, dir, s, "doctor"); strings.Contains(strings.ToLower(out), kanari) {
				t.Errorf("doctor with %q says\n%s", s, out)
			}
			if out := startWith(t, dir, s); strings.Contains(strings.ToLower(out), kanari) {
				t.Errorf("serve with %q says\n%s", s, out)
			}
		})
	}
}

// as is the address of a server's database, for somebody.
func as(dsn, user, password, database string) string {
	host := dsn[strings.Index(dsn, "@")+1:]
	host, _, _ = strings.Cut(host, "/")
	return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, password, host, database)
}

// startWith runs serve until it has said that it serves and something more, or ends.
func startWith(t *testing.T, dir string, env []string) string {
	t.Helper()
	return startUntil(t, dir, env, "msg=serving")
}

// startUntil runs serve until it has written two lines at least, and such a text, or ends.
func startUntil(t *testing.T, dir string, env []string, text string) string {
	t.Helper()
	path, err := binary()
	check(t, err)
	said := &logbook{}
	cmd := exec.Command(path, "serve")
	cmd.Env = append([]string{"DATA_DIR=" + filepath.Join(dir, "data"), "LISTEN_ADDR=127.0.0.1:0", "LOG_LEVEL=debug", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "DRAIN_DELAY=0s"}, env...)
	cmd.Stderr, cmd.Stdout = said, said
	check(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	eventually(t, patience, func() bool {
		select {
		case err := <-ended:
			ended <- err
			return true
		default:
			return strings.Contains(said.String(), text) && strings.Count(said.String(), "\n") > 1
		}
	})
	_ = cmd.Process.Kill() // it may have ended
	<-ended
	return said.String()
}

func TestAddressesThatAreRight(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"DATABASE_URL":   "postgres://maskline:p%40ss%2Fword@db.example.com:5432/maskline?sslmode=require",
		"RECORDINGS_URL": "s3://voicemails?region=eu-central-1&endpoint=https://minio.example.com:9000",
		"SMTP_URL":       "smtp://ann%40example.com:p%23ss@[::1]:587",
	} {
		s := testSettings(t, "https://mask.example.com/below/", "http://localhost:1", option{settings: func(s *Settings) {
			switch name {
			case "DATABASE_URL":
				s.DatabaseURL = value
			case "RECORDINGS_URL":
				s.RecordingsURL = value
			default:
				s.SMTPURL = Secret(value)
			}
			s.AllowedOrigins = []string{"https://App.example.com/", "http://localhost:5173"}
		}})
		if got := strings.Join(s.AllowedOrigins, " "); got != "https://app.example.com http://localhost:5173" {
			t.Errorf("origins %q", got)
		}
	}
}

func TestWhatIsTakenOutOfTextsAndLogs(t *testing.T) {
	t.Parallel()
	s := Settings{AdminToken: "correct-horse", DatabaseURL: "postgres://u:p%40ssword@h/d", SMTPURL: "smtp://a:swordfish@h"}
	d := s.discretion()
	for _, tt := range []struct{ text, printed, logged string }{
		{"with correct-horse", "with ***", "with ***"},
		{"p@ssword, p%40ssword, swordfish", "***, ***, ***", "***, ***, ***"},
		{"token mask_0123456789abcdefghijklmnop", "token mask_***", "token mask_***"},
		{"call from +15550200002 to %2B15550006789", "call from +15550200002 to %2B15550006789", "call from +1…02 to +1…89"},
		{"mail to ann.o'hara+x@bücher.example: refused", "mail to ann.o'hara+x@bücher.example: refused", "mail to ann.o'***: refused"},
		{`Get "https://x.example/secret": dial tcp: lookup x.example on 127.0.0.53:53: no such host`, `Get: dial tcp: lookup: no such host`, `Get: dial tcp: lookup: no such host`},
		{"github.com/x/mail@v1.2.3/send.go:7", "github.com/x/mail@v1.2.3/send.go:7", "github.com/x/mail@v1.2.3/send.go:7"},
		{"REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa12 took 1234567890123", "REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa12 took 1234567890123", "REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa12 took 1234567890123"},
	} {
		if got := d.text(tt.text); got != tt.printed {
			t.Errorf("printed %q, want %q", got, tt.printed)
		}
		if got := d.entry(tt.text); got != tt.logged {
			t.Errorf("logged %q, want %q", got, tt.logged)
		}
	}
	var b bytes.Buffer
	newLog(Settings{LogFormat: "json", LogLevel: "info", AdminToken: "correct-horse"}, &b).Info("x", "error", errors.New("of ann@example.com by correct-horse"), "n", 1)
	if got := b.String(); strings.Contains(got, "ann") || strings.Contains(got, "horse") || !strings.Contains(got, `"n":1`) {
		t.Errorf("logged %s", got)
	}
}
