package twilio

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- Twilio signs with HMAC-SHA1
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// bodyHash is the query parameter by which Twilio's signature covers a body that is not a form.
const bodyHash = "bodySHA256"

// RequestURL is the address that Twilio signed: the public address as configured, followed by the request URI exactly as it
// arrived. It fails for a URI that is not a path, or that holds a fragment: fragments are never signed, so that whatever
// followed the # would be unsigned text that a handler may read.
func RequestURL(public, requestURI string) (string, error) {
	if !strings.HasPrefix(requestURI, "/") {
		return "", fmt.Errorf("request URI %q is not a path", requestURI)
	}
	if strings.Contains(requestURI, "#") {
		return "", fmt.Errorf("request URI %q has a fragment", requestURI)
	}
	return strings.TrimRight(public, "/") + requestURI, nil
}

// Valid reports whether one of tokens signed a request for rawURL, which comes from RequestURL.
//
// A form is passed decoded and untrimmed, with every value; body then plays no part. Any other request passes no form, and its
// raw body, which must have the hash that the address states exactly once. No token, or an empty one, signs nothing.
func Valid(tokens []string, rawURL string, form url.Values, body []byte, signature string) bool {
	addr, ok := split(rawURL)
	if !ok || !bodyAllowed(addr.query(), form, body) {
		return false
	}
	valid := 0
	for _, token := range tokens {
		if token == "" {
			continue
		}
		for _, candidate := range addr.candidates() {
			valid |= subtle.ConstantTimeCompare([]byte(sign(token, candidate, form)), []byte(signature))
		}
	}
	return valid == 1
}

// Sign gives the X-Twilio-Signature of a request for rawURL, whose port is signed as it stands; an address that is not
// absolute has no signature.
func Sign(token, rawURL string, form url.Values) string {
	addr, ok := split(rawURL)
	if !ok {
		return ""
	}
	return sign(token, addr.String(), form)
}

func sign(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		// Twilio's own library takes the values of a repeated name as a sorted set.
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			mac.Write([]byte(name))
			mac.Write([]byte(value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// bodyAllowed refuses a stated hash on a form too, since libraries that see one no longer look at the form.
func bodyAllowed(query string, form url.Values, body []byte) bool {
	params, err := url.ParseQuery(query)
	stated := params[bodyHash]
	switch {
	case len(form) > 0:
		return len(stated) == 0
	case len(body) == 0 && len(stated) == 0:
		return true
	case err != nil || len(stated) != 1:
		return false
	}
	sum := sha256.Sum256(body)
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(stated[0])) == 1
}
