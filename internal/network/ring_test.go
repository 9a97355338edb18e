package network

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheRealTimeoutIsFiveSecondsLonger(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{14 * time.Second: "completed", 16 * time.Second: "no-answer"} {
		w := open(t, Config{}, plain(strings.Replace(dialOlga, `timeout="20"`, `timeout="10"`, 1)))
		w.AddPhone(olga, Human(after, time.Second))
		fine(t, w.call(From(bob)))
		has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": want})
	}
}

func TestTheFirstPhoneToPickUpSilencesTheOthers(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(`<Response><Dial action="/dialled"><Number statusCallback="/leg">`+olga+
		`</Number><Number statusCallback="/leg">`+otto+`</Number></Dial></Response>`))
	w.AddPhone(olga, Human(9*time.Second, time.Minute))
	w.AddPhone(otto, Human(4*time.Second, 10*time.Second))
	c := w.call(From(bob))
	fine(t, c)
	equal(t, "who talked", c.Outcome().Bridged, otto)
	equal(t, "the slower phone went silent after", first(t, c, Missed).At.Sub(w.started), untilRinging+4*time.Second)
	statuses := map[string]string{}
	for _, leg := range w.requests("/leg") {
		statuses[leg.form.Get("To")] = leg.form.Get("CallStatus")
	}
	equal(t, "the slower phone", statuses[olga], "canceled")
	equal(t, "the faster phone", statuses[otto], "completed")
}

// An instant mailbox eats the ring for everybody: it picks up before anybody knows that it will fail the screen.
func TestAMailboxCutsTheOthersShort(t *testing.T) {
	t.Parallel()
	answers := answersByPath{}
	for path, text := range screenAnswers {
		answers[path] = text
	}
	answers["/voice"] = strings.Replace(screened, "</Number>", `</Number><Number url="/screen">`+otto+`</Number>`, 1)
	w := open(t, Config{}, answers)
	w.AddPhone(olga, Mailbox(time.Second))
	w.AddPhone(otto, Human(6*time.Second, time.Minute).Press("1", time.Second))
	c := w.call(From(bob))
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "completed", "DialBridged": "false"})
	has(t, w.only("/screen").form, map[string]string{"To": olga})
}

func TestAPhoneMayDoSomethingElseTheNextTime(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.on("/dialled", func(rw http.ResponseWriter, r *http.Request) {
		if r.PostForm.Get("DialCallStatus") == "no-answer" {
			writeTwiML(rw, dialOlga)
			return
		}
		writeTwiML(rw, nothing)
	})
	w.AddPhone(olga, NoAnswer(), Human(time.Second, time.Second))
	c := w.call(From(bob))
	fine(t, c)
	equal(t, "dial actions", len(w.requests("/dialled")), 2)
	equal(t, "who talked", c.Outcome().Bridged, olga)
}

func TestTheScreenRunsOnThePhonesLeg(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, screenAnswers)
	w.AddPhone(olga, Human(3*time.Second, time.Minute).Press("1", 2*time.Second))
	c := w.call(From(bob).HangUpAt(time.Minute))
	fine(t, c)
	form := w.only("/screen").form
	has(t, form, map[string]string{
		"ParentCallSid": c.SID, "Direction": "outbound-dial", "CallStatus": "in-progress", "From": bob, "To": olga,
	})
	has(t, w.only("/pressed").form, map[string]string{"Digits": "1", "CallSid": form.Get("CallSid")})
	equal(t, "DialCallSid", w.only("/dialled").form.Get("DialCallSid"), form.Get("CallSid"))
	equal(t, "what Olga heard", strings.Join(c.Heard(olga), "|"), "A call. Press 1.")
}

func TestAFailingScreenDoesNotConnect(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, screenAnswers)
	w.on("/screen", failing(500))
	w.AddPhone(olga, Human(time.Second, time.Minute).Press("1", time.Second))
	c := w.call(From(bob))
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "completed", "DialBridged": "false"})
	wantFault(t, c, codeRetrieval, "500")
}

func TestReachingTheEndOfTheScreenConnects(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, screenAnswers)
	w.on("/screen", twiml(response(`<Gather numDigits="1" action="/pressed"><Say>Press 1.</Say></Gather>`)))
	w.AddPhone(olga, Mailbox(time.Second))
	c := w.call(From(bob).HangUpAt(time.Minute))
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"DialBridged": "true"})
}

func TestLegCallbacks(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(`<Response><Dial action="/dialled"><Number statusCallback="/leg#rc=2" `+
		`statusCallbackEvent="initiated ringing answered completed">`+olga+`</Number></Dial></Response>`))
	w.AddPhone(olga, Human(3*time.Second, 49*time.Second))
	c := w.call(From(bob))
	fine(t, c)
	var statuses []string
	for i, leg := range w.requests("/leg") {
		statuses = append(statuses, leg.form.Get("CallStatus"))
		has(t, leg.form, map[string]string{
			"SequenceNumber": string(rune('0' + i)), "ParentCallSid": c.SID, "CallbackSource": "call-progress-events",
			"Direction": "outbound-dial", "To": olga,
		})
	}
	equal(t, "statuses", strings.Join(statuses, " "), "initiated ringing in-progress completed")
	last := w.requests("/leg")[3].form
	has(t, last, map[string]string{"CallDuration": "49", "Duration": "1"})
}
