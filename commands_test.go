package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestACommandWithoutWhatToDoShowsItsCommandsAndMakesNothing(t *testing.T) {
	t.Parallel()
	for command, shown := range map[string]string{"token": "revoke", "user": "list"} {
		dir := filepath.Join(t.TempDir(), "data")
		var out, errs bytes.Buffer
		status := run([]string{command, "--data-dir=" + dir}, &out, &errs)
		if _, err := os.Stat(dir); err == nil || status != 0 || !strings.Contains(out.String(), command+" create") || !strings.Contains(out.String(), shown) {
			t.Errorf("%s: status %d, folder %v, got\n%s%s", command, status, err, out.String(), errs.String())
		}
	}
}

// On the command line and in settings, what is wrong is told with the form that is wanted.
func TestWhatIsWrongIsToldWithTheWantedForm(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for _, tt := range []struct{ arg, want string }{
		{"--reconcile-every=5", "RECONCILE_EVERY: it must be a duration with its unit, such as 30s, 5m or 24h"},
		{"--drain-delay=soon", "DRAIN_DELAY: it must be a duration"},
		{"--bin-days=many", "BIN_DAYS: it must be a whole number"},
		{"--recordings-shared=perhaps", "RECORDINGS_SHARED: it must be true or false"},
		{"--smtp-url=mail.example.com:25", "SMTP_URL: it must be smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ before HOST where"},
		{"--listen-addr=8080", "LISTEN_ADDR: it must be host:port, such as 127.0.0.1:8080"},
		{"--listen-addr=127.0.0.1:http-alt", "LISTEN_ADDR: it must be host:port, such as 127.0.0.1:8080"},
		{"--listen-addr=127.0.0.1:99999", "LISTEN_ADDR: it must be host:port, such as 127.0.0.1:8080"},
		{"--smtp-tls=always", "SMTP_TLS: it must be one of required, opportunistic, off\n"},
		{"--mail-days=-1", "MAIL_DAYS: -1 is not a number of days"},
		{"--log-level=loud", "LOG_LEVEL: it must be one of debug, info, warn, error"},
		{"--allowed-origins=localhost:5173", "ALLOWED_ORIGINS: it must be a list of origins, such as https://app.example.com or http://localhost:5173"},
		{"--twilio-account-sid=foo", "TWILIO_ACCOUNT_SID: it must be AC and 32 digits and letters"},
		{"--admin-token=a", "ADMIN_TOKEN: it must have at least 32 characters; make one with openssl rand -hex 32"},
		{"--secret-key=" + strings.Repeat("x", 31), "SECRET_KEY: it must have at least 32 characters; make one with openssl rand -hex 32"},
		{"--data-dir=" + file, "DATA_DIR: "},
		{"--data-dir=" + file + "/below", "DATA_DIR: "},
		{"--listen-addr=:99999", "LISTEN_ADDR: it must be host:port, such as 127.0.0.1:8080"},
		{"--metrics-addr=:99999", "METRICS_ADDR: it must be host:port, such as 127.0.0.1:8080"},
		{"--mail-form=x", "unknown flag --mail-form, did you mean"},
		{"migrat", "unexpected argument migrat, did you mean"},
		{"postgres://ann:secret@db", "an argument is unexpected"},
	} {
		var out, errs bytes.Buffer
		args := []string{"migrate", tt.arg, "--data-dir=" + filepath.Join(t.TempDir(), "data")}
		if !strings.HasPrefix(tt.arg, "-") {
			args = args[1:]
		}
		if strings.HasPrefix(tt.arg, "--data-dir") {
			args = args[:2]
		}
		status := run(args, &out, &errs)
		if got := errs.String(); status != 1 || !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 || strings.Contains(got, "DATABASE_URL") || strings.Contains(got, "secret") {
			t.Errorf("%s: status %d, got %q, want %q", tt.arg, status, got, tt.want)
		}
	}
}

func TestAMissingArgumentIsNamed(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"token revoke": "maskline: an argument is missing: <id>\n",
		"token create": "maskline: missing flags: --user=EMAIL\n",
		"user create":  "maskline: missing flags: --email=EMAIL, --name=NAME\n",
	} {
		var out, errs bytes.Buffer
		if status := run(strings.Fields(command), &out, &errs); status != 1 || errs.String() != want {
			t.Errorf("%s: status %d, got %q, want %q", command, status, errs.String(), want)
		}
	}
}

func TestMisspeltSettingsAreNamed(t *testing.T) {
	t.Parallel()
	environ := []string{
		"SMTP_ULR=smtp://u:secret@h", "RECORDING_URL=x", "TWILIO_TOKEN=secret", "MASKLINE_DATABASE_URL=x", "DATABSE_URL=x", "LOGLEVEL=debug", "TWILIO_ACCOUNT_SIDS=x",
		"SMTP_URL=x", "SMTP_PORT_25_TCP_ADDR=x", "MASKLINE_SERVICE_HOST=x", "MASKLINE_PORT=x", "PATH=x", "MAIL=/var/mail/ann", "XDG_DATA_DIRS=x", "LISTEN_FDS=3", "DATABASE_UR=", "TRUSTED_PROXY=x", "LIMIT=x", "HOME=x", "LOGNAME=x",
	}
	want := []string{
		"DATABSE_URL is no setting and is ignored; did you mean DATABASE_URL?",
		"LIMIT is no setting and is ignored; did you mean LIMITS?",
		"LOGLEVEL is no setting and is ignored; did you mean LOG_LEVEL?",
		"MASKLINE_DATABASE_URL is no setting and is ignored; did you mean DATABASE_URL?",
		"RECORDING_URL is no setting and is ignored; did you mean RECORDINGS_URL?",
		"SMTP_ULR is no setting and is ignored; did you mean SMTP_URL?",
		"TRUSTED_PROXY is no setting and is ignored; did you mean TRUSTED_PROXIES?",
		"TWILIO_ACCOUNT_SIDS is no setting and is ignored; did you mean TWILIO_ACCOUNT_SID?",
		"TWILIO_TOKEN is no setting and is ignored",
	}
	if got := misspelt(environ, settingNames()); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestMisspeltSettingsAreWarnedOfByTheStartAndByDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, _ := runWith(t, dir, []string{"SMTP_ULR=smtp://ann:kanari@h"}, "doctor")
	for _, said := range []string{out, startWith(t, dir, []string{"SMTP_ULR=smtp://ann:kanari@h"})} {
		if !strings.Contains(said, "SMTP_ULR is no setting and is ignored; did you mean SMTP_URL?") || strings.Contains(said, kanari) {
			t.Errorf("got\n%s", said)
		}
	}
}

func TestTheFirstTokenIsOneLineOfTheFormatOfTheLog(t *testing.T) {
	t.Parallel()
	for format, isToken := range map[string]func(line string) bool{
		"text": func(line string) bool {
			return strings.HasPrefix(line, "The administrator's token, shown this once: mask_")
		},
		"json": func(line string) bool {
			var entry struct{ Msg, Token string }
			check(t, json.Unmarshal([]byte(line), &entry)) // each line is JSON
			return strings.HasPrefix(entry.Token, "mask_") && strings.Contains(entry.Msg, "administrator")
		},
	} {
		found := 0
		said := startUntil(t, t.TempDir(), []string{"LOG_FORMAT=" + format}, "shown this once")
		for line := range strings.Lines(said) {
			if isToken(line) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %d lines with the token in\n%s", format, found, said)
		}
	}
}

func TestAUserIsUntiedOnTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := "--data-dir=" + filepath.Join(t.TempDir(), "data")
	for _, tt := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"user", "create", "--email=ann@example.com", "--name=Ann"}, 0, ""},
		{[]string{"user", "untie", "--email=ANN@example.com"}, 0, ""},
		{[]string{"user", "untie", "--email=eve@example.com"}, 1, "there is no user eve@example.com"},
		{[]string{"token", "create", "--user=ann@example.com", "--expires=5"}, 1, "--expires: it must be a duration with its unit, such as 30s, 5m or 24h"},
	} {
		var out, errs bytes.Buffer
		if status := run(append(tt.args, dir), &out, &errs); status != tt.status || !strings.Contains(errs.String(), tt.says) {
			t.Errorf("%v: status %d, got %s, want %d and %q", tt.args, status, errs.String(), tt.status, tt.says)
		}
	}
}
