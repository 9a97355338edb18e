package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// The tests that play calls are not parallel: the service is on the real clock here, and a caller waits for it two seconds at most.

const asFastAsItGets = 1e6

// demoOnce runs demo --once as the command line does.
func demoOnce(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(append([]string{"demo", "--once", "--speed=1e6"}, args...), &o, &e)
	return status, o.String(), e.String()
}

func TestDemoOnceShowsOneCallAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	status, out, errs := demoOnce("--data-dir="+dir, "--smtp-url=smtp://mail.invalid", "--twilio-account-sid=AC1", "--transcriber=openai", "--oidc-issuer=x")
	if status != 0 || errs != "" {
		t.Fatalf("status %d, stderr %q, want 0 and nothing\n%s", status, errs, out)
	}
	inOrder(t, out,
		"ignores them: TWILIO_ACCOUNT_SID, OIDC_ISSUER, SMTP_URL, TRANSCRIBER",
		"Call 1 of 1",
		"Carl (+12025550131) dials the masked number +12025550110",
		"POST /webhooks/voice: a call comes in",
		`<Dial action="/webhooks/voice/dialed?…" answerOnBridge="true" timeout="15" timeLimit="7200">`,
		"Olivia hears her own phone ring: +12025550120, which shows +12025550131",
		"DialCallStatus=no-answer",
		"<Record ",
		"Carl says “Hello Olivia",
		"takes note (204)",
		"stored the call, VOICEMAIL",
		"rang +1…20 for 15 s: no answer",
		"192044 bytes of audio, byte for byte what Twilio recorded",
		"its transcript: “Hello Olivia",
		"mailed "+filepath.Join("mail", "dlv_"),
		`From: "Maskline" <maskline@localhost>`,
		"To: <olivia@example.com>",
		"Subject: Voicemail from +12025550131 for Front desk",
		"New voicemail",
		"All went well: 6 webhooks answered, 1 voicemail stored",
	)
	inOrder(t, out, "pushed to a GraphQL subscriber", `"audio":"STORED"`)
	if n := strings.Count(out, "voicemailReceived"); n != 1 {
		t.Errorf("the voicemail was pushed %d times, want once", n)
	}
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > pageWidth {
			t.Errorf("a line of %d characters, want at most %d: %s", n, pageWidth, line)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("DATA_DIR holds %v, want nothing (%v)", left, err)
	}
}

// inOrder looks for texts one behind the other, wherever lines end.
func inOrder(t *testing.T, text string, wanted ...string) {
	t.Helper()
	rest := flat(text)
	for _, want := range wanted {
		_, after, found := strings.Cut(rest, flat(want))
		if !found {
			t.Fatalf("%q is missing, or not in its place, in\n%s", want, text)
		}
		rest = after
	}
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestDemoWorksBehindAnAddressOfTheUsers(t *testing.T) {
	status, out, errs := demoOnce("--public-url=https://voice.example.com/mask")
	if status != 0 || errs != "" {
		t.Fatalf("status %d, stderr %q, want 0 and nothing\n%s", status, errs, out)
	}
	inOrder(t, out, "POST /mask/webhooks/voice: a call comes in", "Listen to the message: https://voice.example.com/mask/v/vm_", "All went well")
}

func TestDemoSaysInOneLineWhatFailed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ arg, want string }{
		{"--public-url=nowhere", "PUBLIC_URL: "},
		{"--mail-from=nobody", "MAIL_FROM"},
		{"--speed=0", "--speed: 0 is not above 0"},
	} {
		status, _, errs := demoOnce(c.arg)
		if status == 0 || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: status %d, stderr %q, want another status than 0 and one line with %q", c.arg, status, errs, c.want)
		}
	}
}

func TestDemoFailsWhenTheStoryGoesWrong(t *testing.T) {
	for _, once := range []bool{true, false} {
		s := demoSettings(t.TempDir(), "127.0.0.1:0")
		s.Transcriber = "off" // and the story wants a transcript
		c := demoCmd{Once: once, Speed: asFastAsItGets}
		if err := c.play(t.Context(), s, nil, &streams{io.Discard, t.Output()}); err == nil || !strings.Contains(err.Error(), "call 1: story is not met: line 10 expects transcript \"Hello Olivia") {
			t.Errorf("once %v: %v, want the missing transcript", once, err)
		}
	}
}

func TestDemoOnceNeverHangs(t *testing.T) {
	t.Parallel()
	tooShort, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	c := demoCmd{Once: true, Speed: 0.001}
	if err := c.play(tooShort, demoSettings(t.TempDir(), ""), nil, &streams{io.Discard, t.Output()}); err == nil {
		t.Error("a demo that was not over in time is a success, want an error")
	}
}

func demoSettings(dir, address string) Settings {
	return Settings{
		ListenAddr: address, DataDir: dir, MailLinkDays: 7, MailDays: 30, BinDays: 7, RawWebhookDays: 30, CallDays: 365, AuditDays: 365, Transcriber: "twilio", ReconcileEvery: 5 * time.Minute, MaxSimultaneousCalls: 100, LogLevel: "warn",
	}
}

// runningDemo is one that has told its story and stays up.
type runningDemo struct {
	out   *page
	inbox string // without the token
	token string
	stop  func()
}

var inboxAddress = regexp.MustCompile(`Olivia's inbox +(http://\S+/)#token=(\S+)`)

// startDemo runs a demo in dir until stop, and returns once it has told its story.
func startDemo(t *testing.T, dir, address string) runningDemo {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &page{}
	ended := make(chan error, 1)
	go func() {
		c := demoCmd{Speed: asFastAsItGets}
		ended <- c.play(ctx, demoSettings(dir, address), nil, &streams{out, t.Output()})
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with %v, want nothing\n%s", err, out)
		}
	})
	t.Cleanup(stop)
	eventually(t, 3*patience, func() bool { return strings.Contains(out.String(), "Press Ctrl-C to stop") || len(ended) > 0 })
	found := inboxAddress.FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("no address of an inbox in\n%s", out)
	}
	return runningDemo{out, found[1], found[2], stop}
}

// page is what was printed so far.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// outcomes are those of the calls that the demo's own page would list.
func (d runningDemo) outcomes(t *testing.T) (all []string) {
	t.Helper()
	var list struct {
		Calls struct {
			Edges []struct{ Node struct{ Outcome string } }
		}
	}
	check(t, client{http.DefaultClient, strings.TrimSuffix(d.inbox, "/"), d.token}.ask(t.Context(), `{ calls { edges { node { outcome } } } }`, nil, &list))
	for _, e := range list.Calls.Edges {
		all = append(all, e.Node.Outcome)
	}
	slices.Sort(all)
	return all
}

func TestDemoStaysUpAndStartsAgain(t *testing.T) {
	dir := t.TempDir()
	first := startDemo(t, dir, "127.0.0.1:0")
	inOrder(t, first.out.String(), "Everything is kept in "+filepath.Join(dir, "demo"), "Call 1 of 4", "Call 2 of 4", "Olivia presses 1",
		"Olivia and Dana are connected", "Call 3 of 4", "Mailbox is not connected", "Emil says", "Call 4 of 4", "Somebody hangs up", "stored the call, MISSED")
	resp, err := http.Get(first.inbox)
	check(t, err)
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, "text/html") {
		t.Errorf("the inbox is %s %s, want 200 text/html", resp.Status, got)
	}
	once := []string{"ANSWERED", "MISSED", "VOICEMAIL", "VOICEMAIL"}
	if got := first.outcomes(t); !slices.Equal(got, once) {
		t.Errorf("the calls are %v, want %v", got, once)
	}
	c := demoCmd{Speed: asFastAsItGets}
	err = c.play(t.Context(), demoSettings(dir, "127.0.0.1:0"), nil, &streams{io.Discard, t.Output()})
	if err == nil || !strings.Contains(err.Error(), "another demo may be running") {
		t.Errorf("a second demo in the folder: %v, want it refused", err)
	}
	first.stop()

	second := startDemo(t, dir, "127.0.0.1:0")
	if second.token == first.token {
		t.Error("the second start prints the token of the first, want a fresh one")
	}
	twice := slices.Sorted(slices.Values(append(once, once...)))
	if got := second.outcomes(t); !slices.Equal(got, twice) {
		t.Errorf("after a second start the calls are %v, want %v", got, twice)
	}
	stale := client{http.DefaultClient, strings.TrimSuffix(second.inbox, "/"), first.token}
	if err := stale.ask(t.Context(), `{ viewer { id } }`, nil, &struct{}{}); err == nil {
		t.Error("the first start's token still works, want it revoked")
	}
}

func TestDemoTakesAnotherPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	d := startDemo(t, t.TempDir(), l.Addr().String())
	if strings.Contains(d.inbox, l.Addr().String()) {
		t.Errorf("the inbox is at %s, which somebody else has", d.inbox)
	}
	inOrder(t, d.out.String(), "LISTEN_ADDR is taken", "so the service is at "+strings.TrimSuffix(d.inbox, "/"))
	if got := d.outcomes(t); len(got) != 4 {
		t.Errorf("%d calls, want 4", len(got))
	}
}

func TestTwiMLIsShownOneElementALine(t *testing.T) {
	t.Parallel()
	document := `<?xml version="1.0"?><Response><Dial action="https://x.example/p/webhooks/a?call=CA1&amp;to=2#rc=1"><Number>+1</Number></Dial>` +
		`<Say>A &amp; B</Say></Response>`
	got, err := twiml(document, "https://x.example/p")
	check(t, err)
	want := []string{"<Response>", `  <Dial action="/webhooks/a?…">`, "    <Number>+1</Number>", "  </Dial>", "  <Say>A &amp; B</Say>", "</Response>"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
