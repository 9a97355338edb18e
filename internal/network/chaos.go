package network

import (
	"net/url"
	"time"
)

// Chaos is how likely a callback (of a status, recording or transcription) goes wrong, each from 0 to 1, as the seed
// decides. Decision webhooks, for which a caller waits, are never touched.
type Chaos struct {
	Duplicate float64 // arrives once more, up to MaxDelay later
	Drop      float64 // never arrives
	Delay     float64 // arrives up to MaxDelay late, and so perhaps out of order
	MaxDelay  time.Duration
}

// callback is something that Twilio tells a service, which has nothing to decide about it.
type callback struct {
	text   string // what it is about
	who    string
	url    string
	method string
	form   url.Values
}

// callBack has a callback sent after a while, by way of chaos. Nothing happens without a URL.
func (c *Call) callBack(d *dice, after time.Duration, cb callback) {
	if cb.url == "" {
		return
	}
	own, chaos, clock := d.fork(), c.net.cfg.Chaos, c.net.clock
	if own.chance(chaos.Delay) {
		after += own.between(0, chaos.MaxDelay)
	}
	if own.chance(chaos.Drop) {
		lane := own.Uint64()
		clock.after(after, func() { c.lose(lane, cb) })
		return
	}
	first := own.fork()
	clock.after(after, func() { c.tell(first, cb) })
	if own.chance(chaos.Duplicate) {
		second := own.fork()
		clock.after(after+own.between(0, chaos.MaxDelay), func() { c.tell(second, cb) })
	}
}
