package phone_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/maskline/maskline/phone"
)

func TestFailuresAreShownToOwnersInASentence(t *testing.T) {
	t.Parallel()
	const technical = "It failed for a technical reason, which administrators can see."
	dial := phone.Failure{Said: "The mail server could not be reached.", Cause: "dial tcp 127.0.0.1:1: connection refused"}
	for _, c := range []struct{ kept, owner, admin string }{
		{dial.Kept(), "The mail server could not be reached.", "The mail server could not be reached. (dial tcp 127.0.0.1:1: connection refused)"},
		{phone.Failure{Said: "Said.", Cause: "two\nlines\r\n and\x00 more"}.Kept(), "Said.", "Said. (two lines and more)"},
		{phone.Failure{Said: "Said.", Cause: "Said."}.Kept(), "Said.", "Said."},
		{phone.Failure{Said: "Said."}.Kept(), "Said.", "Said."},
		{"Twilio sent no transcript within 15 minutes.", "Twilio sent no transcript within 15 minutes.", "Twilio sent no transcript within 15 minutes."},
		{"send mail dlv_1: dial tcp 127.0.0.1:1: connection refused", technical, "send mail dlv_1: dial tcp 127.0.0.1:1: connection refused"}, // of before
		{"550 no such mailbox", technical, "550 no such mailbox"},
		{"", "", ""},
	} {
		if got := phone.ShowFailure(c.kept, false); got != c.owner {
			t.Errorf("%q: owners see %q, want %q", c.kept, got, c.owner)
		}
		if got := phone.ShowFailure(c.kept, true); got != c.admin {
			t.Errorf("%q: administrators see %q, want %q", c.kept, got, c.admin)
		}
	}
	long := phone.Failure{Said: "Said.", Cause: strings.Repeat("ü", 5000)}.Kept()
	if len(long) > 1000 || !utf8.ValidString(long) {
		t.Errorf("%d bytes are kept, valid is %t", len(long), utf8.ValidString(long))
	}
}
