package main

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/ent/rawwebhook"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// cable leads to a server until somebody pulls it out.
type cable struct {
	listener net.Listener
	network  string
	to       string
	mu       sync.Mutex
	out      bool
	open     []net.Conn
	delay    time.Duration // of all that is sent to the server
}

// newCable is a cable to the server of a PostgreSQL, and the address of the database at its near end.
func newCable(t *testing.T, dsn string) (*cable, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	u, network, to := farEnd(t, dsn)
	c := &cable{listener: l, network: network, to: to}
	t.Cleanup(func() { c.pull(); _ = l.Close() })
	go c.serve()
	u.Host = l.Addr().String()
	return c, u.String()
}

// farEnd is where the server at an address listens, and the address without that.
func farEnd(t *testing.T, dsn string) (u *url.URL, network, to string) {
	t.Helper()
	u, err := url.Parse(dsn)
	check(t, err)
	network, to = "tcp", u.Host
	if query := u.Query(); query.Has("host") { // a folder with a socket
		network, to = "unix", filepath.Join(query.Get("host"), ".s.PGSQL."+cmp.Or(query.Get("port"), "5432"))
		query.Del("host")
		query.Del("port")
		u.RawQuery = query.Encode()
	}
	return u, network, to
}

// lead breaks every connection, and has new ones go to the server at another address.
func (c *cable) lead(t *testing.T, dsn string) {
	t.Helper()
	_, network, to := farEnd(t, dsn)
	c.pull()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.network, c.to, c.out = network, to, false
}

func (c *cable) serve() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.connect(near)
	}
}

func (c *cable) connect(near net.Conn) {
	c.mu.Lock()
	network, to := c.network, c.to
	c.mu.Unlock()
	far, err := net.Dial(network, to)
	c.mu.Lock()
	if c.out || c.to != to || err != nil {
		c.mu.Unlock()
		_ = near.Close()
		if err == nil {
			_ = far.Close()
		}
		return
	}
	c.open = append(c.open, near, far)
	c.mu.Unlock()
	go func() { _, _ = io.Copy(delayed{far, c}, near); _ = far.Close() }()
	_, _ = io.Copy(near, far)
	_ = near.Close()
}

// slow has everything take that much longer from now on.
func (c *cable) slow(delay time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = delay
}

// delayed is the far end of a cable, which what is written reaches later.
type delayed struct {
	net.Conn
	c *cable
}

func (d delayed) Write(b []byte) (int, error) {
	d.c.mu.Lock()
	delay := d.c.delay
	d.c.mu.Unlock()
	time.Sleep(delay)
	return d.Conn.Write(b)
}

// pull breaks every connection, and lets no new one through.
func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = true
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

func (c *cable) plugIn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = false
}

// TestCallsGoOnWhileTheDatabaseIsAway rings the phone from memory, takes the message, keeps what Twilio tells, and has all of it counted
// afterwards. The process is even restarted in the middle of it.
func TestCallsGoOnWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := testdb.Open(t, testdb.Postgres, jobs.Migrate)
	line, dsn := newCable(t, server.DSN())
	db, err := database.Open(dsn)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	h := newHouse(t, db)
	tn := h.newTenant("olivia@example.com", mask, 100, 50)
	h.ask(tn.token, `mutation { blockCaller(from: "+15550200009") }`, nil, nil)
	h.net.AddPhone(owner, network.NoAnswer(), network.Human(0, 0).Press("1", 0))
	h.remembers("+15550200009")

	line.pull()
	first := h.net.Dial(hello, mask)
	blocked := h.net.Dial(network.From("+15550200009"), mask)
	check(t, h.net.Run(h.ctx))
	h.restart(dsn)
	second := h.net.Dial(network.From("+15550200008"), mask)
	stranger := h.net.Dial(network.From("+15550200007").HangUpInGreeting(), mask)
	h.net.AddNumber(numberAt(h.url, other)) // nobody remembers it
	unknown := h.net.Dial(hello, other)
	check(t, h.net.Run(h.ctx))
	for _, c := range []*network.Call{first, blocked, second, stranger, unknown} {
		check(t, c.Err())
	}
	for name, c := range map[string]*network.Call{"the first": first, "the second": second} {
		if len(c.Asked("/webhooks/voice/dialed")) == 0 {
			t.Errorf("%s call did not ring the phone:\n%s", name, c.Tell())
		}
	}
	if len(blocked.Heard("+15550200009")) > 0 || len(unknown.Heard(customer)) == 0 {
		t.Errorf("a blocked caller was let in, or one to an unknown number turned away:\n%s%s", blocked.Tell(), unknown.Tell())
	}

	over := h.net.Now()
	check(t, h.net.Advance(h.ctx, time.Hour))
	line.plugIn()
	check(t, h.app.desk.Replay(h.ctx))
	told := h.app.db.Client().RawWebhook.Query()
	if late, all := told.Clone().Where(rawwebhook.ToldAtGT(over)).CountX(h.ctx), told.CountX(h.ctx); late > 0 || all < 10 {
		t.Errorf("%d of %d webhooks are kept with the time of the replay, not with theirs", late, all)
	}
	h.play()
	summary := h.summary(first, tn)
	for _, want := range []string{"used of the first plan: 3 calls, 1 voicemails", "unheard: 1, mails: 1", "audio STORED", "decided while the database was away", "REJECTED, a call from +15550200009"} {
		if !strings.Contains(summary, want) {
			t.Errorf("there is no %q in\n%s", want, summary)
		}
	}
	if n := strings.Count(summary, ", a call from"); n != 4 {
		t.Errorf("%d calls are written down, want 4", n)
	}
	if aside := h.aside(); len(aside) != 1 || !strings.Contains(aside[0], other) {
		t.Errorf("set aside %q, want what was told of an unknown number", aside)
	}
}

// remembers waits until a text is in the file of remembered numbers.
func (h *house) remembers(text string) {
	h.t.Helper()
	ctx, stop := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- h.app.desk.Remember(ctx, h.app.hub) }()
	eventually(h.t, patience, func() bool {
		file, err := os.ReadFile(filepath.Join(h.app.DataDir, "numbers.json"))
		return err == nil && strings.Contains(string(file), text)
	})
	stop()
	check(h.t, <-done)
}

// restart puts another process in the place of the running one, with the same folder and database.
func (h *house) restart(dsn string) {
	h.t.Helper()
	db, err := database.Open(dsn)
	check(h.t, err)
	h.t.Cleanup(func() { check(h.t, db.Close()) })
	key := h.app.links
	a, err := build(h.ctx, h.app.Settings, parts{log: h.app.log, now: h.net.Now, db: db, stderr: h.t.Output(), decideWithin: time.Minute})
	check(h.t, err)
	a.links, a.desk.Links = key, key // the key is read once the database is back
	a.prepared.Store(true)
	h.app = a
	h.handler.Store(&a.handler)
}
