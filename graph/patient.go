package graph

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"
)

const (
	stallAfter = 30 * time.Second
	piece      = 32 << 10 // bytes, that a reader must take in that time
)

// patient waits for the reader of an answer as long as it reads on, and no longer: a connection that nobody reads from is cut. Streams and
// sockets have times of their own.
type patient struct {
	http.ResponseWriter
	stallAfter time.Duration
}

func (r *Resolver) patient(w http.ResponseWriter) patient {
	return patient{w, cmp.Or(r.StallAfter, stallAfter)}
}

// Unwrap is for http.ResponseController.
func (p patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write sends b in pieces, each with its time.
func (p patient) Write(b []byte) (n int, err error) {
	control := http.NewResponseController(p.ResponseWriter)
	for part := range slices.Chunk(b, piece) {
		if err := control.SetWriteDeadline(time.Now().Add(p.stallAfter)); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return n, err
		}
		wrote, err := p.ResponseWriter.Write(part)
		n += wrote
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
