package network

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	elsewhere = "+15005550200" // a number of another account
)

// neighbour is another account with a service of its own, in a network that shares the time of w.
func (w *world) neighbour(voice string) *world {
	w.t.Helper()
	n := open(w.t, Config{Beside: w.Network}, answersByPath{"/voice": voice, "/dialled": nothing})
	n.AddNumber(Number{PhoneNumber: elsewhere, VoiceURL: n.at("/voice"), StatusCallback: n.at("/status")})
	w.AddPhone(elsewhere, NumberOf(n.Network))
	return n
}

const dialElsewhere = `<Response><Dial answerOnBridge="true" timeout="20" timeLimit="60" action="/dialled"><Number>` + elsewhere + `</Number></Dial></Response>`

func TestACallGoesOnInAnotherAccount(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		voice  string // there
		caller Caller
		want   map[string]string
		talked time.Duration
	}{
		"which speaks and hangs up":    {response(`<Say>` + strings.Repeat("long ", 30) + `</Say>`), From(bob), map[string]string{"DialCallStatus": "completed", "DialBridged": "true"}, 9900 * time.Millisecond},
		"which speaks for too long":    {response(`<Pause/><Say loop="0">Hold the line.</Say>`), From(bob), map[string]string{"DialCallStatus": "completed", "DialBridged": "true"}, time.Minute},
		"which rejects it":             {response(`<Reject/>`), From(bob), map[string]string{"DialCallStatus": "busy", "DialBridged": "false"}, 0},
		"which fails":                  {`<Nonsense/>`, From(bob), map[string]string{"DialCallStatus": "completed", "DialBridged": "true"}, reading(apology)},
		"which lets it ring":           {response(`<Pause length="60"/>`), From(bob), map[string]string{"DialCallStatus": "no-answer", "DialBridged": "false"}, 0},
		"whose caller hangs up before": {response(`<Pause length="60"/>`), From(bob).HangUpAt(5 * time.Second), map[string]string{"CallStatus": "completed", "DialCallStatus": "canceled"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, plain(dialElsewhere))
			n := w.neighbour(one.voice)
			c := w.call(one.caller)
			fine(t, c)
			has(t, w.only("/dialled").form, one.want)
			has(t, n.only("/voice").form, map[string]string{"From": bob, "To": elsewhere, "ForwardedFrom": "-"})
			inner := n.Calls()[0].Outcome()
			equal(t, "the call there is over", inner.Ended, true)
			if one.talked > 0 {
				equal(t, "talked for", w.legs[1].duration(), one.talked)
			}
			equal(t, "the two end together", c.Story()[len(c.Story())-1].At.Sub(n.Calls()[0].Story()[len(n.Calls()[0].Story())-1].At) < time.Second, true)
		})
	}
}

func TestAPhoneThatDivertsSaysSo(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(strings.Replace(dialOlga, "<Dial ", `<Dial callerId="`+mask+`" `, 1)))
	n := w.neighbour(response("<Reject/>"))
	w.AddPhone(olga, Diverts(elsewhere, n.Network))
	fine(t, w.call(From(bob)))
	has(t, n.only("/voice").form, map[string]string{"From": mask, "To": elsewhere, "ForwardedFrom": olga, "CalledVia": olga})
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "busy"})
}

func TestAPhoneThatDivertsToNobodyIsNotReached(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.AddPhone(olga, Diverts("+15005550999", w.Network))
	c := w.call(From(bob))
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "failed"})
	wantFault(t, w.Calls()[1], codePointless, "not a number of the account")
	fine(t, c)
}

// A diversion to the very number that was called goes round until the first caller's Dial gives up: nothing but the service ends it sooner.
func TestADiversionToTheNumberItselfGoesRound(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.AddPhone(olga, Diverts(mask, w.Network))
	w.call(From(bob))
	if rounds := len(w.requests("/voice")); rounds < 20 {
		t.Errorf("it went round %d times", rounds)
	}
}

func TestAScreenIsPlayedToWhateverAnswersThere(t *testing.T) {
	t.Parallel()
	answers := answersByPath{}
	for path, text := range screenAnswers {
		answers[path] = strings.ReplaceAll(text, olga, elsewhere)
	}
	w := open(t, Config{}, answers)
	w.neighbour(response(`<Say>` + strings.Repeat("long ", 300) + `</Say>`))
	c := w.call(From(bob))
	fine(t, c)
	has(t, w.only("/screen").form, map[string]string{"To": elsewhere})
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "completed", "DialBridged": "false"})
}

func TestRESTEndsACallThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialElsewhere))
	n := w.neighbour(response(`<Say loop="0">Hold the line.</Say>`))
	c := w.Dial(From(bob), mask)
	w.runTo(is(Bridged))
	equal(t, "status", w.rest(http.MethodPost, base+"/Calls/"+c.SID+".json", map[string][]string{"Status": {"completed"}}).Code, http.StatusOK)
	w.run()
	fine(t, c)
	equal(t, "the call there is over", n.Calls()[0].Outcome().Ended, true)
	has(t, n.only("/status").form, map[string]string{"CallStatus": "completed"})
}
