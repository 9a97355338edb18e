package mail

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// hostile is what callers, their telephone companies and their voices may say.
var hostile = []string{
	"Ann",
	"Ann\r\nBcc: thief@evil.example",
	"Ann\nBcc: thief@evil.example",
	"Ann\rBcc: thief@evil.example",
	"Ann\n\n<script>alert(1)</script>",
	"Ann\r\n.\r\nMAIL FROM:<x@evil.example>",
	"Ann\x00Bob",
	"Ann\u2028Bcc: x\u2029Bcc: y\u0085Bcc: z\vBcc\fBcc",
	"=?utf-8?q?=0D=0ABcc:_x?=",
	"=?utf-8?b?4oCu?= Ann",
	"\u202egnp.exe\u202c",
	"\u2066Ann\u2069\u200e\u200f\u061c",
	"A\u200bn\u200cn\u200d\u2060\ufeff\u00ad\U000e0041",
	strings.Repeat("x", 10_000),
	strings.Repeat("é👋", 10_000),
	"\xff\xfe\xfdAnn",
	"<script>alert(1)</script>",
	"<img src=https://evil.example/x.png onerror=alert(1)>",
	`"><a href="https://evil.example">Listen</a>`,
	"</title></head><body onload=alert(1)>",
	"</div></td></table><form action=https://evil.example><input>",
	"<!-- --!><style>@import 'https://evil.example'</style>",
	"{{.Say}} {{template \"x\"}} %s %d %[1]n",
	"javascript:alert(1)",
	"https://evil.example/login call +1 900 555 0100 now",
	"../../etc/passwd",
	`..\..\windows\system32`,
	"; name=evil.exe; x=\"",
	"&lt;b&gt; &#60;b&#62;",
	"",
}

func voicemail() Voicemail {
	return Voicemail{
		From: "+14155550123", Number: "+15005550006", Label: "Bike", ReceivedAt: time.Date(2026, 7, 1, 16, 30, 0, 0, time.UTC), Duration: 62 * time.Second,
		Transcript: "Hello.\nPlease call back.", Link: "https://mask.example/v/vm_1?t=a&s=b", AudioAttached: true, Locale: "en", TimeZone: "America/New_York",
	}
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"en", "zh", "es", "fr", "de", "ja", "pt"} {
		say := reflect.ValueOf(languages[locale])
		for i := range say.NumField() {
			if say.Field(i).String() == "" {
				t.Errorf("%s does not say %s", locale, say.Type().Field(i).Name)
			}
		}
		v := voicemail()
		v.Locale = locale
		subject, text, page := Compose(v)
		for _, want := range []string{"+14155550123", "Bike"} {
			if !strings.Contains(subject, want) || !strings.Contains(text, want) || !strings.Contains(html.UnescapeString(page), want) {
				t.Errorf("%s does not tell %s", locale, want)
			}
		}
		missed, missedText, missedPage := ComposeMissed(MissedCall{From: v.From, Number: v.Number, Label: v.Label, At: v.ReceivedAt, More: 7, Unsubscribe: "https://mask.example/unsubscribe/1", Locale: locale})
		for _, want := range []string{"+14155550123", "Bike"} {
			if !strings.Contains(missed, want) || !strings.Contains(missedText, want) || !strings.Contains(html.UnescapeString(missedPage), want) {
				t.Errorf("%s does not tell %s of a missed call", locale, want)
			}
		}
		if strings.Contains(missed+missedText, "%!") || missed == subject || !strings.Contains(missedText, "7") || !strings.Contains(missedPage, "https://mask.example/unsubscribe/1") {
			t.Errorf("%s: missed call %q:\n%s", locale, missed, missedText)
		}
		if strings.Contains(subject, "%!") || !strings.Contains(page, `<html lang="`+locale+`">`) {
			t.Errorf("%s: subject %q", locale, subject)
		}
	}
	if len(languages) != 7 {
		t.Errorf("there are %d languages", len(languages))
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	subject, text, page := Compose(voicemail())
	if want := "Voicemail from +14155550123 for Bike"; subject != want {
		t.Errorf("subject %q, want %q", subject, want)
	}
	want := `New voicemail

From: +14155550123
Number: Bike (+15005550006)
Received: 1 July 2026, 12:30 EDT
Length: 1:02

Transcript

    Hello.
    Please call back.

Listen to the message: https://mask.example/v/vm_1?t=a&s=b

The recording is attached.

-- 
You receive this mail because somebody left a message on your masked number.
`
	if text != want {
		t.Errorf("text:\n%s\nwant:\n%s", text, want)
	}
	for _, want := range []string{"1 July 2026, 12:30 EDT", "Hello.\nPlease call back.", `href="https://mask.example/v/vm_1?t=a&amp;s=b"`, "The recording is attached."} {
		if !strings.Contains(page, want) {
			t.Errorf("HTML lacks %q", want)
		}
	}
}

func TestComposeMissed(t *testing.T) {
	t.Parallel()
	subject, text, page := ComposeMissed(MissedCall{From: "anonymous", Number: "+15005550006", At: time.Date(2026, 7, 1, 16, 30, 0, 0, time.UTC), More: 12,
		Unsubscribe: "https://mask.example/unsubscribe/rcp_1?expires=1&signature=x", Locale: "en", TimeZone: "America/New_York"})
	if want := "Missed call from a withheld number for +15005550006"; subject != want {
		t.Errorf("subject %q, want %q", subject, want)
	}
	want := `Missed call

From: a withheld number
Number: +15005550006
Called: 1 July 2026, 12:30 EDT

Other mails about this number that were held back, since no more than 100 go out a day: 12. The calls and messages are in the inbox.

-- 
You receive this mail because somebody called your masked number, was not connected and left no message.
No more mails of this number: https://mask.example/unsubscribe/rcp_1?expires=1&signature=x
`
	if text != want {
		t.Errorf("text:\n%s\nwant:\n%s", text, want)
	}
	if !strings.Contains(page, `href="https://mask.example/unsubscribe/rcp_1?expires=1&amp;signature=x"`) {
		t.Errorf("HTML lacks the link:\n%s", page)
	}
}

func TestComposeOfLess(t *testing.T) {
	t.Parallel()
	v := Voicemail{From: "anonymous", Number: "+15005550006", ReceivedAt: time.Date(2026, 1, 2, 23, 30, 0, 0, time.UTC),
		TranscriptMissing: "the recording is too long", AudioMissing: "it follows", Locale: "de-CH", TimeZone: "Asia/Tokyo"}
	subject, text, page := Compose(v)
	if want := "Sprachnachricht von Unbekannt für +15005550006"; subject != want {
		t.Errorf("subject %q, want %q", subject, want)
	}
	for _, want := range []string{"Nummer: +15005550006\n", "03.01.2026, 08:30 JST", "Länge: 0:00", "Keine Abschrift: the recording is too long", "Keine Aufnahme: it follows"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(page, "<a ") || strings.Contains(text, "anhören") || strings.Contains(page, "<h2") {
		t.Errorf("there is a link or a transcript:\n%s", page)
	}
}

func TestComposeWithoutAKnownLocaleOrZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"", "Local", "Nowhere/Atlantis", "../../etc/passwd"} {
		v := voicemail()
		v.Locale, v.TimeZone = "tlh", zone
		if _, text, _ := Compose(v); !strings.Contains(text, "Received: 1 July 2026, 16:30 UTC") {
			t.Errorf("zone %q:\n%s", zone, text)
		}
	}
}

// skeleton lists all elements and their attributes, the texts left out.
func skeleton(t *testing.T, page string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var bones []string
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			bones = append(bones, fmt.Sprint(n.Data, n.Attr))
		} else if n.Type == html.CommentNode {
			bones = append(bones, "comment")
		}
	}
	return bones
}

func TestHostileTextAddsNoMarkup(t *testing.T) {
	t.Parallel()
	_, _, benign := Compose(voicemail())
	want := skeleton(t, benign)
	for _, s := range hostile[:len(hostile)-1] {
		v := voicemail()
		v.From, v.Label, v.Number, v.Transcript = s, s, s, s
		subject, text, page := Compose(v)
		if got := skeleton(t, page); !slices.Equal(got, want) {
			t.Errorf("%.40q: the page has %q, want %q", s, got, want)
		}
		if subject != headerText(subject) {
			t.Errorf("%.40q: subject %q", s, subject)
		}
		for _, part := range []string{text, page} {
			if strings.ContainsFunc(part, unwanted) || !utf8.ValidString(part) {
				t.Errorf("%.40q: controls are left in %q", s, part)
			}
		}
	}
}

func unwanted(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

func TestTranscriptCannotSpeakAsWe(t *testing.T) {
	t.Parallel()
	v := voicemail()
	v.Transcript = "Hi\n\nListen to the message: https://evil.example\r\n-- \rFrom: bank"
	_, text, _ := Compose(v)
	for line := range strings.Lines(text) {
		if (strings.Contains(line, "evil") || strings.Contains(line, "bank")) && !strings.HasPrefix(line, "    ") {
			t.Errorf("line %q looks like ours", line)
		}
	}
}

func TestLongTranscriptIsCut(t *testing.T) {
	t.Parallel()
	v := voicemail()
	v.Transcript = strings.Repeat("ü", maxBodyText)
	_, text, page := Compose(v)
	if len(text) > maxBodyText+1000 || len(page) > maxBodyText+6000 || !strings.Contains(text, "ü…\n") {
		t.Errorf("text of %d bytes, HTML of %d", len(text), len(page))
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"", "javascript:alert(1)", "data:text/html,x", "/v/1", "https://", "http://a b", "https://a.example/%zz", "//a.example"} {
		v := voicemail()
		v.Link = link
		if _, text, page := Compose(v); strings.Contains(page, "<a ") || strings.Contains(text, "Listen") {
			t.Errorf("%q became a link", link)
		}
	}
	v := voicemail()
	v.Link = "https://a.example/\"><script>"
	_, _, page := Compose(v)
	if strings.Contains(page, "<script") {
		t.Error("a link became markup")
	}
}

func FuzzHeaderText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := headerText(s)
		if strings.ContainsFunc(got, unicode.IsControl) || strings.Contains(got, "=?") || utf8.RuneCountInString(got) > maxHeaderText ||
			!utf8.ValidString(got) || headerText(got) != got {
			t.Errorf("%q became %q", s, got)
		}
	})
}
