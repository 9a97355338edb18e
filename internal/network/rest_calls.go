package network

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const codeNotInProgress = 21220

func (n *Network) listCalls(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	exact := map[string]string{"To": "to", "From": "from", "Status": "status", "ParentCallSid": "parent_call_sid"}
	if !known(w, query, append(timeFilter("StartTime"), "To", "From", "Status", "ParentCallSid")...) {
		return
	}
	started, err := spanOf(query, "StartTime")
	if err != nil {
		invalid(w, codeUnknownParameter, "StartTime: %v", err)
		return
	}
	var items []item
	shown := map[string]bool{}
	n.mu.Lock()
	for _, l := range slices.Backward(n.legs) {
		items = append(items, item{sid: l.sid, body: n.callObject(l)})
		shown[l.sid] = started.holds(l.created)
	}
	n.mu.Unlock()
	n.list(w, r, "calls", items, func(body object) bool {
		for name, field := range exact {
			if query.Has(name) && query.Get(name) != body[field] {
				return false
			}
		}
		return shown[body["sid"].(string)]
	})
}

func (n *Network) serveCall(w http.ResponseWriter, r *http.Request) {
	if sid, extension := resource(r.PathValue("file")); extension == "json" {
		n.mu.Lock()
		var body object
		if l := n.findLeg(sid); l != nil {
			body = n.callObject(l)
		}
		n.mu.Unlock()
		if body != nil {
			answer(w, http.StatusOK, body)
			return
		}
	}
	notFound(w, r)
}

// changeCall ends a live leg, or has a caller's leg go on with other TwiML. It takes effect at the network's next
// instant.
func (n *Network) changeCall(w http.ResponseWriter, r *http.Request) {
	sid, extension := resource(r.PathValue("file"))
	form, ok := changes(w, r, "Status", "Url", "Method", "Twiml")
	if !ok {
		return
	}
	n.mu.Lock()
	l := n.findLeg(sid)
	over := l != nil && !l.ended.IsZero()
	n.mu.Unlock()
	switch {
	case l == nil || extension != "json":
		notFound(w, r)
		return
	case over:
		invalid(w, codeNotInProgress, "Call is not in-progress. Cannot redirect.")
		return
	}
	if fault := n.instruct(l, form); fault != nil {
		invalid(w, fault.Code, "%s", fault.Message)
		return
	}
	n.clock.wake(&l.call.sleeper)
	n.mu.Lock()
	body := n.callObject(l)
	n.mu.Unlock()
	answer(w, http.StatusOK, body)
}

// instruct leaves the order where the call finds it, or says why it can't be one.
func (n *Network) instruct(l *leg, form url.Values) *Fault {
	status, address, inline := form.Get("Status"), form.Get("Url"), form.Get("Twiml")
	method := orPost(form.Get("Method"))
	for _, fault := range []*Fault{settableURL(address), settableMethod(method)} {
		if fault != nil {
			return fault
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case address != "" && inline != "":
		return faultf(codeNotInProgress, "Url and Twiml exclude each other.")
	case status != "" && status != completed && status != canceled:
		return faultf(codeNotInProgress, "Status is completed or canceled.")
	case status == canceled && !l.answered.IsZero():
		return faultf(codeNotInProgress, "Call is in-progress, too late to cancel.")
	case status != "" && l.parentSID != "":
		l.dismissed = status
	case status != "":
		l.call.order = &order{}
	case l.parentSID != "":
		return faultf(codeNotInProgress, "This network redirects only the caller's leg.")
	case address != "":
		l.call.order = &order{ask: &ask{topic: TopicRedirect, url: address, method: method}}
	case inline != "":
		l.call.order = &order{ask: &ask{inline: inline}}
	}
	return nil
}

// findLeg wants net.mu held.
func (n *Network) findLeg(sid string) *leg {
	at := slices.IndexFunc(n.legs, func(l *leg) bool { return l.sid == sid })
	if at < 0 {
		return nil
	}
	return n.legs[at]
}

// callObject wants net.mu held.
func (n *Network) callObject(l *leg) object {
	body := object{
		"sid": l.sid, "account_sid": n.cfg.AccountSID, "api_version": apiVersion, "parent_call_sid": orNull(l.parentSID),
		"from": l.from, "from_formatted": l.from, "to": l.to, "to_formatted": l.to, "status": l.status,
		"direction": l.direction, "phone_number_sid": orNull(l.call.number.SID), "answered_by": nil,
		"forwarded_from": orNull(l.call.caller.via), "caller_name": nil, "group_sid": nil, "trunk_sid": nil, "annotation": nil,
		"price": nil, "price_unit": "USD", "queue_time": "0", "duration": nil,
		"start_time": rfc2822(l.created), "end_time": nil, "date_created": rfc2822(l.created),
		"date_updated":     rfc2822(latest(l.created, latest(l.answered, l.ended))),
		"uri":              n.uri("/Calls/" + l.sid + ".json"),
		"subresource_uris": object{"recordings": n.uri("/Calls/" + l.sid + "/Recordings.json")},
	}
	if !l.ended.IsZero() {
		body["end_time"] = rfc2822(l.ended)
		body["duration"] = strconv.Itoa(seconds(durationOf(l.answered, l.ended)))
	}
	return body
}

func durationOf(answered, ended time.Time) time.Duration {
	if answered.IsZero() {
		return 0
	}
	return ended.Sub(answered)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
