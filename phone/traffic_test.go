package phone

import (
	"cmp"
	"reflect"
	"testing"
	"time"
)

func TestWhatElseCallsTheNumberDecidesToo(t *testing.T) {
	t.Parallel()
	voicemail := func(why string) Decision {
		return Decision{message, CallGreeted, []Note{{"not_forwarded", why}, {"greeted", "the caller was asked to leave a message"}}}
	}
	forwarded := Decision{rings(desk), "", []Note{{"forwarded", "ringing +1…01 for 15 s"}}}
	masked := forwarded
	masked.Answer = Connect{To: []Number{desk}, CallerID: mask, RingSeconds: 15, Screen: true, Language: "en-US"}
	const loop = "3 calls of this caller began within 30 s and have not ended: calls go round in a circle"
	for _, c := range []struct {
		name string
		line func(*Line)
		plan func(*Allowance)
		via  Number
		from string // customer, unless it is set
		want Decision
	}{
		{name: "nothing else", want: forwarded},
		{name: "two unended calls of the caller", line: func(l *Line) { l.Traffic.Unended = 2 }, want: forwarded},
		{name: "three unended calls of the caller", line: func(l *Line) { l.Traffic.Unended = 3 }, want: voicemail(loop)},
		{name: "nine calls in ten minutes", line: func(l *Line) { l.Traffic.Recent = 9 }, want: forwarded},
		{name: "ten calls in ten minutes", line: func(l *Line) { l.Traffic.Recent = 10 }, want: voicemail("the caller called this number 10 times within 10 minutes already")},
		{name: "withheld callers are many people", from: "anonymous", line: func(l *Line) { l.Traffic.Unended, l.Traffic.Recent = 10, 40 }, want: masked},
		{
			name: "but count together in a day", from: "anonymous", line: func(l *Line) { l.Traffic.Today = 50 },
			want: Decision{Reject{}, CallRefused, []Note{{"rejected", "the caller called this number 50 times within a day already"}}},
		},
		{name: "49 calls a day", line: func(l *Line) { l.Traffic.Today = 49 }, want: forwarded},
		{name: "50 calls a day", line: func(l *Line) { l.Traffic.Today = 50 }, want: Decision{Reject{}, CallRefused, []Note{{"rejected", "the caller called this number 50 times within a day already"}}}},
		{
			name: "50 calls a day to a paused number", line: func(l *Line) { l.Traffic.Today, l.State = 50, NumberPaused },
			want: Decision{unavailable, CallRefused, []Note{{"rejected", "the number is paused"}}},
		},
		{
			name: "50 calls a day and forwarding off", line: func(l *Line) { l.Traffic.Today, l.Forwarding = 50, false },
			want: Decision{Reject{}, CallRefused, []Note{{"rejected", "the caller called this number 50 times within a day already"}}},
		},
		{name: "one call less than the operator allows", line: func(l *Line) { l.Traffic.Running, l.Simultaneous = 99, 100 }, want: forwarded},
		{name: "as many calls as the operator allows", line: func(l *Line) { l.Traffic.Running, l.Simultaneous = 100, 100 }, want: voicemail("a number forwards 100 calls at a time, and 100 are running")},
		{name: "more than that, counted after an outage", line: func(l *Line) { l.Traffic.Running, l.Simultaneous = 130, 100 }, want: voicemail("a number forwards 100 calls at a time, and 130 are running")},
		{name: "without a known limit", line: func(l *Line) { l.Traffic.Running = 1000 }, want: forwarded},
		{
			name: "one call less than the plan allows", line: func(l *Line) { l.Traffic.Running, l.Simultaneous = 1, 100 },
			plan: func(a *Allowance) { a.SimultaneousCalls = new(2) }, want: forwarded,
		},
		{
			name: "as many calls as the plan allows", line: func(l *Line) { l.Traffic.Running, l.Simultaneous = 2, 100 },
			plan: func(a *Allowance) { a.SimultaneousCalls = new(2) }, want: voicemail("plan 'Basic' forwards 2 calls at a time, and 2 are running"),
		},
		{
			name: "a plan that forwards nothing", plan: func(a *Allowance) { a.SimultaneousCalls = new(0) },
			want: voicemail("plan 'Basic' forwards 0 calls at a time, and 0 are running"),
		},
		{name: "diverted by a phone that would be rung", via: desk, want: voicemail("+1…01 diverted the call to this number: ringing it would go round in a circle")},
		{name: "diverted by another phone", via: mobile, want: forwarded},
		{
			name: "diverted by one of several phones", via: mobile, line: func(l *Line) { l.ForwardTo = []Number{desk, mobile} },
			want: voicemail("+1…02 diverted the call to this number: ringing it would go round in a circle"),
		},
		{
			name: "diverted by a phone that is not rung any more", via: mobile, line: func(l *Line) { l.ForwardTo, l.OursAmongForward = []Number{desk, mobile}, []Number{mobile} },
			want: Decision{rings(desk), "", []Note{{"not_rung", "+1…02 may not be rung from this number"}, {"forwarded", "ringing +1…01 for 15 s"}}},
		},
	} {
		plan := allows(1, 1)
		if c.plan != nil {
			c.plan(&plan)
		}
		got := Route(Incoming{From: cmp.Or(c.from, customer), To: mask, ForwardedFrom: c.via}, lineWith(c.line), plan)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestACallCountsUntilItsRingingAndItsLimitAreOver(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		connect Connect
		want    time.Duration
	}{
		{Connect{RingSeconds: 15, MaxMinutes: 3}, 3*time.Minute + 20*time.Second},
		{Connect{RingSeconds: 60, MaxMinutes: 240}, 240*time.Minute + 65*time.Second},
		{Connect{RingSeconds: 15}, 120*time.Minute + 20*time.Second}, // of an older version
	} {
		if got := c.connect.CountsUntil(at).Sub(at); got != c.want {
			t.Errorf("%+v counts for %v, want %v", c.connect, got, c.want)
		}
	}
}

func TestWhoDivertedACall(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Number{
		"": "", "+15550100001": desk, "15550100001": desk, "+1 555 010 0001": desk, "anonymous": "", "sip:x@example.com": "", "++15550100001": "", "911": "",
	} {
		if got := Diverter(raw); got != want {
			t.Errorf("Diverter(%q) = %q, want %q", raw, got, want)
		}
	}
}
