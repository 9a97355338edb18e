package twilio_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/twilio"
)

const (
	token1 = "12345"
	token2 = "0123456789abcdef0123456789abcdef"

	jsonBody = `{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}`
	jsonURL  = "https://example.com/myapp?bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9"
)

// fields makes a form of name, value pairs, in which a name may come again.
func fields(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

func digits(caller string, more ...string) url.Values {
	return fields(append([]string{"Digits", "1234", "CallSid", "CA1234567890ABCDE", "To", "+18005551212",
		"Caller", caller, "From", caller}, more...)...)
}

func inbound(more ...string) url.Values {
	return fields(append([]string{"AccountSid", "AC00000000000000000000000000000001", "CallSid", "CA00000000000000000000000000000001",
		"From", "+15005550001", "To", "+15005550006", "CallStatus", "ringing", "Direction", "inbound", "ApiVersion", "2010-04-01"}, more...)...)
}

type vector struct {
	name, token, url string
	form             url.Values
	body             string
	signature        string
}

// vectors are those of Twilio's documentation and libraries, the rest computed with its Node library, version 6.2.0.
var vectors = []vector{
	{"query and form", token1, "https://example.com/myapp.php?foo=1&bar=2", digits("+14158675310"), "", "L/OH5YylLD5NRKLltdqwSvS0BnU="},
	{"another host", token1, "https://mycompany.com/myapp.php?foo=1&bar=2", digits("+14158675309"), "", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
	{"more parameters", token1, "https://mycompany.com/myapp.php?foo=1&bar=2",
		digits("+14158675309", "ReasonConferenceEnded", "test", "Reason", "Participant"), "", "vOEb5UThFn24KEfnOFLQY2AE5FY="},
	{"http", token1, "http://mycompany.com/myapp.php?foo=1&bar=2",
		digits("+14158675309", "ReasonConferenceEnded", "test", "Reason", "Participant"), "", "n2xBNyzSW7rfYStDtOFiFMv7qNo="},
	{"an empty value", token2, "https://masked.example.com/voice/inbound", inbound("FromCity", ""), "", "e1XvsJ0hG9MLKq/688ojjtFBwRc="},
	{"without the empty value", token2, "https://masked.example.com/voice/inbound", inbound(), "", "yOpL9H7V32DR4aDmwCKXrBF+csQ="},
	{"port kept", token2, "https://masked.example.com:8443/voice/inbound?n=1",
		fields("CallSid", "CA1", "From", "anonymous"), "", "pWx3SHBj1UmySqn7cjFRo7DN+bQ="},
	{"port dropped", token2, "https://masked.example.com/voice/inbound?n=1",
		fields("CallSid", "CA1", "From", "anonymous"), "", "ZecJwebBcZbHk96hwdyCIEbSp3A="},
	{"GET", token2, "https://masked.example.com/voice/inbound?n=1&CallSid=CA1&From=%2B15005550001&To=%2B15005550006",
		nil, "", "W6ReT0ad5FuAj/OMWOEWrPZQk1o="},
	{"JSON", token1, jsonURL, nil, jsonBody, "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="},
	{"a repeated name", token2, "https://masked.example.com/sms/inbound",
		fields("MessageSid", "SM1", "MediaUrl", "https://b", "MediaUrl", "https://a", "MediaUrl", "https://a"), "", "Wcj+RQr/W49c3dkoQVHZVMbqwTE="},
	{"UTF-8 and a trailing space", token2, "https://masked.example.com/sms/inbound",
		fields("MessageSid", "SM1", "Body", "Grüße 👋 ", "From", "+4915112345678"), "", "eB0TtiWBk2siOVRCm02DM1bln7Y="},
	{"names in byte order", token2, "https://masked.example.com/x",
		fields("b", "1", "B", "2", "a", "3", "A", "4", "_", "5", "0", "6"), "", "cDahrh788oRul7oH3SGVXsAasmA="},
	{"a fragment", token2, "https://masked.example.com/x#rc=2&rp=all", fields("a", "1"), "", "uGNYfnXoOyM+TyeXlH3IzyNTbvE="},
	{"a user", token2, "https://u:p@masked.example.com/x", fields("a", "1"), "", "uGNYfnXoOyM+TyeXlH3IzyNTbvE="},
}

func (v vector) valid(signature string, tokens ...string) bool {
	return twilio.Valid(tokens, v.url, v.form, []byte(v.body), signature)
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if !v.valid(v.signature, v.token) {
				t.Errorf("signature %s is refused", v.signature)
			}
			if got := twilio.Sign(v.token, v.url, v.form); got != v.signature {
				t.Errorf("signed %s, want %s", got, v.signature)
			}
			if !v.valid(v.signature, "next", v.token) || !v.valid(v.signature, v.token, "next") {
				t.Error("refused while the token is being rotated")
			}
		})
	}
}

func TestAlteredSignaturesAreRefused(t *testing.T) {
	t.Parallel()
	urlSafe := strings.NewReplacer("+", "-", "/", "_")
	for _, v := range vectors {
		altered := []string{"", "=", v.signature[:10], v.signature[:27], v.signature + "=", v.signature + "\n", " " + v.signature,
			strings.ToUpper(v.signature), strings.ToLower(v.signature), "\x00", strings.Repeat("A", 27) + "=", v.signature + v.signature}
		if safe := urlSafe.Replace(v.signature); safe != v.signature {
			altered = append(altered, safe)
		}
		for i := range v.signature {
			altered = append(altered, v.signature[:i]+"!"+v.signature[i+1:])
		}
		for _, signature := range altered {
			if v.valid(signature, v.token) {
				t.Errorf("%s: %q is taken", v.name, signature)
			}
		}
	}
}

func TestOnlyOurTokensSign(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		for _, tokens := range [][]string{nil, {}, {""}, {"", "other"}, {v.token + "x"}, {strings.ToUpper(v.token) + " "}} {
			if v.valid(v.signature, tokens...) {
				t.Errorf("%s: taken with tokens %q", v.name, tokens)
			}
		}
		if forged := twilio.Sign("", v.url, v.form); v.valid(forged, "") || v.valid(forged, v.token, "") {
			t.Errorf("%s: a signature with an empty token is taken", v.name)
		}
	}
}

func TestPortsOfOneAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		configured, signed string
		want               bool
	}{
		{"https://a.example:8443/x?n=1", "https://a.example/x?n=1", true},
		{"https://a.example:8443/x?n=1", "https://a.example:8443/x?n=1", true},
		{"https://a.example/x", "https://a.example:443/x", true},
		{"http://a.example/x", "http://a.example:80/x", true},
		{"http://a.example:8080", "http://a.example:8080", true},
		{"https://[2001:db8::1]:8443/x", "https://[2001:db8::1]/x", true},
		{"https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x", true},
		{"http://[::1]:8080/x", "http://[::1]:8080/x", true},
		{"https://[2001:db8::1]/x", "https://[2001:db8:/x", false},
		{"https://a.example/x", "https://a.example:8443/x", false},
		{"https://a.example/x", "https://a.example:80/x", false},
		{"https://a.example/x", "http://a.example/x", false},
		{"https://a.example/x", "https://b.example/x", false},
		{"https://a.example/x", "https://a.example/x/", false},
		{"https://a.example/x", "https://a.example/x?", false},
		{"https://a.example/x?q=%20", "https://a.example/x?q=+", false},
		{"https://a.example/x%27", "https://a.example/x'", false},
		{"https://a.example/x?q=%27%22", `https://a.example/x?q='"`, true},
		{`https://a.example/x?q='"`, "https://a.example/x?q=%27%22", true},
		{`https://a.example:8443/x?q='"`, "https://a.example/x?q=%27%22", true},
		{`https://a.example/x?q='&%27=1`, `https://a.example/x?q='&%27=1`, true},
		{"https://a.example/x?q=%2527", "https://a.example/x?q='", false},
		{"https://a.example/x?q=[]|^", "https://a.example/x?q=%5B%5D%7C%5E", false},
		{"https://a.example/a b|ü", "https://a.example/a b|ü", true},
		{"https://a.example/x?b=1&a=2", "https://a.example/x?b=1&a=2", true},
		{"https://a.example/x?b=1&a=2", "https://a.example/x?a=2&b=1", false},
		{"https://a.example/x?mail=a@b:7", "https://a.example/x?mail=a@b:7", true},
	} {
		signature := twilio.Sign(token2, c.signed, nil)
		if got := twilio.Valid([]string{token2}, c.configured, nil, nil, signature); got != c.want {
			t.Errorf("configured %s, signed %s: valid is %t, want %t", c.configured, c.signed, got, c.want)
		}
	}
}

func TestAddressesThatAreNotAbsolute(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "/x", "a.example/x", "://a.example", "https://", "https:///x", "https://u@/x", "https://:443/x", "#https://a"} {
		signature := twilio.Sign(token2, address, nil)
		if signature != "" || twilio.Valid([]string{token2}, address, nil, nil, signature) {
			t.Errorf("%q: signed %q, or taken", address, signature)
		}
	}
}

func TestBodyHash(t *testing.T) {
	t.Parallel()
	hash := jsonURL[strings.Index(jsonURL, "=")+1:]
	for _, c := range []struct {
		name, url, body string
		form            url.Values
		want            bool
	}{
		{"right", jsonURL, jsonBody, nil, true},
		{"beside other parameters", "https://a.example/x?n=1&bodySHA256=" + hash + "&m=2", jsonBody, nil, true},
		{"missing", "https://a.example/x", jsonBody, nil, false},
		{"of another body", jsonURL, jsonBody + " ", nil, false},
		{"of a body that is gone", jsonURL, "", nil, false},
		{"in capitals", "https://a.example/x?bodySHA256=" + strings.ToUpper(hash), jsonBody, nil, false},
		{"twice", jsonURL + "&bodySHA256=" + hash, jsonBody, nil, false},
		{"twice, once in disguise", jsonURL + "&body%53HA256=00", jsonBody, nil, false},
		{"cut short", jsonURL[:len(jsonURL)-1], jsonBody, nil, false},
		{"empty", "https://a.example/x?bodySHA256=", jsonBody, nil, false},
		{"under another name", "https://a.example/x?bodysha256=" + hash, jsonBody, nil, false},
		{"beside a parameter that cannot be read", jsonURL + "&%zz=1", jsonBody, nil, false},
		{"with a form", jsonURL, jsonBody, fields("From", "+15005550001"), false},
		{"without a body", "https://a.example/x", "", nil, true},
	} {
		signature := twilio.Sign(token1, c.url, c.form)
		if got := twilio.Valid([]string{token1}, c.url, c.form, []byte(c.body), signature); got != c.want {
			t.Errorf("%s: valid is %t, want %t", c.name, got, c.want)
		}
	}
}

func TestEveryFieldIsCovered(t *testing.T) {
	t.Parallel()
	const address = "https://a.example/x"
	signature := twilio.Sign(token1, address, fields("From", "+15005550001", "To", "+15005550006"))
	for _, form := range []url.Values{
		nil,
		fields("From", "+15005550001"),
		fields("From", "+15005550001", "To", "+15005550007"),
		fields("From", "+15005550001 ", "To", "+15005550006"),
		fields("From", "+15005550001", "From", "+15005550009", "To", "+15005550006"),
		fields("From", "+15005550009", "From", "+15005550001", "To", "+15005550006"),
		fields("from", "+15005550001", "To", "+15005550006"),
	} {
		if twilio.Valid([]string{token1}, address, form, nil, signature) {
			t.Errorf("%v is taken", form)
		}
	}
}

func TestRequestURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ public, uri, want string }{
		{"https://a.example", "/webhooks/voice", "https://a.example/webhooks/voice"},
		{"https://a.example/", "/webhooks/voice?n=%20&q=+'", "https://a.example/webhooks/voice?n=%20&q=+'"},
		{"https://a.example/prefix", "/webhooks/voice?", "https://a.example/prefix/webhooks/voice?"},
		{"https://a.example", "//evil.example/x", "https://a.example//evil.example/x"},
		{"https://a.example", "/x?a=1#&To=%2B15005550009", ""},
		{"https://a.example", "/x#", ""},
		{"https://a.example", "http://u:p@evil.example/x", ""},
		{"https://a.example", "@evil.example/x", ""},
		{"https://a.example", "*", ""},
		{"https://a.example", "", ""},
	} {
		got, err := twilio.RequestURL(c.public, c.uri)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s and %q: got %q, %v; want %q", c.public, c.uri, got, err, c.want)
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.token, v.url, v.form.Encode(), v.body, v.signature)
	}
	f.Add("t", "http://[::1]:80@:]/#", "a=1;b", "{", "=")
	f.Fuzz(func(t *testing.T, token, address, form, body, signature string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			values = nil
		}
		signed := twilio.Sign(token, address, values)
		if twilio.Valid([]string{token}, address, values, []byte(body), signature) && token == "" {
			t.Fatal("an empty token signs")
		}
		if signed == "" || token == "" {
			return
		}
		if twilio.Valid([]string{token + "x"}, address, values, []byte(body), signed) {
			t.Fatal("another token's signature is taken")
		}
		if len(values) > 0 && !strings.Contains(address, "SHA256") && !strings.Contains(address, "%") &&
			!twilio.Valid([]string{token}, address, values, nil, signed) {
			t.Fatal("our own signature is refused")
		}
	})
}
