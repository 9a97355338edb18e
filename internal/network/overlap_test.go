package network

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// With Overlap two calls are served at the same time although they came one after the other.
func TestWithOverlapTimeGoesOnWhileSomebodyIsAtWork(t *testing.T) {
	t.Parallel()
	var both sync.WaitGroup
	both.Add(2)
	pace := func(ctx context.Context, d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d / 100):
			return nil
		}
	}
	meet := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		both.Done()
		both.Wait() // for ever, if the other call does not come meanwhile
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte(`<Response><Say>Both are here.</Say></Response>`))
	})
	w := open(t, Config{Overlap: true, Wait: pace}, nil)
	w.on("/voice", meet)
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice")})
	first := w.Dial(From(bob), mask)
	second := w.Dial(From(bob).After(3*time.Second), mask)
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Call{first, second} {
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	}
	calls, _ := w.Forget(w.Now().Add(time.Second))
	if len(calls) != 2 || len(w.Calls()) != 0 {
		t.Errorf("forgot %d calls, and %d are left", len(calls), len(w.Calls()))
	}
}
