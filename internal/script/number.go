package script

import (
	"slices"
	"strings"
	"time"

	"github.com/maskline/maskline/phone"
)

// Number is a masked one, which customers know.
type Number struct {
	PhoneNumber string
	Plan        Plan
	Set         map[string]any // settings, as UpdateNumberInput names them; all others have their defaults
	Text        string         // as it was written
}

// Label is what its owner calls it.
func (n Number) Label() string { return n.Set["label"].(string) }

// Plan is what a number may use in a month; a limit that is nil is none.
type Plan struct {
	Calls, Voicemails *int
	None              bool // there is no plan at all
}

func (r *reader) number(w *words) {
	r.beforeAll(w)
	n := Number{PhoneNumber: w.number(), Set: map[string]any{"label": "Front desk"}, Text: r.rest()}
	if slices.ContainsFunc(r.Numbers, func(other Number) bool { return other.PhoneNumber == n.PhoneNumber }) {
		w.wrong("%s is a masked number already", n.PhoneNumber)
	}
	set := func(field string, read func(*words) any) func(*words) {
		return func(w *words) { n.Set[field] = read(w) }
	}
	off := func(*words) any { return false }
	w.clauses(
		clause{"label", set("label", func(w *words) any { return w.take("a label").text })},
		clause{"language", set("language", func(w *words) any { return w.oneOf(phone.Languages()...) })},
		clause{"forward", set("forwardTo", func(w *words) any { return w.numbers() })},
		clause{"rings", set("ringSeconds", func(w *words) any { return int(w.duration() / time.Second) })},
		clause{"screening", set("screening", func(w *words) any { return w.oneOf("PRESS_1", "OFF") })},
		clause{"shows", set("callerID", func(w *words) any { return w.oneOf("CALLER", "MASKED") })},
		clause{"greeting", set("greeting", func(w *words) any { return w.take("a greeting").text })},
		clause{"finish", set("finishOnKey", func(w *words) any { return w.keys() })},
		clause{"longest", set("maxVoicemailSeconds", func(w *words) any { return int(w.duration() / time.Second) })},
		clause{"silence", set("silenceSeconds", func(w *words) any { return int(w.duration() / time.Second) })},
		clause{"waits", set("screenSeconds", func(w *words) any { return int(w.duration() / time.Second) })},
		clause{"talks", set("maxCallMinutes", func(w *words) any { return int(w.duration() / time.Minute) })},
		clause{"no forwarding", set("forwardingEnabled", off)},
		clause{"no voicemail", set("voicemailEnabled", off)},
		clause{"no transcript", set("transcribe", off)},
		clause{"no plan", func(*words) { n.Plan.None = true }},
		clause{"plan", func(w *words) { n.Plan = w.plan() }},
	)
	r.Numbers = append(r.Numbers, n)
}

// number is a telephone number, written as the service writes it.
func (w *words) number() string {
	next := w.take("a telephone number such as +15550006789")
	if w.err == nil && !isNumber(next) {
		w.wrong("%q is not a telephone number such as +15550006789", next.text)
	}
	return next.text
}

// numbers are one or several.
func (w *words) numbers() []string {
	all := []string{w.number()}
	for w.err == nil && len(w.rest) > 0 && isNumber(w.rest[0]) {
		all = append(all, w.number())
	}
	return all
}

func isNumber(w word) bool {
	n, err := phone.ParseNumber(w.text)
	return err == nil && string(n) == w.text
}

// keys of a telephone; "" is none.
func (w *words) keys() string {
	text := w.take("keys of 0-9, * and #").text
	if strings.Trim(text, "0123456789*#") != "" {
		w.wrong("%q are not keys of 0-9, * and #", text)
	}
	return text
}

func (w *words) key() string {
	key := w.keys()
	if w.err == nil && len(key) != 1 {
		w.wrong("%q is not one key", key)
	}
	return key
}

func (w *words) plan() Plan {
	calls := w.count()
	w.must("calls")
	voicemails := w.count()
	w.must("voicemails")
	return Plan{Calls: &calls, Voicemails: &voicemails}
}
