// Maskline gives customers a masked number in place of somebody's own phone, and takes a voicemail when nobody is really there.
//
// This file puts the house together and runs it: open, wire, serve, drain, stop. Only it and its neighbours in package main know everybody.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/graph"
	"github.com/maskline/maskline/internal/admission"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/faults"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/peers"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/switchboard"
)

// app is everything, wired.
type app struct {
	Settings
	log      *slog.Logger
	now      func() time.Time
	db       *database.DB
	store    *recordings.Store
	hub      *events.Hub
	relay    *events.Relay // nil on SQLite
	links    *links.Signer
	desk     *switchboard.Switchboard
	queue    *jobs.Queue
	graphql  *graph.Server
	metrics  *prometheus.Registry
	handler  http.Handler
	room     *admission.Room
	proxies  peers.Proxies
	draining atomic.Bool
	prepared atomic.Bool // the database is migrated and has what every installation has
	stderr   io.Writer

	decideWithin time.Duration // zero: as [webhooks.Config] says
}

// parts are what tests and the demo bring along in place of the real thing; nil is the real thing.
type parts struct {
	log    *slog.Logger
	now    func() time.Time
	db     *database.DB
	stderr io.Writer

	decideWithin time.Duration
	clientsWait  time.Duration // zero: as [graph.Resolver] says
	twilio       func(*twilio.Config)
}

// build wires everything and touches nothing that may be away. It is one straight function since each step needs the ones before.
func build(ctx context.Context, s Settings, p parts) (a *app, err error) {
	if p.now == nil {
		p.now = faults.Clock() // nil as well, but in the build for the tests of faults
	}
	a = &app{Settings: s, log: p.log, now: p.now, db: p.db, stderr: p.stderr, decideWithin: p.decideWithin, hub: events.NewHub(), links: links.New(s.PublicURL), metrics: prometheus.NewRegistry()}
	if a.now == nil {
		a.now = time.Now
	}
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := useFolder(s.DataDir); err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	a.room = admission.New(admission.Config{Reserved: isReserved, Within: bodyWithin, Metrics: a.metrics})
	if a.proxies, err = s.trustedProxies(); err != nil {
		return nil, err
	}
	if a.db == nil {
		if a.db, err = database.Open(s.DatabaseURL); err != nil {
			return nil, fmt.Errorf("DATABASE_URL: %w", err)
		}
	}
	if a.store, err = recordings.Open(ctx, s.RecordingsURL); err != nil {
		return nil, err
	}
	a.metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "maskline_recordings_read_bytes_total", Help: "Bytes of audio that were read from the recording store."},
		func() float64 { return float64(a.store.BytesRead()) }))
	mailer, err := mail.New(s.mail(a.now))
	if err != nil {
		return nil, err
	}
	rest, err := a.twilio(p.twilio)
	if err != nil {
		return nil, err
	}
	ours, err := s.engine()
	if err != nil {
		return nil, err
	}
	issuer, err := s.issuer(a.now)
	if err != nil {
		return nil, err
	}
	a.log = a.db.Hush(p.log)
	var publisher events.Publisher = a.hub
	var listen jobs.Listen
	if a.db.Dialect() == dialect.Postgres {
		a.relay = events.NewRelay(a.hub, a.db, a.log)
		publisher, listen = a.relay, a.db.Listen
	}
	memory, err := switchboard.NewMemory(filepath.Join(s.DataDir, "numbers.json"))
	if err != nil {
		a.log.Warn("calls during an outage will leave a message", "error", err) // until the database was seen once
	}
	a.desk = switchboard.New(switchboard.Config{
		DB: a.db, Events: publisher, Twilio: rest, Recordings: a.store, Engine: ours, OIDC: issuer, Mail: mailer, Links: a.links, Log: a.log, Now: a.now,
		Settings: switchboard.Settings{Transcriber: s.Transcriber, Countries: s.AllowedCountries, SimultaneousCalls: s.MaxSimultaneousCalls, MailLinkDays: s.MailLinkDays, MailDays: s.MailDays, BinDays: s.BinDays, RawDays: s.RawWebhookDays, CallDays: s.CallDays, AuditDays: s.AuditDays, ReconcileEvery: s.ReconcileEvery, DeleteAfterCopy: s.TwilioDeleteAfterCopy},
		Metrics:  switchboard.NewMetrics(a.metrics), Memory: memory, Journal: journal.New(filepath.Join(s.DataDir, "journal")),
	})
	a.queue, err = jobs.New(jobs.Config{
		DB: a.db.Writer(), Dialect: a.db.Dialect(), Listen: listen, Away: a.db.Away, Log: a.log, Now: p.now, Work: a.desk.Work(), Periodic: a.desk.Periodic(), GaveUp: a.desk.GaveUp, Panicked: a.desk.Metrics.Panicked, ID: "maskline",
	})
	if err != nil {
		return nil, err
	}
	a.desk.Queue = a.queue
	resolver := &graph.Resolver{DB: a.db.Client(), Desk: a.desk, Events: a.hub, Links: a.links, Now: a.now, Log: a.log, Ready: a.prepared.Load, Room: a.db.Readers(),
		OnlyWarn: s.Limits == "warn", WaitAtMost: p.clientsWait}
	origins := graph.Origins{Own: s.PublicURL, Others: s.AllowedOrigins}
	a.graphql = graph.NewServer(resolver, origins)
	a.handler = a.routes(graph.Audio{Resolver: resolver, Origins: origins})
	return a, nil
}

// useFolder makes a folder when it is missing, and tells whether files can be made in it. That a disk is full is no reason to refuse it.
func useFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-*.tmp")
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// twilio is how we reach Twilio's REST API; nil without credentials.
func (a *app) twilio(change func(*twilio.Config)) (*twilio.Client, error) {
	user, password := a.TwilioAccountSID, a.TwilioAuthToken
	if a.TwilioAPIKey != "" {
		user, password = a.TwilioAPIKey, a.TwilioAPISecret
	}
	if a.TwilioAccountSID == "" || password == "" {
		return nil, nil
	}
	cfg := twilio.Config{BaseURL: a.TwilioAPIURL, AccountSID: a.TwilioAccountSID, User: user, Password: string(password), Now: a.now}
	if change != nil {
		change(&cfg)
	}
	c, err := twilio.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("TWILIO_API_URL, TWILIO_ACCOUNT_SID: %w", err)
	}
	return c, nil
}

// migrate checks the database and brings it to this version's schema. Its errors say how to mend the installation.
func (a *app) migrate(ctx context.Context) error {
	err := a.db.Check(ctx)
	if err == nil {
		err = a.db.Migrate(ctx, jobs.Migrate)
	}
	return a.db.Describe(err)
}

// prepare migrates, and sees to what every installation has. The token of an administrator that had to be made is returned once.
func (a *app) prepare(ctx context.Context) (madeToken string, err error) {
	if err := a.migrate(ctx); err != nil {
		return "", err
	}
	madeToken, err = a.desk.Prepare(ctx, string(a.AdminToken))
	if err != nil {
		return "", fmt.Errorf("prepare the administrator: %w", err)
	}
	key, err := a.desk.SecretKey(ctx, string(a.SecretKey))
	if err != nil {
		return "", err
	}
	a.links.SetKey(key)
	a.prepared.Store(true)
	return madeToken, nil
}

var tryDatabaseEvery = faults.Period(2 * time.Second)

// prepareSoon prepares as soon as the database answers. What it refuses then is final, and so is what never works.
func (a *app) prepareSoon(ctx context.Context) error {
	for {
		token, err := a.prepare(ctx)
		if err == nil {
			if token != "" {
				err = a.showToken(token)
			}
			return err
		}
		if database.Refused(err) || !database.Away(err) || ctx.Err() != nil {
			return err
		}
		a.db.Note(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tryDatabaseEvery):
		}
	}
}

// showToken prints the token that was made at the first start, past the log, which hides tokens.
func (a *app) showToken(token string) error {
	const says = "The administrator's token, shown this once"
	if a.LogFormat != "json" {
		_, err := fmt.Fprintf(a.stderr, "%s: %s\n", says, token)
		return err
	}
	record := slog.NewRecord(time.Now(), slog.LevelInfo, says, 0)
	record.AddAttrs(slog.String("token", token))
	return slog.NewJSONHandler(a.stderr, nil).Handle(context.Background(), record)
}

// background runs what goes on beside requests, until ctx ends.
func (a *app) background(ctx context.Context) error {
	a.db.LogTo(a.log)
	if err := a.prepareSoon(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	runs := []func(context.Context) error{
		a.queue.Run,
		a.lasting(func(ctx context.Context) error { return a.hub.Watch(ctx, a.log, a.desk.Tail) }),
		a.lasting(func(ctx context.Context) error { return a.desk.Remember(ctx, a.hub) }),
		a.lasting(a.desk.Recover),
		a.lasting(a.desk.WriteTrail),
		a.lasting(a.desk.WarnOfGuesses),
	}
	if a.relay != nil {
		runs = append(runs, a.relay.Run)
	}
	return together(ctx, runs...)
}

// lasting begins anew, a second later, what a panic has ended: it must not end the process.
func (a *app) lasting(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			panicked, err := a.caught(ctx, run)
			if !panicked {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Second):
			}
		}
	}
}

func (a *app) caught(ctx context.Context, run func(context.Context) error) (panicked bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			panicked = true
			a.desk.Metrics.Panicked()
			a.log.ErrorContext(ctx, "background work panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return false, run(ctx)
}

// together runs them all until ctx ends or one of them fails, and returns when all have.
func together(ctx context.Context, runs ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(runs))
	for _, run := range runs {
		go func() { done <- run(ctx) }()
	}
	var all error
	for range runs {
		if err := <-done; err != nil {
			all = errors.Join(all, err)
			cancel()
		}
	}
	return all
}

// close lets go of what build opened.
func (a *app) close() error { return errors.Join(a.store.Close(), a.db.Close()) }

// serve answers requests on l until ctx ends, then drains: not ready any more, a moment for balancers to notice, then no new requests,
// sockets and streams closed so that clients come back elsewhere, begun requests and jobs finished.
func (a *app) serve(ctx context.Context, l net.Listener) error {
	server := newServer(a.handler)
	// The ends of requests and jobs come after the end of ctx, so they have a context of their own.
	behind, stop := context.WithCancel(viewer.System(context.WithoutCancel(ctx)))
	defer stop()
	failed := make(chan error, 2)
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		if err := a.background(behind); err != nil {
			failed <- err
		}
	}()
	go func() {
		if err := server.Serve(a.room.Serve(server, l)); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	var err error
	select {
	case <-ctx.Done():
		err = a.drain(server)
	case err = <-failed:
		err = errors.Join(err, server.Close())
	}
	stop()
	<-worked
	return errors.Join(err, a.close())
}

const (
	finishWithin  = 15 * time.Second
	socketsSpread = 2 * time.Second
)

func (a *app) drain(server *http.Server) error {
	a.draining.Store(true)
	a.log.Info("draining", "delay", a.DrainDelay)
	time.Sleep(a.DrainDelay)
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	finished := make(chan error, 1)
	go func() { finished <- server.Shutdown(ctx) }()
	err := a.graphql.Drain(ctx, socketsSpread)
	return errors.Join(err, <-finished)
}

// newLog writes to w as the settings say.
func newLog(s Settings, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo // the settings allow nothing that fails here
	}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: s.discretion().attr}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
