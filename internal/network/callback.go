package network

import "net/http"

// tell sends a callback. Its answer decides nothing, but has to be one that Twilio doesn't warn about.
func (c *Call) tell(own *dice, cb callback, again bool) {
	lane := own.Uint64()
	if cb.early && !again {
		lane = cb.lane
	}
	d := delivery{
		call: c, dice: own, lane: lane, told: Event{Kind: CallbackSent, Who: cb.who, Text: cb.text, Again: again},
		url: cb.url, method: cb.method, form: cb.form,
	}
	r, fault := d.send()
	if fault == nil {
		fault = checkAcknowledgement(r)
	}
	if fault != nil {
		c.complainIn(lane, fault.at(cb.url))
	}
}

// checkAcknowledgement wants 204, or an empty Response.
func checkAcknowledgement(r reply) *Fault {
	if r.status == http.StatusNoContent {
		return nil
	}
	doc, fault := readDocument(r, forCaller)
	if fault == nil && len(doc.verbs) > 0 {
		return faultf(codePointless, "the answer to a callback has verbs, which nobody plays")
	}
	return fault
}

func (c *Call) lose(lane uint64, cb callback) {
	c.happens(Event{
		Kind: CallbackLost, Who: cb.who, Text: cb.text, URL: cb.url, Method: cb.method, Form: cb.form, lane: lane,
	})
}
