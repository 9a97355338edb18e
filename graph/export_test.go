package graph

import (
	"errors"
	"time"

	"github.com/maskline/maskline/phone"
)

// Hurry has the streams of a server beat that often, and wait so long for a reader.
func (s *Server) Hurry(beatEvery, writeWithin time.Duration) {
	s.Streams.beatEvery, s.Streams.writeWithin = beatEvery, writeWithin
}

// Budgets are for tests of their own.
type Budgets struct{ budgets }

// NewBudgets have nothing spent.
func NewBudgets() *Budgets { return &Budgets{budgets{of: map[string]budget{}}} }

// Spend is how long to wait.
func (b *Budgets) Spend(token string, n int, now time.Time) time.Duration {
	e, _ := errors.AsType[*phone.Error](b.spend(token, n, now))
	if e == nil {
		return 0
	}
	return e.RetryAfter
}

// Len is how many there are.
func (b *Budgets) Len() int { return len(b.of) }
