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
			case strings.ContainsAny(strings.Replace(text, "{caller}", "", 1), "{}"):
				t.Errorf("%s: %s has an unknown placeholder: %q", language, key, text)
			case strings.Contains(text, "{caller}") != (key == TextScreen):
				t.Errorf("%s: %s is %q; the screen alone names the caller, and once", language, key, text)
			}
			if key == TextScreen && !strings.Contains(text, "1") {
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

func TestTheScreenSaysWhoCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ caller, language, want string }{
		{customer, "en-US", "A call from 1 5 5 5 0 2 0 0 0 0 2. To take it, press 1."},
		{Anonymous, "en-US", "A call from a withheld number. To take it, press 1."},
		{"+496912", "de-DE", "Ein Anruf von 4 9 6 9 1 2. Um ihn anzunehmen, drücken Sie die 1."},
		{Anonymous, "de-DE", "Ein Anruf von einer unterdrückten Nummer. Um ihn anzunehmen, drücken Sie die 1."},
	} {
		if got, _ := ScreenText(c.caller, c.language); got != c.want {
			t.Errorf("%s in %s: got %q, want %q", c.caller, c.language, got, c.want)
		}
	}
	for _, language := range Languages() {
		for _, caller := range []string{"+123456789012345", Anonymous} {
			got, voice := ScreenText(caller, language)
			if _, v := Speak(TextScreen, language); v != voice || strings.Contains(got, "{") || utf8.RuneCountInString(got) > longestSay {
				t.Errorf("%s in %s: %q by %+v", caller, language, got, voice)
			}
		}
	}
}
