package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/maskline/maskline/internal/network"
)

// observe tells of one thing that happens in the network.
func (d *demo) observe(e network.Event) {
	switch e.Kind {
	case network.Webhook, network.CallbackSent:
		d.tellRequest(e)
	case network.Failed, network.Fetched:
		d.tell("Twilio", e.String())
	case network.CallbackLost:
		d.tell("Twilio", d.aside(e)+"its report "+e.Text+" gets lost")
	default:
		who, does := d.whoIs(e), d.does(e)
		if who == "Twilio" {
			does = d.aside(e) + does
		}
		d.tell(who, does)
		if words := d.calls[e.CallSID].Words; isTone(e) && words != "" {
			d.tell(d.whoIs(e), "says "+spoken(words))
		}
	}
	if doing := d.meanwhile(e); doing != "" {
		d.say.meanwhile(doing)
	}
}

// whoIs names whoever an event is about.
func (d *demo) whoIs(e network.Event) string {
	switch {
	case e.Kind == network.Rang:
		return "Olivia"
	case e.Kind == network.Ended, e.Kind == network.Recorded, e.Who == d.calls[e.CallSID].To:
		return "Twilio"
	}
	return d.names[e.Who]
}

// does is what somebody does, in words for people who know no telephone network from inside.
func (d *demo) does(e network.Event) string {
	switch e.Kind {
	case network.Dialled:
		return fmt.Sprintf("(%s) dials the masked number %s, %q", cmp.Or(e.Who, "no number"), e.Text, d.label(e.Text))
	case network.Rang:
		return fmt.Sprintf("hears her own phone ring: %s, which shows %s", e.Who, e.Text)
	case network.Answered:
		if e.Who == d.calls[e.CallSID].To {
			return "answers the call for the masked number"
		}
		return "picks up"
	case network.Missed:
		return missed[e.Text]
	case network.Declined:
		return "is not connected: nobody pressed 1"
	case network.Heard:
		return "hears " + spoken(e.Text)
	case network.Pressed:
		return "presses " + e.Text
	case network.Bridged:
		return "and " + d.calls[e.CallSID].Name + " are connected"
	case network.Recorded:
		return fmt.Sprintf("has recorded %.0f seconds", e.Took.Seconds())
	case network.HungUp:
		return "hangs up"
	case network.Ended:
		if e.Took == 0 {
			return "the call is over: " + e.Text + ", and nobody ever answered"
		}
		return fmt.Sprintf("the call is over: %s, %.0f seconds after it was answered", e.Text, e.Took.Seconds())
	}
	return e.String()
}

func (d *demo) label(number string) string {
	for _, n := range d.script.Numbers {
		if n.PhoneNumber == number {
			return n.Label()
		}
	}
	return ""
}

// missed says why a phone was not reached, by Twilio's word for it.
var missed = map[string]string{
	"no-answer": "does not pick up (Twilio rings 5 seconds longer than it is told)", "busy": "is engaged", "failed": "cannot be reached", "canceled": "no longer hears it ring",
}

// isTone tells whether somebody hears that they are recorded from here on.
func isTone(e network.Event) bool { return e.Kind == network.Heard && e.Text == "(a beep)" }

func spoken(text string) string {
	if strings.HasPrefix(text, "(") {
		return text // a sound
	}
	return "“" + text + "”"
}

// meanwhile is what goes on after an event until the next.
func (d *demo) meanwhile(e network.Event) string {
	switch e.Kind {
	case network.Dialled:
		return "the call is on its way"
	case network.Rang:
		return "it rings"
	case network.Heard:
		if isTone(e) {
			return d.whoIs(e) + " speaks"
		}
		return d.whoIs(e) + " listens"
	case network.Bridged:
		return "they talk"
	case network.Ended:
		if d.calls[e.CallSID].Words != "" {
			return "Twilio works on the recording"
		}
	case network.CallbackSent:
		if strings.HasPrefix(e.Text, "RecordingStatus") {
			return "Twilio transcribes the message"
		}
	}
	return ""
}

// tellRequest tells of a webhook and of what Maskline answered.
func (d *demo) tellRequest(e network.Event) {
	address, err := url.Parse(e.URL)
	if err != nil {
		d.tell("Twilio", e.String())
		return
	}
	path := strings.TrimPrefix(e.URL, d.PublicURL)
	path, _, _ = strings.Cut(path, "?")
	d.tell("Twilio", d.aside(e)+fmt.Sprintf("%s %s: %s", e.Method, address.Path, reason[path]), wrapped(telling(path, e.Form), textWidth)...)
	if e.Body == "" {
		d.tell("Maskline", answer(e))
		return
	}
	lines, err := twiml(e.Body, d.PublicURL)
	switch {
	case err != nil:
		d.tell("Maskline", answer(e)+": "+e.Body+" ("+err.Error()+")")
	case len(lines) == 1:
		d.tell("Maskline", answer(e)+": "+lines[0]+", so things take their course")
	default:
		d.tell("Maskline", answer(e)+":", lines...)
	}
}

// aside says which of several calls something is about, and that a request is made again.
func (d *demo) aside(e network.Event) (text string) {
	if len(d.scene.Calls) > 1 {
		text = d.calls[e.CallSID].Name + "'s call: "
	}
	if e.Again {
		text += "once more "
	}
	return text
}

func answer(e network.Event) string {
	switch e.Status {
	case 0:
		return "gives no answer: " + e.Text
	case http.StatusNoContent:
		return "takes note (204)"
	}
	return fmt.Sprintf("answers %d", e.Status)
}

// reason is why Twilio turns to us.
var reason = map[string]string{
	"/webhooks/voice":          "a call comes in. What now?",
	"/webhooks/voice/fallback": "the other address failed. What now?",
	"/webhooks/voice/screen":   "somebody picked up. What do they hear?",
	"/webhooks/voice/pressed":  "they pressed a key. What now?",
	"/webhooks/voice/dialed":   "the phone has been rung. What now?",
	"/webhooks/voice/recorded": "the caller has spoken. What now?",
	"/webhooks/recording":      "the recording is ready",
	"/webhooks/transcription":  "the transcript is ready",
	"/webhooks/status":         "the call is over",
}

// telling are the parameters that say what a request is about; Twilio sends some twenty more.
func telling(path string, form url.Values) (all []string) {
	names := []string{
		"CallStatus", "DialCallStatus", "DialBridged", "Digits", "RecordingStatus", "RecordingDuration", "TranscriptionStatus", "TranscriptionText", "CallDuration",
	}
	if path == "/webhooks/voice" {
		names = append([]string{"From", "To"}, names...)
	}
	for _, name := range names {
		value := form.Get(name)
		if strings.Contains(value, " ") {
			value = strconv.Quote(value)
		}
		if value != "" {
			all = append(all, strings.Fields(name+"="+value)...)
		}
	}
	return all
}
