package phone

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Number is a phone number in E.164, such as +15550006789.
type Number string

// Anonymous is the caller whenever Twilio gives no plausible E.164 number.
const Anonymous = "anonymous"

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

// withoutSeparators drops spaces, dots, dashes and brackets: those of ASCII, and the spaces and hyphens that word processors put in their place.
func withoutSeparators(s string) string {
	return strings.Map(func(r rune) rune {
		const wordJoiner = '\u2060' // a no-break space without width
		if strings.ContainsRune(".-()[]", r) || r >= '\u2010' && r <= '\u2015' || unicode.Is(unicode.Zs, r) || r == wordJoiner {
			return -1
		}
		return r
	}, s)
}

// withheldDigits are the keypad spellings of ANONYMOUS, UNAVAILABLE, UNKNOWN, BLOCKED and RESTRICTED; some of them would pass as E.164.
var withheldDigits = map[string]bool{
	"266696687": true, "86282452253": true, "8656696": true, "2562533": true, "7378742833": true,
}

// ParseNumber reads a number as people type it: spaces, dots, dashes and brackets after the + are dropped, anything else is refused.
func ParseNumber(s string) (Number, error) {
	n := s
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		n = "+" + withoutSeparators(rest)
	}
	if !e164.MatchString(n) {
		return "", Bad("", "A phone number is written in E.164, such as +15550006789: a plus sign, the country code and 7 to 15 digits in all.")
	}
	return Number(n), nil
}

// CallerOf turns Twilio's From into the caller we know: an E.164 number, or [Anonymous] for withheld callers in all their spellings.
func CallerOf(raw string) string {
	if !e164.MatchString(raw) || withheldDigits[raw[1:]] {
		return Anonymous
	}
	return raw
}

// Diverter turns Twilio's ForwardedFrom into a number, also where it lacks the plus sign; what is no number becomes empty.
func Diverter(raw string) Number {
	n, err := ParseNumber("+" + strings.TrimPrefix(raw, "+"))
	if err != nil {
		return ""
	}
	return n
}

// MarshalGQL writes the number as a GraphQL string.
func (n Number) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(n))) }

// UnmarshalGQL reads a number as [ParseNumber] does.
func (n *Number) UnmarshalGQL(v any) error {
	if parsed, ok := v.(Number); ok {
		*n = parsed
		return nil
	}
	s, ok := v.(string)
	if !ok {
		return Bad("", "A phone number is a string in E.164, such as +15550006789.")
	}
	parsed, err := ParseNumber(s)
	if err == nil {
		*n = parsed
	}
	return err
}

// NumberState is where a masked number stands.
type NumberState string

// A released number is never taken up again; its history stays with its owner.
const (
	NumberActive   NumberState = "ACTIVE"
	NumberPaused   NumberState = "PAUSED"
	NumberReleased NumberState = "RELEASED"
)

// Values lists every state of a number.
func (NumberState) Values() []string {
	return []string{string(NumberActive), string(NumberPaused), string(NumberReleased)}
}

// MarshalGQL writes the state as a GraphQL enum value.
func (s NumberState) MarshalGQL(w io.Writer) { marshalEnum(w, s) }

// UnmarshalGQL reads the state and refuses unknown ones.
func (s *NumberState) UnmarshalGQL(v any) error { return unmarshalEnum(s, v) }

// CallerID is what the owner's phone shows while it rings.
type CallerID string

// Show the caller's own number, or the masked number that was called.
const (
	ShowCaller CallerID = "CALLER"
	ShowMasked CallerID = "MASKED"
)

// Values lists every choice.
func (CallerID) Values() []string { return []string{string(ShowCaller), string(ShowMasked)} }

// MarshalGQL writes the choice as a GraphQL enum value.
func (c CallerID) MarshalGQL(w io.Writer) { marshalEnum(w, c) }

// UnmarshalGQL reads the choice and refuses unknown ones.
func (c *CallerID) UnmarshalGQL(v any) error { return unmarshalEnum(c, v) }

// Screening says whether the phone that answers must press a key before it is connected.
type Screening string

// PRESS_1 keeps a carrier's mailbox from taking the call: mailboxes press nothing.
const (
	ScreeningOff    Screening = "OFF"
	ScreeningPress1 Screening = "PRESS_1"
)

// Values lists every choice.
func (Screening) Values() []string { return []string{string(ScreeningOff), string(ScreeningPress1)} }

// MarshalGQL writes the choice as a GraphQL enum value.
func (s Screening) MarshalGQL(w io.Writer) { marshalEnum(w, s) }

// UnmarshalGQL reads the choice and refuses unknown ones.
func (s *Screening) UnmarshalGQL(v any) error { return unmarshalEnum(s, v) }
