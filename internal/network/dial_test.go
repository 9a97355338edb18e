package network

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

const dialOlga = `<Response><Dial answerOnBridge="true" timeout="20" action="/dialled"><Number>` + olga + `</Number></Dial></Response>`

// screened asks the phone for a 1, as the service does.
const screened = `<Response><Dial answerOnBridge="true" timeout="20" action="/dialled"><Number url="/screen">` + olga + `</Number></Dial></Response>`

var screenAnswers = answersByPath{
	"/voice":   screened,
	"/screen":  response(`<Gather numDigits="1" action="/pressed"><Say>A call. Press 1.</Say></Gather><Hangup/>`),
	"/pressed": nothing,
	"/dialled": response(`<Say>Please leave a message.</Say>`),
	"/status":  "",
}

// pressedTwo is a screen whose key declines.
var pressedTwo = answersByPath{
	"/voice": screened, "/screen": screenAnswers["/screen"], "/pressed": response("<Hangup/>"), "/dialled": nothing,
}

// plain answers the Dial and hangs up afterwards.
func plain(dial string) answersByPath {
	return answersByPath{"/voice": dial, "/dialled": nothing, "/status": ""}
}

func answerOnlyAfter(attrs string) string {
	return strings.Replace(dialOlga, `answerOnBridge="true"`, attrs, 1)
}

// TestDialRows plays every row of what a Dial's action may be told.
func TestDialRows(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		twiml  answersByPath
		phone  Phone
		caller Caller
		want   map[string]string
	}{
		"a human talks and hangs up first": {
			plain(dialOlga), Human(4*time.Second, 30*time.Second), From(bob),
			map[string]string{"CallStatus": "in-progress", "DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "30"},
		},
		"a human talks and the caller hangs up first": {
			plain(dialOlga), Human(4*time.Second, time.Minute), From(bob).HangUpAt(14500 * time.Millisecond),
			map[string]string{"CallStatus": "completed", "DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "10"},
		},
		"nobody picks up, and the caller's leg was never answered": {
			plain(dialOlga), NoAnswer(), From(bob),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "no-answer", "DialBridged": "false", "DialCallDuration": "-"},
		},
		"nobody picks up without answerOnBridge": {
			plain(answerOnlyAfter("")), NoAnswer(), From(bob),
			map[string]string{"CallStatus": "in-progress", "DialCallStatus": "no-answer", "DialBridged": "false", "DialCallDuration": "-"},
		},
		"busy": {
			plain(dialOlga), Busy(), From(bob),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "busy", "DialBridged": "false", "DialCallDuration": "-"},
		},
		"busy without answerOnBridge": {
			plain(answerOnlyAfter("")), Busy(), From(bob),
			map[string]string{"CallStatus": "in-progress", "DialCallStatus": "busy", "DialBridged": "false"},
		},
		"unreachable": {
			plain(dialOlga), Unreachable(), From(bob),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "failed", "DialBridged": "false", "DialCallDuration": "-"},
		},
		"a carrier's mailbox picks up, unscreened": {
			plain(dialOlga), Mailbox(time.Second), From(bob),
			map[string]string{"CallStatus": "in-progress", "DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "20"},
		},
		"a carrier's mailbox picks up and fails the screen": {
			screenAnswers, Mailbox(time.Second), From(bob).HangUpAt(time.Minute),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "completed", "DialBridged": "false"},
		},
		"a human hangs up in the screen": {
			screenAnswers, Human(3*time.Second, time.Minute).Declines(2 * time.Second), From(bob).HangUpAt(time.Minute),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "completed", "DialBridged": "false", "DialCallDuration": "2"},
		},
		"a human says nothing in the screen": {
			screenAnswers, Human(3*time.Second, time.Minute), From(bob).HangUpAt(time.Minute),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "completed", "DialBridged": "false"},
		},
		"a human presses another key in the screen": {
			pressedTwo, Human(3*time.Second, time.Minute).Press("2", 4*time.Second), From(bob).HangUpAt(time.Minute),
			map[string]string{"CallStatus": "ringing", "DialCallStatus": "completed", "DialBridged": "false", "DialCallDuration": "4"},
		},
		"a human accepts in the screen": {
			screenAnswers, Human(3*time.Second, 40*time.Second).Press("1", 2*time.Second), From(bob).HangUpAt(2 * time.Minute),
			map[string]string{"CallStatus": "in-progress", "DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "42"},
		},
		"the caller hangs up while it rings": {
			plain(dialOlga), NoAnswer(), From(bob).HangUpAt(8 * time.Second),
			map[string]string{"CallStatus": "completed", "DialCallStatus": "canceled", "DialBridged": "false", "DialCallDuration": "-"},
		},
		"the caller hangs up during the screen": {
			screenAnswers, Human(3*time.Second, time.Minute), From(bob).HangUpAt(5 * time.Second),
			map[string]string{"CallStatus": "completed", "DialCallStatus": "completed", "DialBridged": "false"},
		},
		"a star with hangupOnStar": {
			plain(answerOnlyAfter(`hangupOnStar="true"`)), Human(time.Second, time.Minute), From(bob).Star(7 * time.Second),
			map[string]string{"CallStatus": "in-progress", "DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "7"},
		},
		"a star without hangupOnStar is heard by nobody": {
			plain(dialOlga), Human(time.Second, time.Minute), From(bob).Star(7 * time.Second),
			map[string]string{"DialCallDuration": "60"},
		},
		"the time limit ends the talk": {
			plain(answerOnlyAfter(`timeLimit="9"`)), Human(time.Second, time.Minute), From(bob),
			map[string]string{"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "9"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, row.twiml)
			w.AddPhone(olga, row.phone)
			c := w.call(row.caller)
			fine(t, c)
			form := w.only("/dialled").form
			has(t, form, row.want)
			has(t, form, map[string]string{"CallSid": c.SID, "From": bob, "To": mask, "Direction": "inbound"})
			if sid := form.Get("DialCallSid"); !strings.HasPrefix(sid, "CA") || len(sid) != 34 || sid == c.SID {
				t.Errorf("DialCallSid is %q", sid)
			}
			equal(t, "dial status of the outcome", c.Outcome().DialStatus, form.Get("DialCallStatus"))
		})
	}
}

func TestARESTCancelledLegIsCanceled(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(answerOnlyAfter("")))
	w.AddPhone(olga, NoAnswer())
	c := w.Dial(From(bob), mask)
	w.runTo(is(Rang))
	child := w.legs[1].sid
	got := w.rest("POST", "/2010-04-01/Accounts/"+account+"/Calls/"+child+".json", url.Values{"Status": {"canceled"}})
	equal(t, "status of the REST call", got.Code, 200)
	w.run()
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{
		"CallStatus": "in-progress", "DialCallStatus": "canceled", "DialBridged": "false", "DialCallSid": child,
	})
}

func TestARESTRedirectDuringDialRunsTheOldActionToo(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.on("/elsewhere", twiml(response("<Say>You were transferred.</Say>")))
	w.on("/dialled", twiml(response("<Say>Nobody may hear this.</Say>")))
	w.AddPhone(olga, Human(time.Second, time.Minute))
	c := w.Dial(From(bob), mask)
	w.runTo(is(Bridged))
	got := w.rest("POST", "/2010-04-01/Accounts/"+account+"/Calls/"+c.SID+".json", url.Values{"Url": {w.at("/elsewhere")}})
	equal(t, "status of the REST call", got.Code, 200)
	w.run()
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"CallStatus": "in-progress", "DialCallStatus": "completed"})
	equal(t, "what the caller heard", strings.Join(c.Heard(bob), "|"), "You were transferred.")
}

// Somebody may be transferred while a phone still rings, or listens to the screen.
func TestARESTRedirectBeforeThePhoneIsConnected(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		phone  Phone
		when   func(Event) bool
		status string
	}{
		"while it rings":    {NoAnswer(), is(Rang), "canceled"},
		"during the screen": {Human(3*time.Second, time.Minute), Asking("/screen"), "completed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, screenAnswers)
			w.AddPhone(olga, one.phone)
			c := w.Dial(From(bob), mask)
			w.runTo(one.when)
			w.rest("POST", base+"/Calls/"+c.SID+".json", url.Values{"Twiml": {response("<Say>You were transferred.</Say>")}})
			w.run()
			fine(t, c)
			has(t, w.only("/dialled").form, map[string]string{"CallStatus": "ringing", "DialCallStatus": one.status, "DialBridged": "false"})
			equal(t, "what the caller heard", strings.Join(c.Heard(bob), "|"), "You were transferred.")
		})
	}
}

func TestRESTEndsACall(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(response("<Pause length='600'/><Say>Nobody may hear this.</Say>")))
	c := w.Dial(From(bob), mask)
	w.runTo(Asking("/voice"))
	w.rest("POST", "/2010-04-01/Accounts/"+account+"/Calls/"+c.SID+".json", url.Values{"Status": {"completed"}})
	w.run()
	fine(t, c)
	equal(t, "what the caller heard", len(c.Heard(bob)), 0)
	equal(t, "time passed", w.Now().Sub(w.started) < time.Minute, true)
}

func TestCallerIDs(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		from, attr string
		shown      string // to the phone; "" when the Dial fails
		code       int
	}{
		"the caller's own by default":        {bob, "", bob, 0},
		"the mask":                           {bob, `callerId="` + mask + `"`, mask, 0},
		"another number of the account":      {bob, `callerId="+15005550007"`, "+15005550007", 0},
		"a stranger's number":                {bob, `callerId="+15005559999"`, "", codeCallerID},
		"anonymous passed through":           {"anonymous", "", "", codeCallerID},
		"a withheld caller hidden by a mask": {"anonymous", `callerId="` + mask + `"`, mask, 0},
		"a word spelled on the keypad":       {"+266696687", "", "", codeCallerID},
		"another one":                        {"+7378742833", "", "", codeCallerID},
		"no number at all":                   {"", "", "", codeCallerID},
		"a client":                           {"client:bob", "", "", codeCallerID},
		"too long":                           {bob, `callerId="+15005550001500555000"`, "", codeCallerIDLength},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, plain(answerOnlyAfter(one.attr)))
			w.AddNumber(Number{PhoneNumber: "+15005550007"})
			w.AddPhone(olga, Human(time.Second, time.Second))
			c := w.call(From(one.from))
			if one.shown == "" {
				has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "failed", "DialBridged": "false"})
				wantFault(t, c, one.code, "callerId")
				return
			}
			fine(t, c)
			equal(t, "shown", first(t, c, Rang).Text, one.shown)
		})
	}
}

func TestADialWithoutActionFallsThroughEvenAfterATalk(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(`<Response><Dial>`+olga+`</Dial><Say>Nobody is here.</Say></Response>`))
	w.AddPhone(olga, Human(time.Second, time.Minute))
	c := w.call(From(bob))
	fine(t, c)
	equal(t, "what the caller heard", strings.Join(c.Heard(bob), "|"), "Nobody is here.")
}

// A caller's leg rings on through a first Dial, and is answered by anything else.
func TestAnswerOnBridgeKeepsRingingOnlyAsFirstVerb(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(strings.Replace(dialOlga, "<Dial", "<Say>Hold on.</Say><Dial", 1)))
	w.AddPhone(olga, NoAnswer())
	fine(t, w.call(From(bob)))
	has(t, w.only("/dialled").form, map[string]string{"CallStatus": "in-progress"})
}
