package network

import "time"

// lead has the leg of a phone go on as a call of another number, which that number's Twilio knows nothing of but what it is told.
func (l *leg) lead() {
	to := l.phone.leads
	caller := From(l.from)
	if to.diverts {
		caller = caller.ForwardedBy(l.to)
	}
	if to.to == "" {
		to.to = l.to
	}
	l.inner = to.net.dial(caller, to.to, l)
}

// progress is when the caller's leg of a call was answered, and when it ended; zero: not yet.
func (c *Call) progress() (answered, ended time.Time, status string) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.leg.answered, c.leg.ended, c.leg.status
}

// moved tells whether the call that a leg leads to has gone further than the leg.
func (l *leg) moved() bool {
	if l.inner == nil {
		return false
	}
	answered, ended, _ := l.inner.progress()
	return l.ended.IsZero() && (!ended.IsZero() || l.answered.IsZero() && !answered.IsZero())
}

// passOn tells the other end of a lead what became of this one.
func (l *leg) passOn(status string) {
	if outer := l.call.outer; outer != nil && l.isCaller() {
		outer.call.net.clock.wake(&outer.call.sleeper)
	}
	if l.inner == nil || status == initiated || status == ringing || status == inProgress {
		return
	}
	l.inner.net.mu.Lock()
	l.inner.dropped = true
	l.inner.net.mu.Unlock()
	l.inner.net.clock.wake(&l.inner.sleeper)
}

func (c *Call) isDropped() bool {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.dropped
}

// followLeads has the legs that lead elsewhere do as the calls there did.
func (d *dialling) followLeads() {
	for _, l := range d.legs {
		if !l.moved() {
			continue
		}
		answered, ended, status := l.inner.progress()
		switch {
		case !answered.IsZero() && ended.IsZero() && d.winner == nil:
			d.answer(l)
		case status == isBusy, status == failed:
			d.miss(l, status)
		default:
			d.miss(l, noAnswer)
		}
	}
}
