package network

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestCallResources(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, screenAnswers)
	pn := w.Numbers()[0].SID
	w.AddPhone(olga, Human(3*time.Second, 40*time.Second).Press("1", 2*time.Second))
	c := w.Dial(From(bob).HangUpAt(2*time.Minute), mask)
	w.runTo(is(Bridged))
	during := decoded(t, w.rest("GET", base+"/Calls/"+c.SID+".json", nil), 200)
	equal(t, "status during the call", during["status"], any("in-progress"))
	equal(t, "duration during the call", during["duration"], nil)
	w.run()
	body := decoded(t, w.rest("GET", base+"/Calls/"+c.SID+".json", nil), 200)
	for field, want := range map[string]any{
		"from": bob, "to": mask, "status": "completed", "direction": "inbound", "parent_call_sid": nil, "phone_number_sid": pn,
		"start_time": "Mon, 05 Jan 2026 09:00:00 +0000", "end_time": "Mon, 05 Jan 2026 09:00:47 +0000", "price": nil, "answered_by": nil,
	} {
		equal(t, field, body[field], want)
	}
	calls := sids(t, w.rest("GET", base+"/Calls.json?ParentCallSid="+c.SID, nil), "calls")
	equal(t, "children", len(calls), 1)
	child := decoded(t, w.rest("GET", base+"/Calls/"+calls[0]+".json", nil), 200)
	for field, want := range map[string]any{
		"parent_call_sid": c.SID, "to": olga, "from": bob, "direction": "outbound-dial", "duration": "42", "status": "completed",
	} {
		equal(t, "child's "+field, child[field], want)
	}
}

func TestCallFilters(t *testing.T) {
	t.Parallel()
	w := recorded(t, 3)
	for query, want := range map[string]int{
		"": 3, "?To=" + url.QueryEscape(mask): 3, "?From=%2B19": 0, "?Status=completed": 3, "?Status=busy": 0,
		"?StartTime=2026-01-05": 3, "?StartTime%3E=2026-01-05T09:01:00Z": 2, "?StartTime%3C=2026-01-05T09:00:59Z": 1,
	} {
		equal(t, query, len(sids(t, w.rest("GET", base+"/Calls.json"+query, nil), "calls")), want)
	}
	wantError(t, w.rest("GET", base+"/Calls.json?StartTime%3E%3D=2026-01-05", nil), 400, codeUnknownParameter)
	wantError(t, w.rest("GET", base+"/Calls.json?StartTime=soon", nil), 400, codeUnknownParameter)
}

func TestChangingCallsThatCantBe(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Say>Hi</Say><Dial action="/dialled">` + olga + `</Dial>`), "/dialled": nothing})
	w.AddPhone(olga, Human(time.Second, time.Minute))
	c := w.Dial(From(bob), mask)
	w.runTo(is(Bridged))
	caller, child := base+"/Calls/"+c.SID+".json", base+"/Calls/"+w.legs[1].sid+".json"
	for name, one := range map[string]struct {
		path string
		form url.Values
		code int
	}{
		"both Url and Twiml":       {caller, url.Values{"Url": {"https://a.example/"}, "Twiml": {nothing}}, codeNotInProgress},
		"a strange status":         {caller, url.Values{"Status": {"paused"}}, codeNotInProgress},
		"too late to cancel":       {caller, url.Values{"Status": {"canceled"}}, codeNotInProgress},
		"a phone's leg":            {child, url.Values{"Twiml": {nothing}}, codeNotInProgress},
		"a relative URL":           {caller, url.Values{"Url": {"/x"}}, codeBadURL},
		"a strange method":         {caller, url.Values{"Url": {"https://a.example/"}, "Method": {"PUT"}}, codeBadMethod},
		"a parameter nobody knows": {caller, url.Values{"URL": {"https://a.example/"}}, codeUnknownParameter},
		"a body that isn't a form": {caller + "?x=%zz", url.Values{}, codeUnknownParameter},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, w.rest("POST", one.path, one.form), 400, one.code) })
	}
	w.run()
	fine(t, c)
	wantError(t, w.rest("POST", caller, url.Values{"Status": {"completed"}}), 400, codeNotInProgress)
	wantError(t, w.rest("POST", base+"/Calls/CA9.json", url.Values{"Status": {"completed"}}), 404, 20404)
}

func TestInlineTwiMLTakesACallOver(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Pause length="60"/>`)})
	c := w.Dial(From(bob), mask)
	w.runTo(Asking("/voice"))
	w.rest("POST", base+"/Calls/"+c.SID+".json", url.Values{"Twiml": {response("<Say>Hello.</Say>")}})
	w.run()
	fine(t, c)
	equal(t, "heard", strings.Join(c.Heard(bob), "|"), "Hello.")
}

func TestAPhonesLegCanBeEnded(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.AddPhone(olga, Human(time.Second, time.Hour))
	c := w.Dial(From(bob), mask)
	w.runTo(is(Bridged))
	w.rest("POST", base+"/Calls/"+w.legs[1].sid+".json", url.Values{"Status": {"completed"}})
	w.run()
	fine(t, c)
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "0"})
}
