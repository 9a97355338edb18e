package network

import (
	"crypto/hmac"
	"crypto/sha1" // Twilio's choice
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Sign is the X-Twilio-Signature of a request for exactly this URL with these form parameters, nil for a GET.
func Sign(authToken, url string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(authToken))
	io.WriteString(mac, url) // a hash never fails
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			io.WriteString(mac, name+value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed is what Twilio signs of a configured URL: no userinfo and no fragment, and for voice over HTTPS no port. It is
// cut as text, because the signature covers the query exactly as written.
func signed(configured string) string {
	bare, _, _ := strings.Cut(configured, "#")
	scheme, rest, ok := strings.Cut(bare, "://")
	if !ok {
		return bare
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host := rest[strings.LastIndex(rest[:end], "@")+1 : end]
	if strings.EqualFold(scheme, "https") {
		host = withoutPort(host)
	}
	return scheme + "://" + host + rest[end:]
}

// withoutPort knows that the colons inside an IPv6 address are not a port's.
func withoutPort(host string) string {
	if colon := strings.LastIndex(host, ":"); colon > strings.LastIndex(host, "]") {
		return host[:colon]
	}
	return host
}
