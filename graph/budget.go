package graph

import (
	"maps"
	"sync"
	"time"

	"github.com/maskline/maskline/phone"
)

const (
	maxSpent = 1_000_000 // objects, page sizes multiplied, that a user may ask for in a minute
	window   = time.Minute
)

// budget is what was asked for since a time, and counts for a minute.
type budget struct {
	since time.Time
	spent int
}

// spend is the budget with n objects more, and how long to wait when that is more than it has: then nothing is spent.
func (b budget) spend(n int, now time.Time) (budget, time.Duration) {
	if b.over(now) {
		b = budget{since: now}
	}
	if b.spent+n > maxSpent {
		return b, b.since.Add(window).Sub(now)
	}
	b.spent += n
	return b, 0
}

// over tells whether a budget's minute is. That holds for a clock that was set back too: nobody waits for it to catch up.
func (b budget) over(now time.Time) bool {
	return now.Before(b.since) || !now.Before(b.since.Add(window))
}

// budgets are those of this process, by user.
type budgets struct {
	mu    sync.Mutex
	of    map[string]budget
	swept time.Time
}

// spend takes n objects from the budget of a user, or says when to come back.
func (b *budgets) spend(user string, n int, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
	left, wait := b.of[user].spend(n, now)
	b.of[user] = left
	if wait > 0 {
		return &phone.Error{
			Code: phone.RateLimited, RetryAfter: wait,
			Message: "A user may ask for 1,000,000 objects a minute, with all tokens together and page sizes multiplied. Please ask for less at once, or later.",
		}
	}
	return nil
}

// sweep forgets, once a minute, who has asked for nothing since.
func (b *budgets) sweep(now time.Time) {
	if !(budget{since: b.swept}).over(now) {
		return
	}
	b.swept = now
	maps.DeleteFunc(b.of, func(_ string, one budget) bool { return one.over(now) })
}
