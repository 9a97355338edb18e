package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/script"
)

// demoCmd shows the service to a newcomer: the real one, as serve runs it, on SQLite, with the telephone network in the same process.
// Everything between the two goes over HTTP and is signed, as with Twilio.
type demoCmd struct {
	Once    bool    `help:"Play one call in a temporary folder, show what comes of it, and exit."`
	Script  string  `placeholder:"FILE" help:"Play this script in a temporary folder and exit: 0 when all came as it expects. docs/scripts.md says how one is written; these come with the program: ${scripts}."`
	Speed   float64 `default:"4" placeholder:"N" help:"How many times as fast as in life the calls go."`
	NoColor string  `env:"NO_COLOR" hidden:""`
}

// onceWithin leaves room for the end of the service within a minute.
const onceWithin = 40 * time.Second

var (
	errTooSlow     = fmt.Errorf("the demo took longer than %s", onceWithin)
	errInterrupted = errors.New("the demo was interrupted")
)

// Run plays until SIGINT or SIGTERM; with --once or --script until the last call is over.
func (c *demoCmd) Run(k *kong.Context, s *Settings, to *streams) error {
	switch {
	case c.Speed <= 0:
		return fmt.Errorf("--speed: %g is not above 0", c.Speed)
	case c.Once && c.Script != "":
		return errors.New("--once and --script exclude each other")
	}
	ignored := goWithout(k)
	if !given(k, "LOG_LEVEL") {
		s.LogLevel = "warn" // the story is what there is to read
	}
	ctx, stop := untilSignal()
	defer stop()
	return c.play(ctx, *s, ignored, to)
}

// withoutThese are the settings that the demo goes without; a name that ends in _ stands for all that begin so.
var withoutThese = []string{"DATABASE_URL", "RECORDINGS_URL", "SMTP_URL", "TWILIO_", "OIDC_", "TRANSCRIBER", "TRANSCRIBER_"}

// goWithout resets those settings to their defaults and returns the names of those that somebody had set.
func goWithout(k *kong.Context) (names []string) {
	for _, f := range k.Flags() {
		if len(f.Envs) == 0 || !slices.ContainsFunc(withoutThese, func(n string) bool { return isNamed(n, f.Envs[0]) }) {
			continue
		}
		if given(k, f.Envs[0]) {
			names = append(names, f.Envs[0])
		}
		f.Target.SetZero()
		if f.HasDefault {
			f.Target.Set(reflect.ValueOf(f.Default).Convert(f.Target.Type()))
		}
	}
	return names
}

func isNamed(pattern, name string) bool {
	return pattern == name || strings.HasSuffix(pattern, "_") && strings.HasPrefix(name, pattern)
}

// given tells whether a setting stands on the command line or in the environment, be it with its default.
func given(k *kong.Context, name string) bool {
	for _, p := range k.Path {
		if p.Flag != nil && slices.Contains(p.Flag.Envs, name) {
			return true
		}
	}
	return os.Getenv(name) != ""
}

// passes tells whether the demo ends by itself and leaves nothing behind.
func (c *demoCmd) passes() bool { return c.Once || c.Script != "" }

// script is what to play.
func (c *demoCmd) script() (script.Script, error) {
	if c.Script != "" {
		return findScript(c.Script)
	}
	story, err := shippedScript(builtInStory)
	if err != nil {
		return story, err
	}
	story.About = ""                   // it says of itself that it is the story
	story.Seed = time.Now().UnixNano() // calls of earlier demos are still there, under their SIDs
	if c.Once {
		story.Scenes = story.Scenes[:1]
	}
	return story, nil
}

// play has a folder for as long as the demo lasts: the user's own, or one that goes with it.
func (c *demoCmd) play(ctx context.Context, s Settings, ignored []string, to *streams) (err error) {
	plot, err := c.script()
	if err != nil {
		return err
	}
	if !c.passes() {
		s.DataDir = filepath.Join(s.DataDir, "demo")
		return c.playIn(ctx, s, plot, ignored, to)
	}
	s.DataDir, err = os.MkdirTemp("", "maskline-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.DataDir)) }()
	s.ListenAddr, s.DrainDelay = "127.0.0.1:0", 0
	if c.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, onceWithin)
		defer cancel()
	}
	return c.playIn(ctx, s, plot, ignored, to)
}

// playIn wires the house and the network, and runs them until the story or ctx ends. It is one straight function since each step needs the
// ones before.
func (c *demoCmd) playIn(ctx context.Context, s Settings, plot script.Script, ignored []string, to *streams) (err error) {
	release, err := alone(ctx, s.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	l, taken, err := listen(s.ListenAddr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // as a rule the service has done so
	s.useAddress(l)
	s.TwilioAccountSID, s.TwilioAuthToken = demoAccount, Secret(rand.Text())
	if s.AdminToken == "" {
		s.AdminToken = Secret(rand.Text() + rand.Text()) // otherwise the service would make one and print it into the story
	}
	isProxied := s.PublicURL != ""
	if err := s.complete(); err != nil {
		return err
	}
	log := newLog(s, to.err)
	d := &demo{
		script: plot, passes: c.passes(), speed: c.Speed, started: time.Now(), say: newNarrator(to.out, c.NoColor == ""),
		bases: []string{s.PublicURL}, pushed: map[string]int{}, names: map[string]string{}, calls: map[string]script.Call{},
	}
	if isProxied { // by a proxy that may not be there yet
		d.bases = []string{"http://" + reachable(l), s.PublicURL}
	}
	if d.home, err = newProxy(s.PublicURL, reachable(l)); err != nil {
		return err
	}
	d.net = network.New(network.Config{
		AccountSID: s.TwilioAccountSID, AuthToken: string(s.TwilioAuthToken), Client: d.home, Start: time.Now(), Seed: plot.Seed,
		ChaosOf: plot.Chaos, Wait: d.wait, Observe: d.observe,
	})
	defer d.net.Close()
	twilio, hangUp, err := serveTwilio(d.net, log)
	if err != nil {
		return err
	}
	defer hangUp()
	s.TwilioAPIURL = twilio
	if d.app, err = build(ctx, s, parts{log: log, stderr: to.err}); err != nil {
		return err
	}
	if _, err := d.prepare(viewer.System(ctx)); err != nil { // serve does so too, but in the background
		return errors.Join(err, d.close())
	}
	d.introduce(ignored, taken)
	err = d.run(ctx, l)
	return errors.Join(err, d.say.close())
}

// run serves, and tells the story beside it.
func (d *demo) run(ctx context.Context, l net.Listener) error {
	within, stop := context.WithCancel(ctx)
	defer stop()
	if !d.passes {
		defer context.AfterFunc(ctx, func() { d.say.print("", "Stopping, as soon as what has begun is finished") })()
	}
	finished := false
	serve := func(ctx context.Context) error { return d.serve(ctx, l) }
	tell := func(ctx context.Context) error {
		err := d.story(ctx)
		if ctx.Err() != nil {
			return nil // it was broken off
		}
		finished = err == nil
		if d.passes || !finished {
			stop()
		}
		return err
	}
	err := together(within, serve, tell)
	switch {
	case err != nil || !d.passes:
		return err
	case finished:
		d.verdict()
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errTooSlow
	}
	return errInterrupted
}

// demoAccount stays the same, so that what one demo left undone is not foreign to the next.
const demoAccount = "AC00000000000000000000000000000001"

// alone keeps a second demo out of the folder: the two would do each other's work. The lock is SQLite's, so it works on every system and
// ends with the process, however that ends.
func alone(ctx context.Context, dir string) (release func() error, err error) {
	db, err := database.Open("sqlite://" + filepath.ToSlash(filepath.Join(dir, "running.lock")))
	if err != nil {
		return nil, err
	}
	lock, err := db.Writer().Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder %s: %w", dir, err), db.Close())
	}
	release = func() error { return errors.Join(lock.Close(), db.Close()) }
	for _, step := range []string{"PRAGMA busy_timeout = 0", "BEGIN IMMEDIATE"} {
		if _, err := lock.ExecContext(ctx, step); err != nil {
			return nil, errors.Join(fmt.Errorf("lock the folder %s, where another demo may be running (DATA_DIR gives this one a folder of its own): %w", dir, err), release())
		}
	}
	return release, nil
}

// listen takes the address or, when it is not to be had, a free port of the same host; taken says why.
func listen(address string) (l net.Listener, taken, err error) {
	if _, err := net.ResolveTCPAddr("tcp", address); err != nil {
		return nil, nil, fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	l, taken = net.Listen("tcp", address)
	if taken == nil {
		return l, nil, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("LISTEN_ADDR: %w", taken)
	}
	return l, taken, nil
}

// useAddress keeps the host as it was written and takes the port that it came to be.
func (s *Settings) useAddress(l net.Listener) {
	host, _, _ := net.SplitHostPort(s.ListenAddr) // it was listened on
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s.ListenAddr = net.JoinHostPort(host, port)
}

// reachable is where a listener is reached from this machine: one that listens everywhere is found on loopback.
func reachable(l net.Listener) string {
	a := *l.Addr().(*net.TCPAddr)
	switch {
	case !a.IP.IsUnspecified():
	case a.IP.To4() != nil:
		a.IP = net.IPv4(127, 0, 0, 1)
	default:
		a.IP = net.IPv6loopback
	}
	return a.String()
}

// serveTwilio serves the network's REST API with its recordings on an address of its own.
func serveTwilio(n *network.Network, log *slog.Logger) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen as Twilio: %w", err)
	}
	server := &http.Server{Handler: n.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve as Twilio", "error", err)
		}
	}()
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil // nobody listens any more
}
