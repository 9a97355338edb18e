package phone

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const longestSay = 4096 // characters; Twilio speaks no more at once

func TestEveryLanguageHasEverySentence(t *testing.T) {
	t.Parallel()
	for _, language := range Languages() {
		if got, want := len(speeches[language].texts), len(TextKeys()); got != want {
			t.Errorf("%s has %d sentences, want %d", language, got, want)
		}
		for _, key := range TextKeys() {
			text, _ := Speak(key, language)
			switch {
			case strings.TrimSpace(text) != text || text == "":
				t.Errorf("%s: %s is %q", language, key, text)
			case utf8.RuneCountInString(text) > longestSay || !utf8.ValidString(text):
				t.Errorf("%s: %s cannot be spoken", language, key)
			case strings.ContainsAny(text, "<>&"):
				t.Errorf("%s: %s has markup in it: %q", language, key, text)
			case strings.ContainsAny(strings.NewReplacer("{caller}", "", "{label}", "").Replace(text), "{}"):
				t.Errorf("%s: %s has an unknown placeholder: %q", language, key, text)
			case strings.Count(text, "{caller}") != map[TextKey]int{TextScreen: 1, TextScreenFor: 1}[key]:
				t.Errorf("%s: %s is %q; the screen alone names the caller, and once", language, key, text)
			case strings.Count(text, "{label}") != map[TextKey]int{TextScreenFor: 1}[key]:
				t.Errorf("%s: %s is %q; the screen for a label alone names it, and once", language, key, text)
			}
			if (key == TextScreen || key == TextScreenFor) && !strings.Contains(text, "1") {
				t.Errorf("%s: the screen does not say which key connects: %q", language, text)
			}
		}
	}
}

func TestVoicesSpeakTheirLanguage(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^Polly\.[A-Z][a-z]+-Neural$`)
	for _, language := range Languages() {
		want := language
		if language == "zh-CN" { // Polly calls Mandarin so
			want = "cmn-CN"
		}
		if _, v := Speak(TextGreeting, language); v.Language != want || !shape.MatchString(v.Name) {
			t.Errorf("%s is spoken by %+v, want a neural voice of Polly's for %s", language, v, want)
		}
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"en-US", "en-GB", "zh-CN", "es-ES", "fr-FR", "de-DE", "ja-JP", "pt-BR"} {
		if !slices.Contains(Languages(), want) {
			t.Errorf("nothing is said in %s", want)
		}
	}
	for _, unknown := range []string{"", "en", "xx-XX", "x"} {
		got, voice := Speak(TextGoodbye, unknown)
		if want, w := Speak(TextGoodbye, DefaultLanguage); got != want || voice != w {
			t.Errorf("%q: %q is said by %+v, want %q by %+v", unknown, got, voice, want, w)
		}
	}
}

func TestTheScreenSaysWhoCallsForWhichLabel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ caller, label, language, want string }{
		{customer, "", "en-US", "A call from 1 5 5 5 0 2 0 0 0 0 2. To take it, press 1."},
		{customer, "Front desk", "en-US", "A call from 1 5 5 5 0 2 0 0 0 0 2 for Front desk. To take it, press 1."},
		{customer, " \t", "en-US", "A call from 1 5 5 5 0 2 0 0 0 0 2. To take it, press 1."},
		{customer, "{caller} & {label}", "en-US", "A call from 1 5 5 5 0 2 0 0 0 0 2 for {caller} & {label}. To take it, press 1."},
		{Anonymous, "", "en-US", "A call from a withheld number. To take it, press 1."},
		{"+496912", "", "de-DE", "Ein Anruf von 4 9 6 9 1 2. Um ihn anzunehmen, drücken Sie die 1."},
		{Anonymous, "Bücher & mehr", "de-DE", "Ein Anruf von einer unterdrückten Nummer für Bücher & mehr. Um ihn anzunehmen, drücken Sie die 1."},
	} {
		s := Screen{Caller: c.caller, Label: c.label, Language: c.language}
		if got, _ := s.Text(); got != c.want {
			t.Errorf("%+v: got %q, want %q", s, got, c.want)
		}
	}
	for _, language := range Languages() {
		for _, caller := range []string{"+123456789012345", Anonymous} {
			for _, label := range []string{"", strings.Repeat("\U0001F4DE", 100)} {
				got, voice := Screen{Caller: caller, Label: label, Language: language}.Text()
				if _, v := Speak(TextScreen, language); v != voice || strings.Contains(got, "{") || !strings.Contains(got, label) || utf8.RuneCountInString(got) > longestSay {
					t.Errorf("%s in %s: %q by %+v", caller, language, got, voice)
				}
			}
		}
	}
}

func TestAScreenWaitsForTheKeyAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int][]int{0: {8, 8, 9}, -5: {8, 8, 9}, 1000: {8, 8, 9}, 10: {5, 5}, 11: {5, 6}, 25: {8, 8, 9}, 60: {8, 9, 8, 9, 8, 9, 9}} {
		if got := (Screen{Seconds: seconds}).Waits(); !slices.Equal(got, want) {
			t.Errorf("%d s: got %v, want %v", seconds, got, want)
		}
	}
	for seconds := 10; seconds <= 60; seconds++ {
		sum := 0
		for _, wait := range (Screen{Seconds: seconds}).Waits() {
			sum += wait
			if wait < 4 || wait > longestWait {
				t.Errorf("%d s: waits for %d s at a time", seconds, wait)
			}
		}
		if sum != seconds {
			t.Errorf("%d s: waits for %d s in all", seconds, sum)
		}
	}
}
