package phone

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Line is how the called number is set up, and who must not be rung.
type Line struct {
	Number           Number
	State            NumberState
	Forwarding       bool
	ForwardTo        []Number
	RingSeconds      int
	CallerID         CallerID
	Screening        Screening
	Voicemail        bool
	Greeting         string // empty: the default text in Language
	Language         string
	MaxSeconds       int
	SilenceSeconds   int // that much silence ends a message
	ScreenSeconds    int // so long a screen waits for the key
	MaxCallMinutes   int // then a forwarded call ends
	Label            string
	FinishOnKey      string
	Transcribe       bool // Twilio is asked for a transcript
	TranscribeLater  bool // an engine of ours transcribes the audio once it is stored
	Blocked          bool // its owner blocked this caller
	OursAmongForward []Number

	// What follows is not remembered with the line: the operator's settings, and what else calls the number.
	Countries    Countries `json:"-"`
	Simultaneous int       `json:"-"` // so many calls are forwarded at a time; 0: not known
	Traffic      Traffic   `json:"-"`
}

// An Answer is what a caller or a callee gets: one of the types below.
type Answer interface{ answer() }

// Connect rings the phones together; Screen asks the one that picks up whether it wants the call.
type Connect struct {
	To          []Number
	CallerID    string // what the phones show; empty: the caller's own number
	RingSeconds int
	Screen      bool
	Language    string // of the screen
	Again       bool   // these have been rung before, and an instant mailbox cut them short

	MaxMinutes    int    `json:",omitempty"` // then Twilio ends the call; 0: in answers of older versions
	ScreenSeconds int    `json:",omitempty"` // so long the screen waits for the key
	Label         string `json:",omitempty"` // of the number, for the screen
}

// Limit returns how long the call may last once it is connected.
func (c Connect) Limit() time.Duration {
	return time.Duration(cmp.Or(c.MaxMinutes, DefaultMaxCallMinutes)) * time.Minute
}

// TakeMessage greets the caller and records a message.
type TakeMessage struct {
	Greeting    string // empty: the default text in Language
	Language    string
	MaxSeconds  int
	FinishOnKey string
	Transcribe  bool // by Twilio

	SilenceSeconds int `json:",omitempty"` // that much silence ends the message; 0: in answers of older versions

	// TranscribeLater tells nothing to Twilio: it is for when the recording has come.
	TranscribeLater bool `json:",omitempty"`
}

// Silence returns how many seconds of silence end the message.
func (t TakeMessage) Silence() int { return cmp.Or(t.SilenceSeconds, DefaultSilenceSeconds) }

// Refuse says a civil sentence and hangs up.
type Refuse struct {
	Text     TextKey
	Language string
}

// Reject turns the call away unanswered.
type Reject struct{}

// Goodbye thanks the caller for the message and hangs up.
type Goodbye struct{ Language string }

// HangUp ends a call that has had its talk.
type HangUp struct{}

// Nothing is the answer to a request whose caller is gone already, and to a screen that lets the call through.
type Nothing struct{}

func (Connect) answer()     {}
func (TakeMessage) answer() {}
func (Refuse) answer()      {}
func (Reject) answer()      {}
func (Goodbye) answer()     {}
func (HangUp) answer()      {}
func (Nothing) answer()     {}
func (Screen) answer()      {}

// Note is a step for the call's timeline.
type Note struct{ Kind, Detail string }

// Decision is an answer, what thereby happens to the call, and why. No happening: the state stays.
type Decision struct {
	Answer Answer
	What   Happening
	Notes  []Note
}

func decide(a Answer, what Happening, kind, detail string) Decision {
	return Decision{Answer: a, What: what, Notes: []Note{{kind, detail}}}
}

// Route decides who answers a call to a known number. [Connect] needs a call of the plan and [TakeMessage] a voicemail: whoever carries the
// decision out takes them from the plan, and asks again with a smaller [Allowance] when somebody else was faster.
func Route(in Incoming, l Line, a Allowance) Decision {
	switch {
	case l.State == NumberReleased:
		return decide(Reject{}, CallRefused, "rejected", "the number is released")
	case l.Blocked:
		return decide(Reject{}, CallRefused, "rejected", "the owner blocked this caller")
	case l.State == NumberPaused:
		return refuse(TextUnavailable, l, CallRefused, "rejected", "the number is paused")
	case !a.Subscribed:
		return refuse(TextUnavailable, l, CallRefused, "rejected", "the number has no active subscription")
	case !a.CallLeft() && !a.VoicemailLeft():
		return refuse(TextUnavailable, l, CallOverQuota, "quota_exceeded", a.callsSentence()+" and "+a.voicemailsSentence())
	case l.Traffic.Today >= MostCallsADay:
		return decide(Reject{}, CallRefused, "rejected", fmt.Sprintf("the caller called this number %d times within a day already", MostCallsADay))
	}
	phones, notes := l.phonesFor(in)
	if why := whyNotForwarded(in, l, a, phones); why != "" {
		v := takeMessage(l, a)
		v.Notes = slices.Concat(notes, []Note{{"not_forwarded", why}}, v.Notes)
		return v
	}
	c := Connect{
		To: phones, CallerID: l.shownTo(in), RingSeconds: l.RingSeconds, Screen: l.Screening == ScreeningPress1, Language: l.Language,
		MaxMinutes: l.MaxCallMinutes, ScreenSeconds: l.ScreenSeconds, Label: l.Label,
	}
	return Decision{Answer: c, Notes: append(notes, Note{"forwarded", fmt.Sprintf("ringing %s for %d s", maskAll(phones), l.RingSeconds)})}
}

func whyNotForwarded(in Incoming, l Line, a Allowance, phones []Number) string {
	switch {
	case !l.Forwarding:
		return "forwarding is off"
	case len(phones) == 0:
		return "there is no phone to ring"
	case slices.Contains(phones, in.ForwardedFrom):
		return fmt.Sprintf("%s diverted the call to this number: ringing it would go round in a circle", Mask(string(in.ForwardedFrom)))
	case !a.CallLeft():
		return a.callsSentence()
	}
	if why := l.Traffic.overCaller(CallerOf(in.From)); why != "" {
		return why
	}
	return l.Traffic.overRunning(l.Simultaneous, a)
}

// phonesFor returns the phones to ring, and notes about those that are left out: the caller's own, and those that may not be rung (any more). A
// phone that is named twice is rung once, since it would be busy with itself.
func (l Line) phonesFor(in Incoming) (phones []Number, notes []Note) {
	if !l.Forwarding {
		return nil, nil
	}
	for _, n := range l.ForwardTo {
		switch {
		case slices.Contains(phones, n):
		case string(n) == in.From:
			notes = append(notes, Note{"not_rung", Mask(string(n)) + " is the caller's own phone"})
		case n == l.Number, slices.Contains(l.OursAmongForward, n), !l.Countries.Allow(l.Number, n):
			notes = append(notes, Note{"not_rung", Mask(string(n)) + " may not be rung from this number"})
		default:
			phones = append(phones, n)
		}
	}
	return phones, notes
}

// shownTo is the caller ID for the owner's phone. A withheld or implausible caller passed on as it is could make the Dial fail.
func (l Line) shownTo(in Incoming) string {
	if l.CallerID == ShowMasked || CallerOf(in.From) == Anonymous {
		return string(l.Number)
	}
	return ""
}

func takeMessage(l Line, a Allowance) Decision {
	switch {
	case !l.Voicemail:
		return refuse(TextNobody, l, CallNotTaken, "missed", "voicemail is off")
	case !a.VoicemailLeft():
		return refuse(TextNobody, l, CallOverQuota, "quota_exceeded", a.voicemailsSentence())
	}
	t := TakeMessage{
		Greeting: l.Greeting, Language: l.Language, MaxSeconds: l.MaxSeconds, FinishOnKey: l.FinishOnKey,
		Transcribe: l.Transcribe, TranscribeLater: l.TranscribeLater, SilenceSeconds: l.SilenceSeconds,
	}
	return decide(t, CallGreeted, "greeted", "the caller was asked to leave a message")
}

func refuse(text TextKey, l Line, what Happening, kind, detail string) Decision {
	return decide(Refuse{Text: text, Language: l.Language}, what, kind, detail)
}

// DegradedLine is how we treat a number of which nothing can be looked up: its caller still leaves a message.
func DegradedLine() Line {
	return Line{Voicemail: true, Language: DefaultLanguage, MaxSeconds: DefaultMaxSeconds, FinishOnKey: DefaultFinishOnKey}
}

// Degraded is what a caller gets when nothing can be looked up.
func Degraded() Answer { return takeMessage(DegradedLine(), Allowance{}).Answer }
