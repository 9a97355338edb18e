package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// number is a number from the environment.
func number(t *testing.T, name, usual string) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), usual))
	check(t, err)
	return n
}

// TestTheEndIsWhatPhoneSays makes calls of chance over a network that repeats, delays, loses and reorders what it can, and compares what
// became of each with what package phone alone says of the requests that arrived. SEEDS is how many calls are made on each database, and
// SEED=n begins with the n-th.
func TestTheEndIsWhatPhoneSays(t *testing.T) {
	t.Parallel()
	first := number(t, "SEED", "1")
	for seed := first; seed < first+number(t, "SEEDS", "100"); seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) { chance(t, db, uint64(seed)) }, jobs.Migrate)
		})
	}
}

func chance(t *testing.T, db *database.DB, seed uint64) {
	t.Helper()
	s := scenarioOf(seed)
	seen := &arrivals{}
	h := newHouse(t, db, option{network: func(c *network.Config) {
		c.Seed, c.ChaosOf, c.SkipEmpty, c.FreshTokens, c.Observe = int64(seed), s.chaos, s.skipEmpty, s.freshTokens, seen.note
	}})
	tn := h.newTenant("olivia@example.com", mask, s.plan[0], s.plan[1])
	h.set(tn, s.settings())
	if !s.subscribed {
		h.ask(h.admin, `mutation($id: ID!) { cancelSubscription(id: $id) { id } }`, map[string]any{"id": tn.subscription}, nil)
	}
	if s.line.State == phone.NumberPaused {
		h.setState(tn.token, tn, "PAUSED")
	}
	for i, n := range s.line.ForwardTo {
		h.net.AddPhone(string(n), s.phones[i])
	}
	call := h.net.Dial(s.caller, mask)
	h.play()
	check(t, call.Err())
	want := s.expect(seen.all)
	for _, r := range h.net.Recordings() { // what Twilio did not tell the length of has that of its audio
		if m := want.messages[r.SID]; m != nil && m.seconds == 0 {
			m.seconds = int(r.Duration.Round(time.Second).Seconds())
		}
	}
	if got := h.found(tn); got != want.String() {
		t.Errorf("got\n%swant\n%s%s\n%s", got, want, call.Tell(), h.summary(call, tn))
	}
	for _, said := range call.Heard(call.Story()[0].Who) {
		if strings.Contains(said, "error") {
			t.Errorf("the caller heard %q", said)
		}
	}
}

// arrivals are the requests in the order in which they were answered.
type arrivals struct {
	mu  sync.Mutex
	all []network.Event
}

func (a *arrivals) note(e network.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if (e.Kind == network.Webhook || e.Kind == network.CallbackSent) && e.Status < 300 && e.Status >= 200 && !e.Again {
		a.all = append(a.all, e)
	}
}

// scenario is one call of chance.
type scenario struct {
	line                   phone.Line
	plan                   [2]int
	subscribed             bool
	phones                 []network.Phone
	caller                 network.Caller
	chaos                  map[network.Topic]network.Chaos
	skipEmpty, freshTokens bool
}

func scenarioOf(seed uint64) scenario {
	r := rand.New(rand.NewPCG(seed, 0))
	often := func(p float64) bool { return r.Float64() < p }
	l := phone.Line{
		Number: mask, State: phone.NumberActive, Forwarding: often(0.9), RingSeconds: 5 + r.IntN(30), CallerID: phone.ShowCaller, Screening: phone.ScreeningPress1,
		Voicemail: often(0.9), Language: "en-US", MaxSeconds: 10 + r.IntN(150), FinishOnKey: "*", Transcribe: true,
	}
	if often(0.3) {
		l.Screening = phone.ScreeningOff
	}
	if often(0.2) {
		l.Language, l.Transcribe = "de-DE", false // Twilio does not transcribe it
	}
	if often(0.05) {
		l.State = phone.NumberPaused
	}
	s := scenario{line: l, plan: [2]int{100, 50}, subscribed: often(0.95), skipEmpty: often(0.5), freshTokens: often(0.5)}
	if often(0.2) {
		s.plan = [][2]int{{0, 50}, {100, 0}, {0, 0}, {-1, -1}}[r.IntN(4)]
	}
	for _, n := range []phone.Number{owner, mobile, home}[:r.IntN(4)] {
		s.line.ForwardTo = append(s.line.ForwardTo, n)
		s.phones = append(s.phones, somePhone(r))
	}
	s.caller, s.chaos = someCaller(r), someChaos(r)
	return s
}

func seconds(r *rand.Rand, n int) time.Duration {
	return time.Duration(r.IntN(n*10)) * 100 * time.Millisecond
}

func somePhone(r *rand.Rand) network.Phone {
	human := network.Human(seconds(r, 15), seconds(r, 60))
	return []network.Phone{
		network.NoAnswer(), network.Busy(), network.Unreachable(), network.Mailbox(seconds(r, 6)),
		human.Press("1", seconds(r, 20)), human.Press("1", 2*time.Second), human.Press("2", 2*time.Second), human, human.Declines(seconds(r, 8)),
	}[r.IntN(9)]
}

func someCaller(r *rand.Rand) network.Caller {
	from := []string{customer, customer, customer, "anonymous", "+266696687", "", owner}[r.IntN(7)]
	c := network.From(from).LeaveMessage(seconds(r, 30), "These are words.")
	switch r.IntN(10) {
	case 0:
		return c.HangUpAt(seconds(r, 60))
	case 1:
		return c.HangUpInGreeting()
	case 2:
		return c.Silent()
	case 3:
		return c.PressKey("*")
	case 4:
		return c.PressKey("*").HangUpAfterRecording()
	case 5:
		return c.StayOn()
	case 6:
		return c.LeaveMessage(140*time.Second, "I talk and talk.")
	case 7:
		return c.Unintelligible()
	}
	return c
}

func someChaos(r *rand.Rand) map[network.Topic]network.Chaos {
	all := map[network.Topic]network.Chaos{}
	topics := []network.Topic{
		network.TopicVoice, network.TopicDial, network.TopicRecord, network.TopicGather, network.TopicScreen, network.TopicStatus, network.TopicRecording, network.TopicTranscription,
	}
	for _, topic := range topics { // in a fixed order, so that a seed is a call
		lost := []float64{0, 0, 0, 0.5, 1}[r.IntN(5)]
		all[topic] = network.Chaos{
			Drop: lost, Duplicate: r.Float64(), Delay: r.Float64(), Early: r.Float64(), Repeat: r.Float64(), Unknown: r.Float64() / 2,
			MaxDelay: time.Second + seconds(r, 600),
		}
	}
	return all
}

// settings are the line as GraphQL writes them.
func (s scenario) settings() string {
	phones := make([]string, len(s.line.ForwardTo))
	for i, n := range s.line.ForwardTo {
		phones[i] = strconv.Quote(string(n))
	}
	return fmt.Sprintf(`forwardingEnabled: %t, ringSeconds: %d, screening: %s, voicemailEnabled: %t, language: %q, maxVoicemailSeconds: %d, forwardTo: [%s]`,
		s.line.Forwarding, s.line.RingSeconds, s.line.Screening, s.line.Voicemail, s.line.Language, s.line.MaxSeconds, strings.Join(phones, ","))
}

// allowance is what the plan allows as long as the call has taken nothing of it.
func (s scenario) allowance() phone.Allowance {
	return phone.Allowance{Subscribed: s.subscribed, CallsLimit: limit(s.plan[0]), VoicemailsLimit: limit(s.plan[1])}
}

// expected is what must become of a call.
type expected struct {
	scenario
	state    phone.CallState
	ended    bool
	rung     map[bool]phone.Connect  // the second time, and the first
	screened map[string]phone.Number // which phone each leg leads to
	asked    bool                    // Twilio is asked for a transcript
	reserved bool
	announce bool
	calls    int
	charged  int
	messages map[string]*taken
}

type taken struct {
	seconds       int
	transcription phone.TranscriptionState
}

// expect says what must become of the call of which Twilio told us this, in this order.
func (s scenario) expect(told []network.Event) *expected {
	e := &expected{scenario: s, state: phone.Ringing, rung: map[bool]phone.Connect{}, screened: map[string]phone.Number{}, messages: map[string]*taken{}}
	for _, t := range told {
		u, _ := url.Parse(t.URL) // it was requested
		e.hear(strings.TrimPrefix(u.Path, "/webhooks/"), t.Form)
	}
	if e.reserved && e.ended && !e.announce {
		e.reserved = false
	}
	return e
}

func (e *expected) hear(what string, f url.Values) {
	switch what {
	case "voice":
		e.take(phone.Route(phone.Incoming{From: f.Get("From"), To: mask}, e.line, e.allowance()))
	case "voice/screen":
		e.screened[f.Get("CallSid")] = phone.Number(f.Get("To"))
	case "voice/dialed", "voice/dialed-again":
		d := phone.Dialled{
			CallStatus: f.Get("CallStatus"), DialCallStatus: f.Get("DialCallStatus"), Bridged: f.Get("DialBridged"), Again: what == "voice/dialed-again",
		}
		d.Screened = e.screened[f.Get("DialCallSid")]
		e.take(phone.AfterDial(d, e.rung[d.Again], e.line, e.allowance()))
	case "voice/recorded":
		d := phone.AfterRecord(phone.Took{CallStatus: f.Get("CallStatus"), RecordingSID: f.Get("RecordingSid")}, e.line)
		e.announce = e.announce || d.What == phone.RecordingAnnounced
		e.take(d)
	case "recording":
		e.recording(f)
	case "transcription":
		m := e.made(f.Get("RecordingSid"), 0)
		if f.Get("TranscriptionStatus") == "completed" {
			m.transcription = phone.TranscriptionCompleted
		}
	case "status":
		if !e.ended {
			e.ended, e.state = true, e.state.After(phone.CallEnded)
		}
	}
}

// take is what a decision changes. The caller who is gone is led nowhere.
func (e *expected) take(d phone.Decision) {
	switch a := d.Answer.(type) {
	case phone.Connect:
		if e.ended {
			return
		}
		e.rung[a.Again] = a
		if !a.Again {
			e.calls++
		}
	case phone.TakeMessage:
		if e.ended {
			return
		}
		e.reserved, e.asked = e.subscribed, a.Transcribe
	}
	e.state = e.state.After(d.What)
}

func (e *expected) recording(f url.Values) {
	switch f.Get("RecordingStatus") {
	case "completed":
		n, _ := strconv.Atoi(f.Get("RecordingDuration")) // the network's own
		e.made(f.Get("RecordingSid"), n)
	case "absent":
		e.state = e.state.After(phone.RecordingAbsent)
		e.reserved = false
	}
}

// made is the message of a recording. What Twilio never transcribes, or says nothing of for long enough, has failed.
func (e *expected) made(sid string, seconds int) *taken {
	m := e.messages[sid]
	if m == nil {
		m = &taken{transcription: phone.TranscriptionOff}
		if e.asked {
			m.transcription = phone.TranscriptionFailed
		}
		e.messages[sid] = m
		e.reserved = false
		if e.subscribed {
			e.charged++
		}
	}
	m.seconds = max(m.seconds, seconds)
	e.state = e.state.After(phone.RecordingMade)
	return m
}

func (e *expected) String() string {
	used := e.charged
	if e.reserved {
		used++
	}
	mailed := len(e.messages)
	if e.state == phone.Missed {
		mailed++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, used %d calls, %d voicemails, mailed %d\n", e.state.Outcome(), e.calls, used, mailed)
	for _, sid := range slices.Sorted(maps.Keys(e.messages)) {
		m := e.messages[sid]
		fmt.Fprintf(&b, "%s: %d s, STORED, %s\n", sid, m.seconds, m.transcription)
	}
	return b.String()
}

// found is what became of the only call, as GraphQL shows it.
func (h *house) found(tn tenant) string {
	h.t.Helper()
	var got struct {
		Calls struct {
			Edges []struct {
				Node struct{ Outcome phone.CallOutcome }
			}
		}
		Voicemails struct {
			Edges []struct {
				Node struct {
					RecordingSid    string
					DurationSeconds int
					Audio           phone.AudioState
					Transcription   phone.TranscriptionState
				}
			}
		}
		Node struct{ CallsUsed, VoicemailsUsed int }
	}
	h.ask(tn.token, `query($s: ID!) { calls { edges { node { outcome } } }
		voicemails { edges { node { recordingSid durationSeconds audio transcription } } }
		node(id: $s) { ... on NumberSubscription { callsUsed voicemailsUsed } } }`, map[string]any{"s": tn.subscription}, &got)
	var lines []string
	for _, v := range got.Voicemails.Edges {
		lines = append(lines, fmt.Sprintf("%s: %d s, %s, %s\n", v.Node.RecordingSid, v.Node.DurationSeconds, v.Node.Audio, v.Node.Transcription))
	}
	slices.Sort(lines)
	outcome := "no call"
	if len(got.Calls.Edges) == 1 {
		outcome = string(got.Calls.Edges[0].Node.Outcome)
	}
	return fmt.Sprintf("%s, used %d calls, %d voicemails, mailed %d\n%s", outcome, got.Node.CallsUsed, got.Node.VoicemailsUsed, len(h.mails()), strings.Join(lines, ""))
}
