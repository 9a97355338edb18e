package network

import (
	"errors"
	"time"
)

// ring waits until a phone picks up, which becomes the winner and silences the others, or none can any more.
func (d *dialling) ring() error {
	began := d.call.net.Now()
	giveUp := began.Add(d.verb.seconds("timeout", 30) + dialGrace)
	for d.winner == nil {
		next := d.nextToReact(began)
		if next == nil {
			return nil
		}
		at := began.Add(next.phone.after)
		if next.phone.does == rings || next.phone.does == leads || at.After(giveUp) {
			at, next = giveUp, nil
		}
		err := d.passUntil(at)
		switch {
		case errors.Is(err, errDismissed):
			d.dismiss()
		case errors.Is(err, errMoved):
			d.followLeads()
		case err != nil || next == nil:
			return err
		default:
			d.react(next)
		}
	}
	return nil
}

// nextToReact is the first leg to change of those still under way; one that only rings comes last.
func (d *dialling) nextToReact(began time.Time) (next *leg) {
	for _, l := range d.legs {
		switch {
		case !l.ended.IsZero():
		case next == nil, next.phone.does == rings, next.phone.does == leads:
			next = l
		case l.phone.does != rings && l.phone.does != leads && l.phone.after < next.phone.after:
			next = l
		}
	}
	return next
}

func (d *dialling) react(l *leg) {
	switch l.phone.does {
	case answers:
		d.answer(l)
	case busy:
		d.miss(l, isBusy)
	case unreachable:
		d.miss(l, failed)
	case rings, leads:
	}
}

// answer is a phone picking up, which ends the ringing of all others before anybody knows whether this one will talk.
func (d *dialling) answer(l *leg) {
	l.set(inProgress)
	d.winner = l
	d.call.happens(Event{Kind: Answered, Who: l.who})
	d.reportLeg(l, "answered")
	for _, other := range d.legs {
		if other.ended.IsZero() && other != l {
			d.miss(other, canceled)
		}
	}
}

// dismiss ends the legs that REST has ended.
func (d *dialling) dismiss() {
	for _, l := range d.legs {
		if status := l.dismissal(); status != "" && l.ended.IsZero() {
			d.miss(l, status)
		}
	}
}

// screen plays the Number's own document to the phone. Reaching its end connects; hanging up, a fault or silence that
// leads to Hangup doesn't. An error is one of the caller's side.
func (d *dialling) screen() (accepted bool, err error) {
	l := d.winner
	if !l.noun.has("url") {
		return true, nil
	}
	now := d.call.net.Now()
	for _, key := range l.phone.keys {
		l.keys = append(l.keys, stroke{at: now.Add(key.after), digit: key.digit})
	}
	if l.phone.decline != nil {
		l.hangUpAt = now.Add(*l.phone.decline)
	}
	err = l.converse(ask{topic: TopicScreen, url: d.resolve(l.noun.attrs["url"]), method: l.noun.method("method")})
	if isOver(err) {
		return false, err
	}
	return err == nil, nil
}

// talk joins caller and phone until one of them, a star or the time limit ends it.
func (d *dialling) talk() error {
	d.pickUp()
	d.joined = true
	d.winner.hangUpAt = time.Time{}
	d.call.happens(Event{Kind: Bridged, Who: d.winner.who, Text: d.from})
	limit := d.verb.seconds("timeLimit", int(longestCall/time.Second))
	if d.winner.inner != nil {
		d.winner.phone.talk = longestCall
	}
	star := d.call.caller.star
	if star != nil && d.verb.is("hangupOnStar") && *star < min(limit, d.winner.phone.talk) {
		return d.star(*star)
	}
	err := d.pass(min(limit, d.winner.phone.talk))
	if errors.Is(err, errDismissed) {
		return nil
	}
	if errors.Is(err, errMoved) {
		d.call.happens(Event{Kind: HungUp, Who: d.winner.who})
		return nil
	}
	if err == nil && d.winner.phone.talk <= limit {
		d.call.happens(Event{Kind: HungUp, Who: d.winner.who})
	}
	return err
}

func (d *dialling) star(after time.Duration) error {
	err := d.pass(after)
	if err == nil {
		d.call.happens(Event{Kind: Pressed, Who: d.who, Text: "*"})
	}
	if errors.Is(err, errDismissed) {
		return nil
	}
	return err
}
