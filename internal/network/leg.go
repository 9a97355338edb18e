package network

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	apiVersion = "2010-04-01"
	homeRegion = "us1"
)

// leg is one party's line: the caller's, or that of a phone which is rung. Its call's goroutine alone changes it, under
// net.mu where REST reads it.
type leg struct {
	call      *Call
	sid       string
	parentSID string
	from, to  string
	direction string
	who       string // the party's telephone number
	phone     Phone  // of a child
	noun      *element
	inner     *Call // that the leg of a phone leads to; nil: none

	keys     []stroke
	hangUpAt time.Time // zero: not by itself
	reports  int       // status callbacks so far

	// What net.mu guards.
	status                   string
	created, answered, ended time.Time
	dismissed                string // the status that REST gave it
}

// stroke is a key that is going to be pressed.
type stroke struct {
	at    time.Time
	digit string
}

func (n *Network) addLeg(l *leg, status string) {
	now := n.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	l.created, l.status = now, status
	n.legs = append(n.legs, l)
	if l != l.call.leg {
		l.call.children = append(l.call.children, l)
	}
}

func (l *leg) isCaller() bool { return l == l.call.leg }

// set changes the status, and notes when that began to be.
func (l *leg) set(status string) {
	now := l.call.net.Now()
	l.call.net.mu.Lock()
	l.status = status
	switch status {
	case initiated, ringing:
	case inProgress:
		l.answered = now
	default:
		l.ended = now
	}
	l.call.net.mu.Unlock()
	l.passOn(status)
}

// pickUp answers the caller's call, once.
func (l *leg) pickUp() {
	if l.status == ringing && l.isCaller() {
		l.set(inProgress)
		l.call.happens(Event{Kind: Answered, Who: l.to})
	}
}

// finish ends the leg, unless it has ended before.
func (l *leg) finish(status string) {
	if l.ended.IsZero() {
		l.set(status)
	}
}

// dismissal is the status that REST gave the leg, "" for none.
func (l *leg) dismissal() string {
	l.call.net.mu.Lock()
	defer l.call.net.mu.Unlock()
	return l.dismissed
}

func (l *leg) duration() time.Duration {
	if l.answered.IsZero() {
		return 0
	}
	return l.ended.Sub(l.answered)
}

// pass lets d of virtual time go by. It comes back early, with the reason, when the caller or this party hangs up, or
// REST interferes.
func (l *leg) pass(d time.Duration) error { return l.passUntil(l.call.net.Now().Add(d)) }

func (l *leg) passUntil(t time.Time) error {
	c := l.call
	for {
		now := c.net.Now()
		if err := l.interrupted(now); err != nil {
			return err
		}
		if !now.Before(t) {
			return nil
		}
		c.net.clock.sleep(&c.sleeper, earliest(t, l.hangUpAt, c.leg.hangUpAt))
	}
}

func (l *leg) interrupted(now time.Time) error {
	c := l.call
	switch {
	case c.gone:
		return errCallerGone
	case c.isDropped():
		c.hangUp()
		return errCallerGone
	case passed(c.leg.hangUpAt, now):
		c.hangUp()
		return errCallerGone
	case !l.isCaller() && passed(l.hangUpAt, now):
		c.happens(Event{Kind: HungUp, Who: l.who})
		return errCalleeGone
	}
	return c.interference()
}

func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// earliest skips times that are zero.
func earliest(t time.Time, others ...time.Time) time.Time {
	for _, other := range others {
		if !other.IsZero() && other.Before(t) {
			t = other
		}
	}
	return t
}

// hangUp is the caller's.
func (c *Call) hangUp() {
	c.gone = true
	c.leg.finish(completed)
	c.happens(Event{Kind: HungUp, Who: c.leg.who})
}

// passOrKey is pass that a key cuts short.
func (l *leg) passOrKey(d time.Duration) (key string, err error) {
	now := l.call.net.Now()
	for len(l.keys) > 0 && l.keys[0].at.Before(now) {
		l.keys = l.keys[1:] // pressed while nobody listened
	}
	if len(l.keys) == 0 || l.keys[0].at.After(now.Add(d)) {
		return "", l.pass(d)
	}
	next := l.keys[0]
	l.keys = l.keys[1:]
	if err := l.passUntil(next.at); err != nil {
		return "", err
	}
	l.call.happens(Event{Kind: Pressed, Who: l.who, Text: next.digit})
	return next.digit, nil
}

// params are those that Twilio sends with everything about a leg. What it doesn't know of a place it sends empty.
func (l *leg) params() url.Values {
	form := url.Values{
		"CallSid": {l.sid}, "AccountSid": {l.call.net.cfg.AccountSID}, "ApiVersion": {apiVersion},
		"Direction": {l.direction}, "CallStatus": {l.status},
	}
	for party, number := range map[string]string{"From": l.from, "Caller": l.from, "To": l.to, "Called": l.to} {
		form.Set(party, number)
		for _, part := range []string{"City", "State", "Zip"} {
			form.Set(party+part, "")
		}
		form.Set(party+"Country", country(number))
	}
	if l.parentSID != "" {
		form.Set("ParentCallSid", l.parentSID)
		return form
	}
	if via := l.call.caller.via; via != "" {
		form.Set("ForwardedFrom", via)
		form.Set("CalledVia", via)
	}
	for _, more := range l.call.caller.extra {
		form.Set(more[0], more[1])
	}
	return form
}

func country(number string) string {
	if strings.HasPrefix(number, "+1") {
		return "US"
	}
	return ""
}

// report is what a status callback says, the sequence'th of its leg.
func (l *leg) report(sequence int) url.Values {
	form := l.params()
	form.Set("Timestamp", rfc2822(l.call.net.Now()))
	form.Set("CallbackSource", "call-progress-events")
	form.Set("SequenceNumber", strconv.Itoa(sequence))
	if !l.ended.IsZero() {
		took := seconds(l.duration())
		form.Set("CallDuration", strconv.Itoa(took))
		form.Set("Duration", strconv.Itoa((took+59)/60)) // minutes, rounded up as they are billed
	}
	return form
}

func seconds(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }

func rfc2822(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }
