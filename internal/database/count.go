package database

import (
	"context"
	"slices"
	"sync"
)

// Counter keeps what the database was asked under one context.
type Counter struct {
	mu         sync.Mutex
	statements []string
	prepared   int
}

type counterKey struct{}

// Count returns a context under which statements are counted: ent's, hand-written ones and the job queue's, but not the beginning and
// the end of transactions.
func Count(ctx context.Context) (context.Context, *Counter) {
	c := &Counter{}
	return context.WithValue(ctx, counterKey{}, c), c
}

// Statements are the statements run so far, in order.
func (c *Counter) Statements() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.statements)
}

// Prepared is how many of them had to be prepared first.
func (c *Counter) Prepared() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prepared
}

func countStatement(ctx context.Context, query string) {
	if c, ok := ctx.Value(counterKey{}).(*Counter); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.statements = append(c.statements, query)
	}
}

func countPrepared(ctx context.Context) {
	if c, ok := ctx.Value(counterKey{}).(*Counter); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.prepared++
	}
}
