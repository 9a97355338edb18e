package network

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestTheFirstWebhookLooksLikeTwilios(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	c := w.call(From(bob).With("StirVerstat", "TN-Validation-Passed-A"))
	fine(t, c)
	got := w.only("/voice")
	for name, want := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", "User-Agent": "TwilioProxy/1.1", "Accept": "*/*",
		"X-Home-Region": "us1", "Accept-Encoding": "gzip", "Connection": "close",
	} {
		equal(t, name, got.header.Get(name), want)
	}
	if token := got.header.Get("I-Twilio-Idempotency-Token"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(token) {
		t.Errorf("idempotency token %q is no UUID", token)
	}
	has(t, got.form, map[string]string{
		"CallSid": c.SID, "AccountSid": account, "From": bob, "Caller": bob, "To": mask, "Called": mask, "CallStatus": "ringing",
		"ApiVersion": "2010-04-01", "Direction": "inbound", "FromCity": "", "ToZip": "", "CallerState": "", "CalledCity": "",
		"FromCountry": "US", "ForwardedFrom": "-", "ParentCallSid": "-", "StirVerstat": "TN-Validation-Passed-A",
	})
	if !strings.Contains(got.form.Get("CallToken"), "parentCallInfoToken") {
		t.Errorf("CallToken is %q", got.form.Get("CallToken"))
	}
	if len(c.SID) != 34 || !strings.HasPrefix(c.SID, "CA") {
		t.Errorf("CallSid %q", c.SID)
	}
}

func TestEveryRequestHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*http.Client{"its own": nil, "a client that keeps connections": {Transport: &http.Transport{}}} {
		w := open(t, Config{Client: client}, answersByPath{"/voice": nothing})
		fine(t, w.call(From(bob)))
		equal(t, name, w.only("/voice").header.Get("Connection"), "close")
	}
}

func TestParametersComeInNoOrderAndSpacesAsPercent20(t *testing.T) {
	t.Parallel()
	orders := map[string]bool{}
	w := open(t, Config{}, nil)
	w.service.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("body: %v", err)
		}
		if r.URL.Path == "/voice" {
			var names []string
			for pair := range strings.SplitSeq(string(body), "&") {
				name, _, _ := strings.Cut(pair, "=")
				names = append(names, name)
			}
			orders[strings.Join(names, " ")] = true
			if !strings.Contains(string(body), "CallerName=ACME%20%26%20Sons") || strings.Contains(string(body), "+") {
				t.Errorf("escaping of %s", body)
			}
		}
		writeTwiML(rw, nothing)
	})
	for range 5 {
		fine(t, w.call(From(bob).With("CallerName", "ACME & Sons")))
	}
	if len(orders) < 4 {
		t.Errorf("%d different orders in 5 requests", len(orders))
	}
}

func TestAForwardedCallSaysByWhom(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	fine(t, w.call(From(bob).ForwardedBy("+15005550009")))
	has(t, w.only("/voice").form, map[string]string{"ForwardedFrom": "+15005550009", "CalledVia": "+15005550009"})
}

func TestANumberWithGETPutsAllInTheQuery(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice?n=1"), VoiceMethod: "GET"})
	fine(t, w.call(From(bob)))
	got := w.only("/voice")
	equal(t, "method", got.method, "GET")
	has(t, got.query, map[string]string{"n": "1", "From": bob, "CallStatus": "ringing", "FromCity": "", "CallToken": "-"})
	equal(t, "content type", got.header.Get("Content-Type"), "")
}

// TestRetries counts attempts at a service that fails always, or only so often.
// refusing is an address where nobody listens, as far as one can know.
// Over HTTPS a voice webhook's signature knows no port.
func TestHTTPSDropsThePortFromTheSignature(t *testing.T) {
	t.Parallel()
	tls := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Errorf("form: %v", err)
		}
		equal(t, "signature", r.Header.Get("X-Twilio-Signature"), Sign(secret, "https://127.0.0.1"+r.RequestURI, r.PostForm))
		writeTwiML(rw, nothing)
	}))
	t.Cleanup(tls.Close)
	w := open(t, Config{Client: tls.Client()}, nil)
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: tls.URL + "/voice"})
	fine(t, w.call(From(bob)))
}

func TestUserinfoBecomesBasicAuth(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: strings.Replace(w.at("/voice"), "http://", "http://u:p@", 1)})
	fine(t, w.call(From(bob)))
	equal(t, "authorization", w.only("/voice").header.Get("Authorization"), "Basic dTpw")
}

func TestHTTPRedirectsAreFollowed(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/next": response(`<Redirect>relative</Redirect>`), "/deep/there": response(`<Redirect>relative</Redirect>`), "/deep/relative": nothing})
	w.on("/voice", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/deep/there", http.StatusTemporaryRedirect)
	})
	fine(t, w.call(From(bob)))
	equal(t, "method after 307", w.only("/deep/there").method, "POST")
	w.only("/deep/relative")
}

func TestAFoundRedirectBecomesGET(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/there": nothing})
	w.on("/voice", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/there", http.StatusFound) })
	fine(t, w.call(From(bob)))
	equal(t, "method after 302", w.only("/there").method, "GET")
}

func TestRedirectingForEverIsAFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/voice", http.StatusSeeOther) })
	wantFault(t, w.call(From(bob)), codeRedirects, "10 redirects")
	equal(t, "requests", len(w.requests("/voice")), 11)
}

func TestCookiesComeBack(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/next": nothing})
	w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "seen", Value: "yes"})
		writeTwiML(rw, response("<Redirect>/next</Redirect>"))
	})
	fine(t, w.call(From(bob)))
	equal(t, "cookie", w.only("/next").header.Get("Cookie"), "seen=yes")
}

// TestCallbackAnswers are the answers to a callback that Twilio would warn about.
func TestQueriesAreKeptAsWritten(t *testing.T) {
	t.Parallel()
	const query = "from=%2B1500&note=a%20b&x=%7E"
	w := open(t, Config{}, answersByPath{"/voice": response(`<Redirect>/next?` + strings.ReplaceAll(query, "&", "&amp;") + `#rc=2</Redirect>`), "/next": nothing})
	fine(t, w.call(From(bob)))
	equal(t, "as sent", w.only("/next").raw, "/next?"+query)
	has(t, w.only("/next").query, map[string]string{"from": "+1500"})
}
