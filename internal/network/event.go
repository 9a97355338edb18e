package network

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Kind tells events apart.
type Kind string

// The kinds of events, with what Who and Text then say.
const (
	Dialled      Kind = "Dialled"      // Who dials Text
	Rang         Kind = "Rang"         // Who's phone rings and shows Text
	Answered     Kind = "Answered"     // Who picks up
	Missed       Kind = "Missed"       // Who was not reached: Text is busy, no-answer, failed or canceled
	Declined     Kind = "Declined"     // Who picked up but was not connected
	Heard        Kind = "Heard"        // Who hears Text
	Pressed      Kind = "Pressed"      // Who presses the key Text
	Bridged      Kind = "Bridged"      // Who, a phone, talks with Text, the caller
	Recorded     Kind = "Recorded"     // Who was recorded; Text is the RecordingSid
	HungUp       Kind = "HungUp"       // Who hangs up
	Webhook      Kind = "Webhook"      // Twilio asks URL what to do
	Fetched      Kind = "Fetched"      // Twilio gets a file to play from URL
	CallbackSent Kind = "CallbackSent" // Twilio tells URL about Text
	CallbackLost Kind = "CallbackLost" // Twilio should have told URL about Text: chaos
	Failed       Kind = "Failed"       // a fault: Text, with its Code
	Ended        Kind = "Ended"        // the caller's call is over with the CallStatus Text
)

// Event is one thing that happened.
type Event struct {
	At      time.Time // virtual
	CallSID string    // of the caller's leg, whichever leg it happened on
	Kind    Kind
	Who     string // a telephone number as dialled or shown
	Text    string
	Code    int           // of a Failed: Twilio's error code, 0 where none is known
	Took    time.Duration // of a Recorded: its length; of an Ended: since it was answered
	Again   bool          // of a Webhook or CallbackSent: chaos repeats it

	// These are set for Webhook, Fetched, CallbackSent and CallbackLost. An attempt that is tried again is an event of its own.
	Method string
	URL    string     // as requested: without connection overrides
	Form   url.Values // Twilio's parameters
	Status int        // 0 without an answer; Text then says why
	Body   string     // what was answered, TwiML if all is well

	lane  uint64 // which of the call's goroutines saw it; the call itself is 0
	order int    // in its call
}

// String is the event as a sentence.
func (e Event) String() string {
	who := named(e.Who)
	switch e.Kind {
	case Dialled:
		return fmt.Sprintf("%s dials %s", who, e.Text)
	case Rang:
		return fmt.Sprintf("the phone %s rings and shows %s", who, named(e.Text))
	case Answered:
		return who + " picks up"
	case Missed:
		return fmt.Sprintf("%s was not reached: %s", who, e.Text)
	case Declined:
		return who + " picked up but is not connected"
	case Heard:
		return fmt.Sprintf("%s hears: %s", who, e.Text)
	case Pressed:
		return fmt.Sprintf("%s presses %s", who, e.Text)
	case Bridged:
		return fmt.Sprintf("%s and %s are connected", who, named(e.Text))
	case Recorded:
		return fmt.Sprintf("%s was recorded for %v: %s", who, e.Took, e.Text)
	case HungUp:
		return who + " hangs up"
	case Webhook:
		return fmt.Sprintf("Twilio asks %s%s %s%s and %s", e.again(), e.Method, e.URL, e.why(), e.answer())
	case Fetched:
		return fmt.Sprintf("Twilio fetches %s and %s", e.URL, e.answer())
	case CallbackSent:
		return fmt.Sprintf("Twilio reports %s%s to %s and %s", e.again(), e.Text, e.URL, e.answer())
	case CallbackLost:
		return fmt.Sprintf("Twilio's report %s to %s gets lost", e.Text, e.URL)
	case Failed:
		return "trouble: " + e.Text
	case Ended:
		return fmt.Sprintf("the call is over: %s after %v", e.Text, e.Took)
	}
	return string(e.Kind) + " " + e.Text
}

func named(number string) string {
	if number == "" {
		return "a withheld number"
	}
	return number
}

func (e Event) again() string {
	if e.Again {
		return "again, "
	}
	return ""
}

// why picks the parameters that tell a newcomer what the request is about.
func (e Event) why() string {
	var told []string
	for _, name := range []string{"CallStatus", "DialCallStatus", "DialBridged", "Digits", "RecordingDuration", "ErrorCode"} {
		if e.Form.Get(name) != "" {
			told = append(told, name+"="+e.Form.Get(name))
		}
	}
	if told == nil {
		return ""
	}
	return " (" + strings.Join(told, ", ") + ")"
}

func (e Event) answer() string {
	switch {
	case e.Status == 0:
		return "gets no answer"
	case e.Body == "":
		return fmt.Sprintf("is answered %d", e.Status)
	}
	return fmt.Sprintf("is answered %d: %s", e.Status, strings.TrimSpace(e.Body))
}
