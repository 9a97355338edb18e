package network

import "time"

// Phone is what happens when a number is rung.
type Phone struct {
	does    reaction
	after   time.Duration
	talk    time.Duration
	keys    []press
	decline *time.Duration
	leads   lead
}

// lead is where a phone takes its calls.
type lead struct {
	net     *Network
	to      string // the number itself when empty
	diverts bool
}

type reaction int

const (
	unreachable reaction = iota
	busy
	rings
	answers
	leads
)

// press is a key pressed that long after picking up.
type press struct {
	after time.Duration
	digit string
}

// How long a network takes to find out that it can't connect, and a mailbox to speak its greeting.
const (
	untilBusy        = 2 * time.Second
	untilUnreachable = time.Second
	mailboxGreeting  = 20 * time.Second
)

// Human picks up after ringing that long and, once connected, hangs up after talk. Asked to press a key before being
// connected, they do nothing unless Press or Declines says so.
func Human(after, talk time.Duration) Phone { return Phone{does: answers, after: after, talk: talk} }

// Mailbox is a carrier's voicemail that picks up after that long, hears no question and talks for 20 seconds.
func Mailbox(after time.Duration) Phone { return Human(after, mailboxGreeting) }

// NoAnswer rings until the caller's side gives up.
func NoAnswer() Phone { return Phone{does: rings} }

// Busy is engaged.
func Busy() Phone { return Phone{does: busy, after: untilBusy} }

// Unreachable can't be connected: unassigned, blocked, or no route. So is every number without a phone.
func Unreachable() Phone { return Phone{does: unreachable, after: untilUnreachable} }

// NumberOf is a number of an account in another network, which shares this one's time: what calls it comes in there, from whoever is shown.
func NumberOf(other *Network) Phone { return Phone{does: leads, leads: lead{net: other}} }

// Diverts forwards what rings the phone to a number in that network, as carriers do: its Twilio is told ForwardedFrom.
func Diverts(to string, in *Network) Phone {
	return Phone{does: leads, leads: lead{net: in, to: to, diverts: true}}
}

// Press has whoever picked up press a key that long afterwards; what is pressed when nobody listens is lost.
func (p Phone) Press(digit string, after time.Duration) Phone {
	p.keys = append(p.keys[:len(p.keys):len(p.keys)], press{after: after, digit: digit})
	return p
}

// Declines has whoever picked up hang up that long afterwards, if not connected by then.
func (p Phone) Declines(after time.Duration) Phone { p.decline = &after; return p }

// desk is where a phone stands, with what it does each time it rings.
type desk struct {
	scripts []Phone
	rung    int
}

// ring finds out what the phone at a number does this time.
func (n *Network) ring(number string) Phone {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.phones[number]
	if d == nil || len(d.scripts) == 0 {
		return Unreachable()
	}
	p := d.scripts[min(d.rung, len(d.scripts)-1)]
	d.rung++
	return p
}
