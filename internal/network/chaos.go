package network

import (
	"net/http"
	"net/url"
	"time"
)

// Chaos is how likely something goes wrong with a request of Twilio's, each from 0 to 1, as the seed decides.
type Chaos struct {
	// What happens to callbacks only, since nobody waits for them.

	Drop      float64 // never arrives
	Duplicate float64 // arrives once more, up to MaxDelay later
	Delay     float64 // arrives up to MaxDelay late, and so perhaps out of order
	// Early has a callback overtake all that Twilio has to ask or tell at that moment: the end of a call comes before the
	// action of the verb in which the caller hung up; a recording is ready, and told of, before its action; a transcript
	// comes before its recording.
	Early float64

	// Repeat has a decision asked for a second time: half of the times at the same moment, otherwise up to MaxDelay later,
	// but never more than the 15 seconds in which Twilio tries again. Its answer has to be the first one's, byte for byte,
	// and nobody plays it.
	Repeat float64

	Unknown  float64 // carries parameters that nobody knows yet
	Get      float64 // comes by GET
	MaxDelay time.Duration
}

// Topic is what a request of Twilio's is about.
type Topic string

// Decisions, for which somebody waits, and callbacks, for which nobody does.
const (
	TopicVoice    Topic = "voice" // a call comes in
	TopicFallback Topic = "fallback"
	TopicDial     Topic = "Dial" // these are actions
	TopicRecord   Topic = "Record"
	TopicGather   Topic = "Gather"
	TopicRedirect Topic = "redirect" // by a verb or by REST
	TopicScreen   Topic = "screen"   // a phone was picked up

	TopicStatus        Topic = "status"     // of the caller's leg
	TopicLeg           Topic = "leg status" // of a phone's
	TopicRecording     Topic = "recording"
	TopicTranscription Topic = "transcription"
)

func (n *Network) chaos(t Topic) Chaos {
	if c, ok := n.cfg.ChaosOf[t]; ok {
		return c
	}
	return n.cfg.Chaos
}

// strikes is chance that leaves the dice alone where there is no chaos, so that it changes no other story.
func (d *dice) strikes(p float64) bool { return p > 0 && d.chance(p) }

// early tells whether a callback about that overtakes everything.
func (c *Call) early(t Topic) bool { return c.luck.strikes(c.net.chaos(t).Early) }

// callback is something that Twilio tells a service, which has nothing to decide about it.
type callback struct {
	topic  Topic
	text   string // what it is about
	who    string
	url    string
	method string
	form   url.Values
	early  bool   // nothing else happens before it was told
	lane   uint64 // of whoever tells it early
}

// callBack has a callback sent after a while, by way of chaos. Nothing happens without a URL.
func (c *Call) callBack(d *dice, after time.Duration, cb callback) {
	if cb.url == "" {
		return
	}
	own, chaos, clock := d.fork(), c.net.chaos(cb.topic), c.net.clock
	if own.chance(chaos.Delay) {
		after += own.between(0, chaos.MaxDelay)
	}
	if own.chance(chaos.Drop) {
		lane := own.Uint64()
		clock.after(after, func() { c.lose(lane, cb) })
		return
	}
	first := own.fork()
	cb.method = chaos.disturb(own, cb.method, cb.form)
	if cb.early {
		c.tell(first, cb, false)
	} else {
		clock.after(after, func() { c.tell(first, cb, false) })
	}
	if own.chance(chaos.Duplicate) {
		second := own.fork()
		clock.after(after+own.between(0, chaos.MaxDelay), func() { c.tell(second, cb, true) })
	}
}

// disturb puts strange parameters into a form, and may choose another method.
func (c Chaos) disturb(d *dice, method string, form url.Values) string {
	if d.strikes(c.Unknown) {
		for range 1 + d.IntN(len(strange)) {
			one := strange[d.IntN(len(strange))]
			form.Set(one[0], one[1])
		}
	}
	if d.strikes(c.Get) {
		form.Del("CallToken") // it comes by POST only
		return http.MethodGet
	}
	return method
}

// strange are parameters that Twilio might begin to send one day.
var strange = [][2]string{
	{"Mood", "cheerful"}, {"CallQuality", "4.2"}, {"Nothing", ""}, {"Geo[Lat]", "52.5"}, {"Größe", "a & b = c + 100 %"},
	{"AddOns", `{"status":"successful","results":{}}`}, {"from", "+15005559999"}, {"DialCallStatus2", "completed"},
}
