package network

import (
	"bytes"
	"net/url"
	"sync"
	"time"
)

// request asks for a decision, by way of chaos.
func (l *leg) request(a ask, form url.Values) (reply, *Fault) {
	c := l.call
	chaos := c.net.chaos(a.topic)
	d := delivery{
		call: c, dice: c.dice, told: Event{Kind: Webhook, Who: l.who}, url: a.url, form: form,
		method: chaos.disturb(c.luck, a.method, form),
	}
	if c.luck.strikes(chaos.Repeat) {
		return c.askTwice(d, min(chaos.MaxDelay, ceiling))
	}
	return d.send()
}

// askTwice asks now and once more, at the same moment or later, and wants one answer.
func (c *Call) askTwice(first delivery, latest time.Duration) (reply, *Fault) {
	if !c.net.cfg.FreshTokens {
		first.token = c.luck.uuid()
	}
	second := first
	second.dice, second.lane, second.told.Again = c.luck.fork(), c.luck.Uint64(), true
	if c.luck.chance(0.5) {
		return c.askTogether(first, second)
	}
	r, fault := first.send()
	c.net.clock.after(c.luck.between(0, latest), func() {
		again, trouble := second.send()
		c.compare(second, answered{r, fault}, answered{again, trouble})
	})
	return r, fault
}

func (c *Call) askTogether(first, second delivery) (reply, *Fault) {
	var again answered
	var both sync.WaitGroup
	both.Go(func() { again.reply, again.fault = second.send() })
	r, fault := func() (reply, *Fault) {
		defer both.Wait() // also when the network was closed meanwhile
		return first.send()
	}()
	c.net.clock.mustBeOpen()
	c.compare(second, answered{r, fault}, again)
	return r, fault
}

// answered is how a request went.
type answered struct {
	reply
	fault *Fault
}

// compare complains when a request that was made again got another answer. If the first one failed, that was said already.
func (c *Call) compare(d delivery, first, again answered) {
	switch {
	case first.fault != nil:
	case again.fault != nil:
		c.complainIn(d.lane, again.fault)
	case !bytes.Equal(first.body, again.body) && !c.mayDiffer(d, again.reply):
		c.complainIn(d.lane, faultf(codePointless, "the answer was %q, and %q when asked again", first.body, again.body).at(again.url))
	}
}

func (c *Call) mayDiffer(d delivery, r reply) bool {
	allow := c.net.cfg.MayDiffer
	return allow != nil && allow(d.event(r.url, r))
}
