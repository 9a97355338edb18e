package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// binary is the program as it is shipped, built once for all tests that need a process to kill.
var binary = sync.OnceValues(func() (string, error) { return buildBinary("maskline") })

// binaries is where they are built; TestMain makes the folder, and removes it.
var binaries string

func buildBinary(name string, args ...string) (string, error) {
	path := filepath.Join(binaries, name+exeSuffix())
	out, err := exec.Command("go", append(append([]string{"build"}, args...), "-o", path, ".")...).CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: "go build: " + string(out), Err: err}
	}
	return path, nil
}

func exeSuffix() string {
	if os.PathSeparator == '\\' {
		return ".exe"
	}
	return ""
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asTranscriber {
		transcribeAsProgram(os.Args[2:])
		return
	}
	beside()
	os.Exit(runAll(m))
}

// beside has more tests run at once than there are processors, unless the command says how many: many of them wait for processes that they
// have started, for leases to run out, for Node to install something.
func beside() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))) // it is a number
	}
}

func runAll(m *testing.M) int {
	var err error
	if binaries, err = os.MkdirTemp("", "maskline-test-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(binaries) // a left-over in the temporary folder harms nobody
	return m.Run()
}

// town is the world outside: a telephone network with Twilio's REST, and a mail server.
type town struct {
	net  *network.Network
	rest string
	mail *mailbox
}

func newTown(t *testing.T, with ...func(*network.Config)) *town {
	t.Helper()
	config := network.Config{AccountSID: accountSID, AuthToken: authToken, Seed: 7, Start: time.Now().UTC().Truncate(time.Second)}
	for _, w := range with {
		w(&config)
	}
	n := network.New(config)
	t.Cleanup(n.Close)
	n.AddPhone(owner, network.NoAnswer())
	rest := httptest.NewServer(n.Handler())
	t.Cleanup(rest.Close)
	return &town{n, rest.URL, newMailbox(t)}
}

// process is one running copy of the binary.
type process struct {
	t       *testing.T
	program func() (path string, err error)
	cmd     *exec.Cmd
	env     []string
	log     io.Writer                   // nil: the test's output
	wrap    func(path string) *exec.Cmd // nil: it is run as it is
	base    string
	h       *house // for its GraphQL helpers only
}

const adminToken = "the-administrators-token-of-these-tests"

// start runs the binary and returns once it answers. public is the address that the world uses, its own when empty.
func (tw *town) start(t *testing.T, databaseURL, dataDir, public string, env ...string) *process {
	t.Helper()
	p := tw.prepare(t, databaseURL, dataDir, public, env...)
	p.run()
	return p
}

// prepare is what start will run.
func (tw *town) prepare(t *testing.T, databaseURL, dataDir, public string, env ...string) *process {
	t.Helper()
	addr := freeAddr(t)
	p := &process{t: t, program: binary, base: "http://" + addr, h: &house{t: t, ctx: t.Context(), url: "http://" + addr, admin: adminToken}}
	if public == "" {
		public = p.base
	}
	p.env = append(os.Environ(), "LISTEN_ADDR="+addr, "PUBLIC_URL="+public, "DATA_DIR="+dataDir, "DATABASE_URL="+databaseURL,
		"RECORDINGS_SHARED=true", "ADMIN_TOKEN="+adminToken, "TWILIO_ACCOUNT_SID="+accountSID, "TWILIO_AUTH_TOKEN="+authToken,
		"TWILIO_API_URL="+tw.rest, "SMTP_URL=smtp://"+tw.mail.addr, "DRAIN_DELAY=0s")
	p.env = append(p.env, env...)
	return p
}

func (p *process) run() {
	p.t.Helper()
	p.launch()
	eventually(p.t, patience, p.answers)
}

// launch does not wait until it answers.
func (p *process) launch() {
	p.t.Helper()
	path, err := p.program()
	check(p.t, err)
	p.cmd = exec.Command(path, "serve")
	if p.wrap != nil {
		p.cmd = p.wrap(path)
	}
	p.cmd.Env, p.cmd.Stderr = p.env, p.t.Output()
	if p.log != nil {
		p.cmd.Stderr = io.MultiWriter(p.log, p.t.Output())
	}
	check(p.t, p.cmd.Start())
	p.t.Cleanup(func() { p.kill() })
}

// answers tells whether the process serves and its database is prepared.
func (p *process) answers() bool {
	body, err := p.tryReady()
	return err == nil && strings.Contains(body, `"trouble":[]`)
}

// tryReady is what /readyz says of a process that is ready.
func (p *process) tryReady() (string, error) {
	resp, err := http.Get(p.base + "/readyz")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(body), err
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be dead already
	_ = p.cmd.Wait()         // it was killed: that is the error
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

// mailbox is a mail server that keeps all mails.
type mailbox struct {
	addr  string
	mu    sync.Mutex
	mails []string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	m := &mailbox{}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{m}, nil }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	m.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }() // ends with the listener
	t.Cleanup(func() { check(t, s.Close()) })
	return m
}

func (m *mailbox) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mails)
}

type mailSession struct{ box *mailbox }

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, string(b))
	return nil
}

// onEach runs body with the address of a fresh database of each kind.
func onEach(t *testing.T, body func(t *testing.T, databaseURL string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		body(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		body(t, testdb.Open(t, testdb.Postgres).DSN())
	})
}

const follows = `subscription($after: Cursor) { voicemailReceived(after: $after) { cursor node { recordingSid } } }`

type pushed struct {
	VoicemailReceived struct {
		Cursor string
		Node   struct{ RecordingSid string }
	}
}

// present is the place from which a list of voicemails is followed.
func (p *process) present(token string) string {
	p.t.Helper()
	var list struct {
		Voicemails struct{ FollowCursor string }
	}
	p.h.ask(token, `{ voicemails { followCursor } }`, nil, &list)
	return list.Voicemails.FollowCursor
}

func isRecordingCallback(e network.Event) bool {
	return e.Kind == network.CallbackSent && strings.Contains(e.URL, "/webhooks/recording") && e.Status == http.StatusNoContent
}

// Once the recording callback is acknowledged, nothing may be lost, whatever dies next.
func TestF09KilledRightAfterTheRecordingCallback(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		tw := newTown(t)
		p := tw.start(t, databaseURL, t.TempDir(), "")
		tw.net.AddNumber(numberAt(p.base, mask))
		tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
		before := p.present(tn.token)
		call := tw.net.Dial(network.From(customer).LeaveMessage(9*time.Second, "Do not lose this."), mask)
		check(t, tw.net.RunTo(t.Context(), isRecordingCallback))
		p.kill()
		p.run()
		check(t, tw.net.Run(t.Context()))
		check(t, call.Err())

		f := follow(t, p.base, tn.token, follows, map[string]any{"after": before})
		var got pushed
		f.next(&got)
		if want := tw.net.Recordings()[0].SID; got.VoicemailReceived.Node.RecordingSid != want {
			t.Errorf("pushed %s, want %s", got.VoicemailReceived.Node.RecordingSid, want)
		}
		p.delivered(tn.token)
		if n := tw.mail.count(); n != 1 {
			t.Errorf("%d mails, want 1", n)
		}
		f.nothingMore()
	})
}

// delivered waits until the one voicemail is stored and its mail delivered.
func (p *process) delivered(token string) {
	p.t.Helper()
	eventually(p.t, time.Minute, func() bool {
		var list struct {
			Voicemails struct {
				Edges []struct {
					Node struct {
						Audio, Transcription string
						Deliveries           []struct{ State string }
					}
				}
			}
		}
		p.h.ask(token, `{ voicemails { edges { node { audio transcription deliveries { state } } } } }`, nil, &list)
		e := list.Voicemails.Edges
		return len(e) == 1 && e[0].Node.Audio == "STORED" && len(e[0].Node.Deliveries) == 1 && e[0].Node.Deliveries[0].State == "DELIVERED"
	})
}

// nothingMore makes sure that no push is on its way: the answer to a query, sent behind it, comes next.
func (f *follower) nothingMore() {
	f.t.Helper()
	f.send(frame{ID: "2", Type: "subscribe", Payload: raw(f.t, map[string]any{"query": "{ viewer { id } }"})})
	if m := f.read(); m.ID != "2" {
		f.t.Errorf("got %s %s, want nothing more", m.Type, m.Payload)
	}
}

// The callback goes to one replica, the subscriber sits on the other.
func TestTwoReplicasShareOnePostgres(t *testing.T) {
	t.Parallel()
	databaseURL, dir, tw := testdb.Open(t, testdb.Postgres).DSN(), t.TempDir(), newTown(t)
	a := tw.start(t, databaseURL, dir, "")
	b := tw.start(t, databaseURL, dir, a.base)
	tw.net.AddNumber(numberAt(a.base, mask))
	tn := a.h.newTenant("olivia@example.com", mask, -1, -1)
	f := follow(t, b.base, tn.token, follows, map[string]any{"after": b.present(tn.token)})
	call := tw.net.Dial(network.From(customer).LeaveMessage(5*time.Second, "Hello over there."), mask)
	check(t, tw.net.Run(t.Context()))
	check(t, call.Err())
	var got pushed
	f.next(&got)
	if want := tw.net.Recordings()[0].SID; got.VoicemailReceived.Node.RecordingSid != want {
		t.Errorf("pushed %s, want %s", got.VoicemailReceived.Node.RecordingSid, want)
	}
	b.delivered(tn.token)
	if n := tw.mail.count(); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	f.nothingMore()
}

// The official client of the protocol, on Node, hears a voicemail.
func TestTheOfficialClientHearsAVoicemail(t *testing.T) {
	t.Parallel()
	dir := npm(t, "graphql@16.11.0", "graphql-ws@6.4.2", "ws@8.18.3")
	tw := newTown(t)
	p := tw.start(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")), t.TempDir(), "")
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	script, err := filepath.Abs("testdata/follow.mjs")
	check(t, err)
	copied := filepath.Join(dir, "follow.mjs")
	text, err := os.ReadFile(script)
	check(t, err)
	check(t, os.WriteFile(copied, text, 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := exec.CommandContext(ctx, "node", copied, "ws"+strings.TrimPrefix(p.base, "http")+"/graphql", tn.token, p.present(tn.token))
	client.Stderr = t.Output()
	tw.net.Dial(network.From(customer).LeaveMessage(5*time.Second, "Hello, Node."), mask)
	check(t, tw.net.Run(t.Context()))
	out, err := client.Output()
	check(t, err)
	var got pushed
	check(t, json.Unmarshal(out, &got))
	if want := tw.net.Recordings()[0].SID; got.VoicemailReceived.Node.RecordingSid != want {
		t.Errorf("the client got %s, want %s", out, want)
	}
}

// npm installs packages into a folder; without npm the test is skipped, unless CI_NODE_REQUIRED says that it must not be.
func npm(t *testing.T, packages ...string) string {
	t.Helper()
	dir := t.TempDir()
	npmInstall(t, dir, packages...)
	return dir
}

// npmInstall installs packages, and those that dir/package.json names, into dir.
func npmInstall(t *testing.T, dir string, packages ...string) {
	t.Helper()
	npmDoes(t, append([]string{"install", "--prefix", dir}, packages...)...)
}

// npmDoes runs npm.
func npmDoes(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("npm", append(args, "--no-audit", "--no-fund", "--silent")...).CombinedOutput()
	if err != nil && os.Getenv("CI_NODE_REQUIRED") != "1" {
		t.Skipf("NOT TESTED WITH THE OFFICIAL CLIENT: npm: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("npm: %v %s", err, out)
	}
}
