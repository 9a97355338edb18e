package network

import (
	"maps"
	"net/url"
	"testing"
)

// TestSignatureVectors are signatures known to be right: the first four are in Twilio's documentation and libraries. JSON
// bodies and repeated parameters, 10 and 11 of that series, are nothing that the network sends.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	const short = "12345"
	call := func(from string) url.Values {
		return url.Values{
			"Digits": {"1234"}, "CallSid": {"CA1234567890ABCDE"}, "To": {"+18005551212"}, "Caller": {from}, "From": {from},
		}
	}
	conference := call("+14158675309")
	conference.Set("ReasonConferenceEnded", "test")
	conference.Set("Reason", "Participant")
	inbound := url.Values{
		"AccountSid": {"AC00000000000000000000000000000001"}, "CallSid": {"CA00000000000000000000000000000001"},
		"From": {"+15005550001"}, "To": {"+15005550006"}, "CallStatus": {"ringing"}, "Direction": {"inbound"},
		"ApiVersion": {"2010-04-01"},
	}
	withEmpty := maps.Clone(inbound)
	withEmpty.Set("FromCity", "")
	anonymous := url.Values{"CallSid": {"CA1"}, "From": {"anonymous"}}
	tiny := url.Values{"a": {"1"}}
	for name, v := range map[string]struct {
		token, url string
		form       url.Values
		want       string
	}{
		"1":  {short, "https://example.com/myapp.php?foo=1&bar=2", call("+14158675310"), "L/OH5YylLD5NRKLltdqwSvS0BnU="},
		"2":  {short, "https://mycompany.com/myapp.php?foo=1&bar=2", call("+14158675309"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
		"3":  {short, "https://mycompany.com/myapp.php?foo=1&bar=2", conference, "vOEb5UThFn24KEfnOFLQY2AE5FY="},
		"4":  {short, "http://mycompany.com/myapp.php?foo=1&bar=2", conference, "n2xBNyzSW7rfYStDtOFiFMv7qNo="},
		"5":  {secret, "https://masked.example.com/voice/inbound", withEmpty, "e1XvsJ0hG9MLKq/688ojjtFBwRc="},
		"6":  {secret, "https://masked.example.com/voice/inbound", inbound, "yOpL9H7V32DR4aDmwCKXrBF+csQ="},
		"8":  {secret, "https://masked.example.com:8443/voice/inbound?n=1", anonymous, "ZecJwebBcZbHk96hwdyCIEbSp3A="},
		"9":  {secret, "https://masked.example.com/voice/inbound?n=1&CallSid=CA1&From=%2B15005550001&To=%2B15005550006", nil, "W6ReT0ad5FuAj/OMWOEWrPZQk1o="},
		"12": {secret, "https://masked.example.com/sms/inbound", url.Values{"MessageSid": {"SM1"}, "Body": {"Grüße 👋 "}, "From": {"+4915112345678"}}, "eB0TtiWBk2siOVRCm02DM1bln7Y="},
		"13": {secret, "https://masked.example.com/x", url.Values{"b": {"1"}, "B": {"2"}, "a": {"3"}, "A": {"4"}, "_": {"5"}, "0": {"6"}}, "cDahrh788oRul7oH3SGVXsAasmA="},
		"14": {secret, "https://masked.example.com/x#rc=2&rp=all", tiny, "uGNYfnXoOyM+TyeXlH3IzyNTbvE="},
		"15": {secret, "https://u:p@masked.example.com/x", tiny, "uGNYfnXoOyM+TyeXlH3IzyNTbvE="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			equal(t, "signature", Sign(v.token, signed(v.url), v.form), v.want)
		})
	}
	t.Run("7, which keeps the port as messages do", func(t *testing.T) {
		t.Parallel()
		equal(t, "signature", Sign(secret, "https://masked.example.com:8443/voice/inbound?n=1", anonymous), "pWx3SHBj1UmySqn7cjFRo7DN+bQ=")
	})
}

func TestWhatIsSignedOfAURL(t *testing.T) {
	t.Parallel()
	for configured, want := range map[string]string{
		"https://a.example:8443/x?y=1":       "https://a.example/x?y=1",
		"http://a.example:8080/x":            "http://a.example:8080/x",
		"https://u:p@a.example:443/x#rc=1":   "https://a.example/x",
		"https://a.example":                  "https://a.example",
		"https://[::1]:8443/x":               "https://[::1]/x",
		"https://[::1]/x":                    "https://[::1]/x",
		"https://a.example/x?mail=u@b:1":     "https://a.example/x?mail=u@b:1",
		"https://a.example?x=1:2":            "https://a.example?x=1:2",
		"https://a.example/%7Ex?q=%2B1+2%20": "https://a.example/%7Ex?q=%2B1+2%20",
	} {
		equal(t, configured, signed(configured), want)
	}
}
