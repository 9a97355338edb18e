// Package network is a telephone network with a fake Twilio at its edge: callers who dial, phones that ring, and between
// them a Twilio that posts signed webhooks to a real service over HTTP, obeys its TwiML and offers REST and media.
// The demo and the tests stand on it.
//
// It promises to behave as Twilio is known to, or more strictly: a TwiML document with an unknown verb, a wrong
// attribute, an impossible nesting or an unreachable verb is never forgiven. The fault is an Event, is in Call.Err,
// and takes the call to the number's fallback URL.
//
// Time is virtual. It stands still while anybody is at work and jumps to the next thing due once all are done; whatever
// is due at one instant happens at once, in parallel. The same Seed with the same script gives the same stories.
//
//	n := network.New(network.Config{AccountSID: sid, AuthToken: token})
//	defer n.Close()
//	n.AddNumber(network.Number{PhoneNumber: mask, VoiceURL: service + "/webhooks/voice"})
//	n.AddPhone(owner, network.NoAnswer())
//	call := n.Dial(network.From("+15005550001").LeaveMessage(12*time.Second, "Call me back."), mask)
//	err := n.Run(ctx)       // until nothing is left to happen
//	err = call.Err()        // what a strict Twilio had to complain about
//	story := call.Story()   // what happened, in order
package network

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config says whose network it is and how it behaves; only AccountSID and AuthToken are required.
type Config struct {
	// AccountSID and AuthToken are the account's; the token signs webhooks and opens the REST API.
	AccountSID, AuthToken string
	// APIKey and APISecret, when set, open the REST API too. They never sign.
	APIKey, APISecret string
	// Start is where virtual time begins; zero is a Monday morning in 2026.
	Start time.Time
	// Seed decides SIDs, the order of parameters, delays and chaos.
	Seed int64
	// Wait is called before virtual time moves on by d; nil jumps at once. An error ends Run.
	Wait func(ctx context.Context, d time.Duration) error
	// Overlap lets time go on while somebody is at work, as it does in life, so that many calls are served at once. It wants a Wait that
	// waits, and the same Seed is then not the same story.
	Overlap bool
	// Observe is told every event as it happens, one at a time. It must not call Run.
	Observe func(Event)
	// Beside is a network that this one shares its time with, so that calls lead from one to the other. To run one is to run both.
	Beside *Network
	// Client posts the webhooks; nil is one of the network's own, limited to Twilio's 15 seconds.
	Client *http.Client
	// SkipEmpty makes a recording without a sound request no action and go on with the verb behind Record, as Twilio's
	// older documentation says. Which of the two happens today is not known, so a service has to stand both.
	SkipEmpty bool
	// FreshTokens gives every retry an idempotency token of its own. By default all retries of a request share one; which
	// of the two Twilio does is not known either.
	FreshTokens bool
	// EmptyDigits sends Digits empty, in place of not at all, with the action of a recording that no key ended. Which of the
	// two Twilio does is not known.
	EmptyDigits bool
	// Chaos makes Twilio's requests as unreliable as they are in life, and more.
	Chaos Chaos
	// ChaosOf is in place of Chaos for requests about some topics.
	ChaosOf map[Topic]Chaos
	// MayDiffer tells of a decision that was repeated that its answer may be another one than at first; nil: never.
	MayDiffer func(again Event) bool
}

// Number is a number of the account and where Twilio turns when something happens on it.
type Number struct {
	SID                  string // given by AddNumber when empty
	PhoneNumber          string
	FriendlyName         string
	VoiceURL             string
	VoiceMethod          string // POST when empty, as are the other methods
	VoiceFallbackURL     string
	VoiceFallbackMethod  string
	StatusCallback       string
	StatusCallbackMethod string
	SMSURL               string
	SMSMethod            string
	SMSFallbackURL       string
	SMSFallbackMethod    string
	// VoiceApplicationSID and TrunkSID, when set, take the number's calls away from VoiceURL.
	VoiceApplicationSID, TrunkSID string
}

// Network is the telephone network. Its methods may be called from any goroutine.
type Network struct {
	cfg     Config
	clock   *clock
	client  *http.Client
	started time.Time

	observing sync.Mutex // held while Observe is told
	inFlight  atomic.Int64

	restRequests atomic.Int64

	mu         sync.Mutex // guards all below, and what REST reads of calls, legs and recordings
	dice       *dice
	restDice   *dice // its own, since nobody knows in which order requests come
	numbers    []*Number
	phones     map[string]*desk
	calls      []*Call
	dialled    uint64 // calls so far, forgotten ones too
	legs       []*leg
	recordings []*recording
	awaited    func(Event) bool
	reached    bool
	mood       mood
}

// New makes a network in which nothing happens yet. It panics without account and token: an unsigned fake proves nothing.
func New(cfg Config) *Network {
	if cfg.AccountSID == "" || cfg.AuthToken == "" {
		panic("network: AccountSID and AuthToken are required")
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	}
	if cfg.Wait == nil {
		cfg.Wait = func(context.Context, time.Duration) error { return nil }
	}
	client := cfg.Client
	if client == nil {
		client = &http.Client{Timeout: ceiling, Transport: &http.Transport{DisableKeepAlives: true}}
	}
	start := cfg.Start.UTC().Round(0)
	clock := newClock(start, cfg.Wait, cfg.Overlap)
	if cfg.Beside != nil {
		start, clock = cfg.Beside.started, cfg.Beside.clock
	}
	return &Network{
		cfg: cfg, client: client, started: start, clock: clock,
		dice: newDice(uint64(cfg.Seed), 0), restDice: newDice(uint64(cfg.Seed), 1), phones: map[string]*desk{},
	}
}

// Now is the virtual time.
func (n *Network) Now() time.Time { return n.clock.time() }

// AddNumber puts a number into the account, or replaces it, and returns its PN sid.
func (n *Network) AddNumber(number Number) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := slices.IndexFunc(n.numbers, func(old *Number) bool { return old.PhoneNumber == number.PhoneNumber })
	if number.SID == "" {
		number.SID = n.dice.sid("PN")
	}
	if at >= 0 {
		n.numbers[at] = &number
	} else {
		n.numbers = append(n.numbers, &number)
	}
	return number.SID
}

// Numbers lists the account's numbers as they are set now.
func (n *Network) Numbers() []Number {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]Number, len(n.numbers))
	for i, number := range n.numbers {
		all[i] = *number
	}
	return all
}

// AddPhone connects a phone that can be rung at the number, or replaces it. Given several scripts, the first time it
// rings follows the first, the next time the next; the last one is for all further times.
func (n *Network) AddPhone(number string, scripts ...Phone) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.phones[number] = &desk{scripts: scripts}
}

// Dial has the caller dial one of the account's numbers now, or After the delay they were given. It returns at once;
// the call happens in Run.
func (n *Network) Dial(caller Caller, to string) *Call { return n.dial(caller, to, nil) }

// dial has somebody call; outer is the leg whose call it is that leads here, if there is one.
func (n *Network) dial(caller Caller, to string, outer *leg) *Call {
	n.mu.Lock()
	call := newCall(n, caller, to)
	call.outer = outer
	n.calls = append(n.calls, call)
	n.dialled++
	n.mu.Unlock()
	n.clock.after(caller.after, call.live)
	return call
}

// luck is another stream for each call. It wants net.mu held.
func (n *Network) luck() *dice { return newDice(uint64(n.cfg.Seed), firstLuck+n.dialled) }

// firstLuck is behind the network's own streams.
const firstLuck = 2

// Calls lists every call ever dialled, the first one first.
func (n *Network) Calls() []*Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.calls)
}

// Forget forgets the calls that ended before t, with their legs and recordings, and returns them. Whoever lets a network run for hours
// has to, since it keeps every story.
func (n *Network) Forget(t time.Time) (calls []*Call, recordings []Recording) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := map[string]bool{}
	n.calls = slices.DeleteFunc(n.calls, func(c *Call) bool {
		if !c.outcome.Ended || !c.story[len(c.story)-1].At.Before(t) {
			return false
		}
		calls, old[c.SID] = append(calls, c), true
		return true
	})
	n.legs = slices.DeleteFunc(n.legs, func(l *leg) bool { return old[l.call.SID] })
	n.recordings = slices.DeleteFunc(n.recordings, func(r *recording) bool {
		if old[r.CallSID] {
			recordings = append(recordings, r.Recording)
		}
		return old[r.CallSID]
	})
	return calls, recordings
}

// Run works all that is due, in virtual time, until nothing is left. An error is final: the network stands still for ever.
func (n *Network) Run(ctx context.Context) error {
	return n.clock.run(ctx, func(time.Time) bool { return false })
}

// RunUntil works all that is due until t and leaves virtual time there.
func (n *Network) RunUntil(ctx context.Context, t time.Time) error {
	if err := n.clock.run(ctx, func(next time.Time) bool { return next.After(t) }); err != nil {
		return err
	}
	return n.clock.skip(ctx, t)
}

// Advance is RunUntil a time d from now.
func (n *Network) Advance(ctx context.Context, d time.Duration) error {
	return n.RunUntil(ctx, n.Now().Add(d))
}

// RunTo works until an event matches, finishes that instant and stops there, so that a test can act in the middle of a
// call. Match is called with events one at a time. It is an error when nothing is left to happen and none matched.
func (n *Network) RunTo(ctx context.Context, match func(Event) bool) error {
	n.await(match)
	defer n.await(nil)
	err := n.clock.run(ctx, func(time.Time) bool { return n.hasReached() })
	if err == nil && !n.hasReached() {
		return errNothingLeft
	}
	return err
}

func (n *Network) await(match func(Event) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.awaited, n.reached = match, false
}

func (n *Network) hasReached() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reached
}

// Close ends every call where it stands, without another webhook, and waits until nobody is at work.
func (n *Network) Close() { n.clock.close() }

// owns tells whether the number belongs to the account.
func (n *Network) owns(number string) bool {
	_, ok := n.number(number)
	return ok
}

func (n *Network) number(number string) (Number, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, own := range n.numbers {
		if own.PhoneNumber == number {
			return *own, true
		}
	}
	return Number{}, false
}
