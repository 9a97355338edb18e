package network

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestACallerMayHangUpAnywhere: nothing follows but what Twilio reports anyway.
func TestACallerMayHangUpAnywhere(t *testing.T) {
	t.Parallel()
	const gather = `<Gather action="/action" timeout="20"><Say>Press a key, please.</Say><Pause length="2"/></Gather><Say>Nothing?</Say>`
	for name, one := range map[string]struct {
		verbs string
		at    time.Duration
	}{
		"in a Say":            {"<Say>" + strings.Repeat("long ", 50) + "</Say>", 2 * time.Second},
		"in a Pause":          {`<Pause length="10"/>`, 2 * time.Second},
		"in the beep":         {`<Record action="/action"/>`, 200 * time.Millisecond},
		"in a Gather's Say":   {gather, time.Second},
		"in a Gather's Pause": {gather, 2 * time.Second},
		"after the prompt":    {gather, 10 * time.Second},
		"in an endless Say":   {`<Say loop="0">Please hold the line.</Say>`, 10 * time.Minute},
		"at once":             {`<Say>Hello.</Say>`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, answersByPath{"/voice": response(one.verbs), "/action": nothing})
			c := w.call(From(bob).HangUpAt(one.at))
			fine(t, c)
			equal(t, "actions", len(c.Asked("/action")), 0)
			equal(t, "hung up after", first(t, c, HungUp).At.Sub(w.started), one.at)
			has(t, w.only("/status").form, map[string]string{"CallStatus": "completed"})
		})
	}
}

func TestACallerMayHangUpBeforeAnyPhoneRings(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.AddPhone(olga, NoAnswer())
	c := w.call(From(bob).HangUpAt(200 * time.Millisecond))
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"CallStatus": "completed", "DialCallStatus": "canceled"})
	equal(t, "rang", strings.Contains(kinds(c.Story()), "Rang"), false)
}

func TestACallerMayHangUpInTheApology(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", failing(500))
	c := w.call(From(bob).HangUpInGreeting())
	wantFault(t, c, codeRetrieval, "500")
	equal(t, "hung up after", first(t, c, HungUp).At.Sub(w.started), reading(apology)/2)
}

func TestACallerMayHangUpBeforePressingTheStar(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(answerOnlyAfter(`hangupOnStar="true"`)))
	w.AddPhone(olga, Human(time.Second, time.Minute))
	c := w.call(From(bob).Star(30 * time.Second).HangUpAt(10 * time.Second))
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"CallStatus": "completed", "DialBridged": "true"})
}

func TestKeysPressedBeforeAnybodyListensAreLost(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, screenAnswers)
	w.on("/screen", twiml(response(`<Say>A call, and this takes a while to say.</Say><Gather numDigits="1" action="/pressed"><Say>Press 1.</Say></Gather><Hangup/>`)))
	w.AddPhone(olga, Human(time.Second, time.Minute).Press("1", time.Second))
	c := w.call(From(bob).HangUpAt(time.Minute))
	fine(t, c)
	equal(t, "actions", len(w.requests("/pressed")), 0)
	has(t, w.only("/dialled").form, map[string]string{"DialBridged": "false"})
}

func TestHangingUpBetweenPickingUpAndTheKeyDeclines(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, screenAnswers)
	w.AddPhone(olga, Human(time.Second, time.Minute).Press("1", 3*time.Second).Declines(2*time.Second))
	c := w.call(From(bob).HangUpAt(time.Minute))
	fine(t, c)
	equal(t, "actions", len(w.requests("/pressed")), 0)
	has(t, w.only("/dialled").form, map[string]string{"DialBridged": "false", "DialCallDuration": "2"})
}

func TestALegCancelledBeforeItRang(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(strings.Replace(dialOlga, "<Number>", `<Number statusCallback="/leg" statusCallbackEvent="initiated">`, 1)))
	w.AddPhone(olga, Human(time.Second, time.Minute))
	c := w.Dial(From(bob), mask)
	w.runTo(Asking("/leg"))
	w.rest("POST", base+"/Calls/"+w.only("/leg").form.Get("CallSid")+".json", url.Values{"Status": {"canceled"}})
	w.run()
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "canceled", "DialBridged": "false"})
}
