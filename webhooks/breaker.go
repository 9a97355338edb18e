package webhooks

import (
	"sync"
	"time"
)

const (
	tripsAfter = 3 // decisions in a row that got no answer in time; one may just have had bad luck
	tryEvery   = 2 * time.Second
)

// breaker keeps callers from waiting, each anew, for a database that does not answer: after a few have, the next are answered without it,
// and only now and then one tries. A database that refuses at once costs nobody time, and does not trip it.
type breaker struct {
	mu     sync.Mutex
	silent int       // decisions in a row
	next   time.Time // when the next may try
}

// lets tells whether a request may ask the database.
func (b *breaker) lets(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silent < tripsAfter {
		return true
	}
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(tryEvery)
	return true
}

// saw notes how asking went.
func (b *breaker) saw(silence bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !silence {
		b.silent = 0
		return
	}
	b.silent++
	b.next = now.Add(tryEvery)
}
