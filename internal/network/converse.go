package network

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
)

// ask is the next document to ask for, or one that REST handed over inline.
type ask struct {
	topic  Topic
	url    string
	method string
	extra  map[string]string
	inline string
}

// stage is where a verb is performed: on a leg, somewhere in a document.
type stage struct {
	*leg
	doc   *document
	first bool // nothing stands before it
}

// converse plays documents to the leg's party, from the first one on, until one ends without naming another.
func (l *leg) converse(first ask) error {
	for next := &first; next != nil; {
		doc, err := l.fetch(*next)
		if err != nil {
			return err
		}
		if next, err = l.perform(doc); err != nil {
			return err
		}
	}
	return nil
}

// perform plays one document and returns what it leads to, nil at its end.
func (l *leg) perform(doc *document) (*ask, error) {
	for i, verb := range doc.verbs {
		next, err := stage{leg: l, doc: doc, first: i == 0}.verb(verb)
		if next != nil || err != nil {
			return next, err
		}
	}
	return nil, nil
}

// fetch gets a document that may be played. A caller is led to the number's fallback URL before being told of an error.
func (l *leg) fetch(a ask) (*document, error) {
	doc, fault := l.read(a)
	if fault == nil {
		return doc, nil
	}
	l.call.complain(fault)
	if !l.isCaller() {
		return nil, errApology
	}
	if doc := l.fallBack(a, fault); doc != nil {
		return doc, nil
	}
	return nil, l.apologise()
}

func (l *leg) fallBack(a ask, fault *Fault) *document {
	number := l.call.number
	if number.VoiceFallbackURL == "" || a.url == number.VoiceFallbackURL || fault == errCircle {
		return nil
	}
	bare, _, _ := strings.Cut(a.url, "#")
	extra := map[string]string{"ErrorUrl": bare, "ErrorCode": strconv.Itoa(cmp.Or(fault.Code, codeSchema))}
	doc, second := l.read(ask{
		topic: TopicFallback, url: number.VoiceFallbackURL, method: orPost(number.VoiceFallbackMethod), extra: extra,
	})
	if second != nil {
		l.call.complain(second)
	}
	return doc
}

func (l *leg) apologise() error {
	l.pickUp()
	if err := l.hears(apology, reading(apology)); err != nil {
		return err
	}
	return errApology
}

var errCircle = faultf(codePointless, "the call asked for more than %d documents", mostDocuments)

// read asks for a document and holds it to all rules; it is nil when there is a fault.
func (l *leg) read(a ask) (*document, *Fault) {
	if l.call.documents++; l.call.documents > mostDocuments {
		return nil, errCircle
	}
	where := forCaller
	if !l.isCaller() {
		where = forScreen
	}
	if a.inline != "" {
		return readDocument(reply{body: []byte(a.inline)}, where)
	}
	form := l.params()
	for name, value := range a.extra {
		form.Set(name, value)
	}
	r, fault := l.request(a, form)
	if fault != nil {
		return nil, fault
	}
	doc, fault := readDocument(r, where)
	if fault != nil {
		return nil, fault.at(r.url)
	}
	doc.asked = a
	return doc, nil
}

// tellOnly asks for a document that nobody is there to hear. It has to be right all the same.
func (l *leg) tellOnly(a ask) {
	if l.call.gone && l.call.hasty {
		l.call.reportEnd()
	}
	if _, fault := l.read(a); fault != nil {
		l.call.complain(fault)
	}
}

// follow is the action of a verb, with what it is told.
func (s stage) follow(e *element, extra map[string]string) *ask {
	next := s.doc.asked // an action left out is the current document once more
	next.topic, next.inline, next.extra = Topic(e.name), "", extra
	if e.has("action") {
		next.url, next.method = s.resolve(e.attrs["action"]), e.method("method")
	} else if e.has("method") {
		next.method = e.method("method")
	}
	return &next
}

// resolve is for URLs that check has seen.
func (s stage) resolve(ref string) string {
	if ref == "" {
		return ""
	}
	to, fault := resolve(s.doc.url, ref)
	if fault != nil {
		panic("network: a checked URL: " + fault.Error())
	}
	return to
}

// isOver tells an end that the other side has to be told of from a fault.
func isOver(err error) bool {
	return errors.Is(err, errCallerGone) || errors.Is(err, errTaken)
}
