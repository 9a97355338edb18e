package webhooks

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

const maxBody = 64 << 10

// request is a webhook whose signature was checked: the form that Twilio sent and the query that we put into the address. A name that is
// read must stand there once; what nobody reads may repeat as it likes.
type request struct {
	form, query url.Values
	wrong       error // the first thing that is wrong with it
}

func (r *request) refuse(format string, args ...any) {
	if r.wrong == nil {
		r.wrong = fmt.Errorf(format, args...)
	}
}

func (r *request) get(name string) string { return r.only(r.form, name) }

func (r *request) carried(name string) string { return r.only(r.query, name) }

func (r *request) only(values url.Values, name string) string {
	v := values[name]
	if len(v) > 1 {
		r.refuse("%s is there %d times", name, len(v))
	}
	if len(v) == 0 {
		return ""
	}
	return v[0]
}

var sids = map[string]*regexp.Regexp{
	"AC": regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`),
	"CA": regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`),
	"RE": regexp.MustCompile(`^RE[0-9a-fA-F]{32}$`),
}

// sid checks a sid of the kind that begins with the prefix; an optional one may be missing.
func (r *request) sid(prefix, value, name string, optional bool) string {
	if (value != "" || !optional) && !sids[prefix].MatchString(value) {
		r.refuse("%s is malformed", name)
	}
	return value
}

// incoming is the call that a request to one of the number's own addresses is about.
func (r *request) incoming() phone.Incoming {
	return phone.Incoming{
		CallSID: r.sid("CA", r.get("CallSid"), "CallSid", false), From: r.get("From"), To: phone.Number(r.get("To")), Status: r.get("CallStatus"),
		Form: r.raw(), ForwardedFrom: phone.Diverter(r.get("ForwardedFrom")),
	}
}

// parent is the call that a request to an address of our own making is about.
func (r *request) parent() phone.Incoming {
	return phone.Incoming{
		CallSID: r.sid("CA", r.carried("call"), "call", false), From: r.carried("from"), To: phone.Number(r.carried("to")), Status: r.get("CallStatus"),
		Form: r.raw(),
	}
}

// notKept are parameters that open something, or that say what is kept with its voicemail and nowhere else.
var notKept = []string{"CallToken", "StirPassportToken", "TranscriptionText"}

// raw is the form as it is kept.
func (r *request) raw() string {
	form := maps.Clone(r.form)
	for _, name := range notKept {
		form.Del(name)
	}
	return form.Encode()
}

// seconds is a duration, and whether it is known: one that is odd is not.
func (r *request) seconds(name string) (int, bool) {
	n, err := strconv.Atoi(r.get(name))
	if err != nil || n < 0 || n > int(phone.LongestCall/time.Second) {
		return 0, false
	}
	return n, true
}

// time is a date as Twilio writes it; zero when it is missing or odd.
func (r *request) time(name string) time.Time {
	t, err := time.Parse(time.RFC1123Z, r.get(name))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// refusal is why a request is not taken. A cause is logged.
type refusal struct {
	status int
	reason string // in the metric
	cause  error
}

func malformed(cause error) *refusal { return &refusal{http.StatusBadRequest, "content", cause} }

var errUnsigned = errors.New("signature missing or wrong")

func unsigned() *refusal { return &refusal{http.StatusForbidden, "signature", errUnsigned} }

// read checks method, size and signature, in this order, before anything else is done with a request.
func (d *door) read(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	if r.Method != http.MethodPost {
		return nil, &refusal{http.StatusMethodNotAllowed, "method", nil}
	}
	body, no := d.body(w, r)
	if no != nil {
		return nil, no
	}
	if len(d.AuthTokens) == 0 {
		return nil, &refusal{http.StatusServiceUnavailable, "no_auth_token", nil} // said once, at start
	}
	form, err := pairs(string(body))
	if err != nil {
		return nil, unsigned() // what cannot be read was not written by Twilio
	}
	address, err := twilio.RequestURL(d.PublicURL, r.RequestURI)
	if err != nil || !twilio.Valid(d.AuthTokens, address, form, nil, r.Header.Get("X-Twilio-Signature")) {
		return nil, unsigned()
	}
	query, _ := pairs(r.URL.RawQuery) // what cannot be read of it is none of ours
	return &request{form: form, query: query}, nil
}

// pairs reads a form or a query. Pairs are separated by & alone: url.ParseQuery would refuse a semicolon. Pairs that cannot be read are left out
// and make an error.
func pairs(text string) (url.Values, error) {
	values := url.Values{}
	var errs error
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err := cmp.Or(err1, err2); err != nil {
			errs = err
		} else if pair != "" {
			values.Add(name, value)
		}
	}
	return values, errs
}

// body reads what came. The server has waited for it.
func (d *door) body(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "size", tooLarge}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "body", fmt.Errorf("read the body: %w", err)}
	}
	return body, nil
}

// check refuses what is signed but not for us.
func (d *door) check(r *request) error {
	account := r.sid("AC", r.get("AccountSid"), "AccountSid", false)
	if d.AccountSID != "" && account != d.AccountSID {
		r.refuse("AccountSid is another account's")
	}
	return r.wrong
}
