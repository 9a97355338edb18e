package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/graph"
	"github.com/maskline/maskline/internal/peers"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/web"
	"github.com/maskline/maskline/webhooks"
)

// routes is every address that we serve.
func (a *app) routes(audio graph.Audio) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/webhooks/", asSystem(webhooks.Handler(webhooks.Config{
		Desk: a.desk, PublicURL: a.PublicURL, AccountSID: a.TwilioAccountSID, AuthTokens: a.authTokens(), Log: a.log, Metrics: a.metrics,
		DecideWithin: a.decideWithin,
	})))
	mux.Handle("/graphql", a.graphql)
	audio.Routes(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /metrics", a.guardedMetrics)
	mux.Handle("/", web.Handler())
	return a.admitted(a.guarded(mux))
}

// guarded is for panics that nobody else has caught. The connection is cut: nobody must take half an answer for one.
func (a *app) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != http.ErrAbortHandler {
				a.desk.Metrics.Panicked()
				a.log.ErrorContext(r.Context(), "request panicked", "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r)
	})
}

// asSystem marks what Twilio asks as the program's own doing.
func asSystem(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serveAs(viewer.System(r.Context()), next, w, r)
	})
}

// serveAs serves a request under another context.
func serveAs(ctx context.Context, next http.Handler, w http.ResponseWriter, r *http.Request) {
	inner := r.WithContext(ctx)
	defer func() { r.Pattern = inner.Pattern }() // the route in full, for the traces
	next.ServeHTTP(w, inner)
}

const askDatabaseFor = time.Second

// ready tells balancers whether to send requests here. Without the database it still is: calls are answered all the same.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askDatabaseFor)
	defer cancel()
	answer := struct {
		Ready   bool     `json:"ready"`
		Trouble []string `json:"trouble"`
	}{Ready: !a.draining.Load(), Trouble: []string{}}
	if !answer.Ready {
		answer.Trouble = append(answer.Trouble, "draining")
	}
	if trouble, away := a.db.Trouble(ctx); away {
		answer.Trouble = append(answer.Trouble, "the database is away: "+trouble.String())
	} else if !a.prepared.Load() {
		answer.Trouble = append(answer.Trouble, "the database is being prepared")
	}
	if len(a.authTokens()) == 0 {
		answer.Trouble = append(answer.Trouble, "TWILIO_AUTH_TOKEN is not set: every webhook gets 503")
	}
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // a balancer that hung up asks again
}

// guardedMetrics shows metrics to this machine and to administrators; others use METRICS_ADDR.
func (a *app) guardedMetrics(w http.ResponseWriter, r *http.Request) {
	err := a.maySeeMetrics(r)
	known, _ := errors.AsType[*phone.Error](err)
	switch {
	case a.MetricsAddr != "":
		http.NotFound(w, r)
	case err == nil:
		a.metricsHandler().ServeHTTP(w, r)
	case known != nil && known.Code == phone.RateLimited:
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
		http.Error(w, known.Message, http.StatusTooManyRequests)
	default:
		http.NotFound(w, r)
	}
}

// maySeeMetrics says why not. Requests that a proxy on this machine passes on are not this machine's.
func (a *app) maySeeMetrics(r *http.Request) error {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err == nil && at.Addr().Unmap().IsLoopback() && !peers.Forwarded(r.Header) {
		return nil
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, err := a.desk.Authenticate(r.Context(), token)
	if err == nil && id.Viewer.Role != phone.RoleAdmin {
		err = phone.Missing()
	}
	return err
}

func (a *app) metricsHandler() http.Handler {
	return promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{})
}
