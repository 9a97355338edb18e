package network

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// element is a verb or noun of TwiML.
type element struct {
	name   string
	attrs  map[string]string
	text   string // its own
	spoken string // its own and its children's, as read aloud
	kids   []*element
}

// is tells whether a boolean attribute is set to true.
func (e *element) is(attr string) bool { return e.attrs[attr] == "true" }

// has tells whether an attribute is there, though it may be empty.
func (e *element) has(attr string) bool {
	_, ok := e.attrs[attr]
	return ok
}

// method is the HTTP method that an attribute asks for.
func (e *element) method(attr string) string { return orPost(e.attrs[attr]) }

func orPost(method string) string {
	if method == "" {
		return "POST"
	}
	return method
}

// document is a TwiML document that passed all checks.
type document struct {
	url   string // where it came from; "" when it was handed over inline
	asked ask    // what brought it
	verbs []*element
}

// place says for whom a document is, since not every verb may be used everywhere.
type place int

const (
	forCaller place = iota
	forScreen       // played to a phone that picked up, before it is connected
)

// twimlTypes are the content types under which TwiML is fine. Twilio would also read text/plain aloud and play audio,
// which no service of ours means to happen.
var twimlTypes = []string{"text/xml", "application/xml", "text/html"}

// readDocument takes an answer for TwiML.
func readDocument(r reply, where place) (*document, *Fault) {
	if fault := checkBody(r); fault != nil {
		return nil, fault
	}
	root, fault := parse(r.body)
	if fault != nil {
		return nil, fault
	}
	doc := &document{url: r.url, verbs: root.kids}
	return doc, check(root, where, r.url == "")
}

func checkBody(r reply) *Fault {
	switch {
	case len(r.body) == 0:
		return faultf(codeEmptyBody, "an empty answer")
	case len(r.body) > largestDocument:
		return faultf(codeTooLarge, "a document of more than 64 kB")
	case r.url == "":
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || !slices.Contains(twimlTypes, kind) {
		return faultf(codeContentType, "content type %q", r.header.Get("Content-Type"))
	}
	return nil
}

// parse reads XML more closely than encoding/xml, which forgives a second root, text around it and repeated attributes.
func parse(body []byte) (*element, *Fault) {
	var t tree
	tokens := xml.NewDecoder(bytes.NewReader(body))
	for {
		began := tokens.InputOffset()
		token, err := tokens.Token()
		switch {
		case errors.Is(err, io.EOF) && t.root == nil:
			return nil, faultf(codeNotXML, "no element at all")
		case errors.Is(err, io.EOF):
			return t.root, nil
		case err != nil:
			return nil, notXML(err)
		}
		if fault := t.take(token, began == 0); fault != nil {
			return nil, fault
		}
	}
}

// tree is a document while it is read.
type tree struct {
	root *element
	open []*element // from the root down to where we are
}

func (t *tree) take(token xml.Token, atStart bool) *Fault {
	switch token := token.(type) {
	case xml.StartElement:
		return t.begin(token)
	case xml.EndElement:
		t.open = t.open[:len(t.open)-1]
	case xml.CharData:
		if len(t.open) == 0 && strings.TrimSpace(string(token)) != "" {
			return faultf(codeNotXML, "text outside the root")
		}
		t.say(string(token))
	case xml.ProcInst:
		if token.Target != "xml" || !atStart {
			return faultf(codeNotXML, "a processing instruction %q", token.Target)
		}
	case xml.Directive:
		return faultf(codeNotXML, "a document type")
	}
	return nil
}

func (t *tree) begin(start xml.StartElement) *Fault {
	e := &element{name: qualified(start.Name), attrs: map[string]string{}}
	for _, a := range start.Attr {
		name := qualified(a.Name)
		if e.has(name) {
			return faultf(codeNotXML, "attribute %s twice in <%s>", name, e.name)
		}
		e.attrs[name] = a.Value
	}
	switch {
	case len(t.open) > 0:
		parent := t.open[len(t.open)-1]
		parent.kids = append(parent.kids, e)
	case t.root != nil:
		return faultf(codeNotXML, "a second root <%s>", e.name)
	default:
		t.root = e
	}
	t.open = append(t.open, e)
	return nil
}

func (t *tree) say(text string) {
	for i, e := range t.open {
		e.spoken += text
		if i == len(t.open)-1 {
			e.text += text
		}
	}
}

func notXML(err error) *Fault {
	if strings.Contains(err.Error(), "unsupported version") {
		return faultf(codeXMLVersion, "%v", err)
	}
	return faultf(codeNotXML, "%v", err)
}

// qualified undoes what encoding/xml makes of the one prefix that SSML has.
func qualified(name xml.Name) string {
	switch name.Space {
	case "":
		return name.Local
	case "http://www.w3.org/XML/1998/namespace":
		return "xml:" + name.Local
	}
	return name.Space + ":" + name.Local
}

// resolve finds what a URL in a document means.
func resolve(base, ref string) (string, *Fault) {
	to, err := url.Parse(ref)
	if err != nil {
		return "", faultf(codeInvalidURL, "%v", err)
	}
	if to.IsAbs() {
		return ref, nil // as written: the signature covers every character
	}
	from, err := url.Parse(base)
	if err != nil {
		return "", faultf(codeInvalidURL, "%v", err)
	}
	return from.ResolveReference(to).String(), nil
}
