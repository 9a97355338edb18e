package webhooks

import (
	"net/url"
	"strconv"

	"github.com/maskline/maskline/phone"
)

// What Twilio does when a request of ours fails: a caller waits for a decision, so it is tried once more; what only tells us something is
// tried as long as 15 seconds allow.
const (
	decisionRetry = "#rc=1&rp=ct,rt,5xx"
	callbackRetry = "#rc=3&rp=ct,rt,5xx"
)

// addresses are where Twilio goes on with one call. They carry the parent call's sid, caller and number in the query: recording callbacks
// name neither, and a screened phone names itself. Twilio's signature covers them, so no key and no database is needed to believe them.
type addresses struct {
	base string // PUBLIC_URL
	call parent
}

// parent is the call that a customer made, as the addresses carry it.
type parent struct{ sid, from, to string }

const shownOfNumber = 64 // what is longer is no number anyhow

func (a addresses) decision(path string) string { return a.to(path, a.query()) + decisionRetry }

func (a addresses) callback(path string) string { return a.to(path, a.query()) + callbackRetry }

// screenAt is where a phone that picks up is asked, with what the screen says: it is answered without the database too.
func (a addresses) screenAt(c phone.Connect) string {
	q := a.query()
	for name, value := range map[string]string{"language": c.Language, "label": c.Label} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if c.ScreenSeconds > 0 {
		q.Set("seconds", strconv.Itoa(c.ScreenSeconds))
	}
	return a.to("voice/screen", q) + decisionRetry
}

func (a addresses) query() url.Values {
	return url.Values{"call": {a.call.sid}, "from": {cut(a.call.from, shownOfNumber)}, "to": {cut(a.call.to, shownOfNumber)}}
}

func (a addresses) to(path string, q url.Values) string {
	return a.base + "/webhooks/" + path + "?" + q.Encode()
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
