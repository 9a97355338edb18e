package network

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWhatIsSaidTakesTime(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("fifteen letters", 4)
	w := open(t, Config{}, answersByPath{"/voice": response(`<Say loop="2">` + text + `</Say><Pause length="3"/>`)})
	c := w.call(From(bob))
	fine(t, c)
	equal(t, "times heard", len(c.Heard(bob)), 2)
	equal(t, "duration", c.Outcome().Duration, 11*time.Second)
}

func TestAPauseInFrontDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Pause length="3"/><Redirect>/next</Redirect>`), "/next": nothing})
	fine(t, w.call(From(bob)))
	has(t, w.only("/next").form, map[string]string{"CallStatus": "ringing"})
}

func TestSSMLIsHeardAsText(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(
		`<Say voice="Polly.Joanna-Neural" language="en-US">Call <say-as interpret-as="telephone">911</say-as><break time="1s"/> now.</Say>`)})
	c := w.call(From(bob))
	fine(t, c)
	equal(t, "heard", strings.Join(c.Heard(bob), "|"), "Call 911 now.")
}

func TestAFileIsPlayed(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Play>/files/hello.wav</Play>`)})
	w.on("/files/hello.wav", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "audio/wav")
		fmt.Fprint(rw, "RIFF")
	})
	c := w.call(From(bob))
	fine(t, c)
	file := w.only("/files/hello.wav")
	equal(t, "method", file.method, "GET")
	equal(t, "parameters", len(file.query)+len(file.form), 0)
	equal(t, "signature", file.header.Get("X-Twilio-Signature"), "")
	equal(t, "duration", c.Outcome().Duration, playing)
	equal(t, "event", first(t, c, Fetched).Status, 200)
}

func TestAFileThatIsNoAudioIsAFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Play>/files/hello</Play><Say>Still here.</Say>`), "/files/hello": nothing})
	c := w.call(From(bob))
	wantFault(t, c, codeContentType, "to play")
	equal(t, "heard", strings.Join(c.Heard(bob), "|"), "Still here.")
}

func TestAMissingFileIsAFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Play>/files/hello</Play>`)})
	w.on("/files/hello", failing(404))
	wantFault(t, w.call(From(bob)), codeRetrieval, "404")
}

// TestGather plays what a caller can do with a menu.
func TestGather(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		attrs, digits string
		want          string // Digits; "-" when the next verb follows
	}{
		"enough digits":                      {`numDigits="2"`, "12", "12"},
		"more than enough":                   {`numDigits="2"`, "123", "12"},
		"ended by the finish key":            {"", "12#", "12"},
		"ended by another finish key":        {`finishOnKey="*"`, "1#*", "1#"},
		"no finish key":                      {`finishOnKey=""`, "1#", "1#"},
		"ended by patience":                  {"", "12", "12"},
		"nothing":                            {"", "", "-"},
		"nothing but the finish key":         {"", "#", "-"},
		"nothing, but the action wants that": {`actionOnEmptyResult="true"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, answersByPath{
				"/voice":  response(`<Gather action="/menu" ` + one.attrs + `><Say>` + strings.Repeat("long ", 30) + `</Say><Pause/></Gather><Redirect>/next</Redirect>`),
				"/menu":   nothing,
				"/next":   nothing,
				"/status": "",
			})
			c := w.call(From(bob).Enter(one.digits))
			fine(t, c)
			if one.want == "-" {
				equal(t, "actions", len(w.requests("/menu")), 0)
				w.only("/next")
				return
			}
			has(t, w.only("/menu").form, map[string]string{"Digits": one.want})
		})
	}
}

func TestAKeyCutsThePromptShort(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{
		"/voice": response(`<Gather action="/menu" numDigits="1"><Say>` + strings.Repeat("long ", 300) + `</Say></Gather>`), "/menu": nothing,
	})
	c := w.call(From(bob).Enter("1"))
	fine(t, c)
	equal(t, "duration", c.Outcome().Duration, untilEntered)
}

func TestRejectEndsBusyAndUnanswered(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"<Reject/>", `<Reject reason="busy"/>`} {
		w := open(t, Config{}, answersByPath{"/voice": response(verb)})
		c := w.call(From(bob))
		fine(t, c)
		has(t, w.only("/status").form, map[string]string{"CallStatus": "busy", "CallDuration": "0", "Duration": "0"})
		equal(t, "outcome", c.Outcome().Status, "busy")
		equal(t, "story", kinds(c.Story()), "Dialled Webhook Ended CallbackSent")
	}
}

func TestRejectingAnAnsweredCallIsAFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response("<Say>Hello.</Say><Redirect>/no</Redirect>"), "/no": response("<Reject/>")})
	wantFault(t, w.call(From(bob)), codePointless, "already answered")
}

func TestRedirectsGoOnElsewhere(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Redirect method="GET">other?x=1</Redirect>`), "/other": response("<Hangup/>")})
	fine(t, w.call(From(bob)))
	other := w.only("/other")
	equal(t, "method", other.method, "GET")
	has(t, other.query, map[string]string{"x": "1", "CallStatus": "ringing", "From": bob})
}

func TestTheStatusCallbackComesOnceAtTheEnd(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Say>Hello.</Say><Pause length="60"/>`)})
	c := w.call(From(bob))
	fine(t, c)
	has(t, w.only("/status").form, map[string]string{
		"CallSid": c.SID, "CallStatus": "completed", "CallDuration": "61", "Duration": "2", "From": bob, "To": mask,
		"SequenceNumber": "0", "CallbackSource": "call-progress-events", "Direction": "inbound",
	})
}

func TestWhoeverHangsUpWhileItRingsWasNeverAnswered(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.AddPhone(olga, NoAnswer())
	fine(t, w.call(From(bob).HangUpAt(5*time.Second)))
	has(t, w.only("/status").form, map[string]string{"CallStatus": "completed", "CallDuration": "0"})
}
