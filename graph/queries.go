package graph

import (
	"context"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/vektah/gqlparser/v2/ast"
)

// An operation takes up to eighty times the length of its text, when that is nothing but fields: so all that are kept take 40 MiB at most.
const (
	longestQuery = 8 << 10
	keptQueries  = 512 << 10 // of text
)

// queries keeps operations that were found valid, the latest used, so that they need not be parsed again. Those that will be refused for their
// size or number are among them: it is bounded by what they take, not by how many they are.
type queries struct {
	mu    sync.Mutex
	kept  *simplelru.LRU[string, *ast.QueryDocument]
	bytes int // of text
}

func newQueries() *queries {
	q := &queries{}
	q.kept, _ = simplelru.NewLRU(math.MaxInt, func(text string, _ *ast.QueryDocument) { q.bytes -= len(text) }) // fails for no size only
	return q
}

// Get is the operation that a text was found to be, if it is kept.
func (q *queries) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.kept.Get(text)
}

// Add keeps an operation, unless it is too long.
func (q *queries) Add(_ context.Context, text string, parsed *ast.QueryDocument) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(text) > longestQuery || q.kept.Contains(text) {
		return
	}
	q.kept.Add(text, parsed)
	for q.bytes += len(text); q.bytes > keptQueries; {
		q.kept.RemoveOldest()
	}
}
