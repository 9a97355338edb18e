package database

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
	"modernc.org/sqlite"
)

var (
	refused  = &connectError{syscall.ECONNREFUSED}
	starting = &connectError{&pq.Error{Code: "57P03", Message: "starting up"}}
	password = &connectError{&pq.Error{Code: "28P01", Message: "password s3cret of maskline refused"}}
	full     = &pq.Error{Code: "53100", Message: "no space"}
)

// watched is a health on a clock of its own, and what it has logged.
func watched() (h *health, pass func(time.Duration), lines func() []string) {
	var out bytes.Buffer
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	h = newHealth("s3cret")
	h.now = func() time.Time { return now }
	h.log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return h, func(d time.Duration) { now = now.Add(d) }, func() []string {
		text := strings.TrimSuffix(out.String(), "\n")
		out.Reset()
		if text == "" {
			return nil
		}
		return strings.Split(text, "\n")
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("line %d is %s, want %s in it", i+1, got[i], want[i])
		}
	}
}

// An outage of 280 seconds in which thirty parts fail each second: one line at its beginning, at each change, at each minute and at its end.
func TestAnOutageIsLoggedAtEachChangeAndOnceAMinute(t *testing.T) {
	t.Parallel()
	h, pass, lines := watched()
	for second := range 280 {
		for range 30 {
			h.failedWith(&pq.Error{Code: "57P01"})
			h.failedWith(io.ErrUnexpectedEOF)
			if second < 200 {
				h.failedWith(refused)
			} else {
				h.failedWith(starting)
			}
		}
		pass(time.Second)
	}
	pass(calm)
	for range 30 {
		h.succeeded(false)
	}
	wantLines(t, lines(), "the database is away: Nothing listens", "still away: Nothing", "still away: Nothing", "still away: Nothing",
		"another reason: PostgreSQL is starting", "still away: PostgreSQL is starting", "answers again")
}

// Now an attempt fails, now one succeeds, a hundred times a second.
func TestADatabaseThatFailsNowAndThenDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	h, pass, lines := watched()
	for range 6100 {
		h.failedWith(full)
		h.succeeded(true)
		pass(10 * time.Millisecond)
	}
	wantLines(t, lines(), "The disk of PostgreSQL is full", "still away")
	if trouble, is := h.troubled(); is {
		t.Errorf("the last attempt succeeded, and the trouble is %v", trouble)
	}
}

func TestTroubleWithWritingIsOverWhenSomethingIsWritten(t *testing.T) {
	t.Parallel()
	h, pass, lines := watched()
	h.failedWith(full)
	pass(time.Minute)
	h.succeeded(false)
	if trouble, is := h.troubled(); !is || trouble.Class != "disk_full" {
		t.Errorf("after a read: %v", trouble)
	}
	h.succeeded(true)
	if trouble, is := h.troubled(); is {
		t.Errorf("after a write: %v", trouble)
	}
	wantLines(t, lines(), "is full", "answers again")
}

func TestWhatIsNoTroubleOfTheDatabase(t *testing.T) {
	t.Parallel()
	h, _, lines := watched()
	for _, err := range []error{
		nil, errors.New("no"), io.EOF, &pq.Error{Code: "57P01"}, &pq.Error{Code: "23505"}, &pq.Error{Code: "40001"}, (&sqlite.Error{}),
	} {
		h.failedWith(err)
	}
	wantLines(t, lines())
}

func TestALogOfAnOutageHasNoPassword(t *testing.T) {
	t.Parallel()
	h, _, lines := watched()
	h.failedWith(password)
	got := lines()
	wantLines(t, got, "refuses the password")
	if strings.Contains(got[0], "s3cret") || !strings.Contains(got[0], "percent-encode") {
		t.Errorf("logged %s", got[0])
	}
}

// Only what repeats the database's own lines is left out, and only while there is an outage.
func TestOnlyWhatRepeatsAnOutageIsHushed(t *testing.T) {
	t.Parallel()
	h, pass, lines := watched()
	log := slog.New(hushed{h.log.Handler(), h})
	say := func() {
		log.Warn("look for jobs", "error", refused)
		log.With("part", "listener").Warn("listen", "error", io.EOF)
		log.Warn("job failed", "error", errors.New("no such row"))
	}
	say()
	wantLines(t, lines(), "look for jobs", "listen", "job failed")
	h.failedWith(io.EOF)
	say()
	wantLines(t, lines(), "job failed")
	pass(calm)
	h.failedWith(refused)
	pass(time.Hour)
	say()
	wantLines(t, lines(), "away: Nothing listens", "job failed")
	h.succeeded(false)
	say()
	wantLines(t, lines(), "answers again", "look for jobs", "listen", "job failed")
}

func TestConnectionsAreDroppedOnceForEachLoss(t *testing.T) {
	t.Parallel()
	h := newHealth()
	dropped := make(chan string, 10)
	h.onLoss(func() { dropped <- "pool" })
	h.onLoss(func() { dropped <- "gone" })()
	h.lose(0)
	h.lose(0)
	<-dropped
	h.lose(1)
	<-dropped
	if h.generation.Load() != 2 || len(dropped) > 0 {
		t.Errorf("generation %d, %d more were dropped", h.generation.Load(), len(dropped))
	}
}
