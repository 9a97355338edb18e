package network

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheFallbackURLSavesACall(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/fallback": response("<Say>Sorry, try later.</Say>")})
	w.on("/voice", failing(502))
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice#rc=0"), VoiceFallbackURL: w.at("/fallback")})
	c := w.call(From(bob))
	wantFault(t, c, codeRetrieval, "502")
	has(t, w.only("/fallback").form, map[string]string{
		"ErrorCode": "11200", "ErrorUrl": w.at("/voice"), "CallStatus": "ringing", "From": bob,
	})
	equal(t, "heard", strings.Join(c.Heard(bob), "|"), "Sorry, try later.")
}

func TestTheFallbackURLSavesAnActionToo(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": response(`<Say>Hi.</Say><Redirect>/action</Redirect>`), "/action": "<Oops/>", "/fallback": nothing})
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback")})
	wantFault(t, w.call(From(bob)), codeRoot, "Oops")
	has(t, w.only("/fallback").form, map[string]string{"ErrorCode": "12102", "CallStatus": "in-progress"})
}

func TestWithoutFallbackTheCallerHearsAnApology(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", failing(500))
	c := w.call(From(bob))
	wantFault(t, c, codeRetrieval, "500")
	equal(t, "heard", strings.Join(c.Heard(bob), "|"), apology)
	equal(t, "status", c.Outcome().Status, "completed")
	w.only("/status")
}

func TestAFailingFallbackIsASecondFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", failing(500))
	w.on("/fallback", failing(503))
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback")})
	c := w.call(From(bob))
	equal(t, "story", kinds(c.Story()), "Dialled Webhook Failed Webhook Failed Answered Heard Ended")
	equal(t, "heard", strings.Join(c.Heard(bob), "|"), apology)
}

func TestAFailingCallbackIsAFaultWithoutFallback(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	w.on("/status", failing(503))
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback"), StatusCallback: w.at("/status#rp=all&rc=2")})
	wantFault(t, w.call(From(bob)), codeRetrieval, "503")
	equal(t, "attempts", len(w.requests("/status")), 3)
	equal(t, "fallbacks", len(w.requests("/fallback")), 0)
}

func TestCallbackAnswers(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		status     int
		kind, body string
		code       int
		words      string
	}{
		"200 without a body":  {200, "text/xml", "", codeEmptyBody, "empty"},
		"OK as text":          {200, "text/plain", "OK", codeContentType, "text/plain"},
		"JSON":                {200, "application/json", "{}", codeContentType, "json"},
		"verbs for nobody":    {200, "text/xml", response("<Say>Hi</Say>"), codePointless, "verbs"},
		"not TwiML":           {200, "text/xml", "<ok/>", codeRoot, "ok"},
		"an empty Response":   {200, "text/xml", nothing, 0, ""},
		"204":                 {204, "", "", 0, ""},
		"an error on purpose": {409, "text/xml", nothing, codeRetrieval, "409"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{}, answersByPath{"/voice": nothing})
			w.on("/status", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", one.kind)
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
		})
	}
}

func TestCallsThatReachNoWebhook(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		number Number
		words  string
	}{
		"an unknown number":             {Number{PhoneNumber: "+15005550099"}, "not a number of the account"},
		"a number without URL":          {Number{PhoneNumber: mask}, "no Voice URL"},
		"a number with an application":  {Number{PhoneNumber: mask, VoiceURL: "http://127.0.0.1/voice", VoiceApplicationSID: "AP1"}, "application"},
		"a number on somebody's trunks": {Number{PhoneNumber: mask, VoiceURL: "http://127.0.0.1/voice", TrunkSID: "TK1"}, "trunk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := New(Config{AccountSID: account, AuthToken: secret})
			n.AddNumber(one.number)
			c := n.Dial(From(bob), mask)
			if err := n.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.Err(); err == nil || !strings.Contains(err.Error(), one.words) {
				t.Errorf("fault %v, want %q", err, one.words)
			}
			equal(t, "status", c.Outcome().Status, "failed")
		})
	}
}

func TestAFallbackIsNoHelpForItself(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", failing(500))
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/voice")})
	wantFault(t, w.call(From(bob)), codeRetrieval, "500")
	w.only("/voice")
}
