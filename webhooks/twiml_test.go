package webhooks

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/maskline/maskline/phone"
)

var update = flag.Bool("update", false, "write the documents in testdata anew")

var here = addresses{"https://masked.example.com", parent{"CA00000000000000000000000000000001", "+15550200002", "+15550006789"}}

// documents are what callers and phones get, byte for byte.
var documents = []struct {
	name   string
	answer phone.Answer
}{
	{"connect a screened phone", phone.Connect{To: []phone.Number{"+15550100001"}, RingSeconds: 15, Screen: true, Language: "en-US"}},
	{"connect two phones that show the masked number", phone.Connect{To: []phone.Number{"+15550100001", "+15550100002"}, CallerID: "+15550006789", RingSeconds: 60, Language: "ja-JP"}},
	{"connect a phone for half an hour at most", phone.Connect{
		To: []phone.Number{"+15550100001"}, RingSeconds: 15, Screen: true, Language: "en-US", MaxMinutes: 30, ScreenSeconds: 40, Label: `Olivia & Sons "Shop"`,
	}},
	{"ring others once more", phone.Connect{To: []phone.Number{"+15550100001"}, RingSeconds: 15, Language: "en-US", MaxMinutes: 1, Again: true}},
	{"take a message", phone.TakeMessage{Language: "en-US", MaxSeconds: 60, FinishOnKey: "*", Transcribe: true}},
	{"take a message that no key ends", phone.TakeMessage{Greeting: `Olivia & Sons: "speak" <now>!`, Language: "de-DE", MaxSeconds: 600, SilenceSeconds: 30}},
	{"screen a known caller", phone.Screen{Caller: "+15550200002", Language: "en-US"}},
	{"screen a withheld caller", phone.Screen{Caller: phone.Anonymous, Language: "zh-CN"}},
	{"screen for a label", phone.Screen{Caller: "+15550200002", Language: "fr-FR", Label: `Olivia & Sons "Shop" <1>`, Seconds: 10}},
	{"refuse for now", phone.Refuse{Text: phone.TextUnavailable, Language: "fr-FR"}},
	{"refuse when nobody is there", phone.Refuse{Text: phone.TextNobody, Language: "pt-BR"}},
	{"reject", phone.Reject{}},
	{"thank for a message", phone.Goodbye{Language: "es-ES"}},
	{"hang up", phone.HangUp{}},
	{"nothing", phone.Nothing{}},
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, d := range documents {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata", strings.ReplaceAll(d.name, " ", "_")+".xml")
			got := render(here.twiml(d.answer))
			if *update {
				if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, got, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s (go test ./webhooks -update writes it anew): got\n%s\nwant\n%s", file, got, want)
			}
			for range 20 {
				if again := render(here.twiml(d.answer)); !bytes.Equal(again, got) {
					t.Fatalf("the same answer is another document:\n%s\n%s", got, again)
				}
			}
		})
	}
}

// TestEveryAnswerIsPutIntoWords fails when phone learns an answer for which there is no document here. Only Nothing may be an empty one.
func TestEveryAnswerIsPutIntoWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, d := range documents {
		seen[fmt.Sprintf("%T", d.answer)] = true
		if _, empty := d.answer.(phone.Nothing); empty != (len(here.twiml(d.answer)) == 0) {
			t.Errorf("%s is put into the words %v", d.name, here.twiml(d.answer))
		}
	}
	files, err := filepath.Glob("../phone/*.go")
	if err != nil {
		t.Fatal(err)
	}
	marks := regexp.MustCompile(`(?m)^func \((\w+)\) answer\(\)`)
	answers := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range marks.FindAllSubmatch(text, -1) {
			if answers++; !seen["phone."+string(m[1])] {
				t.Errorf("there is no document for phone.%s", m[1])
			}
		}
	}
	if answers != len(seen) {
		t.Errorf("phone has %d answers, and %d have documents", answers, len(seen))
	}
}

func TestNoKeyIsWrittenDown(t *testing.T) {
	t.Parallel()
	for _, a := range []phone.Answer{phone.TakeMessage{Language: "en-US"}, phone.Screen{Language: "en-US"}} {
		if doc := render(here.twiml(a)); !bytes.Contains(doc, []byte(` finishOnKey="" `)) {
			t.Errorf("%T leaves Twilio's own keys in force:\n%s", a, doc)
		}
	}
}

// No call and no silence may last as long as Twilio's own defaults allow, whatever the answer was made of.
func TestEachDialAndEachRecordIsBounded(t *testing.T) {
	t.Parallel()
	bounds := map[string]string{"Dial": "timeLimit", "Record": "timeout"}
	seen := map[string]bool{}
	answers := []phone.Answer{phone.Degraded(), phone.Connect{}, phone.TakeMessage{}}
	for _, d := range documents {
		answers = append(answers, d.answer)
	}
	for _, a := range answers {
		for _, v := range here.twiml(a) {
			name := bounds[v.name]
			seen[v.name] = true
			if at := slices.IndexFunc(v.attr, func(a attribute) bool { return a.name == name }); name != "" && (at < 0 || v.attr[at].value == "0") {
				t.Errorf("%+v: <%s> without %s", a, v.name, name)
			}
		}
	}
	if !seen["Dial"] || !seen["Record"] {
		t.Error("no <Dial> or no <Record> was seen")
	}
}

const largest = 64 << 10 // bytes; Twilio drops a call whose document is larger

func TestDocumentsStaySmall(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\U0001F4DE", 20000)
	at := addresses{here.base, parent{here.call.sid, long, long}}
	ten := slices.Repeat([]phone.Number{"+123456789012345"}, 10)
	for _, a := range []phone.Answer{
		phone.Connect{To: ten, CallerID: "+123456789012345", RingSeconds: 60, Screen: true, Language: "en-US", Label: strings.Repeat("\U0001F4DE", 100)},
		phone.TakeMessage{Greeting: strings.Repeat("\U0001F4DE", 1000), Language: "ja-JP", MaxSeconds: 600, Transcribe: true},
		phone.TakeMessage{Greeting: strings.Repeat("\x01\"", 500), Language: "ja-JP", MaxSeconds: 600, Transcribe: true},
		phone.Screen{Caller: "+123456789012345", Language: "de-DE", Label: strings.Repeat("&", 100), Seconds: 60},
	} {
		if doc := render(at.twiml(a)); len(doc) > largest/2 {
			t.Errorf("%T makes %d bytes", a, len(doc))
		}
	}
}

// tree is a parsed element. Its shape is what Twilio obeys: names, the names of attributes, and their order.
type tree struct {
	name  string
	attrs []xml.Attr
	text  string
	kids  []*tree
}

func (e *tree) shape() string {
	var b strings.Builder
	b.WriteString(e.name)
	for _, a := range e.attrs {
		b.WriteString(" " + a.Name.Local)
	}
	b.WriteByte('(')
	for _, k := range e.kids {
		b.WriteString(k.shape())
	}
	b.WriteByte(')')
	return b.String()
}

// parse reads a document strictly.
func parse(doc []byte) (*tree, error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	root := &tree{}
	open := []*tree{root}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		inner := open[len(open)-1]
		switch x := tok.(type) {
		case xml.StartElement:
			e := &tree{name: x.Name.Local, attrs: x.Attr}
			inner.kids = append(inner.kids, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			inner.text += string(x)
		case xml.Comment, xml.Directive:
			return nil, fmt.Errorf("there is %T in it", x)
		}
	}
}

// texts are all texts in a document, between tags and in attributes, and all values in the queries of its addresses.
func (e *tree) texts() []string {
	all := []string{e.text}
	for _, a := range e.attrs {
		all = append(all, a.Value)
		if u, err := url.Parse(a.Value); err == nil {
			for _, values := range u.Query() {
				all = append(all, values...)
			}
		}
	}
	for _, k := range e.kids {
		all = append(all, k.texts()...)
	}
	return all
}

// asXML is a text as XML can hold it: what it cannot becomes U+FFFD.
func asXML(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
			return r
		}
		return utf8.RuneError
	}, s)
}

// places are where a text from outside can come to stand in a document, and as what it is found there again.
var places = []struct {
	name string
	put  func(s string) []verb
	as   func(s string) string
}{
	{"greeting", func(s string) []verb { return here.twiml(phone.TakeMessage{Greeting: s, Language: "en-US"}) }, asXML},
	{"key", func(s string) []verb { return here.twiml(phone.TakeMessage{FinishOnKey: s, Language: "en-US"}) }, asXML},
	{"phone", func(s string) []verb {
		return here.twiml(phone.Connect{To: []phone.Number{phone.Number(s)}, Screen: true})
	}, asXML},
	{"caller ID", func(s string) []verb { return here.twiml(phone.Connect{To: []phone.Number{"+1"}, CallerID: s}) }, asXML},
	{"language of the screen", func(s string) []verb {
		return here.twiml(phone.Connect{To: []phone.Number{"+1"}, Screen: true, Language: s})
	}, same},
	{"label in an address", func(s string) []verb {
		return here.twiml(phone.Connect{To: []phone.Number{"+1"}, Screen: true, Label: s})
	}, same},
	{"label that is spoken", func(s string) []verb { return here.twiml(phone.Screen{Caller: "+1", Label: s, Language: "en-US"}) }, nil},
	{"language of a text", func(s string) []verb { return here.twiml(phone.Refuse{Text: phone.TextNobody, Language: s}) }, nil},
	{"caller", func(s string) []verb { return here.twiml(phone.Screen{Caller: s, Language: "en-US"}) }, nil},
	{"From", func(s string) []verb { return from(s, "+1").twiml(phone.TakeMessage{Transcribe: true}) }, short},
	{"To", func(s string) []verb {
		return from("+1", s).twiml(phone.Connect{To: []phone.Number{"+1"}, Screen: true})
	}, short},
	{"any text", func(s string) []verb { return []verb{{name: "Say", attr: []attribute{{"voice", s}}, text: s}} }, asXML},
}

func from(caller, called string) addresses {
	return addresses{here.base, parent{here.call.sid, caller, called}}
}

func same(s string) string { return s }

func short(s string) string { return cut(s, shownOfNumber) }

// nasty are texts that other writers have stumbled over.
var nasty = []string{
	"x", " ", "</Say><Dial>+19005550000</Dial><Say>", `" action="https://evil.example`, "' onload='", "&amp;", "&#60;", "&lt;Dial&gt;", "]]>", "<![CDATA[x]]>",
	"<!-- x -->", "<?xml version='1.0'?>", "<!DOCTYPE x [<!ENTITY y 'z'>]>", "a\x00b", "\x01\x02\x1f\x7f", "\ufffe\uffff", "\xff\xfe\x80", "\xed\xa0\x80",
	"a\tb\nc\rd\r\n", "\u0085\u2028\u2029", "\u200b\u202e", "\U0001F4DE\U0010FFFF", "e\u0301", "Ünïcödé", "?a=b&c=d#e", "%00%3C", "+ %20", "call=CA1&from=x", "{caller}",
}

func TestNoTextChangesADocument(t *testing.T) {
	t.Parallel()
	for _, s := range nasty {
		checkText(t, s)
	}
}

func FuzzNoTextChangesADocument(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(checkText)
}

// checkText puts a text wherever one can stand: the document is read as the same tree as with "x", and the text is found in it again.
func checkText(t *testing.T, s string) {
	if s == "" {
		return // which is no text: the default stands there
	}
	for _, p := range places {
		plain, err := parse(render(p.put("x")))
		if err != nil {
			t.Fatal(err)
		}
		doc := render(p.put(s))
		got, err := parse(doc)
		if err != nil {
			t.Fatalf("%q as %s: %v\n%s", s, p.name, err, doc)
		}
		if got.shape() != plain.shape() {
			t.Fatalf("%q as %s makes\n%s\nof\n%s", s, p.name, got.shape(), plain.shape())
		}
		if p.as != nil && !slices.Contains(got.texts(), p.as(s)) {
			t.Fatalf("%q as %s is not found again as %q in\n%s", s, p.name, p.as(s), doc)
		}
	}
}
