package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/phone"
)

// demo is one run of the demo: the service, the network around it, and who tells of them.
type demo struct {
	*app
	once    bool
	speed   float64
	started time.Time
	net     *network.Network
	home    *http.Client // reaches the service, and nobody else
	bases   []string     // where a browser finds the service
	olivia  client
	say     *narrator
	scene   scene

	mu     sync.Mutex
	began  time.Time      // when the call did, in the network's time
	pushed map[string]int // how often each voicemail was pushed
}

// scene is one call, and what has to come of it.
type scene struct {
	title  string
	to     maskedNumber
	caller string // who it is
	from   string // as Twilio shows it
	does   network.Caller
	words  string // of the message; empty: there is none
	callee string // who is at Olivia's phone
	phone  network.Phone

	outcome phone.CallOutcome
}

const (
	carl = "+12025550131"
	dana = "+12025550132"
	emil = "+12025550133"

	carlsMessage = "Hello Olivia, this is Carl. Your parcel is here. Please call me back before five, thank you."
	emilsMessage = "Hi, Emil here. I would like to change my order from Monday."
)

var scenes = []scene{
	{
		title: "nobody answers, so the caller leaves a message", to: frontDesk, caller: "Carl", from: carl,
		does: network.From(carl).LeaveMessage(12*time.Second, carlsMessage), words: carlsMessage,
		callee: "Olivia", phone: network.NoAnswer(), outcome: phone.OutcomeVoicemail,
	},
	{
		title: "Olivia answers and presses 1", to: frontDesk, caller: "Dana", from: dana, does: network.From(dana),
		callee: "Olivia", phone: network.Human(6*time.Second, 25*time.Second).Press("1", 5*time.Second), outcome: phone.OutcomeAnswered,
	},
	{
		title: "her carrier's mailbox picks up, but does not get the call", to: webShop, caller: "Emil", from: emil,
		does: network.From(emil).LeaveMessage(8*time.Second, emilsMessage), words: emilsMessage,
		callee: "Mailbox", phone: network.Mailbox(8 * time.Second), outcome: phone.OutcomeVoicemail,
	},
	{
		title: "a withheld caller hangs up while it rings", to: webShop, caller: "Somebody", from: "anonymous",
		does: network.From("anonymous").HangUpAt(9 * time.Second), callee: "Olivia", phone: network.NoAnswer(), outcome: phone.OutcomeMissed,
	},
}

// introduce says what is going to be seen, and where it is kept.
func (d *demo) introduce(ignored []string, taken error) {
	d.say.title("Maskline, with a telephone network built in")
	d.say.paragraph("Customers call a masked number instead of Olivia's own phone. The number lives at Twilio, and whenever something happens on it " +
		"Twilio asks Maskline over HTTP what to do: that is a webhook, and the answer is a small XML document, TwiML. Here Twilio, the callers " +
		"and the phones are played by this very program. Maskline itself is the real service, and each request is a real, signed one.")
	d.say.print("")
	d.say.paragraph(fmt.Sprintf("Time in the network goes %g times as fast as on your clock, and long waits are cut short. No other machine is contacted.", d.speed))
	if d.once {
		d.say.paragraph("Everything is kept in a temporary folder, which is removed at the end.")
	} else {
		d.say.paragraph("Everything is kept in " + d.DataDir)
	}
	if len(ignored) > 0 {
		d.say.paragraph("The demo needs none of these settings and ignores them: " + strings.Join(ignored, ", "))
	}
	if taken != nil {
		d.say.paragraph(fmt.Sprintf("LISTEN_ADDR is taken (%v), so the service is at %s", taken, d.bases[0]))
	}
}

// story plays the scenes, one after the other, and then says where to look.
func (d *demo) story(ctx context.Context) (err error) {
	if err := d.seed(ctx); err != nil {
		return fmt.Errorf("prepare Olivia and her numbers: %w", err)
	}
	d.present()
	stop, err := d.listenIn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	play := scenes
	if d.once {
		play = scenes[:1]
	}
	for i, s := range play {
		d.say.title(fmt.Sprintf("Call %d of %d: %s", i+1, len(play), s.title))
		if err := d.play(ctx, s); err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
	}
	if !d.once {
		d.whereToLook()
	}
	return nil
}

// present says who is who.
func (d *demo) present() {
	d.say.print("")
	d.say.tell("", "Olivia", fmt.Sprintf("was given two masked numbers over GraphQL: %s %q and %s %q.", frontDesk.number, frontDesk.label, webShop.number, webShop.label))
	d.say.tell("", "", "Both ring her own phone, "+oliviasPhone+". Callers never learn that one.")
	if !d.once {
		d.say.tell("", "You", "may watch her inbox while the calls come in:")
		d.say.print("  " + d.inbox(d.bases[0]))
	}
}

// listenIn subscribes to new voicemails, as an app of Olivia's would: first the list, then what comes after it.
func (d *demo) listenIn(ctx context.Context) (stop func() error, err error) {
	var list struct {
		Voicemails struct{ PageInfo struct{ StartCursor string } }
	}
	if err := d.olivia.ask(ctx, `{ voicemails(first: 1) { pageInfo { startCursor } } }`, nil, &list); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s, err := d.olivia.subscribe(ctx, `subscription($after: Cursor) {
		voicemailReceived(after: $after) { cursor node { id from number { label } durationSeconds audio transcription } }
	}`, map[string]any{"after": list.Voicemails.PageInfo.StartCursor})
	if err != nil {
		cancel()
		return nil, err
	}
	over := make(chan error, 1)
	go func() { over <- s.follow(ctx, d.received) }()
	return func() error { cancel(); return <-over }, nil
}

// received tells of one push, just as it came.
func (d *demo) received(push json.RawMessage) error {
	var voicemail struct {
		VoicemailReceived struct{ Node struct{ ID string } }
	}
	if err := decode(push, &voicemail); err != nil {
		return err
	}
	d.mu.Lock()
	d.pushed[voicemail.VoicemailReceived.Node.ID]++
	d.mu.Unlock()
	spaced := strings.NewReplacer(`,"`, `, "`, `":{`, `": {`).Replace(string(push))
	d.tell("pushed", "to a GraphQL subscriber on the WebSocket /graphql:", wrapped(strings.Split(spaced, " "), textWidth)...)
	return nil
}

func (d *demo) pushes(id string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pushed[id]
}

// play plays one call and tells what came of it.
func (d *demo) play(ctx context.Context, s scene) error {
	d.mu.Lock()
	d.began = d.net.Now()
	d.mu.Unlock()
	d.scene = s
	d.net.AddPhone(oliviasPhone, s.phone)
	call := d.net.Dial(s.does, s.to.number)
	if err := d.net.Run(ctx); err != nil {
		return err
	}
	return d.outcome(ctx, call)
}

// The pace of the story: a long wait is cut short, and nothing seems to stand still.
const (
	longestWait = 3 * time.Second
	signEvery   = 500 * time.Millisecond
)

// wait lets virtual time pass at the demo's speed.
func (d *demo) wait(ctx context.Context, virtual time.Duration) error {
	over := time.NewTimer(min(time.Duration(float64(virtual)/d.speed), longestWait))
	defer over.Stop()
	sign := time.NewTicker(signEvery)
	defer sign.Stop()
	for {
		select {
		case <-over.C:
			return nil
		case <-sign.C:
			d.say.pass()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell tells what happens now in the call.
func (d *demo) tell(who, text string, below ...string) {
	d.mu.Lock()
	began := d.began
	d.mu.Unlock()
	d.say.tell(sinceThen(d.net.Now().Sub(began)), who, text, below...)
}

func (d *demo) inbox(base string) string { return base + "/#token=" + d.olivia.token }

// whereToLook prints the addresses.
func (d *demo) whereToLook() {
	d.say.title("That was all. Look around")
	for _, base := range d.bases {
		d.say.print("Olivia's inbox        "+d.inbox(base), "GraphQL playground    "+base+"/playground#token="+d.olivia.token, "")
	}
	d.say.print("Her mails, as .eml    "+filepath.Join(d.DataDir, "mail"), "The recordings        "+filepath.Join(d.DataDir, "recordings"), "", "Press Ctrl-C to stop")
}

// verdict is the last word of a demo that went well.
func (d *demo) verdict() {
	requests := 0
	for _, call := range d.net.Calls() {
		requests += len(call.Asked(""))
	}
	d.say.print("")
	d.say.paragraph(fmt.Sprintf("All went well: %d webhooks answered, %d voicemail stored, pushed once and mailed with its audio. Took %s.",
		requests, len(d.pushed), time.Since(d.started).Round(100*time.Millisecond)))
}
