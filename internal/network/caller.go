package network

import (
	"strings"
	"time"
)

// Caller is somebody who dials a number of the account, and what they then do. One who was told nothing listens to
// everything, says nothing and never hangs up.
type Caller struct {
	from     string
	after    time.Duration
	hangUpAt *time.Duration
	impolite bool // hangs up in the greeting
	message  time.Duration
	words    string
	thinks   [2]time.Duration // falls silent after the first, for the second
	mumbles  bool
	spoilt   bool   // Twilio can't process the recording
	key      string // ends the message
	staysOn  bool   // after the message
	leaves   bool   // once the recording is over
	star     *time.Duration
	digits   string
	extra    [][2]string
	via      string
}

// From is a caller whom Twilio shows as number, passed on raw: also "anonymous", "+266696687", "client:bob" or "".
func From(number string) Caller { return Caller{from: number} }

// After has the caller dial that long after Dial.
func (c Caller) After(d time.Duration) Caller { c.after = d; return c }

// HangUpAt has the caller hang up that long after dialling, whatever goes on then.
func (c Caller) HangUpAt(d time.Duration) Caller { c.hangUpAt = &d; return c }

// HangUpInGreeting has the caller hang up in the middle of the first thing that is said or played to them.
func (c Caller) HangUpInGreeting() Caller { c.impolite = true; return c }

// LeaveMessage has the caller speak these words for d once they are recorded, and then hang up, unless PressKey or
// StayOn say otherwise. A transcription of it gives the words.
func (c Caller) LeaveMessage(d time.Duration, words string) Caller {
	c.message, c.words, c.staysOn = d, words, false
	return c
}

// Thinks has the caller fall silent that long after beginning to speak, for d, and then say the rest.
func (c Caller) Thinks(after, d time.Duration) Caller {
	c.thinks = [2]time.Duration{after, d}
	return c
}

// Unintelligible has the transcription of the message fail.
func (c Caller) Unintelligible() Caller { c.mumbles = true; return c }

// Spoilt has Twilio fail to process what was recorded: it is reported as failed, and there is no file.
func (c Caller) Spoilt() Caller { c.spoilt = true; return c }

// PressKey has the caller end the message with a key. A key that doesn't end it is followed by silence.
func (c Caller) PressKey(key string) Caller { c.key = key; return c }

// StayOn has the caller fall silent after the message, so that the recording ends by itself.
func (c Caller) StayOn() Caller { c.staysOn = true; return c }

// Silent has the caller say nothing while recorded, and stay on the line.
func (c Caller) Silent() Caller { c.message, c.words, c.staysOn = 0, "", true; return c }

// HangUpAfterRecording has the caller, after a recording that a key or silence ended, not listen to what follows.
func (c Caller) HangUpAfterRecording() Caller { c.leaves = true; return c }

// Star has the caller press * that long after being connected, which hangupOnStar heeds.
func (c Caller) Star(after time.Duration) Caller { c.star = &after; return c }

// Enter has the caller answer the first Gather with these keys, from two seconds on.
func (c Caller) Enter(digits string) Caller { c.digits = digits; return c }

// ForwardedBy is the number whose forwarding brought the call.
func (c Caller) ForwardedBy(number string) Caller { c.via = number; return c }

// With adds a parameter to every request of the caller's leg: StirVerstat, CallerName, AddOns, or one nobody knows yet.
func (c Caller) With(name, value string) Caller {
	c.extra = append(c.extra[:len(c.extra):len(c.extra)], [2]string{name, value})
	return c
}

// take is what becomes of one recording of the caller.
type take struct {
	length time.Duration // until it ends
	spoken time.Duration // of it, with a voice
	digits string        // what the action is told
	hangUp bool          // the caller ends it by hanging up
}

// take says how a recording ends that may last that long, stands that much silence (0: any) and stops at these keys.
func (c Caller) take(longest, silence time.Duration, keys string) take {
	if after, thinks := c.thinks[0], c.thinks[1]; thinks > 0 && after < c.message {
		if silence > 0 && thinks >= silence {
			return take{length: min(after+silence, longest), spoken: min(after, longest)}
		}
		c.message += thinks
	}
	t := take{length: longest, spoken: min(c.message, longest)}
	switch {
	case c.message >= longest:
	case c.key != "" && strings.Contains(keys, c.key):
		t.length, t.digits = c.message, c.key
	case c.message > 0 && !c.staysOn && c.key == "":
		t.length, t.digits, t.hangUp = c.message, "hangup", true
	case silence > 0:
		t.length = min(c.message+silence, longest)
	}
	return t
}
