package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// doctor runs the command on the house, as one would beside a running service.
func (h *house) doctor(db *database.DB, args ...string) (status int, out, errs string) {
	h.t.Helper()
	databaseURL := db.DSN()
	if db.Dialect() == dialect.SQLite {
		file, _, _ := strings.Cut(strings.TrimPrefix(databaseURL, "file:"), "?")
		databaseURL = "sqlite://" + file
	}
	s := h.app.Settings
	var o, e strings.Builder
	status = run(append([]string{"doctor", "--public-url", s.PublicURL, "--data-dir", s.DataDir, "--database-url", databaseURL, "--recordings-shared",
		"--twilio-account-sid", s.TwilioAccountSID, "--twilio-auth-token", string(s.TwilioAuthToken), "--twilio-api-url", s.TwilioAPIURL}, args...), &o, &e)
	h.t.Logf("maskline doctor %s\n%s%s", strings.Join(args, " "), &o, &e)
	return status, o.String(), e.String()
}

// A number that leads elsewhere is found and mended, a call then arrives, and --restore takes it away again.
func TestDoctorBringsTheCallsHere(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		h.newTenant("olivia@example.com", mask, 100, 50)
		old := network.Number{PhoneNumber: mask, VoiceURL: "http://127.0.0.1:1/old", TrunkSID: "TK11111111111111111111111111111111"}
		h.net.AddNumber(old)
		h.net.AddPhone(owner, network.NoAnswer())

		status, out, errs := h.doctor(db)
		if status != 1 || !strings.Contains(out, "✗ trouble  numbers     "+mask+": the voice URL leads elsewhere") || !strings.HasPrefix(errs, "maskline: something does not work") {
			t.Fatalf("status %d", status)
		}
		status, out, errs = h.doctor(db, "--fix", "--yes")
		if status != 0 || errs != "" || !strings.Contains(out, "✓ "+mask+": set\n") {
			t.Fatalf("status %d", status)
		}
		if status, out, _ := h.doctor(db); status != 0 || !strings.HasSuffix(out, "\nNothing is wrong.\n") {
			t.Errorf("status %d", status)
		}
		call := h.net.Dial(network.From(customer).LeaveMessage(12*time.Second, "Hello Olivia."), mask)
		h.play()
		check(t, call.Err())
		if n := len(h.mails()); n != 1 {
			t.Errorf("%d mails came of the call", n)
		}

		if status, out, _ := h.doctor(db, "--restore", "--yes"); status != 0 || !strings.Contains(out, "✓ "+mask+": restored\n") {
			t.Errorf("status %d", status)
		}
		if got := h.net.Numbers()[0]; got.VoiceURL != old.VoiceURL || got.TrunkSID != old.TrunkSID || got.StatusCallback != "" {
			t.Errorf("restored to %+v", got)
		}
		if status, out, _ := h.doctor(db, "--restore", "--yes"); status != 0 || !strings.Contains(out, "nothing to restore") {
			t.Errorf("status %d", status)
		}
	}, jobs.Migrate)
}

func TestDoctorWaitsForAYes(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.SQLite, jobs.Migrate)
	h := newHouse(t, db)
	h.newTenant("olivia@example.com", mask, 100, 50)
	h.net.AddNumber(network.Number{PhoneNumber: mask})
	p := h.app.patient()
	p.DatabaseURL = "sqlite://" + strings.TrimPrefix(strings.Split(db.DSN(), "?")[0], "file:")
	for _, answer := range []string{"", "\n", "no\n", "y\n", "yes please\n"} {
		c := &doctorCmd{Fix: true, in: strings.NewReader(answer)}
		if err := c.examine(t.Context(), p, t.Output()); err == nil || !strings.Contains(err.Error(), errNotChanged.Error()) || h.net.Numbers()[0].VoiceURL != "" {
			t.Errorf("%q: got %v", answer, err)
		}
	}
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	silent, _, err := os.Pipe()
	check(t, err)
	if agreed(interrupted, silent) {
		t.Error("who is interrupted has not agreed")
	}
	c := &doctorCmd{Fix: true, in: strings.NewReader("Yes\n")}
	if err := c.examine(t.Context(), p, t.Output()); err != nil || h.net.Numbers()[0].VoiceURL == "" {
		t.Errorf("got %v", err)
	}
	c = &doctorCmd{Restore: true, in: strings.NewReader("no\n")}
	if err := c.restore(t.Context(), p, t.Output()); err == nil || h.net.Numbers()[0].VoiceURL == "" {
		t.Errorf("got %v", err)
	}
}

func TestDoctorOfANewInstallation(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	var out, errs strings.Builder
	status := run([]string{"doctor", "--data-dir", dir, "--twilio-account-sid", "", "--twilio-auth-token", ""}, &out, &errs)
	for _, want := range []string{"There is no database yet", "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN", "Set PUBLIC_URL"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
	if status != 1 || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("status %d: %s", status, &errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "maskline.db")); !os.IsNotExist(err) {
		t.Errorf("it made a database: %v", err)
	}
	for _, args := range [][]string{{"--fix", "--restore"}, {"--yes"}} {
		errs.Reset()
		if status := run(append([]string{"doctor"}, args...), &out, &errs); status != 1 || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%v: status %d: %s", args, status, &errs)
		}
	}
}
