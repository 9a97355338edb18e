// Package admission bounds what connections cost an HTTP server, whoever opens them.
//
// It promises:
//
//   - A request reaches its handler once its body has arrived. What does not arrive in time is answered 408, on every route.
//   - There are never more connections than file descriptors allow. Before the last place is taken, the connection that has waited longest for its
//     client to send a request is closed; a connection whose request is being answered is never closed.
//   - A part of the connections is reserved for some requests. Others are answered 503 when only the reserve is left.
//   - Accepting goes on when the process is out of file descriptors.
package admission

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a [Room] needs to know. All but Metrics may be left out.
type Config struct {
	Most    int // connections; what file descriptors allow, up to 12,288
	Reserve int // of these, for reserved requests; a quarter, up to 2,048

	Reserved func(*http.Request) bool          // which requests may use the reserve; none
	Within   func(*http.Request) time.Duration // in which the body must arrive; 10 s

	// What a connection may take before it may be closed for another.
	Bytes   time.Duration // to bring the next bytes of a request; 100 ms
	Request time.Duration // to bring all of it; 500 ms

	Metrics prometheus.Registerer
}

// Room is the connections of one server.
type Room struct {
	cfg      Config
	bodies   chan struct{} // places for large bodies while they arrive
	reserved chan struct{} // the same for reserved requests
	conns    connections
	refused  *prometheus.CounterVec
}

// Sizes of bodies. Small ones, as nearly all are, always find room; large ones take a place each. What is larger than the largest is cut, a byte
// behind it: every handler refuses that.
const (
	smallBody      = 8 << 10
	largestBody    = 128 << 10
	largeBodies    = 384
	reservedBodies = 128
)

const bodyWithin = 10 * time.Second

// New makes a room.
func New(c Config) *Room {
	c.Most = cmp.Or(c.Most, mostOf(descriptors()))
	c.Reserve = cmp.Or(c.Reserve, min(c.Most/4, 2048))
	c.Bytes = cmp.Or(c.Bytes, 100*time.Millisecond)
	c.Request = cmp.Or(c.Request, 500*time.Millisecond)
	if c.Reserved == nil {
		c.Reserved = func(*http.Request) bool { return false }
	}
	if c.Within == nil {
		c.Within = func(*http.Request) time.Duration { return bodyWithin }
	}
	r := &Room{cfg: c, bodies: make(chan struct{}, largeBodies), reserved: make(chan struct{}, reservedBodies)}
	r.conns.most, r.conns.others = c.Most, c.Most-c.Reserve
	r.measure(c.Metrics)
	return r
}

func (r *Room) measure(to prometheus.Registerer) {
	r.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_requests_not_admitted_total", Help: "Requests that were answered 408 or 503 before any handler saw them, and connections that were closed for want of room.",
	}, []string{"reason"})
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_connections", Help: "Open connections of the HTTP server, sockets and event streams included.",
	}, func() float64 { return float64(r.conns.count()) })
	to.MustRegister(r.refused, open)
}

// mostOf is how many connections a process with so many file descriptors may have. The others are for databases, files and requests of our own.
func mostOf(descriptors int) int { return min(descriptors-min(descriptors/2, 256), 12_288) }

// Serve makes a server serve l in this room. It returns the listener that the server must be given.
func (r *Room) Serve(s *http.Server, l net.Listener) net.Listener {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if own, ok := c.(*conn); ok && (state == http.StateActive || state == http.StateIdle) {
			r.conns.wait(own)
		}
	}
	return &listener{Listener: l, room: r, done: make(chan struct{})}
}

type connKey struct{}

// Handler passes on requests that have arrived and find room.
func (r *Room) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if status := r.receive(w, req); status != 0 {
			r.refuse(w, status, "body")
			return
		}
		c, counted := req.Context().Value(connKey{}).(*conn)
		if counted && !r.conns.hold(c, r.cfg.Reserved(req)) {
			r.refuse(w, http.StatusServiceUnavailable, "connections")
			return
		}
		next.ServeHTTP(w, req)
	})
}

func (r *Room) refuse(w http.ResponseWriter, status int, reason string) {
	r.refused.WithLabelValues(reason).Inc()
	w.Header().Set("Connection", "close")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	http.Error(w, reasons[status], status)
}

var reasons = map[int]string{
	http.StatusBadRequest:         "The body of the request could not be read.",
	http.StatusRequestTimeout:     "The body of the request did not arrive in time.",
	http.StatusServiceUnavailable: "The server has as many requests as it can take. Please try again soon.",
}

// receive reads the body of a request, so that its handler need not wait for it. When it returns a status, the request ends with that.
func (r *Room) receive(w http.ResponseWriter, req *http.Request) (status int) {
	if req.Body == nil || req.Body == http.NoBody {
		return 0
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(r.cfg.Within(req))) // it fails when there is no connection, in tests
	body, err := read(req.Body, smallBody)
	if err == nil && len(body) > smallBody {
		places := r.bodies
		if r.cfg.Reserved(req) {
			places = r.reserved
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			return http.StatusServiceUnavailable
		}
		var rest string
		rest, err = read(req.Body, largestBody-len(body))
		body += rest
	}
	switch {
	case isTimeout(err):
		return http.StatusRequestTimeout
	case err != nil:
		return http.StatusBadRequest // the client is gone, or it sends no HTTP
	case len(body) > largestBody: // it stays under the deadline, and the server need not read it to its end
		w.Header().Set("Connection", "close")
	default:
		_ = connection.SetReadDeadline(time.Time{}) // or the context of the request would end with it
	}
	req.Body = received{strings.NewReader(body), req.Body}
	return 0
}

// read reads a byte more than n, if there are so many.
func read(from io.Reader, n int) (string, error) {
	var b strings.Builder
	_, err := io.Copy(&b, io.LimitReader(from, int64(n)+1))
	return b.String(), err
}

// received is a body that was read.
type received struct {
	io.Reader
	io.Closer
}
