package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/graph"
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
	return a.guarded(mux)
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
		inner := r.WithContext(viewer.System(r.Context()))
		next.ServeHTTP(w, inner)
		r.Pattern = inner.Pattern // the route in full, for the traces
	})
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
	if err := a.db.Ping(ctx); err != nil {
		answer.Trouble = append(answer.Trouble, "the database is away")
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
	if a.MetricsAddr != "" || !a.maySeeMetrics(r) {
		http.NotFound(w, r)
		return
	}
	a.metricsHandler().ServeHTTP(w, r)
}

func (a *app) maySeeMetrics(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" {
		return true
	}
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, err := a.desk.Authenticate(r.Context(), token)
	return isBearer && err == nil && id.Viewer.Role == phone.RoleAdmin
}

func (a *app) metricsHandler() http.Handler {
	return promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{})
}
