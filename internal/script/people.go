package script

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/maskline/maskline/internal/network"
)

// Phone is one of the owner's, with who is at it and what it does each time it rings.
type Phone struct {
	Number, Name string
	Does         []network.Phone
}

// Call is one call, and whose it is.
type Call struct {
	Name  string
	From  string // as Twilio shows it
	To    string // a masked number
	Words string // of the message; empty: there is none
	Does  network.Caller
}

func (r *reader) phone(w *words) {
	p := Phone{Number: w.number()}
	if w.is("as") {
		p.Name = w.name()
	}
	p.Does = append(p.Does, w.reaction())
	for w.is("then") {
		p.Does = append(p.Does, w.reaction())
	}
	s := r.inScene(hasCalls)
	s.Phones = append(s.Phones, p)
}

// reaction is what a phone does when it rings.
func (w *words) reaction() (p network.Phone) {
	switch w.oneOf("rings", "busy", "unreachable", "mailbox", "human") {
	case "rings":
		return network.NoAnswer()
	case "busy":
		return network.Busy()
	case "unreachable":
		return network.Unreachable()
	case "mailbox":
		w.must("after")
		return network.Mailbox(w.duration())
	}
	return w.human()
}

func (w *words) human() network.Phone {
	w.must("after")
	after := w.duration()
	w.must("talks")
	p := network.Human(after, w.duration())
	for w.is("presses") {
		key := w.key()
		w.must("after")
		p = p.Press(key, w.duration())
	}
	if w.is("declines after") {
		p = p.Declines(w.duration())
	}
	return p
}

func (r *reader) call(w *words) {
	w.must("from")
	c := Call{From: w.take("a telephone number, or a word such as anonymous").text}
	does, stays := network.From(c.From), false
	w.clauses(
		clause{"as", func(w *words) { c.Name = w.name() }},
		clause{"to", func(w *words) { c.To = w.number() }},
		clause{"after", func(w *words) { does = does.After(w.duration()) }},
		clause{"leaves", func(w *words) {
			d := w.duration()
			c.Words = w.take("what the caller says").text
			does = does.LeaveMessage(d, c.Words)
		}},
		clause{"thinks", func(w *words) {
			d := w.duration()
			w.must("after")
			does = does.Thinks(w.duration(), d)
		}},
		clause{"diverted by", func(w *words) { does = does.ForwardedBy(w.number()) }},
		clause{"presses", func(w *words) { does = does.PressKey(w.key()) }},
		clause{"stays on", func(*words) { stays = true }},
		clause{"says nothing", func(*words) { c.Words, does = "", does.Silent() }},
		clause{"hangs up in the greeting", func(*words) { does = does.HangUpInGreeting() }},
		clause{"hangs up after", func(w *words) { does = does.HangUpAt(w.duration()) }},
	)
	if stays {
		does = does.StayOn()
	}
	c.Does = does
	r.connect(w, &c)
	s := r.inScene(hasExpectations)
	s.Calls = append(s.Calls, c)
}

// connect finds the masked number that is called, the first one unless a call says otherwise.
func (r *reader) connect(w *words, c *Call) {
	if len(r.Numbers) == 0 {
		w.wrong("there is nobody to call: a line that begins with %q stands above", "number")
		return
	}
	if c.To == "" {
		c.To = r.Numbers[0].PhoneNumber
	}
	if !slices.ContainsFunc(r.Numbers, func(n Number) bool { return n.PhoneNumber == c.To }) {
		w.wrong("%s is none of the masked numbers above", c.To)
	}
}

// widestName fits into the margin of a story.
const widestName = 9

func (w *words) name() string {
	name := w.take("a name").text
	if n := utf8.RuneCountInString(name); w.err == nil && (n == 0 || n > widestName) {
		w.wrong("%q is not a name of 1 to %d letters", name, widestName)
	}
	return name
}

// nameEverybody gives whoever has no name the one that they had before, or else one that says what they are.
func (r *reader) nameEverybody() {
	phones, callers := names{what: "Phone"}, names{what: "Caller"}
	for _, s := range r.Scenes {
		for _, p := range s.Phones {
			phones.meet(p.Number)
		}
		for _, c := range s.Calls {
			callers.meet(c.From)
		}
	}
	for _, s := range r.Scenes {
		for i, p := range s.Phones {
			s.Phones[i].Name = phones.of(p.Number, p.Name)
		}
		for i, c := range s.Calls {
			s.Calls[i].Name = callers.of(c.From, c.Name)
		}
	}
}

// names are those of the people at some telephone numbers, in the order in which they appear.
type names struct {
	what    string
	numbers []string
	given   []string
}

func (n *names) meet(number string) {
	if !slices.Contains(n.numbers, number) {
		n.numbers, n.given = append(n.numbers, number), append(n.given, "")
	}
}

func (n *names) of(number, name string) string {
	at := slices.Index(n.numbers, number)
	switch {
	case name != "":
		n.given[at] = name
	case n.given[at] != "":
	case len(n.numbers) == 1:
		n.given[at] = n.what
	default:
		n.given[at] = fmt.Sprintf("%s %d", n.what, at+1)
	}
	return n.given[at]
}
