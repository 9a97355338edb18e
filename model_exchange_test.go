//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exchange is the balancer in front of the replicas. A connection goes to the next one that is ready and takes it, and waits while none
// does; what breaks off behind it breaks off in front of it. It looks at each answer that a caller waits for.
type exchange struct {
	proxy     *httputil.ReverseProxy
	transport *http.Transport

	mu        sync.Mutex
	doors     []*door
	next      int
	wrong     []string
	decisions int
	slowest   time.Duration
}

func newExchange(log func(string, ...any)) *exchange {
	x := &exchange{}
	x.transport = &http.Transport{DialContext: x.dial, DisableKeepAlives: true, DisableCompression: true}
	x.proxy = &httputil.ReverseProxy{
		Transport: x,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "replica"})
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			log("%s broke off: %v", r.URL.Path, err)
			panic(http.ErrAbortHandler)
		},
	}
	return x
}

func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.proxy.ServeHTTP(w, r) }

// door is where a replica listens.
type door struct {
	addr  string
	ready atomic.Bool
}

const looksEvery = 30 * time.Millisecond // whether a replica is ready; less than replicas go on for when they are asked to stop

// add puts a replica behind the exchange, which asks it until ctx ends whether it is ready.
func (x *exchange) add(ctx context.Context, addr string) {
	d := &door{addr: addr}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.doors = append(x.doors, d)
	go func() {
		for ; ctx.Err() == nil; time.Sleep(looksEvery) {
			d.ready.Store(d.says())
		}
	}()
}

func (d *door) says() bool {
	resp, err := http.Get("http://" + d.addr + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (x *exchange) turn() *door {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.next++
	return x.doors[x.next%len(x.doors)]
}

var errNobodyHome = errors.New("no replica takes the connection")

func (x *exchange) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	for begun := time.Now(); time.Since(begun) < 10*time.Second && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		to := x.turn()
		if !to.ready.Load() {
			continue
		}
		conn, err := d.DialContext(ctx, network, to.addr)
		if err == nil {
			return conn, nil
		}
		to.ready.Store(false)
	}
	return nil, errNobodyHome
}

// RoundTrip passes a request on, and judges the answer to a decision.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	var connected time.Time
	var to string
	traced := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		connected, to = time.Now(), got.Conn.RemoteAddr().String()
	}})
	resp, err := x.transport.RoundTrip(r.WithContext(traced))
	if err != nil && r.Context().Err() == nil {
		x.broke(to)
	}
	if err != nil || !strings.HasPrefix(r.URL.Path, "/webhooks/voice") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		x.broke(to)
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	x.judge(r.URL.Path, resp, body, time.Since(connected))
	return resp, nil
}

// broke has nobody sent to a replica until it says that it is ready: one that is being killed may still take connections.
func (x *exchange) broke(addr string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, d := range x.doors {
		if d.addr == addr {
			d.ready.Store(false)
		}
	}
}

func (x *exchange) judge(path string, resp *http.Response, body []byte, took time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.decisions++
	x.slowest = max(x.slowest, took)
	var document struct {
		XMLName xml.Name `xml:"Response"`
	}
	err := xml.Unmarshal(body, &document)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") || took > promised {
		x.wrong = append(x.wrong, fmt.Sprintf("%s was answered %d %s after %s: %v\n%s", path, resp.StatusCode, resp.Header.Get("Content-Type"), took, err, body))
	}
}

func (x *exchange) findings() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.wrong
}
