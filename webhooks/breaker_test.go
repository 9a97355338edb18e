package webhooks

import (
	"testing"
	"time"
)

func TestWhoMayAskASilentDatabase(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var b breaker
	for _, step := range []struct {
		name string
		at   time.Duration
		see  string // "silence", "answer" or nothing
		want bool   // the next may ask
	}{
		{"at first", 0, "", true},
		{"one got no answer", 0, "silence", true},
		{"two got none", 0, "silence", true},
		{"an answer begins the count anew", 0, "answer", true},
		{"one", time.Second, "silence", true},
		{"two", time.Second, "silence", true},
		{"three", time.Second, "silence", false},
		{"soon after", 2 * time.Second, "", false},
		{"one tries again", 3 * time.Second, "", true},
		{"meanwhile the others do not", 3 * time.Second, "", false},
		{"it got none either", 4 * time.Second, "silence", false},
		{"another tries", 6 * time.Second, "", true},
		{"and got an answer", 6 * time.Second, "answer", true},
	} {
		if step.see != "" {
			b.saw(step.see == "silence", noon.Add(step.at))
		}
		if got := b.lets(noon.Add(step.at)); got != step.want {
			t.Errorf("%s: may ask %t, want %t", step.name, got, step.want)
		}
	}
}
