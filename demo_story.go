package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/script"
)

// demo is one run of the demo: the service, the network around it, and who tells of them.
type demo struct {
	*app
	script  script.Script
	passes  bool // it ends by itself
	speed   float64
	started time.Time
	net     *network.Network
	home    *http.Client // reaches the service, and nobody else
	bases   []string     // where a browser finds the service
	olivia  client
	say     *narrator

	// What changes only while no call is played.
	scene script.Scene
	names map[string]string      // of callers and phones, by telephone number
	calls map[string]script.Call // by CallSID

	mu     sync.Mutex
	began  time.Time      // when the scene did, in the network's time
	pushed map[string]int // how often each voicemail was pushed
}

// introduce says what is going to be seen, and where it is kept.
func (d *demo) introduce(ignored []string, taken error) {
	d.say.title("Maskline, with a telephone network built in")
	d.say.paragraph("Customers call a masked number instead of Olivia's own phone. The number lives at Twilio, and whenever something happens on it " +
		"Twilio asks Maskline over HTTP what to do: that is a webhook, and the answer is a small XML document, TwiML. Here Twilio, the callers " +
		"and the phones are played by this very program. Maskline itself is the real service, and each request is a real, signed one.")
	d.say.print("")
	if d.script.About != "" {
		d.say.paragraph("The script " + d.script.Name + ": " + d.script.About)
		d.say.print("")
	}
	d.say.paragraph(fmt.Sprintf("Time in the network goes %g times as fast as on your clock, and long waits are cut short. No other machine is contacted.", d.speed))
	if d.passes {
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
	for i, s := range d.script.Scenes {
		d.say.title(d.heading(i))
		if err := d.play(ctx, s); err != nil {
			return fmt.Errorf("%s %d: %w", d.unit(), i+1, err)
		}
	}
	if !d.passes {
		d.whereToLook()
	}
	return nil
}

// unit is what a script has several of.
func (d *demo) unit() string {
	if slices.ContainsFunc(d.script.Scenes, func(s script.Scene) bool { return len(s.Calls) > 1 }) {
		return "scene"
	}
	return "call"
}

func (d *demo) heading(i int) string {
	s := d.script.Scenes[i]
	number := fmt.Sprintf("%s %d of %d: ", strings.ToUpper(d.unit()[:1])+d.unit()[1:], i+1, len(d.script.Scenes))
	switch {
	case s.Title != "":
		return number + s.Title
	case len(s.Calls) == 1:
		return number + s.Calls[0].Name + " calls"
	}
	return number + fmt.Sprintf("%d people call", len(s.Calls))
}

// present says who is who.
func (d *demo) present() {
	d.say.print("")
	var numbers []string
	for _, n := range d.script.Numbers {
		numbers = append(numbers, wrapped(strings.Fields(n.Text), textWidth)...)
	}
	d.say.tell("", "Olivia", "was given masked numbers over GraphQL, each of which forwards to her own phones. Callers never learn those.", numbers...)
	if d.script.Unruly != nil {
		d.say.tell("", "Twilio", "has a bad day, as the seed "+strconv.FormatInt(d.script.Seed, 10)+" decides:", d.script.Unruly...)
	}
	if !d.passes {
		d.say.tell("", "You", "may watch her inbox while the calls come in:")
		d.say.print("  " + d.inbox(d.bases[0]))
	}
}

// listenIn subscribes to new voicemails, as an app of Olivia's would: first the list, then what comes after it.
func (d *demo) listenIn(ctx context.Context) (stop func() error, err error) {
	var list struct {
		Voicemails struct{ FollowCursor string }
	}
	if err := d.olivia.ask(ctx, `{ voicemails { followCursor } }`, nil, &list); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s, err := d.olivia.subscribe(ctx, `subscription($after: Cursor) {
		voicemailReceived(after: $after) { cursor node { id from number { label } durationSeconds audio transcription } }
	}`, map[string]any{"after": list.Voicemails.FollowCursor})
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

// play plays the calls of a scene and tells what came of them.
func (d *demo) play(ctx context.Context, s script.Scene) error {
	d.mu.Lock()
	d.began = d.net.Now()
	d.mu.Unlock()
	d.scene = s
	for _, p := range s.Phones {
		d.names[p.Number] = p.Name
		d.net.AddPhone(p.Number, p.Does...)
	}
	all := make([]played, len(s.Calls))
	for i, c := range s.Calls {
		d.names[c.From] = c.Name
		all[i] = played{Call: c, call: d.net.Dial(c.Does, c.To)}
		d.calls[all[i].call.SID] = c
	}
	if err := d.net.Run(ctx); err != nil {
		return err
	}
	for i := range all {
		if err := d.outcome(ctx, &all[i]); err != nil {
			return err
		}
	}
	return d.judge(ctx, all)
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
	d.say.paragraph(fmt.Sprintf("All went well: %d webhooks answered, %s. Took %s.", requests, d.kept(), time.Since(d.started).Round(100*time.Millisecond)))
}

// kept counts voicemails in words.
func (d *demo) kept() string {
	switch n := len(d.pushed); n {
	case 0:
		return "no voicemail left"
	case 1:
		return "1 voicemail stored, pushed once and mailed with its audio"
	default:
		return fmt.Sprintf("%d voicemails stored, each pushed once and mailed with its audio", n)
	}
}
