package network

import (
	"net/url"
	"testing"
	"time"
)

func TestEventsAreSentences(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]Event{
		"+15005550001 dials +15005550006":                            {Kind: Dialled, Who: bob, Text: mask},
		"a withheld number dials +15005550006":                       {Kind: Dialled, Text: mask},
		"the phone +15005550100 rings and shows +15005550001":        {Kind: Rang, Who: olga, Text: bob},
		"+15005550100 picks up":                                      {Kind: Answered, Who: olga},
		"+15005550100 was not reached: busy":                         {Kind: Missed, Who: olga, Text: "busy"},
		"+15005550100 picked up but is not connected":                {Kind: Declined, Who: olga},
		"+15005550001 hears: Hello.":                                 {Kind: Heard, Who: bob, Text: "Hello."},
		"+15005550100 presses 1":                                     {Kind: Pressed, Who: olga, Text: "1"},
		"+15005550100 and +15005550001 are connected":                {Kind: Bridged, Who: olga, Text: bob},
		"+15005550001 was recorded for 12s: RE1":                     {Kind: Recorded, Who: bob, Text: "RE1", Took: 12 * time.Second},
		"+15005550001 hangs up":                                      {Kind: HungUp, Who: bob},
		"Twilio asks POST http://s/v and is answered 204":            {Kind: Webhook, Method: "POST", URL: "http://s/v", Status: 204},
		"Twilio asks POST http://s/v and gets no answer":             {Kind: Webhook, Method: "POST", URL: "http://s/v"},
		"Twilio fetches http://s/a.wav and is answered 200":          {Kind: Fetched, URL: "http://s/a.wav", Status: 200},
		"Twilio reports X=1 to http://s/r and is answered 500":       {Kind: CallbackSent, Text: "X=1", URL: "http://s/r", Status: 500},
		"Twilio's report X=1 to http://s/r gets lost":                {Kind: CallbackLost, Text: "X=1", URL: "http://s/r"},
		"trouble: Twilio error 12100: broken (http://s/v)":           {Kind: Failed, Text: (&Fault{Code: 12100, Message: "broken", URL: "http://s/v"}).Error()},
		"the call is over: completed after 1m0s":                     {Kind: Ended, Text: "completed", Took: time.Minute},
		"Twilio asks again, POST http://s/v and is answered 204":     {Kind: Webhook, Method: "POST", URL: "http://s/v", Status: 204, Again: true},
		"Twilio reports again, X=1 to http://s/r and gets no answer": {Kind: CallbackSent, Text: "X=1", URL: "http://s/r", Again: true},
		"Strange thing": {Kind: "Strange", Text: "thing"},
		"Twilio asks GET http://s/v (CallStatus=ringing, Digits=1) and is answered 200: <Response/>": {
			Kind: Webhook, Method: "GET", URL: "http://s/v", Status: 200, Body: "<Response/>\n",
			Form: url.Values{"CallStatus": {"ringing"}, "Digits": {"1"}, "From": {bob}},
		},
	} {
		equal(t, string(e.Kind), e.String(), want)
	}
}

func TestAFaultWithoutCodeSaysOnlyWhatIsWrong(t *testing.T) {
	t.Parallel()
	equal(t, "text", (&Fault{Message: "pointless"}).Error(), "pointless")
}
