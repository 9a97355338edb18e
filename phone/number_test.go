package phone

import (
	"strings"
	"testing"
	"unicode"
)

func TestParseNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"E.164 stays as it is", "+15550006789", "+15550006789"},
		{"spaces, dots, dashes and brackets behind the plus are dropped", "+1 (555) 000-67.89", "+15550006789"},
		{"square brackets too", "+1 [555] 0006789", "+15550006789"},
		{"7 digits are enough", "+1234567", "+1234567"},
		{"15 digits are not too many", "+123456789012345", "+123456789012345"},
		{"an unassigned number is no reason to refuse it", "+99912345678", "+99912345678"},
		{"6 digits are too few", "+123456", ""},
		{"16 digits are too many", "+1234567890123456", ""},
		{"no country code begins with 0", "+0123456789", ""},
		{"a number needs its plus", "15550006789", ""},
		{"00 is no plus", "0015550006789", ""},
		{"two pluses are one too many", "++15550006789", ""},
		{"nothing stands before the plus", " +15550006789", ""},
		{"letters are no digits", "+1555FLOWERS", ""},
		{"an extension is no part of a number", "+15550006789x5", ""},
		{"other scripts' digits are no digits", "+1555000678９", ""},
		{"no-break spaces are spaces", "+1\u00a0555\u202f000\u20076789", "+15550006789"},
		{"so are the other spaces of Unicode, with width or without", "+1\u2009555\u3000000\u20606789", "+15550006789"},
		{"hyphens and dashes of Unicode are dashes", "+1\u2010555\u2011000\u20126\u20137\u20148\u20159", "+15550006789"},
		{"a soft hyphen is no dash", "+1\u00ad5550006789", ""},
		{"a zero-width space is no space", "+1\u200b5550006789", ""},
		{"a no-break space stands before no plus", "\u00a0+15550006789", ""},
		{"a tab is no space", "+1\t5550006789", ""},
		{"a full-width plus is no plus", "\uff0b15550006789", ""},
		{"a line break is no space", "+15550006789\n", ""},
		{"a slash is no separator", "+1555/0006789", ""},
		{"a plus alone is no number", "+", ""},
		{"nothing is no number", "", ""},
		{"a withheld caller is no number", "anonymous", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseNumber(c.in)
			if string(got) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("ParseNumber(%q) = %q, %v, want %q", c.in, got, err, c.want)
			}
			if err != nil && (CodeOf(err) != BadUserInput || !strings.Contains(err.Error(), "+15550006789")) {
				t.Errorf("%v does not show the wanted form", err)
			}
		})
	}
}

func TestCallerOf(t *testing.T) {
	t.Parallel()
	for _, from := range []string{customer, "+447700900123", "+1234567", "+123456789012345"} {
		if got := CallerOf(from); got != from {
			t.Errorf("CallerOf(%q) = %q, want it as it is", from, got)
		}
	}
	for _, from := range withheld {
		if got := CallerOf(from); got != Anonymous {
			t.Errorf("CallerOf(%q) = %q, want %q", from, got, Anonymous)
		}
	}
}

func TestNumbersInGraphQL(t *testing.T) {
	t.Parallel()
	for _, in := range []any{"+1 555 000 6789", Number("+15550006789")} {
		var n Number
		if err := n.UnmarshalGQL(in); err != nil || n != "+15550006789" {
			t.Errorf("%v was read as %q, %v", in, n, err)
		}
	}
	n := Number(mask)
	for _, in := range []any{nil, 15550006789, "call me", []string{mask}} {
		if err := n.UnmarshalGQL(in); CodeOf(err) != BadUserInput || n != mask {
			t.Errorf("%v was read as %q, %v, want it refused and nothing changed", in, n, err)
		}
	}
	var b strings.Builder
	n.MarshalGQL(&b)
	if b.String() != `"+15550006789"` {
		t.Errorf("written as %s", b.String())
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{mask, "+1 (555) 000-67.89", "++1", "+", "", "+1555FLOWERS", "+49 [0] 691234"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			if n != "" || CodeOf(err) != BadUserInput {
				t.Fatalf("ParseNumber(%q) = %q, %v", s, n, err)
			}
			return
		}
		if !e164.MatchString(string(n)) {
			t.Fatalf("ParseNumber(%q) = %q, which is not E.164", s, n)
		}
		if digits := "+" + strings.Map(digitsOnly, s); digits != string(n) {
			t.Fatalf("ParseNumber(%q) = %q, whose digits are not those that were typed", s, n)
		}
		if again, err := ParseNumber(string(n)); again != n || err != nil {
			t.Fatalf("%q is read again as %q, %v", n, again, err)
		}
	})
}

func digitsOnly(r rune) rune {
	if unicode.IsDigit(r) {
		return r
	}
	return -1
}

func FuzzCallerOf(f *testing.F) {
	f.Add(customer)
	for _, s := range withheld {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		switch got := CallerOf(s); {
		case got == Anonymous:
		case got != s || !e164.MatchString(s) || withheldDigits[strings.TrimPrefix(s, "+")]:
			t.Fatalf("CallerOf(%q) = %q", s, got)
		}
	})
}
