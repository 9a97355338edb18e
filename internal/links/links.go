// Package links signs addresses that work without signing in, for a while: the audio of a voicemail, the page that a mail leads to, and the one
// that takes its recipient off.
// A link says what it opens, until when, and carries an HMAC of both; it holds for that one object and that one purpose.
package links

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// Purpose is what a link opens.
type Purpose string

// The purposes, each with the path that it lies under.
const (
	Audio Purpose = "recordings" // GET /recordings/{id}
	Page  Purpose = "v"          // GET /v/{id}

	Unsubscribe Purpose = "unsubscribe" // POST /unsubscribe/{id of a recipient}
)

// Signer makes and checks links below a base address. Until it is given its key, which lies in the database, it makes links that ask to
// sign in, and checks none.
type Signer struct {
	base string
	key  atomic.Pointer[[]byte]
}

// New signs links below base, which is PUBLIC_URL without a slash at its end.
func New(base string) *Signer { return &Signer{base: base} }

// SetKey is the key from now on; all replicas share one.
func (s *Signer) SetKey(key []byte) { s.key.Store(&key) }

// To is a link to the object id that works until the given time; a zero time makes one that asks to sign in.
func (s *Signer) To(p Purpose, id string, until time.Time) string {
	plain := s.base + "/" + string(p) + "/" + url.PathEscape(id)
	key := s.key.Load()
	if until.IsZero() || key == nil {
		return plain
	}
	expires := strconv.FormatInt(until.Unix(), 10)
	return plain + "?expires=" + expires + "&signature=" + sign(*key, p, id, expires)
}

// State is what a signature is worth.
type State int

// The states. Of an unsigned address and of a wrong signature it is not known whether they ever were a link of ours.
const (
	Unsigned  State = iota // there is no signature
	Wrong                  // it was made for something else, or altered
	Expired                // it was ours
	Valid                  // it opens what it was made for
	Unchecked              // the key is not here yet
)

// Check tells what the query of a request to such a link is worth now.
func (s *Signer) Check(p Purpose, id string, query url.Values, now time.Time) State {
	expires := query.Get("expires")
	key := s.key.Load()
	switch {
	case !query.Has("expires") && !query.Has("signature"):
		return Unsigned
	case key == nil:
		return Unchecked
	case !hmac.Equal([]byte(query.Get("signature")), []byte(sign(*key, p, id, expires))):
		return Wrong
	}
	unix, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || !now.Before(time.Unix(unix, 0)) {
		return Expired
	}
	return Valid
}

func sign(key []byte, p Purpose, id, expires string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(string(p) + "\n" + id + "\n" + expires)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
