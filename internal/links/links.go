// Package links signs addresses that work without signing in, for a while: the audio of a voicemail and the page that a mail leads to.
// A link says what it opens, until when, and carries an HMAC of both; it holds for that one voicemail and that one purpose.
package links

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"
)

// Purpose is what a link opens.
type Purpose string

// The purposes, each with the path that it lies under.
const (
	Audio Purpose = "recordings" // GET /recordings/{id}
	Page  Purpose = "v"          // GET /v/{id}
)

// Signer makes and checks links below Base with Key.
type Signer struct {
	Key  []byte
	Base string // PUBLIC_URL, without a slash at its end
}

// To is a link to the voicemail id that works until the given time; a zero time makes one that asks to sign in.
func (s Signer) To(p Purpose, id string, until time.Time) string {
	plain := s.Base + "/" + string(p) + "/" + url.PathEscape(id)
	if until.IsZero() {
		return plain
	}
	expires := strconv.FormatInt(until.Unix(), 10)
	return plain + "?expires=" + expires + "&signature=" + s.sign(p, id, expires)
}

// Valid tells whether the query of a request to such a link holds now.
func (s Signer) Valid(p Purpose, id string, query url.Values, now time.Time) bool {
	expires := query.Get("expires")
	unix, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || len(s.Key) == 0 {
		return false
	}
	genuine := hmac.Equal([]byte(query.Get("signature")), []byte(s.sign(p, id, expires)))
	return genuine && now.Before(time.Unix(unix, 0))
}

func (s Signer) sign(p Purpose, id, expires string) string {
	mac := hmac.New(sha256.New, s.Key)
	_, _ = mac.Write([]byte(string(p) + "\n" + id + "\n" + expires)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
