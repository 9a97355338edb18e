package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// The canaries: what nobody but those concerned may read, in a spelling that is found again.
const (
	kanariMail    = "kanari.olivia@example.com"
	kanariRefused = "kanari.refused@example.com"
	kanariText    = "Kanari says the bird is yellow."
	kanariJWT     = "eyJhbGciOiJSUzI1NiJ9.eyJlbWFpbCI6ImthbmFyaSJ9.a2FuYXJpa2FuYXJpa2FuYXJp"
	kanariToken   = "mask_kanarikanarikanarikanarikanarikanari"
	kanariKey     = "kanari-transcriber-key"
	kanariSecret  = "kanari-secret-key-of-32-characters-or-more"
	kanariSMTP    = "kanari-smtp-password"
	kanariMask    = "+15550306069"
	stranger      = "+15550306070"
)

// cage keeps what the program shows to those who must not see a canary.
type cage struct {
	t    *testing.T
	said logbook // by the process
	seen map[string]string
	flew []string // canaries that are made on the way
}

// keep keeps an answer, under the name of where it came from.
func (c *cage) keep(from string, r *http.Response, err error) {
	c.t.Helper()
	check(c.t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	check(c.t, err)
	c.seen[from] = fmt.Sprint(r.Status, r.Header, "\n") + string(b)
}

// look fails for each canary in what was kept. Secrets are those that doctor must not show either.
func (c *cage) look(secrets ...string) {
	c.t.Helper()
	personal := []string{kanariMail, kanariRefused, "kanari.", "Kanari says", "bird is yellow"}
	for _, n := range []string{owner, customer, kanariMask, stranger} {
		personal = append(personal, n[2:]) // however its beginning is written
	}
	for from, text := range c.seen {
		for _, canary := range append(secrets, c.flew...) {
			c.without(from, text, canary)
		}
		for _, canary := range personal {
			if !strings.HasPrefix(from, "doctor") { // whose work it is to name numbers
				c.without(from, text, canary)
			}
		}
	}
}

func (c *cage) without(from, text, canary string) {
	c.t.Helper()
	if i := strings.Index(strings.ToLower(text), strings.ToLower(canary)); i >= 0 {
		c.t.Errorf("%s shows %q: …%s…", from, canary, text[max(0, i-200):min(len(text), i+100)])
	}
}

// collector takes spans, as OTLP sends them.
func (c *cage) collector() (endpoint string, spans func() string) {
	var all logbook
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // what is not whole has canaries too
		_, _ = fmt.Fprintln(&all, r.Header, string(b))
	}))
	c.t.Cleanup(s.Close)
	return s.URL, all.String
}

// speech is a service that transcribes at the second try, and repeats what it heard at the first.
func (c *cage) speech() string {
	var tries atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			http.Error(w, `{"error":{"message":"`+kanariText+`"}}`, http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(w, `{"text":%q}`, kanariText)
	}))
	c.t.Cleanup(s.Close)
	return s.URL
}

// TestCanariesAreSeenByNobodyElse has calls, messages, mails, transcripts, errors of clients and of Twilio, and failed sign-ins pass through the
// built program at LOG_LEVEL=debug. No token, password, phone number, address or transcript is in its logs, metrics, traces, arguments and errors.
func TestCanariesAreSeenByNobodyElse(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		c := &cage{t: t, seen: map[string]string{}}
		tw := newTown(t)
		office, _ := newPostOffice(t)
		office.onRcpt = func(to string, _ int) error {
			if to == kanariRefused {
				return says(550, "no such user: "+to+", whom "+customer+" called")
			}
			return nil
		}
		endpoint, spans := c.collector()
		p := c.start(tw, databaseURL, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_EXPORTER_OTLP_HEADERS=authorization=kanari-otlp",
			"SMTP_URL=smtp://"+office.addr, "TRANSCRIBER=openai", "TRANSCRIBER_URL="+c.speech(), "TRANSCRIBER_KEY="+kanariKey,
			"SECRET_KEY="+kanariSecret, "OIDC_ISSUER=http://127.0.0.1:1/kanari-issuer", "OIDC_AUDIENCE=maskline")
		tn := p.h.newTenant(kanariMail, kanariMask, -1, -1)
		c.flew = append(c.flew, tn.token, tn.token[12:])
		p.h.ask(tn.token, `mutation($n: ID!, $e: [String!]) { updateNumber(id: $n, input: {notifyEmails: $e}) { id } }`,
			map[string]any{"n": tn.number, "e": []string{kanariMail, kanariRefused}}, nil)
		c.calls(tw, p)
		c.settled(p, tn)
		c.mistakes(p, tn)
		c.seen["metrics"] = c.metrics(p)
		args := strings.Join(p.cmd.Args, " ")
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid)); err == nil {
			args += string(b)
		}
		c.seen["arguments"] = args
		c.doctor(p, "SMTP_URL=smtp://ann:"+kanariSMTP+"@"+office.addr)
		if runtime.GOOS != "windows" {
			check(t, p.cmd.Process.Signal(os.Interrupt)) // the last spans are sent at the end
			check(t, p.cmd.Wait())
		}
		if c.seen["spans"] = spans(); !strings.Contains(c.seen["spans"], "/webhooks/voice") {
			t.Error("no span of a webhook was sent")
		}
		c.seen["spans"] = strings.ReplaceAll(c.seen["spans"], "kanari-otlp", "") // which lets us in at the collector
		if c.seen["logs"] = c.said.String(); !strings.Contains(c.seen["logs"], "mail not sent") || !strings.Contains(c.seen["logs"], "level=DEBUG") {
			t.Errorf("the log has not what should be without canaries:\n%s", c.seen["logs"])
		}
		c.look(adminToken, authToken, kanariJWT, kanariToken, "kanarikanari", kanariKey, kanariSecret, kanariSMTP, "kanari-otlp", "kanari-issuer")
	})
}

// start runs the program and keeps what it says.
func (c *cage) start(tw *town, databaseURL string, env ...string) *process {
	c.t.Helper()
	p := tw.prepare(c.t, databaseURL, c.t.TempDir(), "", append(env, "LOG_LEVEL=debug")...)
	path, err := p.program()
	check(c.t, err)
	p.cmd = exec.Command(path, "serve")
	p.cmd.Env, p.cmd.Stderr, p.cmd.Stdout = p.env, &c.said, &c.said
	check(c.t, p.cmd.Start())
	c.t.Cleanup(p.kill)
	eventually(c.t, patience, p.answers)
	return p
}

// calls has somebody leave a message, somebody be connected, somebody be blocked, and somebody call a number of ours that is nobody's.
func (c *cage) calls(tw *town, p *process) {
	c.t.Helper()
	const nobodys = "+15550306071"
	tw.net.AddNumber(numberAt(p.base, kanariMask))
	tw.net.AddNumber(numberAt(p.base, nobodys))
	message := tw.net.Dial(network.From(customer).LeaveMessage(9*time.Second, kanariText), kanariMask)
	check(c.t, tw.net.Run(c.t.Context()))
	check(c.t, message.Err())
	tw.net.AddPhone(owner, network.Human(time.Second, 5*time.Second).Press("1", time.Second))
	tw.net.Dial(network.From(stranger), kanariMask)
	tw.net.Dial(network.From(stranger), nobodys)
	check(c.t, tw.net.Run(c.t.Context()))
}

// settled waits until the message has its transcript, one of its mails is delivered, and the other is refused.
func (c *cage) settled(p *process, tn tenant) {
	c.t.Helper()
	eventually(c.t, time.Minute, func() bool {
		var list struct {
			Voicemails struct {
				Edges []struct {
					Node struct {
						Transcript *string
						Deliveries []struct{ State string }
					}
				}
			}
		}
		p.h.ask(tn.token, `{ voicemails { edges { node { transcript deliveries { state } } } } }`, nil, &list)
		e := list.Voicemails.Edges
		if len(e) != 1 || e[0].Node.Transcript == nil || len(e[0].Node.Deliveries) != 2 {
			return false
		}
		d := e[0].Node.Deliveries
		return d[0].State != "PENDING" && d[1].State != "PENDING"
	})
}

// mistakes are those of clients, of people who guess, and of somebody in Twilio's place.
func (c *cage) mistakes(p *process, tn tenant) {
	c.t.Helper()
	ask := func(name, token, body string) {
		c.t.Helper()
		r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, p.base+"/graphql", strings.NewReader(body))
		check(c.t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		c.keep("error of "+name, resp, err)
	}
	ask("a wrong token", kanariToken, `{"query":"{viewer{id}}"}`)
	ask("a JWT", kanariJWT, `{"query":"{viewer{id}}"}`)
	ask("a taken address", adminToken, `{"query":"mutation($e:String!){createUser(input:{email:$e,name:\"x\"}){id}}","variables":{"e":"`+kanariMail+`"}}`)
	ask("a wrong address", adminToken, `{"query":"mutation($e:String!){createUser(input:{email:$e,name:\"x\"}){id}}","variables":{"e":"kanari.olivia@@example.com"}}`)
	ask("a taken number", adminToken, `{"query":"mutation($u:ID!,$n:PhoneNumber!){createNumber(input:{ownerID:$u,phoneNumber:$n}){id}}","variables":{"u":"`+tn.user+`","n":"`+kanariMask+`"}}`)
	ask("a wrong number", tn.token, `{"query":"mutation($n:PhoneNumber!){blockCaller(from:$n)}","variables":{"n":"0`+customer[1:]+`x"}}`)
	ask("a number that is ours", tn.token, `{"query":"mutation($i:ID!,$f:[PhoneNumber!]){updateNumber(id:$i,input:{forwardTo:$f}){id}}","variables":{"i":"`+tn.number+`","f":["`+kanariMask+`"]}}`)
	ask("wrong addresses for mails", tn.token, `{"query":"mutation($i:ID!,$f:[String!]){updateNumber(id:$i,input:{notifyEmails:$f}){id}}","variables":{"i":"`+tn.number+`","f":["kanari.olivia"]}}`)
	ask("an unknown id", tn.token, `{"query":"{node(id:\"`+customer+`\"){id}}"}`)
	ask("a wrong time", tn.token, `{"query":"mutation($u:ID!,$t:Time){createToken(userID:$u,name:\"x\",expiresAt:$t){token}}","variables":{"u":"`+tn.user+`","t":"`+kanariToken+`"}}`)
	ask("a variable that is missing", tn.token, `{"query":"mutation($n:PhoneNumber!){blockCaller(from:$n)}"}`)
	for name, target := range map[string]string{
		"a link": "/recordings/vm_x?sig=kanarikanari", "a page": "/v/vm_x?sig=kanarikanari", "a page with a token": "/v/vm_x?token=" + kanariToken, "another path": "/" + kanariToken,
		"a link to sign out of mails": "/u/" + kanariMail,
	} {
		resp, err := http.Get(p.base + target)
		c.keep("error of "+name, resp, err)
	}
	form := url.Values{"From": {customer}, "To": {kanariMask}, "CallSid": {"CA" + customer}, "AccountSid": {accountSID}}
	for name, by := range map[string]string{"an unsigned webhook": "kanarikanari", "a malformed webhook": network.Sign(authToken, p.base+"/webhooks/voice", form)} {
		r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, p.base+"/webhooks/voice", strings.NewReader(form.Encode()))
		check(c.t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", by)
		resp, err := http.DefaultClient.Do(r)
		c.keep("error of "+name, resp, err)
	}
}

func (c *cage) metrics(p *process) string {
	c.t.Helper()
	resp, err := http.Get(p.base + "/metrics")
	check(c.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	check(c.t, err)
	if !bytes.Contains(b, []byte("maskline_")) {
		c.t.Errorf("there are no metrics in %s", b)
	}
	return string(b)
}

// doctor looks at the installation, with a password that is refused.
func (c *cage) doctor(p *process, env ...string) {
	c.t.Helper()
	path, err := binary()
	check(c.t, err)
	cmd := exec.CommandContext(c.t.Context(), path, "doctor")
	cmd.Env = append(p.env, env...)
	out, _ := cmd.CombinedOutput() // there is trouble: the issuer is away
	if c.seen["doctor"] = string(out); !strings.Contains(c.seen["doctor"], "sign-in") {
		c.t.Errorf("doctor says\n%s", out)
	}
}

// A panic is logged with its value, which may be anything.
func TestCanariesInAPanicAreNotLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := Settings{LogLevel: "debug", LogFormat: "text", AdminToken: adminToken}
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), option{parts: func(p *parts) { p.log = newLog(s, &log) }})
	guarded := h.app.guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(fmt.Sprintf("%s of %s called %s with %s and %s", kanariMail, customer, kanariMask, kanariToken, adminToken))
	}))
	func() {
		defer func() { _ = recover() }() // the connection is cut so
		guarded.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	}()
	c := &cage{t: t, seen: map[string]string{"logs": log.String()}}
	if !strings.Contains(log.String(), "request panicked") {
		t.Errorf("logged %s", log.String())
	}
	c.look(adminToken, kanariToken, "kanarikanari")
}
