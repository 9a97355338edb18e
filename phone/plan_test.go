package phone

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// at reads a time such as "2026-01-31 10:00", with seconds or without.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	layout := "2006-01-02 15:04"
	if len(s) > len(layout) {
		layout += ":05"
	}
	when, err := time.Parse(layout, s)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		period           PlanPeriod
		started, now     string
		wantFrom, wantTo string
	}{
		{"a month begins when the subscription does", PeriodMonth, "2026-03-10 09:30", "2026-03-10 09:30", "2026-03-10 09:30", "2026-04-10 09:30"},
		{"a month lasts up to its last moment", PeriodMonth, "2026-03-10 09:30", "2026-04-10 09:29:59.999999999", "2026-03-10 09:30", "2026-04-10 09:30"},
		{"a month turns at the same day and time", PeriodMonth, "2026-03-10 09:30", "2026-04-10 09:30", "2026-04-10 09:30", "2026-05-10 09:30"},
		{"months run over the turn of a year", PeriodMonth, "2026-11-15 00:00", "2027-01-01 12:00", "2026-12-15 00:00", "2027-01-15 00:00"},
		{"after 31 January comes 28 February", PeriodMonth, "2026-01-31 10:00", "2026-02-27 10:00", "2026-01-31 10:00", "2026-02-28 10:00"},
		{"and then 31 March", PeriodMonth, "2026-01-31 10:00", "2026-02-28 10:00", "2026-02-28 10:00", "2026-03-31 10:00"},
		{"and then 30 April", PeriodMonth, "2026-01-31 10:00", "2026-03-31 10:00", "2026-03-31 10:00", "2026-04-30 10:00"},
		{"in a leap year after 31 January comes 29 February", PeriodMonth, "2028-01-31 10:00", "2028-02-29 09:59", "2028-01-31 10:00", "2028-02-29 10:00"},
		{"30 January turns in February like 31 January", PeriodMonth, "2026-01-30 10:00", "2026-02-28 10:00", "2026-02-28 10:00", "2026-03-30 10:00"},
		{"1900s and 2100s are no leap years", PeriodMonth, "2100-01-31 10:00", "2100-02-28 10:00", "2100-02-28 10:00", "2100-03-31 10:00"},
		{"years later a month still turns at its own day", PeriodMonth, "2026-01-31 10:00", "2036-02-29 11:00", "2036-02-29 10:00", "2036-03-31 10:00"},
		{"before the start the first month counts", PeriodMonth, "2026-03-10 09:30", "2020-01-01 00:00", "2026-03-10 09:30", "2026-04-10 09:30"},
		{"a year lasts up to its last moment", PeriodYear, "2026-03-10 09:30", "2027-03-10 09:29:59.999999999", "2026-03-10 09:30", "2027-03-10 09:30"},
		{"a year turns at the same day and time", PeriodYear, "2026-03-10 09:30", "2027-03-10 09:30", "2027-03-10 09:30", "2028-03-10 09:30"},
		{"a year from 29 February turns on 28 February", PeriodYear, "2028-02-29 10:00", "2029-02-28 10:00", "2029-02-28 10:00", "2030-02-28 10:00"},
		{"and not a moment earlier", PeriodYear, "2028-02-29 10:00", "2029-02-28 09:59", "2028-02-29 10:00", "2029-02-28 10:00"},
		{"and on 29 February in the next leap year", PeriodYear, "2028-02-29 10:00", "2032-02-29 10:00", "2032-02-29 10:00", "2033-02-28 10:00"},
		{"before the start the first year counts", PeriodYear, "2026-03-10 09:30", "2020-01-01 00:00", "2026-03-10 09:30", "2027-03-10 09:30"},
		{"once never turns", PeriodOnce, "2026-03-10 09:30", "2099-01-01 00:00", "2026-03-10 09:30", ""},
		{"once counts before its start too", PeriodOnce, "2026-03-10 09:30", "2020-01-01 00:00", "2026-03-10 09:30", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from, to := c.period.Running(at(t, c.started), at(t, c.now))
			var wantTo time.Time
			if c.wantTo != "" {
				wantTo = at(t, c.wantTo)
			}
			if !from.Equal(at(t, c.wantFrom)) || !to.Equal(wantTo) {
				t.Errorf("got %s to %s, want %s to %s", from, to, c.wantFrom, c.wantTo)
			}
		})
	}
}

func TestPeriodsAreCountedInUTC(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*3600)
	started := time.Date(2026, 2, 1, 5, 0, 0, 0, tokyo) // 31 January in UTC
	from, to := PeriodMonth.Running(started, time.Date(2026, 3, 1, 5, 0, 0, 0, tokyo))
	if !from.Equal(at(t, "2026-02-28 20:00")) || !to.Equal(at(t, "2026-03-31 20:00")) || from.Location() != time.UTC || to.Location() != time.UTC {
		t.Errorf("got %s to %s", from, to)
	}
}

// TestPeriodsTileTheTime walks from period to period: whatever the start, each moment lies in the period that it is told to, and the next
// one begins where it ends.
func TestPeriodsTileTheTime(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	first := at(t, "1999-01-01 00:00")
	for range 2000 {
		started := first.Add(time.Duration(dice.Int64N(int64(100 * 365 * 24 * time.Hour)))).Truncate(time.Microsecond)
		for _, p := range []PlanPeriod{PeriodMonth, PeriodYear} {
			now := started.Add(time.Duration(dice.Int64N(int64(20 * 365 * 24 * time.Hour))))
			from, to := p.Running(started, now)
			if from.After(now) || !now.Before(to) || from.Before(started) {
				t.Fatalf("%s from %s: %s lies in %s to %s", p, started, now, from, to)
			}
			for _, inside := range []time.Time{from, to.Add(-1)} {
				if f, e := p.Running(started, inside); !f.Equal(from) || !e.Equal(to) {
					t.Fatalf("%s from %s: %s lies in %s to %s, but %s in %s to %s", p, started, now, from, to, inside, f, e)
				}
			}
			if next, end := p.Running(started, to); !next.Equal(to) || !end.After(to) {
				t.Fatalf("%s from %s: after %s to %s comes %s to %s", p, started, from, to, next, end)
			}
		}
	}
}

func TestAllowance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		allowance       Allowance
		call, voicemail bool
	}{
		{"no limit is always enough", Allowance{CallsUsed: 1 << 30, VoicemailsUsed: 1 << 30}, true, true},
		{"one below the limit is left", Allowance{CallsLimit: new(5), CallsUsed: 4, VoicemailsLimit: new(5), VoicemailsUsed: 4}, true, true},
		{"at the limit nothing is left", Allowance{CallsLimit: new(5), CallsUsed: 5, VoicemailsLimit: new(5), VoicemailsUsed: 5}, false, false},
		{"above the limit nothing is left", Allowance{CallsLimit: new(5), CallsUsed: 6, VoicemailsLimit: new(5), VoicemailsUsed: 7}, false, false},
		{"a limit of nought allows nothing", Allowance{CallsLimit: new(0), VoicemailsLimit: new(0)}, false, false},
		{"calls and voicemails are counted apart", Allowance{CallsLimit: new(1), CallsUsed: 1, VoicemailsLimit: new(1)}, false, true},
		{"the last call was taken by somebody else", Allowance{CallsLimit: new(5), CallsUsed: 4, VoicemailsLimit: new(5)}.WithoutCalls(), false, true},
		{"the last voicemail was taken by somebody else", Allowance{CallsLimit: new(5), VoicemailsLimit: new(5), VoicemailsUsed: 4}.WithoutVoicemails(), true, false},
		{"nobody takes the last of no limit", Allowance{}.WithoutCalls().WithoutVoicemails(), true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if call, voicemail := c.allowance.CallLeft(), c.allowance.VoicemailLeft(); call != c.call || voicemail != c.voicemail {
				t.Errorf("a call is left: %t, a voicemail: %t; want %t, %t", call, voicemail, c.call, c.voicemail)
			}
		})
	}
}

func TestWhatIsTakenByOthersLowersNothing(t *testing.T) {
	t.Parallel()
	a := Allowance{CallsLimit: new(5), CallsUsed: 7, VoicemailsLimit: new(5), VoicemailsUsed: 9}
	if b := a.WithoutCalls().WithoutVoicemails(); b.CallsUsed != 7 || b.VoicemailsUsed != 9 {
		t.Errorf("got %+v of %+v", b, a)
	}
}

func TestAllowancesInWords(t *testing.T) {
	t.Parallel()
	a := Allowance{Plan: "Basic", CallsLimit: new(50), CallsUsed: 60}
	if got, want := a.callsSentence(), "plan 'Basic' has 0 of 50 calls left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := a.voicemailsSentence(), "plan 'Basic' has unlimited voicemails"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheckPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		plan              string
		kind              PlanType
		calls, voicemails *int
		simultaneous      *int
		field             string // that is wrong; nothing: none is
	}{
		{"limits are numbers", "Basic", PlanPackage, new(50), new(20), nil, ""},
		{"a limit may be nought", "Basic", PlanTrial, new(0), new(0), nil, ""},
		{"a package may have no limits", "Basic", PlanPackage, nil, nil, nil, ""},
		{"unlimited has no limits", "All", PlanUnlimited, nil, nil, nil, ""},
		{"unlimited with a limit of calls contradicts itself", "All", PlanUnlimited, new(5), nil, nil, "type"},
		{"unlimited with a limit of voicemails contradicts itself", "All", PlanUnlimited, nil, new(0), nil, "type"},
		{"a limit of calls below nought is none", "Basic", PlanPackage, new(-1), nil, nil, "callsLimit"},
		{"a limit of voicemails below nought is none", "Basic", PlanPackage, nil, new(-1), nil, "voicemailsLimit"},
		{"a plan has a name", " ", PlanPackage, nil, nil, nil, "name"},
		{"a name has 100 characters", strings.Repeat("é", 100), PlanPackage, nil, nil, nil, ""},
		{"a name has no more than 100 characters", strings.Repeat("é", 101), PlanPackage, nil, nil, nil, "name"},
		{"calls at a time may be limited", "Basic", PlanPackage, nil, nil, new(2), ""},
		{"unlimited calls may be limited at a time", "All", PlanUnlimited, nil, nil, new(2), ""},
		{"a limit of calls at a time below nought is none", "Basic", PlanPackage, nil, nil, new(-1), "simultaneousCalls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wrongField(t, CheckPlan(c.plan, c.kind, c.calls, c.voicemails, c.simultaneous), c.field)
		})
	}
}
