package webhooks_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/webhooks"
)

// TestPublicAddresses has for each public address what Twilio signs and what arrives here.
func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	const carried = "?call=" + callSID + "&from=%2B15550200002&to=%2B15550006789"
	for _, c := range []struct{ name, public, signed, arrives string }{
		{"a TLS proxy", "https://masked.example.com", "https://masked.example.com/webhooks/voice", "/webhooks/voice"},
		{"a proxy that strips a path", "https://masked.example.com/phone", "https://masked.example.com/phone/webhooks/voice", "/webhooks/voice"},
		{"a port that Twilio drops for voice", "https://masked.example.com:8443", "https://masked.example.com/webhooks/voice", "/webhooks/voice"},
		{"a port that Twilio keeps for messages", "https://masked.example.com:8443", "https://masked.example.com:8443/webhooks/messages", "/webhooks/messages"},
		{"the usual port, spelt out by Twilio", "https://masked.example.com", "https://masked.example.com:443/webhooks/voice", "/webhooks/voice"},
		{"plain HTTP with a port", "http://masked.example.com:8080", "http://masked.example.com:8080/webhooks/voice", "/webhooks/voice"},
		{"an IPv6 address", "http://[2001:db8::1]", "http://[2001:db8::1]/webhooks/voice", "/webhooks/voice"},
		{"an IPv6 address with a port", "http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080/webhooks/voice", "/webhooks/voice"},
		{"an IPv6 address whose port is dropped", "https://[2001:db8::1]:8443", "https://[2001:db8::1]/webhooks/voice", "/webhooks/voice"},
		{"a question mark and nothing behind it", "https://masked.example.com", "https://masked.example.com/webhooks/voice?", "/webhooks/voice?"},
		{"a query that is not in order", "https://masked.example.com", "https://masked.example.com/webhooks/voice?b=2&a=1&B=3", "/webhooks/voice?b=2&a=1&B=3"},
		{"a space as %20", "https://masked.example.com", "https://masked.example.com/webhooks/voice?label=Front%20desk", "/webhooks/voice?label=Front%20desk"},
		{"a space as +", "https://masked.example.com", "https://masked.example.com/webhooks/voice?label=Front+desk", "/webhooks/voice?label=Front+desk"},
		{"an apostrophe", "https://masked.example.com", "https://masked.example.com/webhooks/voice?label=Olivia's", "/webhooks/voice?label=Olivia's"},
		{"an apostrophe as %27", "https://masked.example.com", "https://masked.example.com/webhooks/voice?label=Olivia%27s", "/webhooks/voice?label=Olivia%27s"},
		{"small hexadecimal digits", "https://masked.example.com", "https://masked.example.com/webhooks/voice?label=%c3%bc", "/webhooks/voice?label=%c3%bc"},
		{"an address of our own making", "https://masked.example.com", "https://masked.example.com/webhooks/voice/dialed" + carried, "/webhooks/voice/dialed" + carried},
		{"an address of our own making behind a path", "https://masked.example.com/a/b", "https://masked.example.com/a/b/webhooks/voice/dialed" + carried, "/webhooks/voice/dialed" + carried},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), func(cfg *webhooks.Config) { cfg.PublicURL = c.public }).inhabit()
			h := hook{c.arrives, voice("ringing", "DialCallStatus", "busy", "DialCallSid", childSID)}
			r := w.unsigned(h)
			r.Header.Set("X-Twilio-Signature", sign(token, c.signed, h.form))
			got, _ := w.send(r)
			for _, address := range addressesIn(twiml(t, got)) {
				if !strings.HasPrefix(address, c.public+"/webhooks/") {
					t.Errorf("Twilio is sent on to %s, want it below %s", address, c.public)
				}
			}
			elsewhere := w.unsigned(h)
			elsewhere.Header.Set("X-Twilio-Signature", sign(token, strings.Replace(c.signed, "example.com", "example.org", 1)+"x", h.form))
			if got, _ := w.send(elsewhere); got.status != 403 {
				t.Errorf("signed for another address: got %s, want 403", got)
			}
		})
	}
}

// addressesIn are all addresses in a document.
func addressesIn(e element) (all []string) {
	for _, a := range e.Attrs {
		if strings.Contains(a.Value, "://") {
			all = append(all, a.Value)
		}
	}
	for _, k := range e.Kids {
		all = append(all, addressesIn(k)...)
	}
	return all
}

func TestWhatProxiesSayOfTheAddressIsIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	spoof := map[string]string{
		"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "8443", "X-Forwarded-Prefix": "/evil",
		"Forwarded": "host=evil.example;proto=http", "X-Original-URL": "/webhooks/voice/fallback", "X-Rewrite-URL": "/evil", "X-Host": "evil.example",
	}
	h := decisions()["voice"]
	genuine := w.request(h)
	genuine.Host = "evil.example"
	for name, value := range spoof {
		genuine.Header.Set(name, value)
	}
	got, _ := w.send(genuine)
	if shape := twiml(t, got).shape(); shape != dials || strings.Contains(got.body, "evil") {
		t.Errorf("got %s", got)
	}
	forged := w.unsigned(h)
	forged.Header = genuine.Header.Clone()
	forged.Host = "evil.example"
	forged.Header.Set("X-Twilio-Signature", sign(token, "https://evil.example"+h.uri, h.form))
	if got, _ := w.send(forged); got.status != 403 {
		t.Errorf("signed for the address that the headers name: got %s, want 403", got)
	}
}

// TestTheAddressesCarryTheCall reads the queries of all addresses that a call is sent on to, and has the retries behind them.
func TestTheAddressesCarryTheCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	for _, path := range []string{"voice", "voice/fallback", "voice/screen", "voice/dialed"} {
		addresses := addressesIn(twiml(t, w.post(decisions()[path])))
		if len(addresses) == 0 {
			t.Errorf("%s sends Twilio nowhere", path)
		}
		for _, address := range addresses {
			u, err := url.Parse(address)
			check(t, err)
			q := u.Query()
			if q.Get("call") != callSID || q.Get("from") != customer || q.Get("to") != mask {
				t.Errorf("%s: %s does not name the call", path, address)
			}
			want := "rc=1&rp=ct,rt,5xx"
			if strings.HasSuffix(u.Path, "/recording") || strings.HasSuffix(u.Path, "/transcription") {
				want = "rc=3&rp=ct,rt,5xx"
			}
			if u.Fragment != want {
				t.Errorf("%s: %s has Twilio retry by %q, want %q", path, address, u.Fragment, want)
			}
		}
	}
}
