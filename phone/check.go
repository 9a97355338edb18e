package phone

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones are checked the same on every machine
	"unicode"
	"unicode/utf8"
)

// Locales lists the languages of mails and pages.
func Locales() []string { return []string{"de", "en", "es", "fr", "ja", "pt", "zh"} }

const maxForwards = 10

// CheckLabel refuses a name or label of more than 100 characters, or with control characters in it.
func CheckLabel(field, s string) error {
	if utf8.RuneCountInString(s) > 100 || strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
		return Bad(field, fmt.Sprintf("%s has at most 100 characters and no control characters.", field))
	}
	return nil
}

// CheckName refuses what [CheckLabel] does, and emptiness.
func CheckName(field, s string) error {
	if strings.TrimSpace(s) == "" {
		return Bad(field, fmt.Sprintf("%s must not be empty.", field))
	}
	return CheckLabel(field, s)
}

// CleanEmail is the address in the form that we keep: bare, with ASCII letters in lower case.
func CleanEmail(field, s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, unicode.IsControl) {
		return "", Bad(field, fmt.Sprintf("%s is a plain e-mail address, such as ann@example.com.", field))
	}
	return FoldEmail(s), nil
}

// FoldEmail is the address as addresses are compared: without case, in ASCII only. Unicode has other letters whose small one is an ASCII
// letter, such as the Kelvin sign, and they are in other addresses.
func FoldEmail(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// CheckLocale refuses locales that we have no texts for.
func CheckLocale(s string) error {
	if !slices.Contains(Locales(), s) {
		return Bad("locale", fmt.Sprintf("locale is one of %s.", strings.Join(Locales(), ", ")))
	}
	return nil
}

// CheckTimeZone refuses what is no IANA time zone.
func CheckTimeZone(s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		return Bad("timeZone", "timeZone is an IANA time zone, such as UTC or Europe/Berlin.")
	}
	return nil
}

// Settings is what an owner may set of a number.
type Settings struct {
	Label              string
	ForwardingEnabled  bool
	ForwardTo          []Number
	RingSeconds        int
	CallerID           CallerID
	Screening          Screening
	VoicemailEnabled   bool
	Greeting           *string
	Language           string
	MaxSeconds         int
	SilenceSeconds     int
	ScreenSeconds      int
	MaxCallMinutes     int
	MailMissedCalls    bool
	FinishOnKey        string
	Transcribe         bool
	NotifyEmails       []string
	KeepVoicemailsDays *int
}

// DefaultSettings is how a new number is set.
func DefaultSettings() Settings {
	return Settings{
		ForwardingEnabled: true, ForwardTo: []Number{}, RingSeconds: DefaultRingSeconds, CallerID: ShowCaller, Screening: ScreeningPress1,
		VoicemailEnabled: true, Language: DefaultLanguage, MaxSeconds: DefaultMaxSeconds, FinishOnKey: DefaultFinishOnKey,
		Transcribe: true, NotifyEmails: []string{}, SilenceSeconds: DefaultSilenceSeconds, ScreenSeconds: DefaultScreenSeconds,
		MaxCallMinutes: DefaultMaxCallMinutes, MailMissedCalls: true,
	}
}

// Check says all that is wrong with the settings of the number n, or nothing.
func (s Settings) Check(n Number) error { return s.Faults(n).Err() }

// Faults are all that is wrong with the settings of the number n.
func (s Settings) Faults(n Number) (f Faults) {
	f.Note(CheckLabel("label", s.Label))
	s.checkForwards(n, &f)
	s.checkVoicemail(&f)
	s.checkGreeting(&f)
	for i, e := range s.NotifyEmails {
		_, err := CleanEmail(fmt.Sprintf("notifyEmails.%d", i), e)
		f.Note(err)
	}
	if len(s.NotifyEmails) > 20 {
		f.Add("notifyEmails", "notifyEmails holds at most 20 addresses.")
	}
	if s.KeepVoicemailsDays != nil && (*s.KeepVoicemailsDays < 1 || *s.KeepVoicemailsDays > 36500) {
		f.Add("keepVoicemailsDays", "keepVoicemailsDays is 1 to 36500, or null for ever.")
	}
	return f
}

func (s Settings) checkForwards(n Number, f *Faults) {
	if len(s.ForwardTo) > maxForwards {
		f.Add("forwardTo", "forwardTo holds at most 10 phones: Twilio rings no more at once.")
	}
	f.within("ringSeconds", s.RingSeconds, 5, 60)
	f.within("screenSeconds", s.ScreenSeconds, 10, 60)
	f.within("maxCallMinutes", s.MaxCallMinutes, 1, 240)
}

func (s Settings) checkVoicemail(f *Faults) {
	if !slices.Contains(Languages(), s.Language) {
		f.Add("language", fmt.Sprintf("language is one of %s.", strings.Join(Languages(), ", ")))
	}
	f.within("maxVoicemailSeconds", s.MaxSeconds, 2, 600)
	f.within("silenceSeconds", s.SilenceSeconds, 3, 30)
	if strings.Trim(s.FinishOnKey, "0123456789#*") != "" || len(s.FinishOnKey) > 12 {
		f.Add("finishOnKey", `finishOnKey is made of 0-9, # and *; "" for none.`)
	}
}

func (s Settings) checkGreeting(f *Faults) {
	switch {
	case s.Greeting == nil:
	case utf8.RuneCountInString(*s.Greeting) > 1000 || !utf8.ValidString(*s.Greeting):
		f.Add("greeting", "greeting has at most 1,000 characters.")
	case strings.ContainsFunc(*s.Greeting, unspeakable):
		f.Add("greeting", "greeting has no control characters but line breaks and tabs.")
	case strings.TrimSpace(*s.Greeting) == "":
		f.Add("greeting", "greeting is a text to be spoken, or null for the default text.")
	}
}

func (f *Faults) within(field string, n, least, most int) {
	if n < least || n > most {
		f.Add(field, fmt.Sprintf("%s is %d to %d.", field, least, most))
	}
}

func unspeakable(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }
