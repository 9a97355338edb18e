package network

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	dialGrace    = 5 * time.Second        // what Twilio adds to every Dial timeout
	untilRinging = 500 * time.Millisecond // until the network has found the phone
	longestCall  = 4 * time.Hour
)

// dialling is one Dial being performed.
type dialling struct {
	stage
	verb   *element
	legs   []*leg
	winner *leg // the phone that picked up
	joined bool // with the caller
}

// dial connects the caller with the phone that picks up first.
func (s stage) dial(e *element) (*ask, error) {
	if !s.first || !e.is("answerOnBridge") {
		s.pickUp()
	}
	d := &dialling{stage: s, verb: e}
	err := d.connect()
	d.hangUp(err)
	return d.report(err)
}

// connect returns an error only when the caller's side doesn't go on.
func (d *dialling) connect() error {
	shown, fault := d.callerID()
	d.place(shown)
	if fault != nil {
		d.call.complain(fault.at(d.doc.url))
		return d.refuse()
	}
	if err := d.pass(untilRinging); err != nil && !errors.Is(err, errDismissed) {
		return err
	}
	d.startRinging()
	if err := d.ring(); err != nil || d.winner == nil {
		return err
	}
	accepted, err := d.screen()
	if err != nil {
		return err
	}
	if !accepted {
		d.call.happens(Event{Kind: Declined, Who: d.winner.who})
		return nil
	}
	return d.talk()
}

// callerID is what the phones are to show. Only the call's own numbers and those of the account may be shown, and
// showing what is not a telephone number fails.
func (d *dialling) callerID() (string, *Fault) {
	shown, given := d.verb.attrs["callerId"]
	if !given {
		shown = d.from
	}
	switch {
	case len(shown) > 16:
		return shown, faultf(codeCallerIDLength, "callerId %q is too long", shown)
	case !dialable.MatchString(shown) || slices.Contains(withheld, shown):
		return shown, faultf(codeCallerID, "callerId %q is not a telephone number", shown)
	case shown != d.from && shown != d.to && !d.call.net.owns(shown):
		return shown, faultf(codeCallerID, "callerId %s is neither of this call nor of the account", shown)
	}
	return shown, nil
}

// withheld are words spelled on a keypad: ANONYMOUS, UNAVAILABLE, UNKNOWN, BLOCKED and RESTRICTED.
var withheld = []string{"+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833"}

// place makes a leg for every number.
func (d *dialling) place(shown string) {
	nouns := d.verb.kids
	if len(nouns) == 0 {
		nouns = []*element{{name: "Number", text: d.verb.text}}
	}
	for _, noun := range nouns {
		to := strings.TrimSpace(noun.text)
		l := &leg{
			call: d.call, sid: d.call.dice.sid("CA"), parentSID: d.sid, from: shown, to: to, who: to,
			direction: "outbound-dial", noun: noun,
		}
		d.legs = append(d.legs, l)
		d.call.net.addLeg(l, initiated)
		d.reportLeg(l, "initiated")
	}
}

// refuse fails all legs before any phone has rung.
func (d *dialling) refuse() error {
	err := d.pass(untilUnreachable)
	if errors.Is(err, errDismissed) {
		err = nil // it can't fail more than it does
	}
	for _, l := range d.legs {
		d.miss(l, failed)
	}
	return err
}

func (d *dialling) startRinging() {
	for _, l := range d.legs {
		if status := l.dismissal(); status != "" {
			d.miss(l, status)
			continue
		}
		l.phone = d.call.net.ring(l.to)
		if d.call.net.owns(l.to) {
			d.call.complain(faultf(codePointless, "%s is a number of the account: the call would go round in a circle", l.to))
			l.phone = Unreachable()
		}
		if l.phone.does == unreachable || l.phone.does == busy {
			continue
		}
		l.set(ringing)
		d.call.happens(Event{Kind: Rang, Who: l.who, Text: l.from})
		d.reportLeg(l, "ringing")
		if l.phone.does == leads {
			l.lead()
		}
	}
}

// hangUp ends whatever is left on the phones' side.
func (d *dialling) hangUp(why error) {
	for _, l := range d.legs {
		switch {
		case !l.ended.IsZero():
		case l == d.winner:
			l.finish(completed)
			d.reportLeg(l, "completed")
		case d.winner == nil && why == nil:
			d.miss(l, noAnswer)
		default:
			d.miss(l, canceled)
		}
	}
}

// miss settles a leg that nobody picked up.
func (d *dialling) miss(l *leg, status string) {
	l.finish(status)
	d.call.happens(Event{Kind: Missed, Who: l.who, Text: status})
	d.reportLeg(l, "completed")
}

// report goes on with the Dial's action, or the next verb when there is none. The action is asked for even when nobody
// will hear its answer.
func (d *dialling) report(why error) (*ask, error) {
	status := d.outcome()
	if !d.verb.has("action") {
		return nil, why
	}
	next := d.follow(d.verb, d.told(status))
	if isOver(why) {
		d.tellOnly(*next)
		return nil, why
	}
	return next, why
}

func (d *dialling) told(status string) map[string]string {
	about := d.winner
	if about == nil {
		about = d.legs[0]
	}
	extra := map[string]string{
		"DialCallStatus": status, "DialCallSid": about.sid, "DialBridged": strconv.FormatBool(d.joined),
	}
	if d.winner != nil {
		extra["DialCallDuration"] = strconv.Itoa(seconds(d.winner.duration()))
	}
	return extra
}

// outcome is the DialCallStatus. Completed says no more than that something picked up.
func (d *dialling) outcome() string {
	status := completed
	if d.winner == nil {
		status = d.worst()
	}
	n := d.call.net
	n.mu.Lock()
	defer n.mu.Unlock()
	d.call.outcome.DialStatus = status
	if d.joined {
		d.call.outcome.Bridged = d.winner.to
	}
	return status
}

func (d *dialling) worst() string {
	for _, status := range []string{canceled, noAnswer, isBusy} {
		if slices.ContainsFunc(d.legs, func(l *leg) bool { return l.status == status }) {
			return status
		}
	}
	return failed
}

// reportLeg sends the status callback of a Number, for the events that it asks for.
func (d *dialling) reportLeg(l *leg, event string) {
	wanted := []string{"completed"}
	if asked, ok := l.noun.attrs["statusCallbackEvent"]; ok {
		wanted = strings.Fields(asked)
	}
	if !slices.Contains(wanted, event) || !l.noun.has("statusCallback") {
		return
	}
	form := l.report(l.reports)
	l.reports++
	d.call.callBack(d.call.dice, legDelay, callback{
		topic: TopicLeg, text: "CallStatus=" + l.status, who: l.who, url: d.resolve(l.noun.attrs["statusCallback"]),
		method: l.noun.method("statusCallbackMethod"), form: form, early: d.call.early(TopicLeg),
	})
}

// legDelay is how long Twilio takes to report on a leg.
const legDelay = 100 * time.Millisecond
