package network

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verb performs one verb. It returns what to ask for next, or why there is no going on; neither leads to the next verb.
func (s stage) verb(e *element) (*ask, error) {
	switch e.name {
	case "Say", "Play":
		s.pickUp()
		_, err := s.utter(e, func(text string, d time.Duration) (string, error) { return "", s.hears(text, d) })
		return nil, err
	case "Pause":
		return nil, s.pass(e.seconds("length", 1))
	case "Gather":
		return s.gather(e)
	case "Record":
		return s.record(e)
	case "Dial":
		return s.dial(e)
	case "Redirect":
		return &ask{topic: TopicRedirect, url: s.resolve(strings.TrimSpace(e.text)), method: e.method("method")}, nil
	case "Reject":
		return nil, s.reject()
	case "Hangup":
		s.pickUp()
		return nil, errHangup
	}
	panic("network: a checked verb: " + e.name)
}

func (s stage) reject() error {
	if s.status == ringing {
		return errRejected
	}
	s.call.complain(faultf(codePointless, "<Reject> when the call was already answered").at(s.doc.url))
	return errHangup
}

// seconds is the value of an attribute that is a number of seconds.
func (e *element) seconds(attr string, otherwise int) time.Duration {
	return time.Duration(e.number(attr, otherwise)) * time.Second
}

func (e *element) number(attr string, otherwise int) int {
	if !e.has(attr) {
		return otherwise
	}
	n, err := strconv.Atoi(e.attrs[attr])
	if err != nil {
		panic("network: a checked number: " + err.Error())
	}
	return n
}

const (
	playing = 5 * time.Second // how long a file plays, whatever is in it
	endless = 1000            // what Twilio takes loop="0" for
)

// audioTypes are the files that Twilio plays.
var audioTypes = []string{
	"audio/mpeg", "audio/wav", "audio/wave", "audio/x-wav", "audio/aiff", "audio/x-aifc", "audio/x-aiff", "audio/x-gsm",
	"audio/gsm", "audio/ulaw", "audio/basic",
}

// utter has listen hear what is to be said or played, as often as it loops, until it heard a key or there was an error.
func (s stage) utter(e *element, listen func(text string, d time.Duration) (string, error)) (key string, err error) {
	text, d := s.utterance(e)
	times := e.number("loop", 1)
	if times == 0 {
		times = endless
	}
	for range times {
		if d == 0 {
			break
		}
		if key, err = listen(text, d); key != "" || err != nil {
			break
		}
	}
	return key, err
}

// utterance is what a Say or Play sounds like, and for how long. A file that can't be played is passed over.
func (s stage) utterance(e *element) (string, time.Duration) {
	text := strings.Join(strings.Fields(e.spoken), " ")
	switch {
	case e.name == "Say":
		return text, reading(text)
	case e.has("digits"):
		return "(the keys " + e.attrs["digits"] + ")", time.Second
	}
	file := s.resolve(text)
	if fault := s.file(file); fault != nil {
		s.call.complain(fault)
		return "", 0
	}
	return "(" + file + ")", playing
}

// file makes sure that there is something to play.
func (s stage) file(url string) *Fault {
	d := delivery{call: s.call, dice: s.call.dice, told: Event{Kind: Fetched, Who: s.who}, url: url, method: http.MethodGet}
	r, fault := d.send()
	if fault != nil {
		return fault
	}
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || !slices.Contains(audioTypes, kind) {
		return faultf(codeContentType, "content type %q to play", r.header.Get("Content-Type")).at(url)
	}
	return nil
}

// hears has the party listen to something for d.
func (l *leg) hears(text string, d time.Duration) error {
	l.hear(text, d)
	return l.pass(d)
}

func (l *leg) hear(text string, d time.Duration) {
	c := l.call
	c.happens(Event{Kind: Heard, Who: l.who, Text: text})
	if l.isCaller() && c.caller.impolite && !c.greeted {
		l.hangUpAt = c.net.Now().Add(d / 2)
	}
	c.greeted = c.greeted || l.isCaller()
}

// speed is how fast a text is read aloud.
const speed = 15 // characters a second

func reading(text string) time.Duration {
	took := time.Duration(len([]rune(text))) * time.Second / speed
	return max(took.Truncate(100*time.Millisecond), time.Second)
}
