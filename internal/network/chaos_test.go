package network

import (
	"testing"
	"time"
)

func TestCallbacksGetLost(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Drop: 1}}, voicemail(`transcribe="true" transcribeCallback="/transcribed"`))
	c := w.call(From(bob).LeaveMessage(12*time.Second, "Hi"))
	fine(t, c)
	for _, path := range []string{"/status", "/recording", "/transcribed"} {
		equal(t, "requests for "+path, len(w.requests(path)), 0)
	}
	lost := 0
	for _, e := range c.Story() {
		if e.Kind == CallbackLost {
			lost++
		}
	}
	equal(t, "lost", lost, 3)
	equal(t, "what a caller waits for is never lost", len(w.requests("/recorded")), 1)
}

func TestCallbacksArriveTwice(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Duplicate: 1, MaxDelay: time.Minute}}, voicemail(""))
	fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "Hi")))
	for _, path := range []string{"/status", "/recording"} {
		found := w.requests(path)
		if len(found) != 2 {
			t.Fatalf("%d requests for %s, want 2", len(found), path)
		}
		equal(t, "the same", found[0].form.Encode(), found[1].form.Encode())
	}
}

func TestCallbacksArriveLate(t *testing.T) {
	t.Parallel()
	late := 0
	for seed := range int64(5) {
		w := open(t, Config{Seed: seed, Chaos: Chaos{Delay: 1, MaxDelay: time.Hour}}, voicemail(""))
		fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "Hi")))
		if w.Now().Sub(w.started) > 5*time.Minute {
			late++
		}
		w.only("/status")
		w.only("/recording")
	}
	if late == 0 {
		t.Error("no callback was late")
	}
}
