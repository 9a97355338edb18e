package network

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

var errTooSlow = errors.New("no answer in time")

// watchdog ends a request that takes too long to connect, to begin its answer, or between two packets of it. It works
// through the context, so that it guards any client.
type watchdog struct {
	ctx       context.Context
	cancel    context.CancelCauseFunc
	timer     *time.Timer
	patience  time.Duration
	connected atomic.Bool
}

func watch(ctx context.Context, o overrides) *watchdog {
	w := &watchdog{patience: o.read}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(o.connect, func() { w.cancel(errTooSlow) })
	w.ctx = httptrace.WithClientTrace(w.ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		w.connected.Store(true)
		w.pat()
	}})
	return w
}

// pat begins a new wait.
func (w *watchdog) pat() { w.timer.Reset(w.patience) }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// over guards the reading of an answer.
func (w *watchdog) over(body io.Reader) io.Reader {
	w.pat()
	return &guarded{body: body, dog: w}
}

type guarded struct {
	body io.Reader
	dog  *watchdog
}

func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.body.Read(p)
	g.dog.pat()
	return n, err
}

// fault says what Twilio would call the failure of a request without an answer.
func (w *watchdog) fault(err error) *Fault {
	if cause := context.Cause(w.ctx); cause != nil {
		err = cause // "context canceled" would say nothing
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the event has the URL already
	}
	f := faultf(codeConnection, "%v", err)
	var timeout net.Error
	switch {
	case !w.connected.Load():
		f.Code, f.retry = connectCode(err), "ct"
	case context.Cause(w.ctx) != nil, errors.As(err, &timeout) && timeout.Timeout():
		f.retry = "rt"
	default:
		f.Code, f.retry = codeProtocol, "protocol" // which only rp=all tries again
	}
	return f
}

func connectCode(err error) int {
	var (
		name    *net.DNSError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &name):
		return codeHost
	case errors.As(err, &host):
		return codeCertificateName
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return codeCertificate
	}
	return codeConnection
}
