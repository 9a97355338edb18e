package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/internal/twilio"
)

// lost are all callbacks that never arrive.
var lost = map[network.Topic]network.Chaos{network.TopicStatus: {Drop: 1}, network.TopicRecording: {Drop: 1}, network.TopicTranscription: {Drop: 1}}

func losing(topics map[network.Topic]network.Chaos) option {
	return option{network: func(c *network.Config) { c.ChaosOf = topics }}
}

func TestWhatNoCallbackToldIsFoundAtTwilio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		caller network.Caller
		phone  network.Phone
		before func(*house)
		after  time.Duration // the pass is made so long after the call
		want   map[string]int
		story  string
	}{
		{name: "a message", caller: hello, after: 2 * time.Minute, want: map[string]int{"recording": 1, "end": 1}, story: "VOICEMAIL"},
		{name: "a message of three days ago", caller: hello, after: 73 * time.Hour, want: map[string]int{"recording": 1, "end": 1}, story: "VOICEMAIL"},
		{name: "silence", caller: network.From(customer).Silent(), after: 2 * time.Minute, want: map[string]int{"absence": 1, "end": 1}, story: "MISSED"},
		{name: "a caller who gave up in the greeting", caller: network.From(customer).HangUpInGreeting(), after: 2 * time.Minute, want: map[string]int{"end": 1}, story: "MISSED"},
		{name: "a talk", caller: network.From(customer), phone: network.Human(time.Second, time.Minute).Press("1", 2*time.Second), after: 3 * time.Minute, want: map[string]int{"end": 1}, story: "ANSWERED"},
		{name: "a call that nobody here answered", caller: hello, before: func(h *house) { h.failing("/webhooks/voice") }, after: 2 * time.Minute, want: map[string]int{"recording": 1, "end": 1}, story: "VOICEMAIL"},
		{name: "a call that is younger than a minute", caller: hello, after: time.Second, want: map[string]int{}, story: "RINGING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				h := newHouse(t, db, losing(lost))
				tn := h.newTenant("olivia@example.com", mask, 10, 5)
				h.net.AddNumber(numberAt("http://127.0.0.1:1", other)) // somebody else's number in the same account
				h.net.AddPhone(owner, c.phone)
				if c.before != nil {
					c.before(h)
				}
				call := h.net.Dial(c.caller, mask)
				h.net.Dial(hello, other)
				h.play()
				check(t, h.net.RunUntil(h.ctx, call.Story()[len(call.Story())-1].At.Add(c.after)))
				done, err := h.app.desk.Reconcile(h.ctx)
				check(t, err)
				if !maps.Equal(done.Repairs, c.want) {
					t.Errorf("repaired %v, want %v", done.Repairs, c.want)
				}
				h.play()
				told := h.summary(call, tn)
				if !strings.Contains(told, "\n"+c.story+", a call from") {
					t.Errorf("want %s, got\n%s", c.story, told)
				}
				if voicemail := strings.Contains(told, "audio STORED") && strings.Contains(told, "mails: 1"); voicemail != (c.story == "VOICEMAIL") {
					t.Errorf("got\n%s", told)
				}
				again, err := h.app.desk.Reconcile(h.ctx)
				check(t, err)
				if len(again.Repairs) > 0 && c.story != "RINGING" {
					t.Errorf("a second pass repaired %v", again.Repairs)
				}
			}, jobs.Migrate)
		})
	}
}

func TestAPassNeedsSomebodyToAsk(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	status := run([]string{"reconcile", "--data-dir", t.TempDir()}, &out, &errs)
	if status != 1 || !strings.Contains(errs.String(), "no Twilio account is set") {
		t.Errorf("status %d, %q", status, errs.String())
	}
}

func TestARecordingIsDeletedAtTwilioOnceItsCopyIsSafe(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		h.newTenant("olivia@example.com", mask, 10, 5)
		h.app.desk.Settings.DeleteAfterCopy = true
		pass := func() (deleted bool) {
			_, err := h.app.desk.Reconcile(h.ctx)
			if err != nil && !errors.Is(err, recordings.ErrChanged) {
				t.Fatal(err)
			}
			return h.net.Recordings()[0].Deleted
		}
		h.net.Dial(hello, mask)
		h.play()
		check(t, h.net.Advance(h.ctx, 2*time.Minute))
		if pass() {
			t.Fatal("deleted before a pass had seen it")
		}
		check(t, h.net.Advance(h.ctx, 6*time.Minute))
		files, err := filepath.Glob(filepath.Join(h.app.DataDir, "recordings", "vm_*"))
		check(t, err)
		whole, err := os.ReadFile(files[0])
		check(t, err)
		check(t, os.WriteFile(files[0], append(slices.Clone(whole[:len(whole)-1]), 'x'), 0o600))
		if pass() {
			t.Fatal("deleted although our copy was damaged")
		}
		h.play() // the pass has asked for it anew
		if again, err := os.ReadFile(files[0]); err != nil || !slices.Equal(again, whole) {
			t.Errorf("the copy is not mended: %d bytes of %d, %v", len(again), len(whole), err)
		}
		if !pass() {
			t.Error("not deleted though everything is safe")
		}
	}, jobs.Migrate)
}

func TestF26ADamagedCopyIsNotServedButFetchedAgain(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, 10, 5)
		h.net.Dial(hello, mask)
		h.play()
		for _, damage := range []func(file string) error{
			func(file string) error { return os.WriteFile(file, []byte("RIFF this is not what Carl said"), 0o600) },
			flipAByte,
			os.Remove,
		} {
			files, err := filepath.Glob(filepath.Join(h.app.DataDir, "recordings", "vm_*"))
			check(t, err)
			check(t, damage(files[0]))
			address := h.url + "/recordings/" + strings.TrimSuffix(filepath.Base(files[0]), filepath.Ext(files[0]))
			if resp, body := h.get(address, tn.token); resp.StatusCode != 503 {
				t.Errorf("a damaged copy is answered with %d and %d bytes, want 503", resp.StatusCode, len(body))
			}
			h.play()
			h.audioIsWhole(tn)
			if resp, body := h.get(address, tn.token); resp.StatusCode != 200 || len(body) < 1000 {
				t.Errorf("after it was fetched again: %d and %d bytes", resp.StatusCode, len(body))
			}
		}
	}, jobs.Migrate)
}

// A busy account has more calls in two days than are listed at once.
func TestMoreThanIsListedAtOnceIsReconciledAllTheSame(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, losing(lost), askingTwilio(func(c *twilio.Config) { c.PerPage, c.MaxPages = 3, 2 }))
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		const calls = 20
		for range calls {
			h.net.Dial(hello, mask)
			check(t, h.net.Run(h.ctx))
			check(t, h.net.Advance(h.ctx, 5*time.Minute))
		}
		done, err := h.app.desk.Reconcile(h.ctx)
		check(t, err)
		if done.Repairs["recording"] != calls || done.Repairs["end"] != calls {
			t.Errorf("repaired %v, want %d recordings and ends", done.Repairs, calls)
		}
		h.play()
		h.allStored(tn, calls)
		for range calls { // at one moment
			h.net.Dial(hello, mask)
		}
		check(t, h.net.Run(h.ctx))
		check(t, h.net.Advance(h.ctx, 5*time.Minute))
		if _, err := h.app.desk.Reconcile(h.ctx); !errors.Is(err, twilio.ErrMore) {
			t.Errorf("got %v, want that there is more", err)
		}
	}, jobs.Migrate)
}

func flipAByte(file string) error {
	audio, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	audio[len(audio)/2] ^= 1
	return os.WriteFile(file, audio, 0o600)
}
