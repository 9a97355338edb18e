package webhooks

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"

	"github.com/maskline/maskline/phone"
)

// verb is an element of TwiML. Attributes are written in the order in which they stand, empty ones too: finishOnKey="" means no key.
type verb struct {
	name string
	attr []attribute
	text string
	in   []verb
}

type attribute struct{ name, value string }

// render writes a TwiML document. All text is escaped, in attributes and between tags; what XML cannot hold becomes U+FFFD.
func render(verbs []verb) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	verb{name: "Response", in: verbs}.write(&b)
	b.WriteByte('\n')
	return b.Bytes()
}

func (v verb) write(b *bytes.Buffer) {
	b.WriteString("<" + v.name)
	for _, a := range v.attr {
		b.WriteString(" " + a.name + `="`)
		escape(b, a.value)
		b.WriteByte('"')
	}
	if v.text == "" && len(v.in) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	escape(b, v.text)
	for _, in := range v.in {
		in.write(b)
	}
	b.WriteString("</" + v.name + ">")
}

func escape(b *bytes.Buffer, s string) { _ = xml.EscapeText(b, []byte(s)) } // a buffer takes everything

func say(text string, voice phone.Voice) verb {
	return verb{name: "Say", attr: []attribute{{"voice", voice.Name}, {"language", voice.Language}}, text: text}
}

func speak(key phone.TextKey, language string) verb { return say(phone.Speak(key, language)) }

var hangup = verb{name: "Hangup"}

// twiml puts an answer into Twilio's words. The addresses in it carry the call that they belong to.
func (a addresses) twiml(answer phone.Answer) []verb {
	switch x := answer.(type) {
	case phone.Connect:
		return []verb{a.dial(x)}
	case phone.TakeMessage:
		return a.takeMessage(x)
	case phone.Screen:
		return a.screen(x)
	case phone.Refuse:
		return []verb{speak(x.Text, x.Language), hangup}
	case phone.Goodbye:
		return []verb{speak(phone.TextGoodbye, x.Language), hangup}
	case phone.Reject:
		return []verb{{name: "Reject"}}
	case phone.HangUp:
		return []verb{hangup}
	}
	return nil
}

// dial always has an action: without one, Twilio would go on to the next verb even after people have talked.
func (a addresses) dial(c phone.Connect) verb {
	action := "voice/dialed"
	if c.Again {
		action = "voice/dialed-again"
	}
	d := verb{name: "Dial", attr: []attribute{{"action", a.decision(action)}, {"answerOnBridge", "true"}}}
	if c.CallerID != "" {
		d.attr = append(d.attr, attribute{"callerId", c.CallerID})
	}
	limit := strconv.Itoa(int(c.Limit() / time.Second))
	d.attr = append(d.attr, attribute{"timeout", strconv.Itoa(c.RingSeconds)}, attribute{"timeLimit", limit})
	for _, n := range c.To {
		leg := verb{name: "Number", text: string(n)}
		if c.Screen {
			leg.attr = []attribute{{"url", a.screenAt(c)}}
		}
		d.in = append(d.in, leg)
	}
	return d
}

// takeMessage says goodbye behind the Record: older Twilio goes on to the next verb when a recording is empty.
func (a addresses) takeMessage(t phone.TakeMessage) []verb {
	greeting, voice := phone.Speak(phone.TextGreeting, t.Language)
	if t.Greeting != "" {
		greeting = t.Greeting
	}
	record := verb{name: "Record", attr: []attribute{
		{"action", a.decision("voice/recorded")},
		{"finishOnKey", t.FinishOnKey},
		{"maxLength", strconv.Itoa(t.MaxSeconds)},
		{"playBeep", "true"},
		{"recordingStatusCallback", a.callback("recording")},
		{"recordingStatusCallbackEvent", "completed absent"},
		{"timeout", strconv.Itoa(t.Silence())},
	}}
	if t.Transcribe {
		record.attr = append(record.attr, attribute{"transcribe", "true"}, attribute{"transcribeCallback", a.callback("transcription")})
	}
	return []verb{say(greeting, voice), record, speak(phone.TextGoodbye, t.Language), hangup}
}

// screen asks again and again, and waits each time. No key ends the input, so that every key reaches us; without one the phone hangs up.
func (a addresses) screen(s phone.Screen) (verbs []verb) {
	for _, seconds := range s.Waits() {
		verbs = append(verbs, verb{name: "Gather", attr: []attribute{
			{"action", a.decision("voice/pressed")}, {"finishOnKey", ""}, {"numDigits", "1"}, {"timeout", strconv.Itoa(seconds)},
		}, in: []verb{say(s.Text())}})
	}
	return append(verbs, hangup)
}
