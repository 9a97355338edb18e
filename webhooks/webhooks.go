// Package webhooks is Twilio's door. It believes nothing that Twilio did not sign, hands what it is told to the switchboard, and puts the
// answers into TwiML.
//
// There are two kinds of requests. A decision is waited for by somebody on the line: it is answered with valid TwiML within two seconds,
// whatever fails behind it, and without the database it is made from what the switchboard remembers. A callback only tells us something: it
// is acknowledged once that is written down, in the database or in the journal, and refused with a 500 otherwise, so that Twilio repeats it.
package webhooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/maskline/maskline/internal/faults"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// Config is what the door needs to know.
type Config struct {
	Desk       *switchboard.Switchboard
	PublicURL  string // without a slash at its end
	AccountSID string
	AuthTokens []string // all of these are believed; none: every request gets 503
	Log        *slog.Logger
	Metrics    prometheus.Registerer

	// DecideWithin is how long a decision may take before it is made without the database. Zero is what leaves room for the way to Twilio and
	// back within two seconds; only tests on slow machines want more.
	DecideWithin time.Duration
}

type door struct {
	Config
	pace    pace
	breaker breaker
	refused *prometheus.CounterVec
	failed  prometheus.Counter
}

// pace is how long things may take; only tests change it.
type pace struct {
	decision time.Duration
	keep     time.Duration // on disk, what was decided without the database; a decision has waited for that already
	callback time.Duration
}

var usual = pace{decision: 1500 * time.Millisecond, keep: 300 * time.Millisecond, callback: 4 * time.Second}

// Handler serves every address below /webhooks/.
func Handler(c Config) http.Handler {
	p := usual
	p.decision = cmp.Or(c.DecideWithin, p.decision)
	return handler(c, p)
}

func handler(c Config, p pace) http.Handler {
	d := &door{
		Config:  c,
		pace:    p,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "maskline_webhooks_refused_total", Help: "Webhooks that were not believed or not understood."}, []string{"reason"}),
		failed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_decisions_degraded_total", Help: "Decisions that were answered without the database."}),
	}
	c.Metrics.MustRegister(d.refused, d.failed)
	mux := http.NewServeMux()
	mux.Handle("/webhooks/voice", d.decision(d.voice))
	mux.Handle("/webhooks/voice/fallback", d.decision(d.fallback))
	mux.Handle("/webhooks/voice/screen", d.decision(d.screen))
	mux.Handle("/webhooks/voice/pressed", d.decision(d.pressed))
	mux.Handle("/webhooks/voice/dialed", d.decision(d.dialed))
	mux.Handle("/webhooks/voice/dialed-again", d.decision(d.dialedAgain))
	mux.Handle("/webhooks/voice/recorded", d.decision(d.recorded))
	mux.Handle("/webhooks/messages", d.decision(d.message))
	mux.Handle("/webhooks/status", d.callback(d.status))
	mux.Handle("/webhooks/recording", d.callback(d.recording))
	mux.Handle("/webhooks/transcription", d.callback(d.transcription))
	return mux
}

// plan is a decision: what it asks the switchboard, and what it answers without the database, with the function that writes that answer down.
// It is an interface so that no route can have one without the other.
type plan interface {
	about() phone.Incoming
	decide(context.Context) (phone.Answer, error)
	otherwise() (_ phone.Answer, keep func() error)
}

// settled is a plan whose answer needs no database: nobody is asked, and nothing is written down.
type settled struct {
	call   phone.Incoming
	answer phone.Answer
}

func (s settled) about() phone.Incoming                        { return s.call }
func (s settled) decide(context.Context) (phone.Answer, error) { return s.answer, nil }
func (s settled) otherwise() (phone.Answer, func() error) {
	return s.answer, func() error { return nil }
}

// news is what a callback tells the switchboard, and how it is kept while the database is away. It is an interface so that no route can have
// one without the other.
type news interface {
	tell(context.Context) error
	keep() error
}

// noNews is a callback that changes nothing: it is acknowledged without a look at the database.
type noNews struct{}

func (noNews) tell(context.Context) error { return nil }
func (noNews) keep() error                { return nil }

func (d *door) decision(read func(*request) plan) http.Handler {
	return d.signed(func(w http.ResponseWriter, r *http.Request, req *request) {
		p := read(req)
		if req.wrong != nil {
			d.refuse(w, r, malformed(req.wrong))
			return
		}
		answer := d.answer(r.Context(), p)
		faults.Point("decision made")
		call := p.about()
		at := addresses{d.PublicURL, parent{call.CallSID, call.From, string(call.To)}}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write(render(at.twiml(answer))) // when Twilio is gone there is nobody to tell
		d.Log.DebugContext(r.Context(), "answered", "call", call.CallSID, "route", r.URL.Path, "answer", fmt.Sprintf("%T", answer))
	})
}

func (d *door) answer(ctx context.Context, p plan) phone.Answer {
	if s, ok := p.(settled); ok {
		return s.answer
	}
	answer, err := d.asked(ctx, d.pace.decision, p.decide)
	if err != nil {
		d.failed.Inc()
		d.Log.ErrorContext(ctx, "answered without the switchboard", "call", p.about().CallSID, "error", err)
		return d.without(ctx, p)
	}
	return answer
}

// without answers without the database, and soon. What cannot even be written down, or not in time, the reconciler will find at Twilio.
func (d *door) without(ctx context.Context, p plan) phone.Answer {
	answer, keep := p.otherwise()
	_, err := d.within(context.WithoutCancel(ctx), d.pace.keep, func(context.Context) (phone.Answer, error) { return nil, keep() })
	if err != nil {
		d.Log.ErrorContext(ctx, "a decision without the database was not written down", "call", p.about().CallSID, "error", err)
	}
	return answer
}

// errSilent says that nobody was asked, since nobody has been answered for a while.
var errSilent = fmt.Errorf("the database has not answered lately: %w", context.DeadlineExceeded)

// asked asks the switchboard, unless the database is silent.
func (d *door) asked(ctx context.Context, patience time.Duration, do func(context.Context) (phone.Answer, error)) (phone.Answer, error) {
	if !d.breaker.lets(time.Now()) {
		return nil, errSilent
	}
	answer, err := d.within(ctx, patience, do)
	if ctx.Err() == nil { // otherwise it was Twilio who did not wait
		d.breaker.saw(errors.Is(err, context.DeadlineExceeded), time.Now())
	}
	return answer, err
}

// within is [within], and counts a panic.
func (d *door) within(ctx context.Context, patience time.Duration, do func(context.Context) (phone.Answer, error)) (phone.Answer, error) {
	answer, err := within(ctx, patience, do)
	if errors.Is(err, errPanic) {
		d.Desk.Metrics.Panicked()
	}
	return answer, err
}

// within gives up waiting after a while, even for work that does not heed its context: a frozen database answers nothing.
func within(ctx context.Context, patience time.Duration, do func(context.Context) (phone.Answer, error)) (phone.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel() // not before it is settled which of the two came first
	type result struct {
		answer phone.Answer
		err    error
	}
	done := make(chan result, 1)
	go func() {
		a, err := guarded(ctx, do)
		done <- result{a, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errPanic = errors.New("panic")

// guarded turns a panic into an error: it must cost one request, not the process.
func guarded(ctx context.Context, do func(context.Context) (phone.Answer, error)) (a phone.Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return do(ctx)
}

func (d *door) callback(read func(*request) news) http.Handler {
	return d.signed(func(w http.ResponseWriter, r *http.Request, req *request) {
		n := read(req)
		if req.wrong != nil {
			d.refuse(w, r, malformed(req.wrong))
			return
		}
		if err := d.take(r, n); err != nil {
			d.Log.ErrorContext(r.Context(), "callback not taken", "route", r.URL.Path, "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		faults.Point("callback taken")
		w.WriteHeader(http.StatusNoContent)
	})
}

// take tells the switchboard the news, or keeps them while the database is away.
func (d *door) take(r *http.Request, n news) error {
	ctx := r.Context()
	if _, nothing := n.(noNews); nothing {
		return nil
	}
	_, err := d.asked(ctx, d.pace.callback, func(ctx context.Context) (phone.Answer, error) { return nil, n.tell(ctx) })
	if err == nil || !switchboard.Away(err) {
		return err
	}
	d.Log.WarnContext(ctx, "callback kept for later", "route", r.URL.Path, "error", err)
	_, err = d.within(context.WithoutCancel(ctx), d.pace.callback, func(context.Context) (phone.Answer, error) { return nil, n.keep() })
	return err
}

// signed lets through what Twilio signed for this account.
func (d *door) signed(next func(http.ResponseWriter, *http.Request, *request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, no := d.read(w, r)
		if no != nil {
			d.refuse(w, r, no)
			return
		}
		if err := d.check(req); err != nil {
			d.refuse(w, r, malformed(err))
			return
		}
		next(w, r, req)
	})
}

func (d *door) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	d.refused.WithLabelValues(no.reason).Inc()
	if no.cause != nil {
		d.Log.WarnContext(r.Context(), "webhook refused", "route", r.URL.Path, "error", no.cause)
	}
	if no.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(no.status)
}
