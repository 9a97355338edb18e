package graph_test

import (
	"testing"
	"time"

	"github.com/maskline/maskline/graph"
)

func TestABudgetIsAMillionObjectsInAMinute(t *testing.T) {
	t.Parallel()
	type asked struct {
		at, n int // seconds, objects
		wait  int // seconds; 0: it is granted
	}
	for name, story := range map[string][]asked{
		"all at once":                       {{0, 1_000_000, 0}, {0, 1, 60}},
		"one more than there is":            {{0, 1_000_001, 60}},
		"bit by bit":                        {{0, 999_999, 0}, {10, 1, 0}, {30, 1, 30}, {59, 1, 1}, {60, 1_000_000, 0}, {61, 1, 59}},
		"what is refused is not spent":      {{0, 600_000, 0}, {1, 600_000, 59}, {2, 400_000, 0}, {3, 1, 57}},
		"the minute begins with the first":  {{100, 1_000_000, 0}, {159, 1, 1}, {160, 1, 0}},
		"nothing costs nothing":             {{0, 1_000_000, 0}, {1, 0, 0}, {2, 1, 58}},
		"a clock set back is nobody's loss": {{100, 1_000_000, 0}, {50, 1_000_000, 0}, {51, 1, 59}},
		"a long silence":                    {{0, 1_000_000, 0}, {1_000_000, 1_000_000, 0}},
	} {
		b := graph.NewBudgets()
		for i, a := range story {
			wait := b.Spend("token", a.n, time.Unix(int64(a.at), 0))
			if wait != time.Duration(a.wait)*time.Second {
				t.Errorf("%s, step %d: got %s, want %d s", name, i, wait, a.wait)
			}
		}
	}
}

func TestBudgetsOfTokensThatAskNoMoreAreForgotten(t *testing.T) {
	t.Parallel()
	b := graph.NewBudgets()
	for i := range 1000 {
		b.Spend(many(i, "x"), 1, time.Unix(0, 0))
	}
	b.Spend("last", 1, time.Unix(60, 0))
	if n := b.Len(); n != 1 {
		t.Errorf("%d are kept, want 1", n)
	}
}
