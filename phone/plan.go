package phone

import (
	"fmt"
	"io"
	"time"
)

// PlanType is a plan's label; UNLIMITED demands that it has no limits.
type PlanType string

// The labels that a plan can carry.
const (
	PlanTrial     PlanType = "TRIAL"
	PlanPackage   PlanType = "PACKAGE"
	PlanUnlimited PlanType = "UNLIMITED"
)

// Values lists every type.
func (PlanType) Values() []string {
	return []string{string(PlanTrial), string(PlanPackage), string(PlanUnlimited)}
}

// MarshalGQL writes the type as a GraphQL enum value.
func (t PlanType) MarshalGQL(w io.Writer) { marshalEnum(w, t) }

// UnmarshalGQL reads the type and refuses unknown ones.
func (t *PlanType) UnmarshalGQL(v any) error { return unmarshalEnum(t, v) }

// PlanPeriod is how often a plan's limits begin anew.
type PlanPeriod string

// ONCE never turns.
const (
	PeriodMonth PlanPeriod = "MONTH"
	PeriodYear  PlanPeriod = "YEAR"
	PeriodOnce  PlanPeriod = "ONCE"
)

// Values lists every period.
func (PlanPeriod) Values() []string {
	return []string{string(PeriodMonth), string(PeriodYear), string(PeriodOnce)}
}

// MarshalGQL writes the period as a GraphQL enum value.
func (p PlanPeriod) MarshalGQL(w io.Writer) { marshalEnum(w, p) }

// UnmarshalGQL reads the period and refuses unknown ones.
func (p *PlanPeriod) UnmarshalGQL(v any) error { return unmarshalEnum(p, v) }

// Running is the period that now lies in, of a subscription that began at started: from is in it, to no longer. ONCE has no end.
// Periods turn at the same day and time in UTC; a month that is too short turns on its last day (31 Jan, 28 Feb, 31 Mar).
func (p PlanPeriod) Running(started, now time.Time) (from, to time.Time) {
	started = started.UTC()
	step := map[PlanPeriod]int{PeriodMonth: 1, PeriodYear: 12}[p]
	if step == 0 {
		return started, time.Time{}
	}
	if now.Before(started) {
		now = started
	}
	n := monthsBetween(started, now.UTC()) / step * step
	if addMonths(started, n).After(now) {
		n -= step
	}
	return addMonths(started, n), addMonths(started, n+step)
}

func monthsBetween(a, b time.Time) int {
	return (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
}

func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// Allowance is what a number's plan allows and what is used of it in the running period. A nil limit is none.
type Allowance struct {
	Subscribed      bool
	Plan            string
	CallsLimit      *int
	VoicemailsLimit *int
	CallsUsed       int
	VoicemailsUsed  int

	SimultaneousCalls *int // forwarded calls at a time
}

// CallLeft tells whether one more call may be forwarded.
func (a Allowance) CallLeft() bool { return left(a.CallsLimit, a.CallsUsed) }

// VoicemailLeft tells whether one more message may be taken.
func (a Allowance) VoicemailLeft() bool { return left(a.VoicemailsLimit, a.VoicemailsUsed) }

// WithoutCalls is the allowance as it stands when somebody else took the last call.
func (a Allowance) WithoutCalls() Allowance {
	if a.CallsLimit != nil {
		a.CallsUsed = max(a.CallsUsed, *a.CallsLimit)
	}
	return a
}

// WithoutVoicemails is the allowance as it stands when somebody else took the last voicemail.
func (a Allowance) WithoutVoicemails() Allowance {
	if a.VoicemailsLimit != nil {
		a.VoicemailsUsed = max(a.VoicemailsUsed, *a.VoicemailsLimit)
	}
	return a
}

func left(limit *int, used int) bool { return limit == nil || used < *limit }

func (a Allowance) callsSentence() string { return a.sentence("calls", a.CallsLimit, a.CallsUsed) }
func (a Allowance) voicemailsSentence() string {
	return a.sentence("voicemails", a.VoicemailsLimit, a.VoicemailsUsed)
}

func (a Allowance) sentence(what string, limit *int, used int) string {
	if limit == nil {
		return fmt.Sprintf("plan '%s' has unlimited %s", a.Plan, what)
	}
	return fmt.Sprintf("plan '%s' has %d of %d %s left", a.Plan, max(0, *limit-used), *limit, what)
}

// CheckPlan refuses plans whose limits and label contradict each other.
func CheckPlan(name string, t PlanType, calls, voicemails, simultaneous *int) error {
	var f Faults
	f.Note(CheckName("name", name))
	if t == PlanUnlimited && (calls != nil || voicemails != nil) {
		f.Add("type", "An UNLIMITED plan has no limits: leave callsLimit and voicemailsLimit null.")
	}
	f.limit("callsLimit", calls)
	f.limit("voicemailsLimit", voicemails)
	f.limit("simultaneousCalls", simultaneous)
	return f.Err()
}

func (f *Faults) limit(field string, n *int) {
	if n != nil && *n < 0 {
		f.Add(field, field+" is 0 or more, or null for no limit.")
	}
}
