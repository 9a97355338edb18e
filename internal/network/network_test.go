package network

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ports hides what the machine decides about a story.
func (w *world) plainly(c *Call) string {
	return strings.ReplaceAll(c.Tell(), w.service.URL, "http://service")
}

// busyDay is a world with all sorts of calls, some at the same instant.
func busyDay(t *testing.T, seed int64) string {
	t.Helper()
	answers := answersByPath{}
	for path, text := range screenAnswers {
		answers[path] = text
	}
	answers["/voice"] = strings.Replace(screened, `url="/screen"`,
		`url="/screen" statusCallback="/leg" statusCallbackEvent="initiated ringing answered completed"`, 1)
	answers["/dialled"] = response(greeting + `<Record transcribe="true" transcribeCallback="/transcribed"` + recordTail)
	answers["/recorded"] = nothing
	w := open(t, Config{Seed: seed, Chaos: Chaos{
		Duplicate: 0.3, Drop: 0.2, Delay: 0.3, Early: 0.3, Repeat: 0.3, Unknown: 0.3, MaxDelay: time.Minute,
	}}, answers)
	w.AddPhone(olga, Human(3*time.Second, time.Minute).Press("1", time.Second), Busy(), NoAnswer(), Mailbox(time.Second))
	var calls []*Call
	for i := range 6 {
		calls = append(calls, w.Dial(From(bob).After(time.Duration(i)*time.Minute).LeaveMessage(20*time.Second, "Hi"), mask))
	}
	w.run()
	fine(t, calls...)
	var b strings.Builder
	for _, c := range calls {
		b.WriteString(w.plainly(c))
	}
	return b.String()
}

func TestTheSameSeedTellsTheSameStories(t *testing.T) {
	t.Parallel()
	one := busyDay(t, 7)
	if other := busyDay(t, 7); one != other {
		t.Errorf("two stories of one seed:\n%s\nand\n%s", one, other)
	}
	if other := busyDay(t, 8); one == other {
		t.Error("another seed told the same stories")
	}
}

func TestSixtyCallsAtOneInstantArriveTogether(t *testing.T) {
	t.Parallel()
	const callers = 60
	w := open(t, Config{}, voicemail(""))
	var together sync.WaitGroup
	together.Add(callers)
	w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
		together.Done()
		together.Wait() // returns only if all of them are here
		writeTwiML(rw, response(greeting+"<Record "+recordTail))
	})
	for i := range callers {
		w.Dial(From(fmt.Sprintf("+1500555%04d", i)).LeaveMessage(5*time.Second, "Hi"), mask)
	}
	w.run()
	fine(t, w.Calls()...)
	equal(t, "recordings", len(w.Recordings()), callers)
	seen := map[string]bool{}
	for _, r := range w.Recordings() {
		seen[r.SID] = true
	}
	equal(t, "different recordings", len(seen), callers)
}

func TestTimeMovesOnlyWhenAllAreDone(t *testing.T) {
	t.Parallel()
	var waited time.Duration
	start := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	cfg := Config{Start: start, Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil }}
	w := open(t, cfg, answersByPath{"/voice": response(`<Pause length="10"/>`)})
	fine(t, w.call(From(bob)))
	equal(t, "time at the end", w.Now(), start.Add(10*time.Second+statusDelay))
	equal(t, "waited", waited, 10*time.Second+statusDelay)
}

func TestRunUntilStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Pause length="10"/><Redirect>/next</Redirect>`), "/next": nothing})
	c := w.Dial(From(bob), mask)
	for _, d := range []time.Duration{4 * time.Second, 5 * time.Second} {
		if err := w.Advance(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		equal(t, "webhooks", strings.Count(kinds(c.Story()), "Webhook"), 1)
	}
	equal(t, "time", w.Now(), w.started.Add(9*time.Second))
	if err := w.RunUntil(t.Context(), w.started.Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	equal(t, "webhooks", strings.Count(kinds(c.Story()), "Webhook"), 2)
	equal(t, "ended", c.Outcome().Ended, true)
}

func TestRunToWhatNeverHappensIsAnError(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	w.Dial(From(bob), mask)
	if err := w.RunTo(t.Context(), is(Recorded)); !errors.Is(err, errNothingLeft) {
		t.Errorf("error %v", err)
	}
}

func TestObserveIsToldEverythingOneAtATime(t *testing.T) {
	t.Parallel()
	var inside atomic.Int32
	told := 0
	cfg := Config{Observe: func(Event) {
		if inside.Add(1) > 1 {
			t.Error("two events at once")
		}
		told++
		runtime.Gosched()
		inside.Add(-1)
	}}
	w := open(t, cfg, voicemail(""))
	for range 10 {
		w.Dial(From(bob).LeaveMessage(5*time.Second, "Hi"), mask)
	}
	w.run()
	want := 0
	for _, c := range w.Calls() {
		want += len(c.Story())
	}
	equal(t, "events", told, want)
}

func TestAnErrorOfWaitEndsTheNetwork(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	w := open(t, Config{Wait: func(context.Context, time.Duration) error { return enough }}, answersByPath{"/voice": response("<Pause/>")})
	w.Dial(From(bob), mask)
	if err := w.Run(t.Context()); !errors.Is(err, enough) {
		t.Errorf("error %v, want %v", err, enough)
	}
	if err := w.Run(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("error of the next run: %v", err)
	}
}

// A run that is given up must not look like a service that failed.
func TestCancellingARunIsNoFault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := open(t, Config{}, nil)
	w.on("/voice", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c := w.Dial(From(bob), mask)
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	fine(t, c)
	equal(t, "story", kinds(c.Story()), "Dialled")
}

func TestCloseLetsSleepersGo(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Pause length="10"/>`)})
	c := w.Dial(From(bob), mask)
	later := w.Dial(From(bob).After(time.Hour), mask)
	w.runTo(Asking("/voice"))
	w.Close()
	equal(t, "at work", w.clock.atWork, 0)
	equal(t, "agenda", len(w.clock.agenda), 0)
	equal(t, "ended", c.Outcome().Ended, false)
	equal(t, "events of a call that never began", len(later.Story()), 0)
	w.Close()
}

func TestANetworkWithoutAccountPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Config{AccountSID: account})
}

func TestNumbersKeepTheirSID(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	sid := w.AddNumber(Number{SID: "PN1", PhoneNumber: mask, FriendlyName: "Again"})
	equal(t, "sid", sid, "PN1")
	equal(t, "numbers", len(w.Numbers()), 1)
	equal(t, "name", w.Numbers()[0].FriendlyName, "Again")
}

func TestAnUnknownPhoneIsUnreachable(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	fine(t, w.call(From(bob)))
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "failed"})
}
