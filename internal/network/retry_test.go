package network

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestConnectionOverridesAreNotSent(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice?n=1#ct=2000&rt=4000&tt=9000&rc=1&rp=ct,rt,5xx&sni=y&e=dublin,umatilla-ix")})
	fine(t, w.call(From(bob)))
	equal(t, "as sent", w.only("/voice").raw, "/voice?n=1")
}

func TestBadOverridesAreFaults(t *testing.T) {
	t.Parallel()
	for _, override := range []string{
		"rp=6xx", "rp=", "ct=50", "ct=10001", "rt=15001", "tt=x", "rc=6", "rc=-1", "sni=maybe", "e=berlin", "zz=1", "hello",
	} {
		w := open(t, Config{}, answersByPath{"/voice": nothing})
		w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice#" + override)})
		wantFault(t, w.call(From(bob)), codeOverride, "override")
		equal(t, "requests with "+override, len(w.requests("/voice")), 0)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		fragment string
		status   int
		failures int64
		attempts int
		fine     bool
	}{
		"an error is not tried again by default": {"", 500, 9, 1, false},
		"rp=5xx tries it again, once":            {"#rp=5xx", 500, 9, 2, false},
		"as often as rc says":                    {"#rp=5xx&rc=3", 503, 9, 4, false},
		"until it works":                         {"#rp=5xx&rc=3", 503, 2, 3, true},
		"rc=0 never":                             {"#rp=all&rc=0", 500, 9, 1, false},
		"rp=4xx":                                 {"#rp=4xx&rc=2", 404, 9, 3, false},
		"4xx is not 5xx":                         {"#rp=5xx&rc=2", 404, 9, 1, false},
		"rp=all":                                 {"#rp=all&rc=2", 429, 2, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failures atomic.Int64
			w := open(t, Config{}, nil)
			w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
				if failures.Add(1) <= one.failures {
					rw.WriteHeader(one.status)
					return
				}
				writeTwiML(rw, nothing)
			})
			w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice") + one.fragment})
			c := w.call(From(bob))
			requests := w.requests("/voice")
			equal(t, "attempts", len(requests), one.attempts)
			for _, r := range requests {
				equal(t, "token", r.header.Get("I-Twilio-Idempotency-Token"), requests[0].header.Get("I-Twilio-Idempotency-Token"))
			}
			if one.fine {
				fine(t, c)
			} else {
				wantFault(t, c, codeRetrieval, fmt.Sprint(one.status))
			}
		})
	}
}

func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String()
}

func TestAFailedConnectionIsTriedOnceMoreByDefault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: refusing(t) + "/voice"})
	c := w.call(From(bob))
	wantFault(t, c, codeConnection, "refused")
	equal(t, "attempts", strings.Count(kinds(c.Story()), "Webhook"), 2)
}

func TestAnUntrustedCertificateIsAFault(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	tls := httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	tls.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake is what we want
	tls.StartTLS()
	t.Cleanup(tls.Close)
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: tls.URL + "/voice"})
	wantFault(t, w.call(From(bob)), codeCertificate, "certificate")
}

func TestASlowServiceIsGivenUp(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	free := make(chan struct{})
	t.Cleanup(func() { close(free) })
	w.on("/voice", func(http.ResponseWriter, *http.Request) { <-free })
	for fragment, attempts := range map[string]int{"#rt=100": 1, "#rt=100&rp=rt&rc=1": 2, "#tt=100&rp=all&rc=5": 1} {
		w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice") + fragment})
		c := w.call(From(bob))
		wantFault(t, c, codeConnection, "")
		equal(t, "attempts with "+fragment, strings.Count(kinds(c.Story()), "Webhook"), attempts)
	}
}

func TestHalfAnAnswerIsNeverAskedForAgain(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "1000")
		writeTwiML(rw, "<Respo")
	})
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice#rp=all&rc=3")})
	wantFault(t, w.call(From(bob)), codeProtocol, "broke off")
	equal(t, "attempts", len(w.requests("/voice")), 1)
}

func TestNonsenseInsteadOfHTTPIsAProtocolViolation(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	w.on("/voice", func(rw http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		fmt.Fprint(conn, "HELLO\r\n\r\n")
		if err := conn.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	wantFault(t, w.call(From(bob)), codeProtocol, "malformed")
}

func TestTheWatchdogAllowsASteadyStream(t *testing.T) {
	t.Parallel()
	_, o, fault := splitOverrides("http://a.example/#rt=100")
	if fault != nil {
		t.Fatal(fault)
	}
	dog := watch(t.Context(), o)
	defer dog.stop()
	equal(t, "patience", dog.patience, 100*time.Millisecond)
	text, err := io.ReadAll(dog.over(strings.NewReader("steady")))
	equal(t, "read", string(text), "steady")
	equal(t, "error", err, error(nil))
}

func TestUnknownHostsHaveTheirCode(t *testing.T) {
	t.Parallel()
	failure := &url.Error{Op: "Post", URL: "http://nowhere", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "nowhere", Err: "no such host"}}}
	dog := watch(t.Context(), overrides{connect: time.Minute, read: time.Minute})
	defer dog.stop()
	f := dog.fault(failure)
	equal(t, "code", f.Code, codeHost)
	equal(t, "tried again for", f.retry, "ct")
}

func TestRetriesMayHaveTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := open(t, Config{FreshTokens: true}, nil)
	w.on("/voice", failing(500))
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice#rp=5xx&rc=1")})
	w.call(From(bob))
	both := w.requests("/voice")
	if len(both) != 2 {
		t.Fatalf("%d attempts, want 2", len(both))
	}
	const token = "I-Twilio-Idempotency-Token"
	equal(t, "the same token", both[0].header.Get(token) == both[1].header.Get(token), false)
}
