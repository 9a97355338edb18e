package network

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEveryDecisionMayBeRepeated(t *testing.T) {
	t.Parallel()
	for seed := range int64(4) {
		answers := everything()
		answers["/recorded"] = response(`<Redirect>/elsewhere</Redirect>`)
		answers["/elsewhere"] = "<Oops/>"
		answers["/fallback"] = nothing
		w := open(t, Config{Seed: seed, Chaos: Chaos{Repeat: 1, MaxDelay: time.Minute}}, answers)
		w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback")})
		c := w.declined(From(bob).LeaveMessage(12*time.Second, "Hi").PressKey("#"))
		wantFault(t, c, codeRoot, "Oops") // once
		for _, path := range []string{"/voice", "/screen", "/pressed", "/dialled", "/recorded", "/elsewhere", "/fallback"} {
			found := w.requests(path)
			if len(found) != 2 {
				t.Fatalf("%d requests for %s, want 2", len(found), path)
			}
			const token = "I-Twilio-Idempotency-Token"
			equal(t, "the same form", found[0].form.Encode(), found[1].form.Encode())
			equal(t, "the same token", found[0].header.Get(token), found[1].header.Get(token))
			told := c.Asked(path)
			equal(t, "repeats told of "+path, told[0].Again != told[1].Again, true)
		}
		for _, path := range []string{"/leg", "/recording", "/transcribed"} {
			w.only(path)
		}
	}
}

func TestARepeatMayHaveATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	w := open(t, Config{FreshTokens: true, Chaos: Chaos{Repeat: 1}}, answersByPath{"/voice": nothing})
	fine(t, w.call(From(bob)))
	found := w.requests("/voice")
	const token = "I-Twilio-Idempotency-Token"
	equal(t, "the same token", found[0].header.Get(token) == found[1].header.Get(token), false)
}

// repeatedAfter is how much later than the first one the second request for the Voice URL came.
func repeatedAfter(t *testing.T, c *Call) time.Duration {
	t.Helper()
	asked := c.Asked("/voice")
	if len(asked) != 2 {
		t.Fatalf("%d requests, want 2", len(asked))
	}
	return asked[1].At.Sub(asked[0].At)
}

func TestRepeatsComeAtOnceOrALittleLater(t *testing.T) {
	t.Parallel()
	atOnce, later := int64(-1), 0
	cfg := Config{Chaos: Chaos{Repeat: 1, MaxDelay: time.Hour}}
	for cfg.Seed = range int64(20) {
		w := open(t, cfg, answersByPath{"/voice": nothing})
		c := w.call(From(bob))
		fine(t, c)
		switch after := repeatedAfter(t, c); {
		case after == 0:
			atOnce = cfg.Seed
		case after <= ceiling:
			later++
		default:
			t.Errorf("repeated after %v, want at most %v", after, ceiling)
		}
	}
	if later == 0 || atOnce < 0 {
		t.Fatalf("%d of 20 were repeated later, want some but not all", later)
	}
	cfg.Seed = atOnce
	w := open(t, cfg, nil)
	var together sync.WaitGroup
	together.Add(2)
	w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
		together.Done()
		together.Wait() // returns only if both are here
		writeTwiML(rw, nothing)
	})
	fine(t, w.call(From(bob)))
}

// moody answers each time something else.
func (w *world) moody() {
	var times atomic.Int64
	w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
		writeTwiML(rw, response(fmt.Sprintf("<Say>Hello %d.</Say>", times.Add(1))))
	})
}

func TestAnotherAnswerToARepeatIsAFault(t *testing.T) {
	t.Parallel()
	for seed := range int64(4) {
		w := open(t, Config{Seed: seed, Chaos: Chaos{Repeat: 1}}, nil)
		w.moody()
		wantFault(t, w.call(From(bob)), codePointless, "when asked again")
	}
}

func TestAnotherAnswerToARepeatMayBeAllowed(t *testing.T) {
	t.Parallel()
	var allowed Event
	w := open(t, Config{Chaos: Chaos{Repeat: 1}, MayDiffer: func(again Event) bool { allowed = again; return true }}, nil)
	w.moody()
	fine(t, w.call(From(bob)))
	equal(t, "asked about", allowed.URL, w.at("/voice"))
	equal(t, "again", allowed.Again, true)
}

func TestARepeatThatFailsIsAFault(t *testing.T) {
	t.Parallel()
	for seed := range int64(4) {
		var times atomic.Int64
		w := open(t, Config{Seed: seed, Chaos: Chaos{Repeat: 1}}, nil)
		w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
			if times.Add(1) > 1 {
				rw.WriteHeader(http.StatusInternalServerError)
				return
			}
			writeTwiML(rw, nothing)
		})
		wantFault(t, w.call(From(bob)), codeRetrieval, "500")
	}
}
