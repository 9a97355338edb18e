package phone

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// wrongField checks that err blames the field, or that there is none when field is empty.
func wrongField(t *testing.T, err error, field string) {
	t.Helper()
	e, _ := errors.AsType[*Error](err)
	switch {
	case field == "" && err != nil:
		t.Errorf("got %v, want no error", err)
	case field != "" && e == nil:
		t.Errorf("got %v, want an error about %s", err, field)
	case field != "" && (e.Field != field || e.Code != BadUserInput || e.Message == ""):
		t.Errorf("got %+v, want an error about %s", *e, field)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	long := func(n int) *string { return new(strings.Repeat("ü", n)) }
	phones := func(n int) (all []Number) {
		for i := range n {
			all = append(all, Number(fmt.Sprintf("+155501000%02d", i)))
		}
		return all
	}
	mails := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("ann%d@example.com", i))
		}
		return all
	}
	for _, c := range []struct {
		name   string
		change func(*Settings)
		field  string // that is wrong; nothing: none is
	}{
		{"the defaults are fine", func(*Settings) {}, ""},
		{"a label may be empty", func(s *Settings) { s.Label = "" }, ""},
		{"a label has 100 characters", func(s *Settings) { s.Label = *long(100) }, ""},
		{"a label has no more than 100 characters", func(s *Settings) { s.Label = *long(101) }, "label"},
		{"a label is one line", func(s *Settings) { s.Label = "a\nb" }, "label"},
		{"a label is text", func(s *Settings) { s.Label = "a\xff" }, "label"},
		{"10 phones ring together", func(s *Settings) { s.ForwardTo = phones(10) }, ""},
		{"11 phones do not", func(s *Settings) { s.ForwardTo = phones(11) }, "forwardTo"},
		{"it rings for 5 seconds", func(s *Settings) { s.RingSeconds = 5 }, ""},
		{"it rings for no less", func(s *Settings) { s.RingSeconds = 4 }, "ringSeconds"},
		{"it rings for 60 seconds", func(s *Settings) { s.RingSeconds = 60 }, ""},
		{"it rings for no more", func(s *Settings) { s.RingSeconds = 61 }, "ringSeconds"},
		{"a greeting has 1,000 characters", func(s *Settings) { s.Greeting = long(1000) }, ""},
		{"a greeting has no more than 1,000 characters", func(s *Settings) { s.Greeting = long(1001) }, "greeting"},
		{"a greeting may have lines and tabs", func(s *Settings) { s.Greeting = new("Hello.\r\n\tSpeak.") }, ""},
		{"a greeting has no characters that no database keeps", func(s *Settings) { s.Greeting = new("a\x00b") }, "greeting"},
		{"a greeting is text", func(s *Settings) { s.Greeting = new("a\xff") }, "greeting"},
		{"a greeting says something", func(s *Settings) { s.Greeting = new(" \n") }, "greeting"},
		{"an empty greeting is no greeting", func(s *Settings) { s.Greeting = new("") }, "greeting"},
		{"a language is one that we speak", func(s *Settings) { s.Language = "ja-JP" }, ""},
		{"no language is not", func(s *Settings) { s.Language = "" }, "language"},
		{"half a language is not", func(s *Settings) { s.Language = "en" }, "language"},
		{"a voice's language is not", func(s *Settings) { s.Language = "cmn-CN" }, "language"},
		{"a message has 2 seconds", func(s *Settings) { s.MaxSeconds = 2 }, ""},
		{"a message has no less", func(s *Settings) { s.MaxSeconds = 1 }, "maxVoicemailSeconds"},
		{"a message has 600 seconds", func(s *Settings) { s.MaxSeconds = 600 }, ""},
		{"a message has no more", func(s *Settings) { s.MaxSeconds = 601 }, "maxVoicemailSeconds"},
		{"every key may end a message", func(s *Settings) { s.FinishOnKey = "1234567890*#" }, ""},
		{"no key may end a message", func(s *Settings) { s.FinishOnKey = "" }, ""},
		{"letters are no keys", func(s *Settings) { s.FinishOnKey = "*a" }, "finishOnKey"},
		{"there are no 13 keys", func(s *Settings) { s.FinishOnKey = "1234567890*#1" }, "finishOnKey"},
		{"20 people are mailed", func(s *Settings) { s.NotifyEmails = mails(20) }, ""},
		{"21 are too many", func(s *Settings) { s.NotifyEmails = mails(21) }, "notifyEmails"},
		{"a mail goes to an address", func(s *Settings) { s.NotifyEmails = []string{"ann@example.com", "nobody"} }, "notifyEmails.1"},
		{"a message is kept for a day", func(s *Settings) { s.KeepVoicemailsDays = new(1) }, ""},
		{"a message is kept for no less", func(s *Settings) { s.KeepVoicemailsDays = new(0) }, "keepVoicemailsDays"},
		{"a message is kept for a century", func(s *Settings) { s.KeepVoicemailsDays = new(36500) }, ""},
		{"a message is kept for no more", func(s *Settings) { s.KeepVoicemailsDays = new(36501) }, "keepVoicemailsDays"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := DefaultSettings()
			c.change(&s)
			wrongField(t, s.Check(mask), c.field)
		})
	}
}

func TestEmails(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ann@example.com": "ann@example.com", "Ann.O+work@Example.COM": "ann.o+work@example.com",
		"": "", "ann": "", "Ann <ann@example.com>": "", "<ann@example.com>": "", " ann@example.com": "", "ann@example.com, bob@example.com": "",
		"ann@example.com\r\nBcc: all@example.com": "", strings.Repeat("a", 243) + "@example.com": "",
	} {
		got, err := CleanEmail("email", in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("CleanEmail(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestLocalesAndTimeZones(t *testing.T) {
	t.Parallel()
	for _, l := range []string{"en", "zh", "es", "fr", "de", "ja", "pt"} {
		wrongField(t, CheckLocale(l), "")
	}
	for _, l := range []string{"", "en-US", "EN", "xx"} {
		wrongField(t, CheckLocale(l), "locale")
	}
	for _, z := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} {
		wrongField(t, CheckTimeZone(z), "")
	}
	for _, z := range []string{"", "Local", "Berlin", "../../etc/passwd", "+02:00"} {
		wrongField(t, CheckTimeZone(z), "timeZone")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	wrongField(t, CheckName("name", "Olivia"), "")
	for _, n := range []string{"", " \t", strings.Repeat("x", 101), "Oli\x00via"} {
		wrongField(t, CheckName("name", n), "name")
	}
}

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	for want, err := range map[Code]error{
		BadUserInput: fmt.Errorf("update number: %w", Bad("label", "too long")), NotFound: Missing(), Internal: errors.New("disk full"),
	} {
		if got := CodeOf(err); got != want {
			t.Errorf("%v has the code %s, want %s", err, got, want)
		}
	}
	if got := Bad("label", "Too long.").Error(); got != "Too long." {
		t.Errorf("got %q", got)
	}
}

// Whoever is refused a phone learns the rule, and not which part of it forbids this one: it could be another owner's masked number.
func TestAllPhonesAreRefusedInTheSameWords(t *testing.T) {
	t.Parallel()
	const berlin, premium, ours = "+4930123456", "+19005550123", "+15550107777"
	wrongField(t, Countries{}.Refuse(mask, []Number{desk, mobile}, nil), "")
	wrongField(t, Countries{"DE"}.Refuse(mask, []Number{berlin}, nil), "")
	wrongField(t, Countries{"US", "DE"}.Refuse(mask, nil, nil), "")
	const words = " may not be rung: this number rings ordinary phones of its own country, US, and no masked, premium-rate, shared-cost, personal, pager, " +
		"company (UAN), voicemail, satellite, emergency or short numbers."
	for _, n := range []Number{berlin, premium, ours, mask} {
		err := Countries{}.Refuse(mask, []Number{desk, n}, []Number{ours})
		wrongField(t, err, "forwardTo.1")
		if err == nil || err.Error() != Mask(string(n))+words {
			t.Errorf("got %v", err)
		}
	}
	err := Countries{"DE", "FR"}.Refuse(mask, []Number{berlin, desk}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "+1…01 may not be rung: this number rings ordinary phones of DE, FR, and no ") {
		t.Errorf("got %v", err)
	}
	if err := (Countries{"US", "DE"}).Check(); err != nil {
		t.Error(err)
	}
	for _, code := range []string{"", "us", "XX", "USA", "001"} {
		if err := (Countries{code}).Check(); err == nil {
			t.Errorf("%q passed as a country", code)
		}
	}
}
