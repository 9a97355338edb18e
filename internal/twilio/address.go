package twilio

import "strings"

// address is a URL cut into pieces of text. Parsing and printing it by net/url would re-encode some bytes, and the signature
// covers the bytes.
type address struct {
	scheme, host, port string
	rest               string // path and query, verbatim
}

// split drops the user and the fragment, which are never signed.
func split(rawURL string) (address, bool) {
	rawURL, _, _ = strings.Cut(rawURL, "#")
	scheme, after, ok := strings.Cut(rawURL, "://")
	if !ok {
		return address{}, false
	}
	authority, rest := after, ""
	if i := strings.IndexAny(after, "/?"); i >= 0 {
		authority, rest = after[:i], after[i:]
	}
	authority = authority[strings.LastIndex(authority, "@")+1:]
	host, port := splitPort(authority)
	return address{scheme: scheme, host: host, port: port, rest: rest}, scheme != "" && host != ""
}

// splitPort leaves the colons of an IPv6 address in brackets alone.
func splitPort(authority string) (host, port string) {
	i := strings.LastIndex(authority, ":")
	if i < 0 || i < strings.LastIndex(authority, "]") {
		return authority, ""
	}
	return authority[:i], authority[i+1:]
}

func (a address) String() string {
	if a.port == "" {
		return a.scheme + "://" + a.host + a.rest
	}
	return a.scheme + "://" + a.host + ":" + a.port + a.rest
}

func (a address) query() string {
	_, query, _ := strings.Cut(a.rest, "?")
	return query
}

// candidates are the two forms in which Twilio may have signed the address: it drops the port of a voice webhook over https,
// and keeps it over http and for messages.
func (a address) candidates() [2]string {
	without, with := a, a
	without.port = ""
	if with.port == "" {
		with.port = map[string]string{"https": "443", "http": "80"}[a.scheme]
	}
	return [2]string{without.String(), with.String()}
}
