package network

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	largestDocument = 64 << 10
	mostRedirects   = 10
	formType        = "application/x-www-form-urlencoded; charset=UTF-8"
)

// delivery is one request of Twilio's to a service, with what it takes to make it arrive.
type delivery struct {
	call   *Call
	dice   *dice
	lane   uint64
	told   Event // what every attempt's event has in common
	url    string
	method string
	form   url.Values // nil for a file to play, which Twilio asks for without parameters
	token  string     // I-Twilio-Idempotency-Token
}

// reply is what a service answered.
type reply struct {
	url    string // that answered, after redirects
	status int
	header http.Header
	body   []byte
}

// send makes attempts until one succeeds or the URL's overrides allow no more.
func (d *delivery) send() (reply, *Fault) {
	bare, o, fault := splitOverrides(d.url)
	if fault != nil {
		return reply{}, fault
	}
	if d.token == "" {
		d.token = d.dice.uuid()
	}
	ctx, cancel := context.WithTimeout(d.call.net.clock.context(), o.total)
	defer cancel()
	for left := o.retries; ; left-- {
		r, fault := d.attempt(ctx, o, bare)
		d.call.net.clock.mustBeOpen() // a run that was given up looks like a service that failed
		d.record(bare, r, fault)
		if d.call.net.cfg.FreshTokens {
			d.token = d.dice.uuid()
		}
		if fault == nil || left <= 0 || !o.repeats(fault) || ctx.Err() != nil {
			return r, fault.at(bare)
		}
	}
}

// event is one attempt as it is told.
func (d *delivery) event(bare string, r reply) Event {
	e := d.told
	e.CallSID, e.lane, e.Method, e.URL, e.Form = d.call.SID, d.lane, d.method, bare, d.form
	if e.Status = r.status; d.form != nil {
		e.Body = string(r.body) // a file to play is no reading matter
	}
	return e
}

func (d *delivery) record(bare string, r reply, fault *Fault) {
	e := d.event(bare, r)
	if fault != nil && r.status == 0 {
		e.Text = strings.TrimSpace(e.Text + " " + fault.Message)
	}
	d.call.happens(e)
}

// attempt asks once, over a connection of its own, following redirects.
func (d *delivery) attempt(ctx context.Context, o overrides, bare string) (reply, *Fault) {
	target, method := bare, d.method
	for range mostRedirects + 1 {
		r, fault := d.exchange(ctx, o, method, target)
		if fault != nil || r.status < 300 {
			return r, fault
		}
		location := r.header.Get("Location")
		if r.status >= 400 || location == "" {
			return r, refused(r.status)
		}
		if target, fault = resolve(target, location); fault != nil {
			return r, fault
		}
		if r.status != http.StatusTemporaryRedirect && r.status != http.StatusPermanentRedirect {
			method = http.MethodGet
		}
	}
	return reply{}, faultf(codeRedirects, "more than %d redirects", mostRedirects)
}

func refused(status int) *Fault {
	f := faultf(codeRetrieval, "the service answered %d %s", status, http.StatusText(status))
	switch status / 100 {
	case 4:
		f.retry = "4xx"
	case 5:
		f.retry = "5xx"
	}
	return f
}

// exchange is one request and its answer.
func (d *delivery) exchange(ctx context.Context, o overrides, method, target string) (reply, *Fault) {
	dog := watch(ctx, o)
	defer dog.stop()
	req, err := d.request(dog.ctx, method, target)
	if err != nil {
		return reply{}, faultf(codeInvalidURL, "%v", err)
	}
	client := *d.call.net.client
	client.Jar = d.call.cookies
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return reply{}, dog.fault(err)
	}
	defer res.Body.Close() // what closing could say, reading has said
	r := reply{url: target, status: res.StatusCode, header: res.Header}
	r.body, err = io.ReadAll(io.LimitReader(dog.over(res.Body), largestDocument+1))
	if err != nil {
		return r, faultf(codeProtocol, "the answer broke off: %v", err) // half an answer is never asked for again
	}
	return r, nil
}

// request is the request as Twilio words it: parameters in no order, spaces as %20.
func (d *delivery) request(ctx context.Context, method, target string) (*http.Request, error) {
	body, signedForm := "", d.form
	if method == http.MethodGet {
		target, signedForm = withQuery(target, d.encoded()), nil
	} else {
		body = d.encoded()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", target, err)
	}
	req.Close = true // Twilio never uses a connection twice
	h := req.Header
	h.Set("User-Agent", "TwilioProxy/1.1")
	h.Set("Accept", "*/*")
	if d.form != nil {
		h.Set("X-Twilio-Signature", Sign(d.call.net.cfg.AuthToken, signed(target), signedForm))
		h.Set("I-Twilio-Idempotency-Token", d.token)
		h.Set("X-Home-Region", homeRegion)
	}
	if body != "" {
		h.Set("Content-Type", formType)
	}
	return req, nil
}

func (d *delivery) encoded() string {
	names := slices.Sorted(maps.Keys(d.form))
	d.dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var pairs []string
	for _, name := range names {
		for _, value := range d.form[name] {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func withQuery(target, query string) string {
	switch {
	case query == "":
		return target
	case strings.Contains(target, "?"):
		return target + "&" + query
	}
	return target + "?" + query
}
