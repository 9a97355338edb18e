package jobs

import (
	"math/rand/v2"
	"time"
)

const (
	firstBackoff = 5 * time.Second
	maxBackoff   = 30 * time.Minute
)

// Backoff is how long a job rests after its nth failed attempt: 5 s, then twice as
// long each time, up to 30 min.
func Backoff(attempt int) time.Duration {
	d := firstBackoff
	for ; attempt > 1 && d < maxBackoff; attempt-- {
		d *= 2
	}
	return min(d, maxBackoff)
}

// later is d and up to a tenth more: never before d, and not all at once after it.
func later(d time.Duration) time.Duration { return d + rand.N(d/10+1) } // #nosec G404 -- jitter needs no secrecy

// jitter spreads d by a tenth either way, so that what failed together is not
// tried again together.
func jitter(d time.Duration) time.Duration {
	return min(d+time.Duration((rand.Float64()-0.5)*0.2*float64(d)), maxBackoff) // #nosec G404 -- jitter needs no secrecy
}
