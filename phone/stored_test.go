package phone

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// answers is one of each kind, with every field set, under the name of its type and as it lies in databases: what is written there today
// must be read by every later version.
var answers = map[string]struct {
	answer Answer
	json   string
}{
	"Connect": {
		Connect{To: []Number{desk, mobile}, CallerID: mask, RingSeconds: 20, Screen: true, Language: "de-DE", Again: true, MaxMinutes: 30, ScreenSeconds: 40, Label: "Shop"},
		`{"kind":"connect","answer":{"To":["+15550100001","+15550100002"],"CallerID":"+15550006789","RingSeconds":20,"Screen":true,"Language":"de-DE","Again":true,"MaxMinutes":30,"ScreenSeconds":40,"Label":"Shop"}}`,
	},
	"TakeMessage": {
		TakeMessage{Greeting: `"Hi" <you> & я`, Language: "en-US", MaxSeconds: 60, FinishOnKey: "*", Transcribe: true, TranscribeLater: true, SilenceSeconds: 20},
		`{"kind":"take_message","answer":{"Greeting":"\"Hi\" \u003cyou\u003e \u0026 я","Language":"en-US","MaxSeconds":60,"FinishOnKey":"*","Transcribe":true,"SilenceSeconds":20,"TranscribeLater":true}}`,
	},
	"Refuse":  {Refuse{Text: TextNobody, Language: "fr-FR"}, `{"kind":"refuse","answer":{"Text":"nobody","Language":"fr-FR"}}`},
	"Reject":  {Reject{}, `{"kind":"reject","answer":{}}`},
	"Goodbye": {Goodbye{Language: "ja-JP"}, `{"kind":"goodbye","answer":{"Language":"ja-JP"}}`},
	"HangUp":  {HangUp{}, `{"kind":"hang_up","answer":{}}`},
	"Nothing": {Nothing{}, `{"kind":"nothing","answer":{}}`},
	"Screen":  {Screen{Caller: customer, Language: "pt-BR", Phone: desk, Label: "Shop", Seconds: 40}, `{"kind":"screen","answer":{"Caller":"+15550200002","Language":"pt-BR","Phone":"+15550100001","Label":"Shop","Seconds":40}}`},
}

func TestAnswersAreStoredAndReadAgain(t *testing.T) {
	t.Parallel()
	for name, c := range answers {
		if got := reflect.TypeOf(c.answer).Name(); got != name {
			t.Errorf("%s stands under the name %s", got, name)
		}
		for i := range reflect.TypeOf(c.answer).NumField() {
			if f := reflect.ValueOf(c.answer).Field(i); f.IsZero() {
				t.Errorf("%s.%s is not set: the test would not see it lost", name, reflect.TypeOf(c.answer).Field(i).Name)
			}
		}
		written, err := json.Marshal(Stored{c.answer})
		if err != nil || string(written) != c.json {
			t.Errorf("%s is written as\n%s, %v, want\n%s", name, written, err, c.json)
		}
		var read Stored
		if err := json.Unmarshal([]byte(c.json), &read); err != nil || !reflect.DeepEqual(read.Answer, c.answer) {
			t.Errorf("%s is read as %#v, %v, want %#v", name, read.Answer, err, c.answer)
		}
	}
}

// TestEveryAnswerCanBeStored looks into the source for types with the method answer, so that a new one cannot be forgotten.
func TestEveryAnswerCanBeStored(t *testing.T) {
	t.Parallel()
	declared := answerTypes(t)
	if got := slices.Sorted(maps.Keys(answers)); !slices.Equal(got, declared) {
		t.Errorf("the test stores %v, but the answers are %v: give the new one a name in stored.go, and a line in this test", got, declared)
	}
	kinds := map[string]bool{}
	for name, c := range answers {
		kind := kindOf(c.answer)
		if kind == "" || kinds[kind] {
			t.Errorf("%s is stored under the name %q, which is none or another one's", name, kind)
		}
		kinds[kind] = true
	}
}

func answerTypes(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == "answer" {
				names = append(names, fn.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// stranger is an answer that nobody gave a name.
type stranger struct{ Answer }

func TestAnswersWithoutANameAreRefused(t *testing.T) {
	t.Parallel()
	for _, a := range []Answer{nil, stranger{}} {
		if b, err := json.Marshal(Stored{a}); err == nil {
			t.Errorf("%#v is written as %s", a, b)
		}
	}
	for _, text := range []string{`{}`, `{"kind":"stranger","answer":{}}`, `{"kind":"connect","answer":{"To":5}}`, `[]`, `{"kind":"connect"}`} {
		var s Stored
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s is read as %#v", text, s.Answer)
		}
	}
}
