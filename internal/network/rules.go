package network

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rule says what is wanted instead of a value; "" when the value is right.
type rule func(value string) (wanted string)

func anything(string) string { return "" }

// address marks an attribute as a URL; checkAddress knows more about it than a rule can.
func address(string) string { return "" }

func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func whole(low, high int) rule {
	return func(value string) string {
		n, err := strconv.Atoi(value)
		return unless(err == nil && n >= low && n <= high, "a whole number from %d to %d", low, high)
	}
}

func oneOf(values ...string) rule {
	return func(value string) string {
		return unless(slices.Contains(values, value), "one of %s", strings.Join(values, ", "))
	}
}

func boolean(value string) string { return oneOf("true", "false")(value) }

func httpMethod(value string) string { return oneOf("GET", "POST")(value) }

// someOf wants a list separated by spaces.
func someOf(values ...string) rule {
	return func(value string) string {
		given := strings.Fields(value)
		strange := slices.ContainsFunc(given, func(v string) bool { return !slices.Contains(values, v) })
		return unless(len(given) > 0 && !strange, "some of %s", strings.Join(values, " "))
	}
}

// keys wants keys of the telephone, or none to switch them off.
func keys(allowed string) rule {
	return func(value string) string {
		return unless(strings.Trim(value, allowed) == "", "keys out of %s", allowed)
	}
}

// only is keys, but at least one.
func only(allowed string) rule {
	return func(value string) string {
		return unless(value != "" && strings.Trim(value, allowed) == "", "keys out of %s", allowed)
	}
}

// finishKey wants the one key that ends a Gather, or none.
func finishKey(value string) string {
	return unless(len(value) <= 1 && strings.Trim(value, "0123456789*#") == "", "one key, or none")
}

func upTo(most int) rule {
	return func(value string) string {
		return unless(utf8.RuneCountInString(value) <= most, "at most %d characters", most)
	}
}

// unplayedBut refuses what Twilio can do and this network can't, all but these values, which ask for nothing.
func unplayedBut(values ...string) rule {
	return func(value string) string {
		return unless(slices.Contains(values, value), "nothing: this network does not play it")
	}
}

var (
	languages = regexp.MustCompile(`^([a-z]{2,3}-[A-Z]{2}|arb)$`)
	voices    = regexp.MustCompile(`^(man|woman|Polly\.\p{Lu}\p{L}+(-Neural|-Generative)?|Google\.[a-z]{2,3}-[A-Z]{2}-[A-Za-z0-9-]+)$`)
	dialable  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

func language(value string) string {
	return unless(languages.MatchString(value), "a language such as en-US")
}

func voice(value string) string {
	return unless(voices.MatchString(value), "man, woman, Polly.Name or Google.locale-name")
}

// speakers are the languages of well-known voices, for a voice that speaks another language makes Say fail.
var speakers = map[string]string{
	"Joanna": "en-US", "Matthew": "en-US", "Salli": "en-US", "Joey": "en-US", "Kendra": "en-US", "Ruth": "en-US", "Danielle": "en-US",
	"Amy": "en-GB", "Brian": "en-GB", "Emma": "en-GB", "Olivia": "en-AU", "Nicole": "en-AU", "Russell": "en-AU",
	"Vicki": "de-DE", "Marlene": "de-DE", "Hans": "de-DE", "Daniel": "de-DE", "Hannah": "de-AT",
	"Lea": "fr-FR", "Celine": "fr-FR", "Mathieu": "fr-FR", "Remi": "fr-FR", "Chantal": "fr-CA", "Gabrielle": "fr-CA",
	"Lucia": "es-ES", "Conchita": "es-ES", "Enrique": "es-ES", "Sergio": "es-ES", "Lupe": "es-US", "Penelope": "es-US", "Mia": "es-MX",
	"Bianca": "it-IT", "Carla": "it-IT", "Giorgio": "it-IT", "Adriano": "it-IT", "Laura": "nl-NL", "Lotte": "nl-NL", "Ruben": "nl-NL",
	"Camila": "pt-BR", "Vitoria": "pt-BR", "Ricardo": "pt-BR", "Ines": "pt-PT", "Cristiano": "pt-PT",
	"Ewa": "pl-PL", "Maja": "pl-PL", "Ola": "pl-PL", "Mizuki": "ja-JP", "Takumi": "ja-JP", "Zhiyu": "cmn-CN",
}

// speaks tells whether a voice speaks the language, and is true of a voice that it doesn't know.
func speaks(voice, language string) bool {
	if locale, ok := strings.CutPrefix(voice, "Google."); ok {
		return strings.HasPrefix(locale, language+"-")
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(voice, "Polly."), "-")
	own, known := speakers[name]
	return !known || own == language
}

// checkAddress wants a URL that Twilio could ask; a relative one needs a document that it is relative to.
func checkAddress(value string, absolute bool) *Fault {
	bare, _, fault := splitOverrides(value)
	if fault != nil {
		return fault
	}
	u, err := url.Parse(bare)
	switch {
	case err != nil:
		return faultf(codeInvalidURL, "%v", err)
	case bare == "":
		return faultf(codeInvalidURL, "an empty URL")
	case !u.IsAbs() && u.Host == "":
		return unlessAbsolute(value, absolute)
	case u.Scheme != "http" && u.Scheme != "https":
		return faultf(codeInvalidURL, "%q is neither http nor https", value)
	case u.Hostname() == "" || strings.Contains(u.Hostname(), "_"):
		return faultf(codeInvalidURL, "%q has no valid host", value)
	}
	return nil
}

func unlessAbsolute(value string, absolute bool) *Fault {
	if absolute {
		return faultf(codeInvalidURL, "%q is relative, but to nothing", value)
	}
	return nil
}
