package switchboard_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/peers"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// from is a context of a request from an address.
func (d *desk) from(address string) context.Context {
	return peers.With(d.ctx, peers.Proxies(nil).Peer(address+":4711", nil))
}

// together signs in so many times at once, and counts how often with which end.
func (d *desk) together(ctx context.Context, n int, token string) map[phone.Code]int {
	var mu sync.Mutex
	ends := map[phone.Code]int{}
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := d.Authenticate(ctx, token)
			code := phone.Code("")
			if err != nil {
				code = phone.CodeOf(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ends[code]++
		})
	}
	all.Wait()
	return ends
}

func (d *desk) wantEnds(got map[phone.Code]int, want map[phone.Code]int) {
	d.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("got %v, want %v", got, want)
	}
}

func TestTenSignInsOfAPeerMayFailInASecond(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		d := newDesk(t, db)
		user, err := d.CreateUser(d.ctx, switchboard.NewUser{Email: "olivia@example.com", Name: "Olivia"})
		d.check(err)
		_, good, err := d.CreateToken(d.ctx, user, "test", nil)
		d.check(err)
		const fine, bad, refused = phone.Code(""), phone.Unauthenticated, phone.RateLimited
		stranger, other, local := d.from("203.0.113.7"), d.from("203.0.113.8"), d.from("127.0.0.1")

		d.wantEnds(d.together(stranger, 100, good), map[phone.Code]int{fine: 100}) // who does not fail is not refused
		ends := d.together(stranger, 100, "guess")
		d.wantEnds(ends, map[phone.Code]int{bad: 10, refused: 90})

		counted, counter := database.Count(stranger)
		_, err = d.Authenticate(counted, good)
		if phone.CodeOf(err) != refused || err.(*phone.Error).RetryAfter <= 0 || err.(*phone.Error).RetryAfter > time.Second {
			t.Errorf("got %v, want RATE_LIMITED with a time to come back", err)
		}
		if n := len(counter.Statements()); n > 0 {
			t.Errorf("the database was asked %d times", n)
		}
		d.wantEnds(d.together(other, 20, "guess"), map[phone.Code]int{bad: 10, refused: 10})
		d.wantEnds(d.together(local, 50, "guess"), map[phone.Code]int{bad: 50}) // everybody may come from there
		d.wantEnds(d.together(d.ctx, 50, "guess"), map[phone.Code]int{bad: 50})

		d.wait(time.Second)
		d.wantEnds(d.together(stranger, 20, good), map[phone.Code]int{fine: 20})
		d.wantEnds(d.together(stranger, 20, "guess"), map[phone.Code]int{bad: 10, refused: 10})
		d.wait(-time.Hour) // a clock that is set back
		d.wantEnds(d.together(stranger, 20, good), map[phone.Code]int{fine: 20})
	}, jobs.Migrate)
}

// Who brings no token guesses nothing, and costs nothing.
func TestNoTokenIsNoGuess(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
	ctx, counter := database.Count(d.from("203.0.113.7"))
	d.wantEnds(d.together(ctx, 50, ""), map[phone.Code]int{phone.Unauthenticated: 50})
	if n := len(counter.Statements()); n > 0 {
		t.Errorf("the database was asked %d times", n)
	}
}

func TestFailedSignInsAreWarnedOfOnceAMinute(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
	var log bytes.Buffer
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	said := func() string {
		defer log.Reset()
		var lines []string
		for l := range strings.Lines(log.String()) {
			_, text, _ := strings.Cut(strings.TrimSpace(l), "level=")
			lines = append(lines, text)
		}
		return strings.Join(lines, "\n")
	}
	want := func(text string) {
		t.Helper()
		if got := said(); got != text {
			t.Errorf("got  %s\nwant %s", got, text)
		}
	}
	guess := func(n int) {
		for range n {
			_, _ = d.Authenticate(d.from("203.0.113.7"), "a-secret-guess") // it fails
		}
	}
	guess(1)
	want(`WARN msg="sign-ins failed" failed=1 refused=0 last_peer=203.0.113.7`)
	guess(11)
	d.wait(59 * time.Second)
	guess(1)
	want("")
	d.wait(time.Second)
	guess(1)
	want(`WARN msg="sign-ins failed" failed=11 refused=2 last_peer=203.0.113.7`)
}
