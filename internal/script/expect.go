package script

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/maskline/maskline/phone"
)

// Expectation is what has to come of a scene's calls.
type Expectation struct {
	Line  int
	About string // outcome, transcript, heard, shown, voicemails, mails or used
	Want  string
	From  string // the caller; empty: each of them
}

func (r *reader) expect(w *words) {
	if len(r.Scenes) == 0 || !hasCalls(r.last()) {
		w.wrong("nothing is expected yet: a line that begins with %q stands above", "call")
		return
	}
	e := Expectation{Line: r.line, About: w.oneOf("outcome", "transcript", "heard", "shown", "voicemails", "mails", "used")}
	e.Want = w.wanted(e.About)
	if w.is("from") {
		e.From = w.take("the caller's number").text
		if isTheirs := func(c Call) bool { return c.From == e.From }; !slices.ContainsFunc(r.last().Calls, isTheirs) {
			w.wrong("nobody calls from %s above", e.From)
		}
	}
	r.last().Expect = append(r.last().Expect, e)
}

// wanted is what there should be, in the words in which it is going to be told.
func (w *words) wanted(about string) string {
	switch about {
	case "outcome":
		return w.oneOf(phone.CallOutcome("").Values()...)
	case "shown":
		return w.number()
	case "voicemails", "mails":
		return strconv.Itoa(w.count())
	case "used":
		p := w.plan()
		return Used(*p.Calls, *p.Voicemails)
	}
	return w.take("a text").text
}

// Used says what was used of a plan.
func Used(calls, voicemails int) string {
	return fmt.Sprintf("%d calls %d voicemails", calls, voicemails)
}
