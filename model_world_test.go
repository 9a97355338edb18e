//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// modelWorld is one seed's: the program, and all that is around it.
type modelWorld struct {
	t        *testing.T
	r        *rand.Rand
	plot     plot
	net      *network.Network
	server   *testdb.Server // nil with SQLite
	database string         // its name, or the path of the file
	mail     *moodyMailbox
	bucket   *bucket
	exchange *exchange
	public   string
	replicas []*replica
	h        *house // for its GraphQL helpers only
	tenants  []*modelTenant
	calls    *watcher

	held             func()      // lets SQLite's lock go
	faults, silences int         // misfortunes so far, and those in which a commit may have failed
	deaths           []time.Time // of processes
	mu               sync.Mutex
	wrong            []string
}

func (w *modelWorld) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

func (w *modelWorld) died() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaths = append(w.deaths, time.Now())
}

// died twice within a second means that a call may have lost both the answer to its first request and that to the fallback.
func (w *modelWorld) diedTwice() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, at := range w.deaths {
		if i > 0 && at.Sub(w.deaths[i-1]) < time.Second {
			return true
		}
	}
	return false
}

func (w *modelWorld) deathsSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.deaths)
}

func newModelWorld(t *testing.T, server *testdb.Server, r *rand.Rand, p plot) *modelWorld {
	t.Helper()
	w := &modelWorld{t: t, r: r, plot: p, server: server, mail: newMoodyMailbox(t), bucket: newBucket(t), exchange: newExchange(t.Logf)}
	front := httptest.NewServer(w.exchange)
	t.Cleanup(front.Close)
	w.public = front.URL
	w.h = &house{t: t, ctx: t.Context(), url: w.public, admin: adminToken}
	epoch := time.Now().UTC()
	w.net = network.New(network.Config{
		AccountSID: accountSID, AuthToken: authToken, Seed: r.Int64(), Start: epoch, Chaos: modelChaos(r), Wait: pace(&w.net, epoch, p.faster),
		FreshTokens: r.IntN(2) == 0, EmptyDigits: r.IntN(2) == 0, SkipEmpty: r.IntN(2) == 0,
	})
	t.Cleanup(w.net.Close)
	rest := httptest.NewServer(w.net.Handler())
	t.Cleanup(rest.Close)
	replicas, dsn := 1, ""
	if server != nil {
		w.database = fmt.Sprintf("seed_%x", r.Uint64())
		replicas, dsn = 2, server.Create(w.database)
	} else {
		w.database = filepath.Join(t.TempDir(), "maskline.db")
		dsn = "sqlite://" + w.database
	}
	env := append(os.Environ(), "PUBLIC_URL="+w.public, "DATABASE_URL="+dsn, "RECORDINGS_URL=file://"+w.bucket.dir, "RECORDINGS_SHARED=true",
		"ADMIN_TOKEN="+adminToken, "TWILIO_ACCOUNT_SID="+accountSID, "TWILIO_AUTH_TOKEN="+authToken, "TWILIO_API_URL="+rest.URL,
		"SMTP_URL=smtp://"+w.mail.addr, "DRAIN_DELAY=300ms", "RECONCILE_EVERY=20s", "LOG_LEVEL=warn",
		fmt.Sprint("FAULTS_FASTER=", int64(p.faster)), fmt.Sprint("FAULTS_EPOCH=", epoch.UnixNano()))
	env = append(env, p.env...)
	for range replicas {
		w.replicas = append(w.replicas, newReplica(w, env))
	}
	for _, p := range w.replicas {
		eventually(t, patience, p.answers)
	}
	check(t, w.net.Advance(t.Context(), time.Since(epoch)*p.faster)) // it begins now
	return w
}

// pace has the network's time pass as fast as the program's, from the same instant on, and catch up when it had to wait for an answer.
func pace(n **network.Network, epoch time.Time, faster time.Duration) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		due := epoch.Add((*n).Now().Add(d).Sub(epoch) / faster)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
			return nil
		}
	}
}

func (w *modelWorld) close() {
	for _, p := range w.replicas {
		p.end(syscall.SIGKILL)
	}
}

// stopAll asks all processes to stop, and says which did not do so in peace.
func (w *modelWorld) stopAll() []string {
	for _, p := range w.replicas {
		p.end(syscall.SIGTERM)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

// faultyBinary is the program built for tests of faults.
var faultyBinary = sync.OnceValues(func() (string, error) { return buildBinary("maskline-faults", "-tags", "faults") })

// replica is a process of the program that comes back whenever it dies, as a supervisor has it.
type replica struct {
	w       *modelWorld
	addr    string
	env     []string
	planned []string // where it will be killed, one for each life

	mu       sync.Mutex
	cmd      *exec.Cmd
	stopping bool
	asked    bool // this life is ended by SIGTERM
	gone     chan struct{}
}

func newReplica(w *modelWorld, env []string) *replica {
	w.t.Helper()
	p := &replica{w: w, addr: ownAddr(), gone: make(chan struct{}), planned: w.plannedDeaths()}
	p.env = append(slices.Clip(env), "LISTEN_ADDR="+p.addr, "DATA_DIR="+w.t.TempDir())
	w.exchange.add(w.t.Context(), p.addr)
	path, err := w.plot.binary()
	check(w.t, err)
	check(w.t, p.begin(path))
	go p.live(path)
	return p
}

var addrs atomic.Uint32

// ownAddr is an address that no connection takes while its process is dead: one on a loopback host of its own.
func ownAddr() string {
	n := addrs.Add(1)
	return fmt.Sprintf("127.%d.%d.%d:8080", 1+os.Getpid()%250, n/250, 1+n%250)
}

func (p *replica) begin(path string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = false
	p.cmd = exec.Command(path, "serve")
	p.cmd.Env, p.cmd.Stderr = p.env, p.w.t.Output()
	if len(p.planned) > 0 {
		p.cmd.Env = append(slices.Clip(p.env), "FAULTS_CRASH="+p.planned[0])
		p.planned = p.planned[1:]
	}
	return p.cmd.Start()
}

func (p *replica) live(path string) {
	defer close(p.gone)
	for {
		err := p.cmd.Wait()
		p.mu.Lock()
		stopping, asked := p.stopping, p.asked
		p.mu.Unlock()
		status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		killed := status.Signaled() && status.Signal() == syscall.SIGKILL
		early := asked && status.Signaled() && status.Signal() == syscall.SIGTERM // it had not begun to listen to signals
		if !killed && !early && (!asked || err != nil) {
			p.w.complain("a process ended by itself, or not well: %v", err)
		}
		if stopping {
			return
		}
		if killed {
			p.w.died()
		}
		if err := p.begin(path); err != nil {
			p.w.complain("%v", err)
			return
		}
	}
}

// kill ends this life of the process; the next begins at once.
func (p *replica) kill() { p.signal(syscall.SIGKILL, false) }

// restart asks it to stop, and it comes back.
func (p *replica) restart() { p.signal(syscall.SIGTERM, false) }

func (p *replica) end(s syscall.Signal) {
	p.signal(s, true)
	<-p.gone
}

func (p *replica) signal(s syscall.Signal, forGood bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = p.stopping || forGood
	p.asked = p.asked || s == syscall.SIGTERM
	_ = p.cmd.Process.Signal(s) // it may just have died
}

func (p *replica) answers() bool { return (&process{base: "http://" + p.addr}).answers() }
