package phone

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// LongestCall is when Twilio ends every call at the latest.
const LongestCall = 24 * time.Hour

// Incoming is a call as Twilio announces it.
type Incoming struct {
	CallSID string
	From    string // raw, as Twilio gives it
	To      Number
	Status  string // Twilio's CallStatus

	ForwardedFrom Number    `json:",omitempty"` // the phone whose forwarding brought the call; empty: none, or not known
	At            time.Time // when we were told; zero: now
	Form          string    // as Twilio sent it; empty: no webhook told us
	Aside         bool      `json:",omitempty"` // it waited until there was such a number
}

// CallEvent is one step of a call and, in plain words, why it was taken.
type CallEvent struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Detail string    `json:"detail"`
}

// CallOutcome is what became of a call, as clients see it.
type CallOutcome string

// RINGING means that it is not settled yet.
const (
	OutcomeRinging       CallOutcome = "RINGING"
	OutcomeAnswered      CallOutcome = "ANSWERED"
	OutcomeVoicemail     CallOutcome = "VOICEMAIL"
	OutcomeMissed        CallOutcome = "MISSED"
	OutcomeRejected      CallOutcome = "REJECTED"
	OutcomeQuotaExceeded CallOutcome = "QUOTA_EXCEEDED"
)

// Values lists every outcome.
func (CallOutcome) Values() []string {
	return []string{string(OutcomeRinging), string(OutcomeAnswered), string(OutcomeVoicemail), string(OutcomeMissed), string(OutcomeRejected), string(OutcomeQuotaExceeded)}
}

// MarshalGQL writes the outcome as a GraphQL enum value.
func (o CallOutcome) MarshalGQL(w io.Writer) { marshalEnum(w, o) }

// UnmarshalGQL reads the outcome and refuses unknown ones.
func (o *CallOutcome) UnmarshalGQL(v any) error { return unmarshalEnum(o, v) }

// CallState is where a call stands. Twilio's requests come twice, late and in any order, so a state only ever moves forward.
type CallState string

// Ringing, Greeted and Recorded are on the way; clients see them all as RINGING. The others settle the call.
const (
	Ringing       CallState = "RINGING"
	Greeted       CallState = "GREETED"  // asked to leave a message
	Recorded      CallState = "RECORDED" // Twilio announced a recording, and has yet to say whether it exists
	Answered      CallState = "ANSWERED"
	Voicemailed   CallState = "VOICEMAIL"
	Missed        CallState = "MISSED"
	Rejected      CallState = "REJECTED"
	QuotaExceeded CallState = "QUOTA_EXCEEDED"
)

// Values lists every state, in the order in which docs/calls.md shows them.
func (CallState) Values() []string {
	return []string{string(Ringing), string(Greeted), string(Recorded), string(Answered), string(Voicemailed), string(Missed), string(Rejected), string(QuotaExceeded)}
}

// Outcome is how clients see the state.
func (s CallState) Outcome() CallOutcome {
	switch s {
	case Ringing, Greeted, Recorded:
		return OutcomeRinging
	default:
		return CallOutcome(s)
	}
}

// Happening is something that happens to a call.
type Happening string

// What can happen to a call, whoever tells us of it.
const (
	CallRefused        Happening = "refused"             // by the number's state, its owner's list, or for want of a subscription
	CallOverQuota      Happening = "over quota"          // the plan has nothing left for it
	CallNotTaken       Happening = "not taken"           // nobody answered and voicemail is off
	CallConnected      Happening = "connected"           // caller and callee were joined
	CallGreeted        Happening = "greeted"             // the caller was asked to leave a message
	RecordingAnnounced Happening = "recording announced" // the recording's sid is known, its fate not
	RecordingMade      Happening = "recording made"      // Twilio has a recording
	RecordingAbsent    Happening = "recording empty"     // there is none after all
	CallEnded          Happening = "ended"               // the caller is gone
)

// Happenings lists what can happen, in the order in which docs/calls.md shows it.
func Happenings() []Happening {
	return []Happening{CallRefused, CallOverQuota, CallNotTaken, CallConnected, CallGreeted, RecordingAnnounced, RecordingMade, RecordingAbsent, CallEnded}
}

// callStates is the one table of what may follow what. What is not in it changes nothing: it is late, repeated or out of order.
// A recording that exists wins over everything, since an owner never loses a message.
var callStates = map[CallState]map[Happening]CallState{
	Ringing: {
		CallRefused: Rejected, CallOverQuota: QuotaExceeded, CallNotTaken: Missed, CallConnected: Answered, CallGreeted: Greeted,
		RecordingAnnounced: Recorded, RecordingMade: Voicemailed, RecordingAbsent: Missed, CallEnded: Missed,
	},
	Greeted:       {RecordingAnnounced: Recorded, RecordingMade: Voicemailed, RecordingAbsent: Missed, CallEnded: Missed},
	Recorded:      {RecordingMade: Voicemailed, RecordingAbsent: Missed},
	Missed:        {CallRefused: Rejected, CallOverQuota: QuotaExceeded, CallConnected: Answered, RecordingMade: Voicemailed}, // the end can overtake what came before it
	Answered:      {RecordingMade: Voicemailed},
	Rejected:      {RecordingMade: Voicemailed},
	QuotaExceeded: {RecordingMade: Voicemailed},
	Voicemailed:   {},
}

// After is the state that follows when h happens: the same state when h is late or repeated.
func (s CallState) After(h Happening) CallState {
	if next, ok := callStates[s][h]; ok {
		return next
	}
	return s
}

// CallerGone tells whether a CallStatus says that nobody is on the line any more. Ringing and in-progress both mean that the caller is
// there: with answerOnBridge the call is not answered until it is bridged.
func CallerGone(callStatus string) bool {
	switch callStatus {
	case "completed", "canceled", "no-answer", "busy", "failed":
		return true
	}
	return false
}

// Dialled is what Twilio's Dial action tells.
type Dialled struct {
	CallStatus     string
	DialCallStatus string
	DialCallSID    string
	Bridged        string // DialBridged: "true", "false", or absent
	Screened       Number // the phone that picked up and was asked to press 1; empty: not known
	Again          bool   // the phones were rung for the second time
}

// connected tells whether two people were joined. A carrier's mailbox that picked up and never pressed 1 is completed but not bridged.
func (d Dialled) connected() bool {
	if d.Bridged != "" {
		return d.Bridged == "true"
	}
	return d.DialCallStatus == "completed" || d.DialCallStatus == "answered"
}

// AfterDial decides how a call goes on when the phones have been rung.
func AfterDial(d Dialled, rung Connect, l Line, a Allowance) Decision {
	switch {
	case d.connected():
		return decide(HangUp{}, CallConnected, "answered", "the call was connected")
	case CallerGone(d.CallStatus):
		return decide(Nothing{}, CallEnded, "caller_hung_up", "the caller hung up while it rang")
	}
	why := Note{"no_answer", whyNotConnected(d, rung)}
	if again, ok := rung.others(d); ok {
		detail := fmt.Sprintf("that cut the ringing of %s short: ringing again for %d s", maskAll(again.To), again.RingSeconds)
		return Decision{Answer: again, Notes: []Note{why, {"rung_again", detail}}}
	}
	v := takeMessage(l, a)
	v.Notes = append([]Note{why}, v.Notes...)
	return v
}

// others are the phones that stopped ringing because one picked up that was then not connected. They are rung once more, without that one.
func (c Connect) others(d Dialled) (Connect, bool) {
	pickedUp := d.DialCallStatus == "completed" || d.DialCallStatus == "answered"
	if d.Again || !pickedUp || !slices.Contains(c.To, d.Screened) {
		return Connect{}, false
	}
	again := c
	again.Again = true
	again.To = slices.DeleteFunc(slices.Clone(c.To), func(n Number) bool { return n == d.Screened })
	return again, len(again.To) > 0
}

func whyNotConnected(d Dialled, rung Connect) string {
	to := maskAll(rung.To)
	switch d.DialCallStatus {
	case "no-answer":
		return fmt.Sprintf("rang %s for %d s: no answer", to, rung.RingSeconds)
	case "busy":
		return fmt.Sprintf("rang %s: busy", to)
	case "failed":
		return fmt.Sprintf("rang %s: could not be reached", to)
	case "completed", "answered":
		return fmt.Sprintf("%s answered but nobody pressed 1: taken for a mailbox", whoAnswered(d, rung))
	}
	return fmt.Sprintf("rang %s: %s", to, d.DialCallStatus)
}

func whoAnswered(d Dialled, rung Connect) string {
	if slices.Contains(rung.To, d.Screened) {
		return Mask(string(d.Screened))
	}
	return "the phone"
}

// Mask shortens a number for logs and timelines: enough to tell phones apart, too little to call them.
func Mask(n string) string {
	if len(n) < 6 || n[0] != '+' {
		return n
	}
	return n[:2] + "…" + n[len(n)-2:]
}

func maskAll(numbers []Number) string {
	masked := make([]string, len(numbers))
	for i, n := range numbers {
		masked[i] = Mask(string(n))
	}
	return strings.Join(masked, ", ")
}

// Took is what Twilio's Record action tells.
type Took struct {
	CallStatus   string
	RecordingSID string
	Digits       string // the key that ended it, "hangup", or nothing
}

// AfterRecord decides how a call goes on when the caller has left a message, or has not.
func AfterRecord(t Took, l Line) Decision {
	var answer Answer = Goodbye{Language: l.Language}
	if CallerGone(t.CallStatus) {
		answer = Nothing{}
	}
	if t.RecordingSID == "" {
		return Decision{Answer: answer, Notes: []Note{{"not_recorded", "the caller left no message"}}}
	}
	return decide(answer, RecordingAnnounced, "recorded", howRecordingEnded(t.Digits))
}

func howRecordingEnded(digits string) string {
	switch digits {
	case "hangup":
		return "the caller spoke and hung up"
	case "":
		return "the caller spoke until silence or the time limit"
	}
	return "the caller spoke and pressed a key"
}
