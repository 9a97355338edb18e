package phone_test

import (
	"testing"
	"time"

	"github.com/maskline/maskline/phone"
)

func TestATokenEndsNoLaterThanWhatMadeIt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	const month = 30 * 24 * time.Hour
	for name, tt := range map[string]struct {
		wanted *time.Time
		by     phone.Maker
		want   *time.Time
	}{
		"on the command line":               {nil, phone.Maker{}, nil},
		"on the command line, with an end":  {in(time.Hour), phone.Maker{}, in(time.Hour)},
		"by one without an end":             {nil, phone.Maker{}, nil},
		"by one that ends in 5 s":           {nil, phone.Maker{Ends: in(5 * time.Second)}, in(5 * time.Second)},
		"by one that ends sooner":           {in(time.Hour), phone.Maker{Ends: in(5 * time.Second)}, in(5 * time.Second)},
		"by one that ends later":            {in(time.Second), phone.Maker{Ends: in(5 * time.Second)}, in(time.Second)},
		"with a JWT":                        {nil, phone.Maker{JWT: true}, in(month)},
		"with a JWT, for longer than that":  {in(month + 1), phone.Maker{JWT: true}, in(month)},
		"with a JWT, for shorter than that": {in(time.Hour), phone.Maker{JWT: true}, in(time.Hour)},
	} {
		got := phone.TokenEnd(now, tt.wanted, tt.by)
		if (got == nil) != (tt.want == nil) || got != nil && !got.Equal(*tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}
