package network

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	mostNumbers    = 10
	mostCharacters = 4096
)

// screenVerbs are all that a phone may be told before it is connected.
var screenVerbs = []string{"Say", "Play", "Gather", "Hangup"}

// checker holds a document to all rules.
type checker struct {
	where  place
	inline bool // so that no URL in it can be relative
}

func check(root *element, where place, inline bool) *Fault {
	c := checker{where: where, inline: inline}
	if root.name != "Response" {
		return faultf(codeRoot, "the root is <%s>, not <Response>", root.name)
	}
	if fault := c.attributes(root, nil); fault != nil {
		return fault
	}
	if strings.TrimSpace(root.text) != "" {
		return faultf(codeSchema, "text in <Response>")
	}
	for i, verb := range root.kids {
		if fault := c.verb(verb); fault != nil {
			return fault
		}
		if fault := c.order(root.kids[:i], verb); fault != nil {
			return fault
		}
	}
	return nil
}

func (c checker) verb(e *element) *Fault {
	shape, known := verbs[e.name]
	switch {
	case !known && slices.Contains(unplayed, e.name):
		return faultf(codeSchema, "<%s> is not played by this network", e.name)
	case !known:
		return faultf(codeSchema, "unknown verb <%s>", e.name)
	case c.where == forScreen && !slices.Contains(screenVerbs, e.name):
		return faultf(codeSchema, "<%s> is not allowed before a phone is connected", e.name)
	}
	return c.element(e, shape)
}

func (c checker) element(e *element, s shape) *Fault {
	if fault := c.attributes(e, s.attrs); fault != nil {
		return fault
	}
	if fault := c.content(e, s); fault != nil {
		return fault
	}
	for _, kid := range e.kids {
		if !slices.Contains(s.kids, kid.name) {
			return faultf(codeSchema, "<%s> in <%s>", kid.name, e.name)
		}
		inner, isNoun := nouns[kid.name]
		if !isNoun {
			inner = verbs[kid.name]
		}
		if fault := c.element(kid, inner); fault != nil {
			return fault
		}
	}
	return c.particular(e)
}

func (c checker) attributes(e *element, rules map[string]rule) *Fault {
	for _, name := range slices.Sorted(maps.Keys(e.attrs)) {
		value := e.attrs[name]
		fits, known := rules[name]
		if !known {
			return faultf(codeSchema, "unknown attribute %s of <%s>", name, e.name)
		}
		if wanted := fits(value); wanted != "" {
			return faultf(codeSchema, "%s=%q of <%s>, wanted %s", name, value, e.name, wanted)
		}
		if isAddress[name] {
			if fault := checkAddress(value, c.inline); fault != nil {
				return fault
			}
		}
	}
	return nil
}

// isAddress are the attributes with the rule address.
var isAddress = map[string]bool{
	"action": true, "url": true, "statusCallback": true, "recordingStatusCallback": true, "transcribeCallback": true,
}

func (c checker) content(e *element, s shape) *Fault {
	text := strings.TrimSpace(e.spoken)
	switch {
	case s.text == someText && text == "":
		return faultf(codeSchema, "<%s> without text", e.name)
	case s.text == noText && strings.TrimSpace(e.text) != "":
		return faultf(codeSchema, "text in <%s>", e.name)
	}
	return nil
}

// particular is what no table says.
func (c checker) particular(e *element) *Fault {
	switch e.name {
	case "Say":
		return checkSay(e)
	case "Play":
		return c.play(e)
	case "Redirect":
		return checkAddress(strings.TrimSpace(e.text), c.inline)
	case "Gather":
		return c.gather(e)
	case "Record":
		return c.current(e)
	case "Dial":
		return checkDial(e)
	case "Number":
		return checkNumber(e)
	}
	return nil
}

func checkSay(e *element) *Fault {
	voice, language := e.attrs["voice"], e.attrs["language"]
	switch {
	case utf8.RuneCountInString(e.spoken) > mostCharacters:
		return faultf(codeSchema, "<Say> with more than %d characters", mostCharacters)
	case voice != "" && language != "" && !speaks(voice, language):
		return faultf(codeSchema, "voice %s does not speak %s", voice, language)
	}
	return nil
}

func (c checker) play(e *element) *Fault {
	file := strings.TrimSpace(e.text)
	switch {
	case (file == "") == !e.has("digits"):
		return faultf(codeSchema, "<Play> wants a URL or digits, one of them")
	case file == "":
		return nil
	}
	return checkAddress(file, c.inline)
}

func (c checker) gather(e *element) *Fault {
	for _, kid := range e.kids {
		if kid.has("digits") {
			return faultf(codeSchema, "digits in a <Play> of <Gather>")
		}
	}
	return c.current(e)
}

// current refuses an action left out where the current document has no URL to be asked again.
func (c checker) current(e *element) *Fault {
	if c.inline && !e.has("action") {
		return faultf(codeInvalidURL, "<%s> without action in a document without URL", e.name)
	}
	return nil
}

func checkDial(e *element) *Fault {
	number := strings.TrimSpace(e.text)
	switch {
	case number == "" && len(e.kids) == 0:
		return faultf(codeSchema, "<Dial> without a number")
	case number != "" && len(e.kids) > 0:
		return faultf(codeSchema, "<Dial> with both text and <Number>")
	case len(e.kids) > mostNumbers:
		return faultf(codeSchema, "<Dial> with more than %d numbers", mostNumbers)
	case number != "":
		return checkNumber(e)
	}
	return nil
}

func checkNumber(e *element) *Fault {
	if number := strings.TrimSpace(e.text); !dialable.MatchString(number) {
		return faultf(codeSchema, "%q is not a telephone number", number)
	}
	return nil
}

// order refuses verbs that nobody will ever hear.
func (c checker) order(before []*element, verb *element) *Fault {
	if len(before) == 0 {
		return nil
	}
	if verb.name == "Reject" {
		return faultf(codeSchema, "<Reject> is not the first verb, so the call was answered and is paid for")
	}
	last := before[len(before)-1]
	switch {
	case last.name == "Reject", last.name == "Hangup", last.name == "Redirect", last.name == "Dial" && last.has("action"):
		// A verb behind a Record with action can't be reached either, but older documentation has an empty recording
		// go on there, so it is the right thing to write.
		return faultf(codePointless, "<%s> behind <%s> is never reached", verb.name, last.name)
	}
	return nil
}
