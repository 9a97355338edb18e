package phone

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the chart in docs/calls.md anew")

// pairs is what each state becomes by each happening, in the order of Happenings; an empty place: it stays as it is.
var pairs = map[CallState][]CallState{
	//             refused   over quota     not taken connected greeted  announced made         empty   ended
	Ringing:       {Rejected, QuotaExceeded, Missed, Answered, Greeted, Recorded, Voicemailed, Missed, Missed},
	Greeted:       {"", "", "", "", "", Recorded, Voicemailed, Missed, Missed},
	Recorded:      {"", "", "", "", "", "", Voicemailed, Missed, ""},
	Missed:        {Rejected, QuotaExceeded, "", Answered, "", "", Voicemailed, "", ""},
	Answered:      {"", "", "", "", "", "", Voicemailed, "", ""},
	Rejected:      {"", "", "", "", "", "", Voicemailed, "", ""},
	QuotaExceeded: {"", "", "", "", "", "", Voicemailed, "", ""},
	Voicemailed:   {"", "", "", "", "", "", "", "", ""},
}

func TestEveryStateMeetsEveryHappening(t *testing.T) {
	t.Parallel()
	if len(pairs) != len(Ringing.Values()) || len(callStates) != len(pairs) {
		t.Fatalf("%d states are tested and %d have a row, of %d", len(pairs), len(callStates), len(Ringing.Values()))
	}
	for _, s := range states() {
		for i, h := range Happenings() {
			want := pairs[s][i]
			if want == "" {
				want = s
			}
			if got := s.After(h); got != want {
				t.Errorf("%s, %s: got %s, want %s", s, h, got, want)
			}
		}
		if got := s.After(""); got != s {
			t.Errorf("%s: a step in which nothing happens makes it %s", s, got)
		}
	}
}

func states() (all []CallState) {
	for _, v := range Ringing.Values() {
		all = append(all, CallState(v))
	}
	return all
}

// ranks say what is further on. What is settled is above what is not, and a message above everything.
var ranks = map[CallState]int{Ringing: 0, Greeted: 1, Recorded: 2, Missed: 3, Rejected: 4, QuotaExceeded: 4, Answered: 4, Voicemailed: 5}

func TestStatesOnlyMoveForward(t *testing.T) {
	t.Parallel()
	for _, s := range states() {
		for _, h := range Happenings() {
			next := s.After(h)
			if next != s && ranks[next] <= ranks[s] {
				t.Errorf("%s, %s: %s is not further on", s, h, next)
			}
			if s.Outcome() != OutcomeRinging && next.Outcome() == OutcomeRinging {
				t.Errorf("%s, %s: a settled call is open again", s, h)
			}
			if final := ranks[s] == 4; final && next != s && next != Voicemailed {
				t.Errorf("%s, %s: became %s; only a message may change what is final", s, h, next)
			}
		}
		if s.After(RecordingMade) != Voicemailed {
			t.Errorf("%s: a recording that exists is not kept", s)
		}
	}
}

// histories are the happenings that one call can have, whoever tells us of them first, and what becomes of it. What stands under first has
// been written down before anything else can happen: the rest follows from an answer that never reached Twilio, which then asked the fallback.
var histories = []struct {
	name  string
	first []Happening
	all   []Happening
	want  CallState
}{
	{name: "turned away", all: []Happening{CallRefused, CallEnded}, want: Rejected},
	{name: "the plan is used up", all: []Happening{CallOverQuota, CallEnded}, want: QuotaExceeded},
	{name: "nobody answered and voicemail is off", all: []Happening{CallNotTaken, CallEnded}, want: Missed},
	{name: "answered", all: []Happening{CallConnected, CallEnded}, want: Answered},
	{name: "the caller hung up while it rang", all: []Happening{CallEnded, CallEnded}, want: Missed},
	{name: "the caller hung up in the greeting", all: []Happening{CallGreeted, CallEnded}, want: Missed},
	{name: "left a message", all: []Happening{CallGreeted, RecordingAnnounced, RecordingMade, CallEnded}, want: Voicemailed},
	{name: "left nothing", all: []Happening{CallGreeted, RecordingAnnounced, RecordingAbsent, CallEnded}, want: Missed},
	{name: "left nothing, and Twilio went on without asking us", all: []Happening{CallGreeted, RecordingAbsent, CallEnded}, want: Missed},
	{name: "left an empty message and a full one", all: []Happening{CallGreeted, RecordingAnnounced, RecordingAbsent, RecordingMade, CallEnded}, want: Voicemailed},
	{name: "left a message that was first heard of by its transcript", all: []Happening{CallGreeted, RecordingMade, RecordingAnnounced, RecordingMade, CallEnded}, want: Voicemailed},
	{name: "left a message while the database was away", all: []Happening{RecordingAnnounced, RecordingMade, CallEnded}, want: Voicemailed},
	{name: "left nothing while the database was away", all: []Happening{RecordingAnnounced, RecordingAbsent, CallEnded}, want: Missed},
	{name: "hung up while the database was away", all: []Happening{CallEnded}, want: Missed},
	{name: "answered, and then led to leave a message", first: []Happening{CallConnected}, all: []Happening{RecordingAnnounced, RecordingMade, CallEnded}, want: Voicemailed},
	{name: "answered, and then led to leave a message, but left none", first: []Happening{CallConnected}, all: []Happening{RecordingAnnounced, RecordingAbsent, CallEnded}, want: Answered},
	{name: "turned away, and then led to leave a message", first: []Happening{CallRefused}, all: []Happening{RecordingAnnounced, RecordingMade, CallEnded}, want: Voicemailed},
	{name: "turned away, and then led to leave a message, but left none", first: []Happening{CallRefused}, all: []Happening{RecordingAnnounced, RecordingAbsent, CallEnded}, want: Rejected},
	{name: "over quota, and then led to leave a message, but left none", first: []Happening{CallOverQuota}, all: []Happening{RecordingAnnounced, RecordingAbsent, CallEnded}, want: QuotaExceeded},
}

func TestTheOrderOfHappeningsDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, c := range histories {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for again := range len(c.all) + 1 {
				all := c.all
				if again < len(c.all) {
					all = append(slices.Clone(all), c.all[again]) // Twilio repeats this one
				}
				permute(all, func(order []Happening) {
					if got := after(Ringing, slices.Concat(c.first, order)); got != c.want {
						t.Errorf("%v %v: got %s, want %s", c.first, order, got, c.want)
					}
				})
			}
		})
	}
}

func after(s CallState, hs []Happening) CallState {
	for _, h := range hs {
		s = s.After(h)
	}
	return s
}

// permute calls do with every order of the happenings.
func permute(hs []Happening, do func([]Happening)) {
	var place func([]Happening, []Happening)
	place = func(placed, rest []Happening) {
		if len(rest) == 0 {
			do(placed)
			return
		}
		for i, h := range rest {
			place(append(slices.Clone(placed), h), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	place(nil, hs)
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	want := map[CallState]CallOutcome{
		Ringing: OutcomeRinging, Greeted: OutcomeRinging, Recorded: OutcomeRinging, Answered: OutcomeAnswered, Voicemailed: OutcomeVoicemail,
		Missed: OutcomeMissed, Rejected: OutcomeRejected, QuotaExceeded: OutcomeQuotaExceeded,
	}
	for _, s := range states() {
		if got := s.Outcome(); got != want[s] || !slices.Contains(got.Values(), string(got)) {
			t.Errorf("%s: clients see %s, want %s", s, got, want[s])
		}
	}
}

const calls = "../docs/calls.md"

func TestTheDocumentShowsTheSameStates(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "```mermaid\n", "```"
	before, rest, ok := strings.Cut(string(text), begin)
	got, behind, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no block that begins with %q", calls, begin)
	}
	want := chart()
	if *update {
		if err := os.WriteFile(calls, []byte(before+begin+want+end+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s shows other states than the table holds (go test ./phone -update writes the chart anew):\n%s\nwant\n%s", calls, got, want)
	}
}

// chart draws the table.
func chart() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n    [*] --> %s\n", Ringing)
	for _, from := range states() {
		for _, to := range states() {
			var by []string
			for _, h := range Happenings() {
				if from != to && from.After(h) == to {
					by = append(by, string(h))
				}
			}
			if len(by) > 0 {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, strings.Join(by, ", "))
			}
		}
	}
	return b.String()
}
