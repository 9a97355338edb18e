// Package compress shortens answers for clients that accept gzip. An answer is compressed as a whole before any of it is sent, so that a client
// that reads slowly keeps no compressor.
package compress

import (
	"bytes"
	"compress/gzip"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// atLeast is what makes the work worth while.
const atLeast = 1 << 10

var writers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return w
}}

// Bytes compresses.
func Bytes(body []byte) []byte {
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	var short bytes.Buffer
	w.Reset(&short)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return short.Bytes()
}

// Answer is the body to send, with the headers that say how: compressed, if it is large and its client accepts that.
func Answer(h http.Header, r *http.Request, body []byte) []byte {
	h.Add("Vary", "Accept-Encoding")
	if h.Get("Content-Encoding") != "" || !Wanted(r, len(body)) {
		return body
	}
	h.Set("Content-Encoding", "gzip")
	return Bytes(body)
}

// Wanted tells whether to compress an answer of so many bytes.
func Wanted(r *http.Request, size int) bool { return size > atLeast && Accepted(r) }

// Accepted tells whether the client of a request accepts gzip, and likes it as much as no compression at least.
func Accepted(r *http.Request) bool {
	all, given := map[string]float64{}, strings.Join(r.Header.Values("Accept-Encoding"), ",")
	for part := range strings.SplitSeq(given, ",") {
		coding, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil {
			all[strings.TrimPrefix(coding, "x-")] = quality(params)
		}
	}
	gzip, named := all["gzip"]
	if !named {
		gzip = all["*"]
	}
	return gzip > 0 && gzip >= all["identity"]
}

func quality(params map[string]string) float64 {
	text, given := params["q"]
	if !given {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return q
}

// Handler compresses what next answers, which must be short and come to an end.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &answer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(kept, r)
		body := Answer(w.Header(), r, kept.body.Bytes())
		w.WriteHeader(kept.status)
		_, _ = w.Write(body) // a client that is gone is told nothing
	})
}

// answer keeps what is written.
type answer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write keeps a part of the body.
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
