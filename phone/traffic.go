package phone

import (
	"fmt"
	"time"
)

// What a number takes of one caller.
const (
	MostCallsADay = 50 // what comes on top is turned away; withheld callers count as one
	Day           = 24 * time.Hour

	mostCallsLately = 10 // what comes on top goes to voicemail
	Lately          = 10 * time.Minute

	mostUnended = 3 // so many unended calls that began at the same time are a loop
	SameTime    = 30 * time.Second
)

// Traffic counts what else calls a number while a call comes in. The zero value is for when the database is away.
type Traffic struct {
	Running int // forwarded calls of all callers that count as running
	Today   int // calls of the same caller that began within a [Day], [MostCallsADay] at most
	Recent  int // those of them that began [Lately]
	Unended int // those of them that began at the [SameTime] and have not ended
}

// overCaller says why the caller's other calls keep this one from being forwarded, or nothing. Withheld callers are many people.
func (t Traffic) overCaller(caller string) string {
	switch {
	case caller == Anonymous:
		return ""
	case t.Unended >= mostUnended:
		return fmt.Sprintf("%d calls of this caller began within %.0f s and have not ended: calls go round in a circle", t.Unended, SameTime.Seconds())
	case t.Recent >= mostCallsLately:
		return fmt.Sprintf("the caller called this number %d times within %.0f minutes already", t.Recent, Lately.Minutes())
	}
	return ""
}

// overRunning says which limit of simultaneous calls is reached, or nothing. A limit that is 0 or less is not known.
func (t Traffic) overRunning(most int, a Allowance) string {
	switch {
	case a.SimultaneousCalls != nil && t.Running >= *a.SimultaneousCalls:
		return fmt.Sprintf("plan '%s' forwards %d calls at a time, and %d are running", a.Plan, *a.SimultaneousCalls, t.Running)
	case most > 0 && t.Running >= most:
		return fmt.Sprintf("a number forwards %d calls at a time, and %d are running", most, t.Running)
	}
	return ""
}

// ringGrace is how long Twilio rings on top of what it is told.
const ringGrace = 5 * time.Second

// CountsUntil returns when a call that is forwarded at that time stops to count as running, if nobody tells of its end.
func (c Connect) CountsUntil(at time.Time) time.Time {
	return at.Add(time.Duration(c.RingSeconds)*time.Second + ringGrace + c.Limit())
}
