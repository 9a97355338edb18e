// Package switchboard carries out what package phone decides. It has one method for each thing that can happen: a webhook, a client's
// wish, a due job; and each owns its transaction. Everything that a happening changes is written in that one transaction: rows, quota,
// timeline, jobs, and the events that clients are told of once it is committed. Twilio repeats its requests: the second time, a method
// changes nothing and gives the same answer.
package switchboard

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/faults"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/oidc"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

// Config is what the switchboard works with.
type Config struct {
	DB         *database.DB
	Queue      Queue
	Events     events.Publisher
	Twilio     *twilio.Client // nil: nothing can be fetched
	Recordings *recordings.Store
	Engine     Engine       // nil: we transcribe nothing ourselves
	OIDC       *oidc.Issuer // whose tokens are taken beside ours; nil: nobody's
	Mail       *mail.Sender
	Links      *links.Signer
	Log        *slog.Logger
	Now        func() time.Time
	Settings   Settings
	Metrics    *Metrics
	Memory     *Memory          // of how numbers are set up, for when the database is away
	Journal    *journal.Journal // of what we were told while it was away
}

// Settings is what an operator decides for the whole installation.
type Settings struct {
	Transcriber string // "twilio" asks Twilio for transcripts
	Countries   phone.Countries

	SimultaneousCalls int // forwarded calls of one number at a time; 0: no limit

	MailLinkDays int // how long the link in a mail works without signing in; 0: never
	MailDays     int // how long mails stay that are kept as files
	BinDays      int // how long deleted voicemails can be restored
	CallDays     int // how long calls are kept
	RawDays      int // how long raw webhooks are kept
	AuditDays    int // how long audit entries are kept

	ReconcileEvery  time.Duration
	DeleteAfterCopy bool // recordings are deleted at Twilio once our copy is verified
}

// Queue is where work that outlives a request is put, in the transaction that makes it necessary. [jobs.Queue] is one.
type Queue interface {
	Insert(ctx context.Context, tx *sql.Tx, js ...jobs.Job) error
}

// Switchboard does what is decided.
type Switchboard struct {
	Config
	trail    trail
	watch    watch
	deleted  atomic.Bool // since the files of the database were last rewritten
	rewrote  time.Time   // when that was; only housekeeping does it, and one at a time
	guesses  guesses
	missed   atomic.Bool // something happened that the database was not told of
	compared time.Time   // when passes of the reconciler were asked for because of that
}

// New is a switchboard that works with c.
func New(c Config) *Switchboard { return &Switchboard{Config: c} }

// now is the time as both databases keep it.
func (s *Switchboard) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Tx is one transaction, with what is to follow from it.
type Tx struct {
	*ent.Client
	db       *database.Tx
	dialect  string
	appeared []*ent.Voicemail
	changed  []change
	touched  []string // calls whose voicemails came or went
	events   []events.Event
	jobs     []jobs.Job
	steps    []loggedStep
	deeds    []deed // of a client
}

// loggedStep is a step of a call for the log, in the words of its timeline.
type loggedStep struct {
	call string
	note phone.Note
}

// announce tells subscribers of e once the transaction is committed, and never if it is not.
func (tx *Tx) announce(e events.Event) { tx.events = append(tx.events, e) }

// later has a job done once the transaction is committed.
func (tx *Tx) later(j jobs.Job) { tx.jobs = append(tx.jobs, j) }

// forUpdate has a query lock its rows until the transaction ends. SQLite has one writer anyhow, and no words for it.
func (tx *Tx) forUpdate(lock func()) {
	if tx.dialect == dialect.Postgres {
		lock()
	}
}

const tries = 6

// inTx runs do in a transaction, the only place where one begins. What the database asks to be tried again is: do must not keep
// anything of a try that failed.
func (s *Switchboard) inTx(ctx context.Context, do func(*Tx) error) error {
	for n := 1; ; n++ {
		err := s.tryTx(ctx, do)
		if err == nil || n == tries || !database.Retryable(err) || !pause(ctx, n) {
			return err
		}
	}
}

// pause waits a little longer at each try, and tells whether there is time for one more.
func pause(ctx context.Context, n int) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(n*n)*time.Millisecond + rand.N(5*time.Millisecond)): // #nosec G404 -- jitter needs no secrecy
		return true
	}
}

func (s *Switchboard) tryTx(ctx context.Context, do func(*Tx) error) error {
	db, err := s.DB.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{Client: db.Ent, db: db, dialect: s.DB.Dialect()}
	defer func() { _ = db.Rollback() }() // after an error, which is the one that counts, or a panic; after the commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	if err := s.finish(ctx, tx); err != nil {
		return err
	}
	faults.Point("before commit")
	if err := db.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	faults.Point("after commit")
	s.Events.Publish(tx.events...)
	for _, step := range tx.steps {
		s.Log.InfoContext(ctx, step.note.Detail, "call", step.call, "step", step.note.Kind)
	}
	return nil
}

// finish writes what follows from a transaction: its jobs, who did what, and last, since everybody who needs one waits for it, its places.
func (s *Switchboard) finish(ctx context.Context, tx *Tx) error {
	if err := s.touchCalls(ctx, tx); err != nil {
		return err
	}
	if len(tx.jobs) > 0 {
		if err := s.Queue.Insert(ctx, tx.db.SQL, tx.jobs...); err != nil {
			return fmt.Errorf("insert jobs: %w", err)
		}
	}
	if err := s.writeDeeds(ctx, tx); err != nil {
		return err
	}
	return s.takePlaces(ctx, tx)
}

// Away tells whether an error means that the database cannot be reached.
func Away(err error) bool { return database.Away(err) }
