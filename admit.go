package main

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/peers"
)

// newServer is a server whose clients cannot keep it waiting. Bodies have deadlines in [admission.Room]; streams, sockets, audio and answers of
// GraphQL give themselves the time for writing that they need.
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
}

// admitted passes on requests that have arrived and find room, with who sent them.
func (a *app) admitted(next http.Handler) http.Handler {
	return a.strict(a.named(a.room.Handler(next)))
}

// The paths that connections are reserved for: calls, and what balancers ask in order to send them here.
func isReserved(r *http.Request) bool {
	return isWebhook(r) || r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
}

func isWebhook(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/webhooks/") }

// How long a body may take to arrive. Somebody waits on the line for most webhooks.
func bodyWithin(r *http.Request) time.Duration {
	if isWebhook(r) {
		return 5 * time.Second
	}
	return 10 * time.Second
}

// named puts into the context who sent the request. It tells the operator, once, of a proxy whose word is not taken.
func (a *app) named(next http.Handler) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := a.proxies.Peer(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))
		if len(a.proxies) == 0 && !peer.Limited && r.Header.Get("X-Forwarded-For") != "" {
			once.Do(func() {
				a.log.Warn("a proxy sends X-Forwarded-For and TRUSTED_PROXIES is not set: limits of one address do not apply to its clients", "proxy", peer.String())
			})
		}
		serveAs(peers.With(r.Context(), peer), next, w, r)
	})
}

// strict has browsers use https alone from now on, where that is how the world reaches us.
func (a *app) strict(next http.Handler) http.Handler {
	if !strings.HasPrefix(a.PublicURL, "https:") {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}
