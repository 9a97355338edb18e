package switchboard

import (
	"slices"
	"sync"
	"time"

	"github.com/maskline/maskline/phone"
)

// watch keeps what this process has answered lately, so that a decision without the database knows of other calls too: a flood that the
// database cannot keep up with must not be forwarded from memory.
type watch struct {
	mu    sync.Mutex
	calls map[phone.Number][]watched
}

type watched struct {
	sid, from string
	at        time.Time
	until     time.Time // it counts as running until then; zero: it was not forwarded
	ended     bool
}

const mostWatched = 1000 // calls of one number; those that were forwarded have room beyond that

// note takes in how a call was answered.
func (w *watch) note(in phone.Incoming, a phone.Answer, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(in, a, now)
}

// decide has a call decided about, and takes in how it was answered before the next one is.
func (w *watch) decide(in phone.Incoming, now time.Time, how func(phone.Traffic) phone.Decision) phone.Decision {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := how(w.traffic(in, now))
	w.add(in, d.Answer, now)
	return d
}

func (w *watch) add(in phone.Incoming, a phone.Answer, now time.Time) {
	if w.calls == nil {
		w.calls = map[phone.Number][]watched{}
	}
	calls := slices.DeleteFunc(w.calls[in.To], func(c watched) bool { return c.old(now) })
	if slices.ContainsFunc(calls, func(c watched) bool { return c.sid == in.CallSID }) {
		return // it was received before
	}
	call := watched{sid: in.CallSID, from: phone.CallerOf(in.From), at: now}
	c, forwarded := a.(phone.Connect)
	if forwarded {
		call.until = c.CountsUntil(now)
	}
	if _, rejected := a.(phone.Reject); !rejected && (forwarded || len(calls) < mostWatched) {
		calls = append(calls, call)
	}
	w.calls[in.To] = calls
}

// old tells whether a call says nothing any more about those that come.
func (c watched) old(now time.Time) bool {
	return now.Sub(c.at) > phone.Lately && (c.ended || !c.until.After(now))
}

func (w *watch) traffic(in phone.Incoming, now time.Time) (t phone.Traffic) {
	from := phone.CallerOf(in.From)
	for _, c := range w.calls[in.To] {
		age := now.Sub(c.at)
		switch {
		case c.sid == in.CallSID:
			continue
		case !c.ended && c.until.After(now):
			t.Running++
		}
		if c.from != from || age >= phone.Lately {
			continue
		}
		t.Recent++
		if age < phone.SameTime && !c.ended {
			t.Unended++
		}
	}
	t.Today = min(t.Recent, phone.MostCallsADay)
	return t
}

// end takes in that a call is over.
func (w *watch) end(in phone.Incoming) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls[in.To]
	if i := slices.IndexFunc(calls, func(c watched) bool { return c.sid == in.CallSID }); i >= 0 {
		calls[i].ended = true
	}
}
