package network

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const dialStart = `<Dial action="/dialled">`

// strictness is one bad document for every rule, with what the network has to say about it.
var strictness = map[string]struct {
	verbs string // inside a Response, unless it begins with a "!"
	code  int
	words string
}{
	"not XML":                               {"!<Response><Say>Hi</Response>", codeNotXML, "element <Say>"},
	"not closed":                            {"!<Response>", codeNotXML, "EOF"},
	"text only":                             {"!Hello", codeNotXML, "text outside"},
	"nothing but a comment":                 {"!<!-- hello -->", codeNotXML, "no element"},
	"a second root":                         {"!<Response/><Response/>", codeNotXML, "second root"},
	"text behind the root":                  {"!<Response/>bye", codeNotXML, "text outside"},
	"a bare ampersand":                      {"<Say>you & me</Say>", codeNotXML, "entity"},
	"an unquoted attribute":                 {"<Say loop=2>Hi</Say>", codeNotXML, "quoted"},
	"an attribute twice":                    {`<Say loop="1" loop="2">Hi</Say>`, codeNotXML, "twice"},
	"a document type":                       {"!<!DOCTYPE Response><Response/>", codeNotXML, "document type"},
	"space before the declaration":          {`! <?xml version="1.0"?><Response/>`, codeNotXML, "processing instruction"},
	"a processing instruction":              {`!<?php hello ?><Response/>`, codeNotXML, "php"},
	"another encoding":                      {`!<?xml version="1.0" encoding="ISO-8859-1"?><Response/>`, codeNotXML, "ISO-8859-1"},
	"XML 1.1":                               {`!<?xml version="1.1"?><Response/>`, codeXMLVersion, "1.1"},
	"another root":                          {"!<Twiml/>", codeRoot, "Twiml"},
	"a root in lower case":                  {"!<response/>", codeRoot, "response"},
	"an attribute of the root":              {`!<Response version="1"/>`, codeSchema, "version"},
	"text in the root":                      {"!<Response>Hello</Response>", codeSchema, "text in <Response>"},
	"a namespace":                           {`!<Response xmlns:x="http://a.example/x"/>`, codeSchema, "xmlns"},
	"an unknown verb":                       {"<Shout>Hi</Shout>", codeSchema, "unknown verb <Shout>"},
	"a verb in lower case":                  {"<say>Hi</say>", codeSchema, "unknown verb <say>"},
	"a verb that isn't played":              {"<Enqueue>support</Enqueue>", codeSchema, "not played"},
	"an unknown attribute":                  {`<Say tone="soft">Hi</Say>`, codeSchema, "tone"},
	"an attribute in another case":          {`<Dial answeronbridge="true">+15005550100</Dial>`, codeSchema, "answeronbridge"},
	"a noun without its verb":               {"<Number>+15005550100</Number>", codeSchema, "unknown verb <Number>"},
	"an empty Say":                          {"<Say> </Say>", codeSchema, "without text"},
	"a Say of 4097 characters":              {"<Say>" + strings.Repeat("ä", 4097) + "</Say>", codeSchema, "4096"},
	"a loop below zero":                     {`<Say loop="-1">Hi</Say>`, codeSchema, "loop"},
	"a loop that is no number":              {`<Say loop="often">Hi</Say>`, codeSchema, "loop"},
	"an unknown voice":                      {`<Say voice="darth">Hi</Say>`, codeSchema, "voice"},
	"an unknown language":                   {`<Say language="english">Hi</Say>`, codeSchema, "language"},
	"a voice of another language":           {`<Say voice="Polly.Vicki-Neural" language="en-US">Hi</Say>`, codeSchema, "does not speak"},
	"a Google voice of another locale":      {`<Say voice="Google.de-DE-Standard-A" language="en-US">Hi</Say>`, codeSchema, "does not speak"},
	"SSML in the wrong case":                {"<Say>a<Break/>b</Say>", codeSchema, "<Break> in <Say>"},
	"an unknown SSML attribute":             {`<Say>a<break length="1s"/>b</Say>`, codeSchema, "length"},
	"SSML with a wrong value":               {`<Say>a<break strength="huge"/>b</Say>`, codeSchema, "strength"},
	"a verb in Say":                         {"<Say>a<Pause/>b</Say>", codeSchema, "<Pause> in <Say>"},
	"SSML nested where it can't be":         {"<Say><sub alias='b'><p>a</p></sub></Say>", codeSchema, "<p> in <sub>"},
	"a Play of nothing":                     {"<Play/>", codeSchema, "one of them"},
	"a Play of both":                        {`<Play digits="1">/files/a.wav</Play>`, codeSchema, "one of them"},
	"a Play of impossible digits":           {`<Play digits="12x"/>`, codeSchema, "digits"},
	"a Play from a strange place":           {"<Play>ftp://a.example/a.wav</Play>", codeInvalidURL, "neither http"},
	"a Pause with text":                     {"<Pause>one</Pause>", codeSchema, "text in <Pause>"},
	"a Pause with a child":                  {"<Pause><Say>Hi</Say></Pause>", codeSchema, "<Say> in <Pause>"},
	"a Pause of no number":                  {`<Pause length="long"/>`, codeSchema, "length"},
	"a Pause with a fraction":               {`<Pause length="0.5"/>`, codeSchema, "length"},
	"a Hangup with an attribute":            {`<Hangup reason="tired"/>`, codeSchema, "reason"},
	"a Hangup with text":                    {"<Hangup>bye</Hangup>", codeSchema, "text in <Hangup>"},
	"a Reject that isn't first":             {"<Say>Hi</Say><Reject/>", codeSchema, "not the first"},
	"a Reject for a strange reason":         {`<Reject reason="rude"/>`, codeSchema, "reason"},
	"a verb behind Reject":                  {"<Reject/><Say>Hi</Say>", codePointless, "never reached"},
	"a verb behind Hangup":                  {"<Hangup/><Say>Hi</Say>", codePointless, "never reached"},
	"a verb behind Redirect":                {"<Redirect>/x</Redirect><Say>Hi</Say>", codePointless, "never reached"},
	"a verb behind Dial with action":        {dialStart + olga + "</Dial><Say>Hi</Say>", codePointless, "never reached"},
	"a Redirect to nowhere":                 {"<Redirect/>", codeSchema, "without text"},
	"a Redirect with another method":        {`<Redirect method="PUT">/x</Redirect>`, codeSchema, "method"},
	"a method in lower case":                {`<Redirect method="post">/x</Redirect>`, codeSchema, "method"},
	"a Redirect to no URL":                  {"<Redirect>http://[bad/</Redirect>", codeInvalidURL, "missing ']'"},
	"a host with an underscore":             {"<Redirect>http://my_host.example/x</Redirect>", codeInvalidURL, "valid host"},
	"a URL without host":                    {"<Redirect>http:///x</Redirect>", codeInvalidURL, "valid host"},
	"a scheme that isn't HTTP":              {`<Record action="mailto:a@b.example"/>`, codeInvalidURL, "neither http"},
	"an empty action":                       {`<Record action=""/>`, codeInvalidURL, "empty URL"},
	"an override that doesn't exist":        {`<Record action="/x#rp=6xx"/>`, codeOverride, "rp=6xx"},
	"a Gather around a Hangup":              {"<Gather><Hangup/></Gather>", codeSchema, "<Hangup> in <Gather>"},
	"a Gather around a Dial":                {"<Gather><Dial>" + olga + "</Dial></Gather>", codeSchema, "<Dial> in <Gather>"},
	"a Gather with text":                    {"<Gather>Press 1</Gather>", codeSchema, "text in <Gather>"},
	"a Gather of no digits":                 {`<Gather numDigits="0"/>`, codeSchema, "numDigits"},
	"a Gather with two finish keys":         {`<Gather finishOnKey="*#"/>`, codeSchema, "finishOnKey"},
	"a Gather without patience":             {`<Gather timeout="0"/>`, codeSchema, "timeout"},
	"a Gather of speech":                    {`<Gather input="speech"/>`, codeSchema, "does not play"},
	"a Gather that plays digits":            {`<Gather><Play digits="1"/></Gather>`, codeSchema, "digits"},
	"a bad verb in a Gather":                {`<Gather><Say voice="x">Hi</Say></Gather>`, codeSchema, "voice"},
	"a Record with a child":                 {"<Record><Say>Hi</Say></Record>", codeSchema, "<Say> in <Record>"},
	"a Record with text":                    {"<Record>Hi</Record>", codeSchema, "text in <Record>"},
	"a Record of one second":                {`<Record maxLength="1"/>`, codeSchema, "maxLength"},
	"a Record of a day":                     {`<Record maxLength="14401"/>`, codeSchema, "maxLength"},
	"a Record with impatience":              {`<Record timeout="-1"/>`, codeSchema, "timeout"},
	"a Record ended by a letter":            {`<Record finishOnKey="A"/>`, codeSchema, "finishOnKey"},
	"a Record with half a beep":             {`<Record playBeep="yes"/>`, codeSchema, "playBeep"},
	"a Record trimmed like a Dial":          {`<Record trim="trim"/>`, codeSchema, "trim"},
	"a Record with commas in events":        {`<Record recordingStatusCallbackEvent="completed,absent"/>`, codeSchema, "Event"},
	"a Record with a Dial's events":         {`<Record recordingStatusCallbackEvent="answered"/>`, codeSchema, "Event"},
	"a Record without any event":            {`<Record recordingStatusCallbackEvent=""/>`, codeSchema, "Event"},
	"a bad recording callback":              {`<Record recordingStatusCallback="tel:1"/>`, codeInvalidURL, "neither http"},
	"a bad transcription callback":          {`<Record transcribeCallback="tel:1"/>`, codeInvalidURL, "neither http"},
	"a Dial of nobody":                      {dialStart + "</Dial>", codeSchema, "without a number"},
	"a Dial of a local number":              {dialStart + "5550100</Dial>", codeSchema, "not a telephone number"},
	"a Dial of a written number":            {dialStart + "+1 500 555 0100</Dial>", codeSchema, "not a telephone number"},
	"a Dial of text and Number":             {dialStart + olga + "<Number>" + otto + "</Number></Dial>", codeSchema, "both"},
	"a Dial of eleven numbers":              {dialStart + strings.Repeat("<Number>"+olga+"</Number>", 11) + "</Dial>", codeSchema, "more than 10"},
	"a Dial of a verb":                      {dialStart + "<Say>Hi</Say></Dial>", codeSchema, "<Say> in <Dial>"},
	"a Dial of something unplayed":          {dialStart + "<Conference>x</Conference></Dial>", codeSchema, "<Conference> in <Dial>"},
	"a Dial for four seconds":               {`<Dial timeout="4">` + olga + "</Dial>", codeSchema, "timeout"},
	"a Dial for 601 seconds":                {`<Dial timeout="601">` + olga + "</Dial>", codeSchema, "timeout"},
	"a Dial for a day":                      {`<Dial timeLimit="86400">` + olga + "</Dial>", codeSchema, "timeLimit"},
	"a Dial for half a minute, in words":    {`<Dial timeLimit="30s">` + olga + "</Dial>", codeSchema, "timeLimit"},
	"a Record that waits for half a second": {`<Record timeout="0.5"/>`, codeSchema, "timeout"},
	"a Dial without time":                   {`<Dial timeLimit="0">` + olga + "</Dial>", codeSchema, "timeLimit"},
	"a Dial that says maybe":                {`<Dial answerOnBridge="maybe">` + olga + "</Dial>", codeSchema, "answerOnBridge"},
	"a Dial with a strange tone":            {`<Dial ringTone="loud">` + olga + "</Dial>", codeSchema, "ringTone"},
	"a Dial with a long reason":             {`<Dial callReason="` + strings.Repeat("x", 51) + `">` + olga + "</Dial>", codeSchema, "callReason"},
	"a Dial that records":                   {`<Dial record="record-from-answer">` + olga + "</Dial>", codeSchema, "does not play"},
	"a Dial in sequence":                    {`<Dial sequential="true">` + olga + "</Dial>", codeSchema, "does not play"},
	"a Number of nothing":                   {dialStart + "<Number/></Dial>", codeSchema, "without text"},
	"a Number that isn't one":               {dialStart + "<Number>olga</Number></Dial>", codeSchema, "not a telephone number"},
	"a Number with a child":                 {dialStart + "<Number>" + olga + "<Say>Hi</Say></Number></Dial>", codeSchema, "<Say> in <Number>"},
	"a Number with a Dial's attribute":      {dialStart + `<Number timeout="20">` + olga + "</Number></Dial>", codeSchema, "timeout"},
	"a Number with strange events":          {dialStart + `<Number statusCallbackEvent="initiated,ringing">` + olga + "</Number></Dial>", codeSchema, "Event"},
	"a Number with a bad screen":            {dialStart + `<Number url="file:///x">` + olga + "</Number></Dial>", codeInvalidURL, "neither http"},
	"a Number that detects machines":        {dialStart + `<Number machineDetection="Enable">` + olga + "</Number></Dial>", codeSchema, "does not play"},
}

func TestEveryRuleHasADocumentThatBreaksIt(t *testing.T) {
	t.Parallel()
	for name, one := range strictness {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, whole := strings.CutPrefix(one.verbs, "!")
			if !whole {
				text = response(one.verbs)
			}
			w := open(t, Config{}, answersByPath{"/voice": text, "/fallback": response("<Say>Saved.</Say>")})
			w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback")})
			c := w.call(From(bob))
			wantFault(t, c, one.code, one.words)
			equal(t, "heard", strings.Join(c.Heard(bob), "|"), "Saved.")
		})
	}
}

// TestGoodDocuments are there so that strictness does not become refusal.
func TestGoodDocuments(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		nothing,
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response>\n  <!-- hello -->\n  <Say>Hi &amp; bye</Say>\n</Response>\n",
		response(`<Say voice="Google.en-GB-Wavenet-A" language="en-GB" loop="1">Hi</Say>`),
		response(`<Say voice="Polly.Joanna">Hi <emphasis level="strong">you</emphasis>, <lang xml:lang="fr-FR">ami</lang></Say>`),
		response(`<Say voice="woman" language="de-DE">Hallo</Say><Pause/><Hangup/>`),
		response(`<Say>` + strings.Repeat("ä", 4096) + `</Say>`),
		response(`<Play digits="wwww1"/>`),
		response(`<Dial action="https://other.example/x" timeout="5"><Number>` + olga + `</Number></Dial>`),
		response(`<Dial record="do-not-record" sequential="false" ringTone="de" timeLimit="14400" callReason="A call">` + olga + `</Dial>`),
		response(`<Record action="/x" finishOnKey="" maxLength="14400" timeout="0" playBeep="false"/><Say>Bye</Say><Hangup/>`),
	} {
		_, fault := readDocument(reply{url: "http://a.example/", header: asXML, body: []byte(text)}, forCaller)
		if fault != nil {
			t.Errorf("%s: %v", text, fault)
		}
	}
}

var asXML = http.Header{"Content-Type": {"text/xml"}}

// TestAnswersThatAreNoDocument are wrong before anybody looks at the XML.
func TestAnswersThatAreNoDocument(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		status     int
		kind, body string
		code       int
		words      string
	}{
		"an empty body":         {200, "text/xml", "", codeEmptyBody, "empty"},
		"no content":            {204, "text/xml", "", codeEmptyBody, "empty"},
		"JSON":                  {200, "application/json", nothing, codeContentType, "application/json"},
		"plain text":            {200, "text/plain", nothing, codeContentType, "text/plain"},
		"audio":                 {200, "audio/wav", "RIFF", codeContentType, "audio/wav"},
		"no type":               {200, "", nothing, codeContentType, `""`},
		"more than 64 kB":       {200, "text/xml", response("<Say>" + strings.Repeat("x", 64<<10) + "</Say>"), codeTooLarge, "64 kB"},
		"404":                   {404, "text/xml", nothing, codeRetrieval, "404"},
		"500":                   {500, "text/xml", nothing, codeRetrieval, "500"},
		"not modified":          {304, "text/xml", "", codeRetrieval, "304"},
		"XML by another name":   {200, "application/xml", nothing, 0, ""},
		"XML in HTML's clothes": {200, "text/html; charset=utf-8", nothing, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, nil)
			w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header()["Content-Type"] = []string{one.kind}
				rw.WriteHeader(one.status)
				if _, err := io.WriteString(rw, one.body); err != nil && one.body != "" {
					t.Errorf("write: %v", err)
				}
			})
			c := w.call(From(bob))
			if one.words == "" {
				fine(t, c)
				return
			}
			wantFault(t, c, one.code, one.words)
			equal(t, "heard", strings.Join(c.Heard(bob), "|"), apology)
		})
	}
}

// TestAScreenAllowsLess: before a phone is connected only four verbs make sense.
func TestAScreenAllowsLess(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{
		"<Pause/>", "<Redirect>/x</Redirect>", "<Record/>", "<Reject/>", "<Dial>" + olga + "</Dial>",
	} {
		w := open(t, Config{}, screenAnswers)
		w.on("/screen", twiml(response(verb)))
		w.AddPhone(olga, Human(time.Second, time.Minute))
		c := w.call(From(bob))
		wantFault(t, c, codeSchema, "before a phone is connected")
		has(t, w.only("/dialled").form, map[string]string{"DialBridged": "false"})
	}
}

// TestInlineDocumentsNeedAbsoluteURLs: there is nothing that a relative one could be relative to.
func TestInlineDocumentsNeedAbsoluteURLs(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{
		`<Record action="/x"/>`, `<Record/>`, `<Gather/>`, `<Redirect>/x</Redirect>`, `<Play>/files/a.wav</Play>`,
		dialStart + olga + "</Dial>", `<Dial><Number url="screen">` + olga + `</Number></Dial>`,
	} {
		_, fault := readDocument(reply{body: []byte(response(verb))}, forCaller)
		if fault == nil || fault.Code != codeInvalidURL {
			t.Errorf("%s: fault %v, want %d", verb, fault, codeInvalidURL)
		}
	}
	_, fault := readDocument(reply{body: []byte(response(`<Record action="https://a.example/x"/>`))}, forCaller)
	if fault != nil {
		t.Errorf("absolute: %v", fault)
	}
}

// What is wrong with a document for a caller who is gone is wrong all the same.
func TestTheAnswerToAGoneCallerIsCheckedToo(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.on("/dialled", twiml(response("<Shout/>")))
	w.AddPhone(olga, NoAnswer())
	c := w.call(From(bob).HangUpAt(3 * time.Second))
	wantFault(t, c, codeSchema, "Shout")
}

func TestAVerbBehindRecordIsFine(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	fine(t, w.call(From(bob).LeaveMessage(5*time.Second, "Hi")))
}

// free are the attributes with which anything goes, or whose sense only the call knows.
var free = map[string]bool{
	"callerId": true, "hints": true, "time": true, "ph": true, "volume": true, "rate": true, "pitch": true, "interpret-as": true,
	"format": true, "alias": true, "role": true,
}

func TestNoAttributeTakesNonsense(t *testing.T) {
	t.Parallel()
	for _, shapes := range []map[string]shape{verbs, nouns} {
		for element, s := range shapes {
			for attr, rule := range s.attrs {
				// Only of a length can nonsense be too much.
				if rule(strings.Repeat("~", 100)) == "" && !isAddress[attr] && !free[attr] {
					t.Errorf("%s of <%s> takes anything", attr, element)
				}
			}
		}
	}
}

func TestDiallingANumberOfTheAccountIsAFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, plain(dialOlga))
	w.AddNumber(Number{PhoneNumber: olga})
	c := w.call(From(bob))
	wantFault(t, c, codePointless, "circle")
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "failed"})
}
