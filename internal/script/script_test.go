package script

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/phone"
)

const (
	aNumber = "number +15550006789 forward +15550100001\n"
	aCall   = "call from +15550200002\n"
)

// badScripts are one for each thing that can be wrong, with what is said of it.
var badScripts = []struct{ name, text, want string }{
	{"nothing at all", "", `after the last line: a line that begins with "call" is missing`},
	{"nothing but comments", "# A script\n\n# of nothing\n", `a line that begins with "call" is missing`},
	{"nobody calls", aNumber + "phone +15550100001 rings", `a line that begins with "call" is missing`},
	{"a line of another kind", aNumber + "\ndial +15550200002", `line 3: a line begins with call, chaos, expect, number, phone, scene or seed, not with "dial"`},
	{"a quoted kind", `"call" from x`, `line 1: there is nobody to call`},
	{"no UTF-8", "\xff", "line 1: this is not plain text in UTF-8"},
	{"what a terminal obeys", "# \x1b[2J", "line 1: this is not plain text"},
	{"a line that is too long", aNumber + "# " + strings.Repeat("x", 70000), "line 2: "},
	{"a text that does not end", aNumber + `call from +15550200002 leaves 8s "Hello`, "line 2: a text in quotes does not end"},
	{"a text of several lines", aNumber + `call from +15550200002 leaves 8s "a\nb"`, "line 2: a text in quotes does not end, or has something strange in it"},

	{"a number that is none", "number 5550100", `line 1: "5550100" is not a telephone number such as +15550006789`},
	{"a number with dashes", "number +1-555-000-6789", `"+1-555-000-6789" is not a telephone number`},
	{"a number left out", "number", "line 1: the line ends where a telephone number such as +15550006789 is wanted"},
	{"a number twice", aNumber + aNumber, "line 2: +15550006789 is a masked number already"},
	{"a number behind a call", aNumber + aCall + "number +15550006780", "line 3: this line stands above all scenes, phones and calls"},
	{"an unknown setting", "number +15550006789 colour red", `line 1: there is "colour" where only this may follow: label, language, forward,`},
	{"an unknown language", "number +15550006789 language klingon", `"klingon" is none of de-DE,`},
	{"nowhere to forward to", "number +15550006789 forward plan 1 calls 1 voicemails", `"plan" is not a telephone number`},
	{"a word before where to", "number +15550006789 forward to +15550100001", `"to" is not a telephone number`},
	{"a screening that is none", "number +15550006789 screening PRESS_2", `"PRESS_2" is none of PRESS_1 or OFF`},
	{"a finish key that is none", "number +15550006789 finish x", `"x" are not keys of 0-9, * and #`},
	{"a time that is none", "number +15550006789 rings 20", `"20" is not a time such as 8s or 1m30s, from 0s to 1h`},
	{"half a plan", "number +15550006789 plan 10 calls", `line 1: the line ends where a count such as 5 is wanted`},
	{"a plan in other words", "number +15550006789 plan 10 phones", `there is "phones" where "calls" is wanted`},
	{"a plan below nothing", "number +15550006789 plan -1 calls 5 voicemails", `"-1" is not a count such as 5, from 0 to 1000000`},

	{"a scene without a title", aNumber + "scene", "line 2: the line ends where the title of the scene is wanted"},
	{"a scene without a call", aNumber + "scene one\nscene two", `line 3: nobody calls in the scene "one" above`},

	{"a phone that does nothing", aNumber + "phone +15550100001", "line 2: the line ends where rings, busy, unreachable, mailbox or human is wanted"},
	{"a phone that sings", aNumber + "phone +15550100001 sings", `"sings" is none of rings, busy, unreachable, mailbox or human`},
	{"a mailbox at no time", aNumber + "phone +15550100001 mailbox 3s", `there is "3s" where "after" is wanted`},
	{"a human who says nothing", aNumber + "phone +15550100001 human after 3s", `the line ends where "talks" is wanted`},
	{"two keys at once", aNumber + "phone +15550100001 human after 3s talks 9s presses 12 after 1s", `"12" is not one key`},
	{"more than a phone does", aNumber + "phone +15550100001 rings twice", `line 2: there is "twice" where the line should end`},
	{"nothing next", aNumber + "phone +15550100001 rings then", "the line ends where rings, busy,"},
	{"a name that is too long", aNumber + "phone +15550100001 as Wilhelmina rings", `"Wilhelmina" is not a name of 1 to 9 letters`},
	{"a time below nought", aNumber + "phone +15550100001 mailbox after -1s", `"-1s" is not a time`},

	{"nobody to call", aCall, `line 1: there is nobody to call: a line that begins with "number" stands above`},
	{"a call to a stranger", aNumber + "call from +15550200002 to +15550009999", "line 2: +15550009999 is none of the masked numbers above"},
	{"a call without from", aNumber + "call +15550200002", `there is "+15550200002" where "from" is wanted`},
	{"a call from nobody", aNumber + "call from", "the line ends where a telephone number, or a word such as anonymous is wanted"},
	{"a misspelt word", aNumber + "call from +15550200002 leafs 8s x", `there is "leafs" where only this may follow: as, to, after, leaves,`},
	{"a message of no words", aNumber + "call from +15550200002 leaves 8s", "the line ends where what the caller says is wanted"},
	{"a text where a word should be", aNumber + `call from +15550200002 "leaves" 8s x`, `there is the text "leaves" where only this`},
	{"a call for ever", aNumber + "call from +15550200002 hangs up after 2h", `"2h" is not a time`},

	{"chaos of another kind", "chaos panic 1", `"panic" is none of delay, drop, duplicate, early, repeat or unknown`},
	{"chaos above one", "chaos drop 1.5", `"1.5" is not a chance from 0 to 1`},
	{"chaos that is no number", "chaos drop NaN", `"NaN" is not a chance from 0 to 1`},
	{"chaos of something else", "chaos drop 1 of everything", `"everything" is none of decisions, recording, status or transcription`},
	{"chaos behind a call", aNumber + aCall + "chaos drop 1", "line 3: this line stands above"},
	{"a seed that is none", "seed lucky", `"lucky" is not a count`},

	{"nothing to expect from", aNumber + "expect outcome MISSED", `line 2: nothing is expected yet: a line that begins with "call" stands above`},
	{"an expectation of something else", aNumber + aCall + "expect happiness", `"happiness" is none of outcome, transcript, heard, shown, voicemails, mails or used`},
	{"an outcome that is none", aNumber + aCall + "expect outcome FINE", `"FINE" is none of RINGING, ANSWERED,`},
	{"an expectation from a stranger", aNumber + aCall + "expect outcome MISSED from +15550200009", "line 3: nobody calls from +15550200009 above"},
	{"an expectation and more", aNumber + aCall + "expect mails 1 today", `there is "today" where the line should end`},
}

func TestWhatIsWrongWithAScriptIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range badScripts {
		_, err := Read("bad", c.text)
		if err == nil || !strings.HasPrefix(err.Error(), "bad") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAScriptIsRead(t *testing.T) {
	t.Parallel()
	got, err := Read("all", `
# Everything
# there is.
seed 42
chaos drop 0.25 of recording
chaos delay 1 up to 3m of recording
chaos repeat 0.5 of decisions
number +15550006789 label "Front desk" language de-DE forward +15550100001 +15550100002 rings 20s screening OFF shows MASKED greeting "Hallo \"du\"" finish # longest 30s silence 5s waits 40s talks 3m no transcript plan 10 calls 5 voicemails
number +15550006780 no forwarding no voicemail no plan
phone +15550100001 rings then human after 2s talks 30s presses 2 after 1s presses 1 after 3s declines after 9s

	call from +15550200002 as Carl leaves 8s "Hello" thinks 4s after 3s diverted by +15550100002 presses #
call from anonymous to +15550006780 after 5s says nothing
expect outcome MISSED from anonymous
expect used 1 calls 0 voicemails
phone +15550100001 as Mailbox mailbox after 1s
call from +15550200002 stays on leaves 8s "Hello"
`)
	if err != nil {
		t.Fatal(err)
	}
	ten, five := 10, 5
	german := map[string]any{
		"label": "Front desk", "language": "de-DE", "forwardTo": []string{"+15550100001", "+15550100002"}, "ringSeconds": 20, "screening": "OFF",
		"callerID": "MASKED", "greeting": `Hallo "du"`, "finishOnKey": "#", "maxVoicemailSeconds": 30, "silenceSeconds": 5, "screenSeconds": 40, "maxCallMinutes": 3, "transcribe": false,
	}
	want := Script{
		Name: "all", About: "Everything there is.", Seed: 42,
		Unruly: []string{"drop 0.25 of recording", "delay 1 up to 3m of recording", "repeat 0.5 of decisions"},
		Chaos:  map[network.Topic]network.Chaos{network.TopicRecording: {Drop: 0.25, Delay: 1, MaxDelay: 3 * time.Minute}},
		Numbers: []Number{
			{PhoneNumber: "+15550006789", Plan: Plan{Calls: &ten, Voicemails: &five}, Set: german, Text: got.Numbers[0].Text},
			{PhoneNumber: "+15550006780", Plan: Plan{None: true}, Set: map[string]any{"label": "Front desk", "forwardingEnabled": false, "voicemailEnabled": false}, Text: "+15550006780 no forwarding no voicemail no plan"},
		},
		Scenes: []Scene{
			{
				Phones: []Phone{{"+15550100001", "Phone", []network.Phone{
					network.NoAnswer(), network.Human(2*time.Second, 30*time.Second).Press("2", time.Second).Press("1", 3*time.Second).Declines(9 * time.Second),
				}}},
				Calls: []Call{
					{"Carl", "+15550200002", "+15550006789", "Hello", network.From("+15550200002").LeaveMessage(8*time.Second, "Hello").Thinks(3*time.Second, 4*time.Second).ForwardedBy("+15550100002").PressKey("#")},
					{"Caller 2", "anonymous", "+15550006780", "", network.From("anonymous").After(5 * time.Second).Silent()},
				},
				Expect: []Expectation{{14, "outcome", "MISSED", "anonymous"}, {15, "used", "1 calls 0 voicemails", ""}},
			},
			{
				Phones: []Phone{{"+15550100001", "Mailbox", []network.Phone{network.Mailbox(time.Second)}}},
				Calls:  []Call{{"Carl", "+15550200002", "+15550006789", "Hello", network.From("+15550200002").LeaveMessage(8*time.Second, "Hello").StayOn()}},
			},
		},
	}
	for _, topic := range topics["decisions"] {
		want.Chaos[topic] = network.Chaos{Repeat: 0.5, MaxDelay: usualDelay}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestSpeechEndsWithTheQuotes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "one": "one", `"one two"three "" x`: "one two|three||x"} {
		w, err := split(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, word := range w.rest {
			got = append(got, word.text)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// FuzzRead wants every text to be read, or refused with its line.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("../../scripts/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no scripts", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, c := range badScripts {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read("fuzz", text)
		if err != nil {
			var line int
			if _, no := fmt.Sscanf(err.Error(), "fuzz, line %d: ", &line); (no != nil || line < 1) && !strings.HasPrefix(err.Error(), "fuzz: after the last line: ") {
				t.Errorf("the error does not name the line: %v", err)
			}
			return
		}
		for _, scene := range s.Scenes {
			if len(scene.Calls) == 0 {
				t.Errorf("a scene without calls: %+v", scene)
			}
			for _, c := range scene.Calls {
				if c.Name == "" || !slices.ContainsFunc(s.Numbers, func(n Number) bool { return n.PhoneNumber == c.To }) {
					t.Errorf("a call by nobody or to nowhere: %+v", c)
				}
			}
		}
	})
}

// The documentation knows every word that a line may have.
func TestEveryWordIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/scripts.md")
	if err != nil {
		t.Fatal(err)
	}
	wanted := phone.CallOutcome("").Values()
	for kind, line := range map[string]string{"number": "number +15550006789 x", "call": "call from a x", "chaos": "chaos x", "expect": aCall + "expect x", "phone": "phone +15550100001 x"} {
		_, err := Read("", "number +15550000000\n"+line)
		if kind == "chaos" || kind == "number" {
			_, err = Read("", line)
		}
		_, list, found := strings.Cut(err.Error(), "follow: ")
		if !found {
			_, list, found = strings.Cut(err.Error(), "none of ")
		}
		if !found {
			t.Fatalf("no list of words in %v", err)
		}
		wanted = append(wanted, strings.FieldsFunc(strings.ReplaceAll(list, " or ", ", "), func(r rune) bool { return r == ',' })...)
	}
	for _, word := range wanted {
		if word = strings.TrimSpace(word); !strings.Contains(string(text), word) {
			t.Errorf("docs/scripts.md says nothing of %q", word)
		}
	}
}
