package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

const (
	mobile = "+15550100002" // the owner's second phone
	home   = "+15550100003" // and the third
)

// A way is one way that a call can go: what differs from a number with one phone that nobody answers and a plan that has plenty left.
type way struct {
	name   string
	set    string // of the number, as GraphQL writes an UpdateNumberInput
	phones map[string]network.Phone
	caller network.Caller
	twilio func(*network.Config)
	before func(*house, tenant)
	during func(*house, tenant, *network.Call) // it has to let the call go on as far as it wants
}

// ways are all that the specification of calls names, in its order: who is turned away, who is rung, who leaves a message, what becomes of it.
var ways = []way{
	// 1. Who is turned away unanswered.
	{name: "the number is unknown", before: func(h *house, _ tenant) {
		h.net.AddNumber(numberAt(h.url, other))
		h.net.Dial(network.From(customer), other)
	}, caller: network.From(customer).HangUpAt(time.Second)},
	{name: "the number is released", before: func(h *house, tn tenant) { h.setState(h.admin, tn, "RELEASED") }, caller: network.From(customer)},
	{name: "the caller is blocked", before: func(h *house, tn tenant) {
		h.ask(tn.token, `mutation { blockCaller(from: "+1 (555) 020-0002") }`, nil, nil)
	}, caller: network.From(customer)},
	{name: "the caller was blocked and is let in again", before: func(h *house, tn tenant) {
		h.ask(tn.token, `mutation { blockCaller(from: "+15550200002") unblockCaller(from: "+15550200002") }`, nil, nil)
	}, caller: hello},

	// 2. Who hears a civil sentence.
	{name: "the number is paused", set: `language: "de-DE"`, before: func(h *house, tn tenant) { h.setState(tn.token, tn, "PAUSED") }, caller: network.From(customer)},
	{name: "the subscription was cancelled", set: `language: "fr-FR"`, before: func(h *house, tn tenant) {
		h.ask(h.admin, `mutation($id: ID!) { cancelSubscription(id: $id) { active } }`, map[string]any{"id": tn.subscription}, nil)
	}, caller: network.From(customer)},
	{name: "neither calls nor voicemails are left", set: `language: "ja-JP"`, before: func(h *house, tn tenant) { h.subscribe(tn.number, 0, 0) }, caller: network.From(customer)},

	// 3. Who is rung, and what the phone shows and hears.
	{name: "a human answers and hangs up first", phones: at(owner, network.Human(5*time.Second, time.Minute).Press("1", 2*time.Second)), caller: network.From(customer)},
	{name: "a human answers and the caller hangs up first", phones: at(owner, network.Human(5*time.Second, time.Hour).Press("1", 2*time.Second)), caller: network.From(customer).HangUpAt(time.Minute)},
	{name: "without screening a mailbox takes the call", set: `screening: OFF`, phones: at(owner, network.Mailbox(time.Second)), caller: network.From(customer)},
	{name: "the phone presses another key", phones: at(owner, network.Human(3*time.Second, time.Minute).Press("2", 2*time.Second)), caller: hello},
	{name: "the phone is silent", set: `language: "es-ES"`, phones: at(owner, network.Human(3*time.Second, time.Minute)), caller: hello},
	{name: "the phone hangs up when it is asked", phones: at(owner, network.Human(3*time.Second, time.Minute).Declines(2*time.Second)), caller: hello},
	{name: "the screen fails", phones: at(owner, network.Human(3*time.Second, time.Minute).Press("1", 2*time.Second)), caller: hello,
		during: func(h *house, _ tenant, c *network.Call) { h.failing("/webhooks/voice/screen") }},
	{name: "the caller withholds the number", phones: at(owner, network.Human(5*time.Second, time.Minute).Press("1", 2*time.Second)), caller: network.From("+266696687")},
	{name: "the caller is no telephone number", caller: network.From("client:bob").LeaveMessage(5*time.Second, "I call from a browser.")},
	{name: "the caller sends nothing", caller: network.From("").LeaveMessage(5*time.Second, "Guess who.")},
	{name: "the phone is shown the masked number", set: `callerID: MASKED`, phones: at(owner, network.Human(5*time.Second, time.Minute).Press("1", 2*time.Second)), caller: network.From(customer)},
	{name: "several phones ring and one takes the call", set: several, phones: map[string]network.Phone{
		owner: network.NoAnswer(), mobile: network.Human(4*time.Second, time.Minute).Press("1", 2*time.Second), home: network.Busy(),
	}, caller: network.From(customer)},
	{name: "a mailbox cuts the others short and they are rung again", set: several, phones: map[string]network.Phone{
		owner: network.Mailbox(time.Second), mobile: network.Human(8*time.Second, time.Minute).Press("1", 2*time.Second), home: network.NoAnswer(),
	}, caller: network.From(customer)},
	{name: "two mailboxes cut in", set: several, phones: map[string]network.Phone{
		owner: network.Mailbox(time.Second), mobile: network.Mailbox(2 * time.Second), home: network.NoAnswer(),
	}, caller: hello},
	{name: "a mailbox cut in and it is not known which", set: several, phones: map[string]network.Phone{
		owner: network.Mailbox(time.Second), mobile: network.Human(8*time.Second, time.Minute).Press("1", 2*time.Second), home: network.NoAnswer(),
	}, caller: hello, during: func(h *house, _ tenant, c *network.Call) { h.failing("/webhooks/voice/screen") }},
	{name: "the last call of the plan still rings again", set: several, before: func(h *house, tn tenant) { h.subscribe(tn.number, 1, 1) }, phones: map[string]network.Phone{
		owner: network.Mailbox(time.Second), mobile: network.NoAnswer(), home: network.NoAnswer(),
	}, caller: hello},
	{name: "the owner calls the own number", caller: network.From(owner).LeaveMessage(5*time.Second, "Testing, testing.")},
	{name: "the phone became a number of ours", before: func(h *house, tn tenant) {
		h.ask(h.admin, `mutation($u: ID!, $n: PhoneNumber!) { createNumber(input: {ownerID: $u, phoneNumber: $n}) { id } }`, map[string]any{"u": tn.user, "n": owner}, nil)
	}, caller: hello},
	{name: "forwarding is off", set: `forwardingEnabled: false`, caller: hello},
	{name: "there is no phone", set: `forwardTo: []`, caller: hello},
	{name: "no call is left", before: func(h *house, tn tenant) { h.subscribe(tn.number, 0, 5) }, caller: hello},

	{name: "a talk is over when maxCallMinutes are", set: `maxCallMinutes: 1`, phones: at(owner, talkative), caller: network.From(customer)},
	{name: "an assistant answers and the owner presses 1 at last", phones: at(owner, network.Human(time.Second, time.Minute).Press("1", 24*time.Second)), caller: network.From(customer)},
	{name: "the owner presses 1 when screenSeconds are over", set: `screenSeconds: 10`, phones: at(owner, network.Human(time.Second, time.Minute).Press("1", 24*time.Second)), caller: hello},

	// 4. Who is led to leave a message.
	{name: "it rings out", caller: hello},
	{name: "it is busy", phones: at(owner, network.Busy()), caller: hello},
	{name: "it cannot be reached", phones: at(owner, network.Unreachable()), caller: hello},
	{name: "voicemail is off", set: `voicemailEnabled: false, language: "pt-BR"`, caller: network.From(customer)},
	{name: "no voicemail is left", set: `language: "zh-CN"`, before: func(h *house, tn tenant) { h.subscribe(tn.number, 5, 0) }, caller: network.From(customer)},
	{name: "the caller gives up while it rings", caller: network.From(customer).HangUpAt(7 * time.Second)},
	{name: "the caller gives up in the greeting", caller: network.From(customer).HangUpInGreeting()},
	{name: "the greeting is the owner's own", set: `greeting: "Olivia & sons <here>. Speak now!", finishOnKey: "", maxVoicemailSeconds: 10`, caller: network.From(customer).LeaveMessage(time.Minute, "I talk and talk.")},
	{name: "the ringing is cancelled at Twilio", caller: hello, during: func(h *house, _ tenant, c *network.Call) {
		check(h.t, h.net.RunTo(h.ctx, func(e network.Event) bool { return e.Kind == network.Rang }))
		h.change(h.phoneLeg(), url.Values{"Status": {"canceled"}})
	}},
	{name: "the call is taken elsewhere while it rings", caller: network.From(customer), during: func(h *house, _ tenant, c *network.Call) {
		check(h.t, h.net.RunTo(h.ctx, func(e network.Event) bool { return e.Kind == network.Rang }))
		h.change(c.SID, url.Values{"Twiml": {"<Response><Say>The line is closed today.</Say></Response>"}})
	}},
	{name: "the caller presses star in a talk", phones: at(owner, network.Human(5*time.Second, time.Minute).Press("1", 2*time.Second)), caller: network.From(customer).Star(10 * time.Second)},
	{name: "the settings change in mid-call", caller: hello, during: func(h *house, tn tenant, c *network.Call) {
		check(h.t, h.net.RunTo(h.ctx, network.Asking("/webhooks/voice")))
		h.set(tn, `screening: OFF, language: "fr-FR", finishOnKey: "#", ringSeconds: 60, forwardTo: []`)
	}},
	{name: "the number is paused in mid-call", caller: hello, during: func(h *house, tn tenant, c *network.Call) {
		check(h.t, h.net.RunTo(h.ctx, network.Asking("/webhooks/voice")))
		h.setState(tn.token, tn, "PAUSED")
		h.work()
	}},
	{name: "the owner hangs up from afar", phones: at(owner, talkative), caller: network.From(customer), during: func(h *house, tn tenant, c *network.Call) {
		check(h.t, h.net.RunTo(h.ctx, func(e network.Event) bool { return e.Kind == network.Bridged }))
		h.hangUp(tn.token)
		h.work()
	}},
	{name: "the phone that would be rung diverted the call", caller: hello.ForwardedBy(owner)},
	{name: "a phone that is not rung diverted the call", caller: hello.ForwardedBy(mobile)},
	{name: "the number is subscribed anew in mid-call", caller: hello, during: func(h *house, tn tenant, c *network.Call) {
		check(h.t, h.net.RunTo(h.ctx, network.Asking("/webhooks/voice")))
		h.subscribe(tn.number, 3, 3) // the call stays with the old one
	}},

	// 5. What becomes of a message.
	{name: "the caller thinks for a moment", caller: hello.Thinks(3*time.Second, 8*time.Second)},
	{name: "the caller thinks for longer than silenceSeconds", set: `silenceSeconds: 5`, caller: hello.Thinks(3*time.Second, 8*time.Second)},
	{name: "the message ends with a key", caller: hello.PressKey("*")},
	{name: "the message ends with another key", set: `finishOnKey: "0#"`, caller: hello.PressKey("0")},
	{name: "the message ends in silence", caller: hello.StayOn()},
	{name: "the caller hangs up after the message", caller: hello.PressKey("*").HangUpAfterRecording()},
	{name: "the message is silence", caller: network.From(customer).Silent()},
	{name: "the message is too short to be kept", caller: network.From(customer).LeaveMessage(500*time.Millisecond, "Oh")},
	{name: "the message is silence and Twilio asks nothing", twilio: func(c *network.Config) { c.SkipEmpty = true }, caller: network.From(customer).Silent()},
	{name: "the message ends in silence and Twilio sends no digits", twilio: func(c *network.Config) { c.EmptyDigits = true }, caller: hello.StayOn()},
	{name: "Twilio spoils the recording", caller: hello.Spoilt()},
	{name: "the recording overtakes its action", twilio: chaosOf(network.TopicRecording, network.Chaos{Early: 1}), caller: hello},
	{name: "the end overtakes the action", twilio: chaosOf(network.TopicStatus, network.Chaos{Early: 1}), caller: hello},
	{name: "the transcript overtakes the recording", twilio: func(c *network.Config) {
		c.ChaosOf = map[network.Topic]network.Chaos{network.TopicTranscription: {Early: 1}, network.TopicRecording: {Delay: 1, MaxDelay: time.Minute}}
	}, caller: hello},
	{name: "the transcript never comes", twilio: chaosOf(network.TopicTranscription, network.Chaos{Drop: 1}), caller: hello},
	{name: "the transcript is late", twilio: chaosOf(network.TopicTranscription, network.Chaos{Delay: 1, MaxDelay: 10 * time.Minute}), caller: hello},
	{name: "everything is told twice", twilio: func(c *network.Config) { c.Chaos = network.Chaos{Duplicate: 1, Repeat: 1, MaxDelay: 10 * time.Second} }, caller: hello},
	{name: "the message is too short to be transcribed", caller: network.From(customer).LeaveMessage(2*time.Second, "Bye")},
	{name: "the message is too long to be transcribed", set: `maxVoicemailSeconds: 600`, caller: network.From(customer).LeaveMessage(150*time.Second, "Where shall I begin?")},
	{name: "nobody understands the message", caller: hello.Unintelligible()},
	{name: "transcription is off", set: `transcribe: false`, caller: hello},
	{name: "the language is one that Twilio does not transcribe", set: `language: "de-DE"`, caller: network.From(customer).LeaveMessage(6*time.Second, "Guten Tag.")},
	{name: "several people are told", set: `notifyEmails: ["b@example.com", "a@example.com", "B@example.com"]`, caller: hello},
	{name: "the recording is late at Twilio", caller: hello, before: func(h *house, _ tenant) { h.net.Media404For(10 * time.Minute) }},
}

func chaosOf(topic network.Topic, c network.Chaos) func(*network.Config) {
	return func(n *network.Config) { n.ChaosOf = map[network.Topic]network.Chaos{topic: c} }
}

// talkative picks up, takes the call, and does not hang up for an hour.
var talkative = network.Human(2*time.Second, time.Hour).Press("1", 3*time.Second)

const other = "+15550006780"

// several forwards to three phones, rung together.
const several = `forwardTo: ["` + owner + `", "` + mobile + `", "` + home + `"]`

var hello = network.From(customer).LeaveMessage(8*time.Second, "Hello Olivia, please call me back.")

func at(number string, p network.Phone) map[string]network.Phone {
	return map[string]network.Phone{number: p}
}

func TestEveryWayACallCanGo(t *testing.T) {
	t.Parallel()
	for i, w := range ways {
		if testing.Short() && i%8 > 0 {
			continue // the race detector has seen this code by then
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				h := newHouse(t, db, option{network: w.twilio})
				golden(t, "testdata/ways/"+strings.ReplaceAll(w.name, " ", "_")+".txt", h.walk(w))
			}, jobs.Migrate)
		})
	}
}

// walk lets a call go its way, and tells what everybody saw of it.
func (h *house) walk(w way) string {
	h.t.Helper()
	tn := h.newTenant("olivia@example.com", mask, 100, 50)
	if w.set != "" {
		h.set(tn, w.set)
	}
	h.net.AddPhone(owner, network.NoAnswer())
	for number, p := range w.phones {
		h.net.AddPhone(number, p)
	}
	if w.before != nil {
		w.before(h, tn)
	}
	call := h.net.Dial(w.caller, mask)
	if w.during != nil {
		w.during(h, tn, call)
	}
	h.play()
	if err := call.Err(); err != nil && h.down.Load() == nil {
		h.t.Error(err)
	}
	return h.anonymous(h.summary(call, tn))
}

// summary is a call without its requests: what people saw and heard, what we say of it, what it cost, who was told.
func (h *house) summary(call *network.Call, tn tenant) string {
	h.t.Helper()
	var b strings.Builder
	var used []string
	begun := call.Story()[0].At
	for _, e := range call.Story() {
		switch e.Kind {
		case network.Webhook, network.CallbackSent, network.Recorded:
		default:
			fmt.Fprintf(&b, "%4.0fs %s\n", e.At.Sub(begun).Seconds(), e)
		}
	}
	var got struct {
		Calls struct{ Edges []struct{ Node toldCall } }
		Node  struct {
			UnheardVoicemails int
			Subscriptions     struct {
				Edges []struct {
					Node struct {
						ID                        string
						CallsUsed, VoicemailsUsed int
					}
				}
			}
		}
		Voicemails struct {
			Edges []struct{ Node toldVoicemail }
		}
	}
	h.ask(tn.token, `query($n: ID!) {
		calls { edges { node { from outcome durationSeconds timeline { kind detail } } } }
		voicemails(last: 10) { edges { node { durationSeconds audio transcription transcript transcriptionError deliveries { recipient state } } } }
		node(id: $n) { ... on MaskedNumber { unheardVoicemails subscriptions(last: 10) { edges { node { id callsUsed voicemailsUsed } } } } } }`,
		map[string]any{"n": tn.number}, &got)
	for _, c := range got.Calls.Edges {
		c.Node.tell(&b)
		for _, e := range c.Node.Timeline[1:] { // the first names the caller, whom no log has to know
			if !strings.Contains(h.logged.String(), "msg="+strconv.Quote(e.Detail)) {
				h.t.Errorf("the log does not say %q", e.Detail)
			}
		}
	}
	for _, v := range got.Voicemails.Edges {
		v.Node.tell(&b)
	}
	for _, s := range got.Node.Subscriptions.Edges {
		which := "first"
		if s.Node.ID != tn.subscription {
			which = "second"
		}
		used = append(used, fmt.Sprintf("used of the %s plan: %d calls, %d voicemails\n", which, s.Node.CallsUsed, s.Node.VoicemailsUsed))
	}
	b.WriteString(strings.Join(slices.Sorted(slices.Values(used)), ""))
	fmt.Fprintf(&b, "unheard: %d, mails: %d\n", got.Node.UnheardVoicemails, len(h.mails()))
	return b.String()
}

type toldCall struct {
	From            string
	Outcome         phone.CallOutcome
	DurationSeconds *int
	Timeline        []phone.CallEvent
}

func (c toldCall) tell(b *strings.Builder) {
	length := "unknown"
	if c.DurationSeconds != nil {
		length = fmt.Sprintf("%d s", *c.DurationSeconds)
	}
	fmt.Fprintf(b, "\n%s, a call from %s, length %s\n", c.Outcome, c.From, length)
	for _, e := range c.Timeline {
		fmt.Fprintf(b, "  %s: %s\n", e.Kind, e.Detail)
	}
}

type toldVoicemail struct {
	DurationSeconds                int
	Audio                          phone.AudioState
	Transcription                  phone.TranscriptionState
	Transcript, TranscriptionError *string
	Deliveries                     []delivery
}

type delivery struct {
	Recipient string
	State     phone.DeliveryState
}

func (v toldVoicemail) tell(b *strings.Builder) {
	words, _ := json.Marshal(v.Transcript) // a text or null always has a JSON
	fmt.Fprintf(b, "voicemail of %d s: audio %s, transcription %s %s", v.DurationSeconds, v.Audio, v.Transcription, words)
	if v.TranscriptionError != nil {
		fmt.Fprintf(b, " (%s)", *v.TranscriptionError)
	}
	slices.SortFunc(v.Deliveries, func(a, b delivery) int { return strings.Compare(a.Recipient, b.Recipient) })
	for _, d := range v.Deliveries {
		fmt.Fprintf(b, ", %s %s", d.Recipient, d.State)
	}
	b.WriteByte('\n')
}

// set changes a number's settings, written as in GraphQL.
func (h *house) set(tn tenant, input string) {
	h.t.Helper()
	h.ask(tn.token, `mutation($id: ID!) { updateNumber(id: $id, input: {`+input+`}) { id } }`, map[string]any{"id": tn.number}, nil)
}

func (h *house) setState(token string, tn tenant, state string) {
	h.t.Helper()
	h.ask(token, `mutation($id: ID!, $s: NumberState!) { setNumberState(id: $id, state: $s) { state } }`, map[string]any{"id": tn.number, "s": state}, nil)
}

// hangUp asks for the end of the call that runs.
func (h *house) hangUp(token string) {
	h.t.Helper()
	var running struct {
		Calls struct {
			Edges []struct{ Node struct{ ID string } }
		}
	}
	h.ask(token, `{ calls(where: {outcome: RINGING}) { edges { node { id } } } }`, nil, &running)
	h.ask(token, `mutation($id: ID!) { hangUp(callID: $id) { id } }`, map[string]any{"id": running.Calls.Edges[0].Node.ID}, nil)
}

// work does the jobs that are due, while calls go on.
func (h *house) work() {
	h.t.Helper()
	_, err := h.app.queue.Drain(h.ctx, h.net.Now())
	check(h.t, err)
}

// change changes a running call by Twilio's REST API, as somebody at the console would.
func (h *house) change(sid string, form url.Values) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.app.TwilioAPIURL+"/2010-04-01/Accounts/"+accountSID+"/Calls/"+sid+".json", strings.NewReader(form.Encode()))
	check(h.t, err)
	r.SetBasicAuth(accountSID, authToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	check(h.t, err)
	check(h.t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("Twilio answers %d", resp.StatusCode)
	}
}

// phoneLeg is the sid of the call to the phone that rings.
func (h *house) phoneLeg() string {
	h.t.Helper()
	legs, err := h.app.desk.Twilio.Calls(h.ctx, h.net.Now().Add(-time.Hour), h.net.Now().Add(time.Hour))
	check(h.t, err)
	for _, l := range legs {
		if l.Direction == "outbound-dial" {
			return l.SID
		}
	}
	h.t.Fatal("no phone rings")
	return ""
}

// failing has every request to a path answered with 500 from now on, before it reaches us: as if the process had just died.
func (h *house) failing(path string) { h.down.Store(&path) }
