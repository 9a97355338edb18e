package network

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"time"
)

// Call is one caller's call to a number of the account, with all phones that it made ring.
type Call struct {
	SID string // CallSid of the caller's leg

	net     *Network
	dice    *dice
	luck    *dice // of chaos, apart from the other dice, so that a call without chaos is the same as ever
	caller  Caller
	cookies http.CookieJar
	number  Number // as it was set when the call came in
	owned   bool   // the number is the account's
	leg     *leg   // the caller's
	sleeper sleeper
	outer   *leg // of another call, which leads here; nil: somebody dialled

	// What the call's own goroutine keeps to itself.
	greeted   bool // something was said to the caller
	gone      bool // the caller has hung up
	hasty     bool // its end is told before anything else
	reported  bool // its end was told
	documents int

	// What net.mu guards.
	children []*leg
	story    []Event
	faults   []error
	outcome  Outcome
	order    *order
	dropped  bool // the call that leads here is over
}

// Outcome is how a call went. It is complete once Ended.
type Outcome struct {
	Ended      bool
	Status     string        // the CallStatus at the end: completed, busy or failed
	Duration   time.Duration // since it was answered
	DialStatus string        // the last DialCallStatus, "" if no phone was rung
	Bridged    string        // the phone that was connected last, "" for none
	Recordings []string      // RecordingSids
}

// Call statuses of Twilio's.
const (
	initiated  = "initiated"
	ringing    = "ringing"
	inProgress = "in-progress"
	completed  = "completed"
	isBusy     = "busy"
	noAnswer   = "no-answer"
	failed     = "failed"
	canceled   = "canceled"
)

// Why a call, or a part of it, came to an end before its TwiML did.
var (
	errHangup     = errors.New("TwiML hung up")
	errRejected   = errors.New("TwiML rejected the call")
	errCallerGone = errors.New("the caller hung up")
	errCalleeGone = errors.New("the phone hung up")
	errDismissed  = errors.New("REST ended a phone's leg")
	errTaken      = errors.New("REST took the call over")
	errMoved      = errors.New("the call that a phone's leg leads to was answered or is over")
	errApology    = errors.New("an application error")
)

// apology is what a caller hears when neither the service nor its fallback has anything sensible to say.
const apology = "We are sorry, an application error has occurred. Goodbye."

// mostDocuments ends a call that goes round in circles, which Twilio would let go on for four hours.
const mostDocuments = 100

// statusDelay is how long Twilio takes to report the end of a call.
const statusDelay = 300 * time.Millisecond

func newCall(n *Network, caller Caller, to string) *Call {
	cookies, err := cookiejar.New(nil)
	if err != nil {
		panic("network: cookies: " + err.Error()) // without options there is nothing that could be wrong
	}
	c := &Call{net: n, dice: n.dice.fork(), luck: n.luck(), caller: caller, cookies: cookies}
	c.SID = c.dice.sid("CA")
	c.leg = &leg{call: c, sid: c.SID, from: caller.from, to: to, direction: "inbound", who: caller.from}
	return c
}

// Err joins all faults of the call, each a *Fault, also those that the fallback URL made good; it is nil when there was
// none. An attempt whose retry succeeded is none.
func (c *Call) Err() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return errors.Join(c.faults...)
}

// Outcome is how the call went so far.
func (c *Call) Outcome() Outcome {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	outcome := c.outcome
	outcome.Recordings = slices.Clone(outcome.Recordings)
	return outcome
}

// live is the whole life of a call.
func (c *Call) live() {
	c.begin()
	if fault := c.unserved(); fault != nil {
		c.complain(fault)
		c.end(failed)
		return
	}
	if err := c.answerFirst(); errors.Is(err, errRejected) {
		c.end(isBusy)
	} else {
		c.end(completed)
	}
}

func (c *Call) begin() {
	if c.caller.hangUpAt != nil {
		c.leg.hangUpAt = c.net.Now().Add(*c.caller.hangUpAt)
	}
	c.number, c.owned = c.net.number(c.leg.to)
	c.hasty = c.early(TopicStatus)
	c.net.addLeg(c.leg, ringing)
	c.happens(Event{Kind: Dialled, Who: c.leg.who, Text: c.leg.to})
}

// unserved says why nobody can be asked what to do with the call.
func (c *Call) unserved() *Fault {
	switch {
	case !c.owned:
		return faultf(codePointless, "%s is not a number of the account", c.leg.to)
	case c.number.VoiceApplicationSID != "" || c.number.TrunkSID != "":
		return faultf(codePointless, "%s is served by an application or a trunk, not by its Voice URL", c.leg.to)
	case c.number.VoiceURL == "":
		return faultf(codeInvalidURL, "%s has no Voice URL", c.leg.to)
	}
	return nil
}

// answerFirst asks the number's Voice URL and follows where that leads.
func (c *Call) answerFirst() error {
	first := ask{topic: TopicVoice, url: c.number.VoiceURL, method: orPost(c.number.VoiceMethod)}
	if first.method == http.MethodPost {
		first.extra = map[string]string{"CallToken": c.token()}
	}
	err := c.leg.converse(first)
	for o := c.ordered(err); o != nil; o = c.ordered(err) {
		if o.ask == nil {
			return errHangup
		}
		err = c.leg.converse(*o.ask)
	}
	return err
}

// token is what would let a service place calls on behalf of this one.
func (c *Call) token() string {
	secret := base64.RawURLEncoding.EncodeToString([]byte(c.dice.uuid()))
	return url.QueryEscape(`{"parentCallInfoToken":"` + secret + `","identityHeaderTokens":[]}`)
}

// end settles the caller's leg and reports it.
func (c *Call) end(status string) {
	c.leg.finish(status)
	took := c.leg.duration()
	c.net.mu.Lock()
	c.outcome.Ended, c.outcome.Status, c.outcome.Duration = true, status, took
	c.net.mu.Unlock()
	c.happens(Event{Kind: Ended, Who: c.leg.who, Text: status, Took: took})
	c.reportEnd()
}

// reportEnd sends the number's status callback, once.
func (c *Call) reportEnd() {
	if c.reported {
		return
	}
	c.reported = true
	c.callBack(c.dice, statusDelay, callback{
		topic: TopicStatus, text: "CallStatus=" + c.leg.status, who: c.leg.who, url: c.number.StatusCallback,
		method: orPost(c.number.StatusCallbackMethod), form: c.leg.report(0), early: c.hasty,
	})
}

// complain writes a fault down.
func (c *Call) complain(f *Fault) { c.complainIn(0, f) }

func (c *Call) complainIn(lane uint64, f *Fault) {
	c.net.mu.Lock()
	c.faults = append(c.faults, f)
	c.net.mu.Unlock()
	c.happens(Event{Kind: Failed, Text: f.Error(), Code: f.Code, lane: lane})
}

// happens adds an event to the story and tells whoever watches.
func (c *Call) happens(e Event) {
	n := c.net
	e.CallSID, e.At = c.SID, n.Now()
	n.observing.Lock()
	defer n.observing.Unlock()
	n.mu.Lock()
	e.order = len(c.story)
	c.story = append(c.story, e)
	awaited := n.awaited
	n.mu.Unlock()
	if awaited != nil && awaited(e) {
		n.mu.Lock()
		n.reached = true
		n.mu.Unlock()
	}
	if n.cfg.Observe != nil {
		n.cfg.Observe(e)
	}
}
