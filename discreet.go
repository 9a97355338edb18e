package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/maskline/maskline/phone"
)

// discretion takes secrets out of texts that are about to be logged or printed. It is the second line of defence: whoever writes an error does
// not put a secret into it, but errors of libraries quote what they were given.
type discretion struct{ known *strings.Replacer }

const (
	hidden = "***"
	// shortestKnown is the length from which on a secret is looked for in texts. The text of a shorter one may be a word of ours.
	shortestKnown = 6
)

// discretion knows the secrets among the settings, and those that libraries read from the environment.
func (s *Settings) discretion() discretion {
	var all []string
	for _, secret := range []Secret{s.SecretKey, s.AdminToken, s.TwilioAuthToken, s.TwilioAuthTokenSecondary, s.TwilioAPISecret, s.TranscriberKey, s.SMTPURL} {
		all = append(all, string(secret))
	}
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"} {
		all = append(all, os.Getenv(name))
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		for header := range strings.SplitSeq(os.Getenv(name), ",") {
			_, value, _ := strings.Cut(header, "=")
			all = append(all, value)
		}
	}
	for _, raw := range []string{s.DatabaseURL, string(s.SMTPURL), s.OIDCIssuer, s.TranscriberURL, s.TwilioAPIURL} {
		all = append(all, secretsIn(raw)...)
	}
	return newDiscretion(all)
}

func newDiscretion(secrets []string) discretion {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < shortestKnown })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, hidden)
	}
	return discretion{strings.NewReplacer(pairs...)}
}

// secretsIn returns the passwords in an address, as they are written and as they are meant.
func secretsIn(raw string) (all []string) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil // it was refused
	}
	if u.User != nil {
		written := strings.SplitN(u.User.String(), ":", 2)
		meant, hasPassword := u.User.Password()
		if !hasPassword {
			meant = u.User.Username() // a token, as it is often written
		}
		all = append(all, meant, written[len(written)-1])
	}
	for name, values := range u.Query() {
		if strings.Contains(strings.ToLower(name), "password") {
			all = append(all, values...)
		}
	}
	return all
}

// shapes are what secrets, and addresses that may have some, look like.
var shapes = []struct {
	is *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`mask_[0-9a-z]{20,}`), "mask_" + hidden},
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]*`), hidden},                                                                    // a JWT
	{regexp.MustCompile(`(?i)\b(Bearer|Basic) [\w.~+/=-]{8,}`), "$1 " + hidden},                                                  // a header
	{regexp.MustCompile(`://[^\s/@"']+@`), "://" + hidden + "@"},                                                                 // user and password of an address
	{regexp.MustCompile(`\b(Get|Head|Post|Put|Patch|Delete) "[^"]*"`), "$1"},                                                     // an error of net/http
	{regexp.MustCompile(`\blookup [^\s:]+( on [^\s]+)?:`), "lookup:"},                                                            // a host that is not known
	{regexp.MustCompile(`\b(user|role|database|host|parameter|value for parameter) "[^"]*"(: "[^"]*")?`), `$1 "` + hidden + `"`}, // PostgreSQL's words
}

// text takes out secrets.
func (d discretion) text(s string) string {
	if d.known != nil {
		s = d.known.Replace(s)
	}
	for _, shape := range shapes {
		s = shape.is.ReplaceAllString(s, shape.to)
	}
	return s
}

var (
	e164  = regexp.MustCompile(`(\+|%2B|%2b)[1-9]\d{6,14}`)
	email = regexp.MustCompile(`[^\s"'<>(){}\[\],;:/\\=|@]+@[^\s"'<>(){}\[\],;:/\\=|@]+`)
	// version is the end of a module's path in a stack trace, such as example.com/mail@v1.2.3.
	version = regexp.MustCompile(`@v\d+\.\d+\.\d+`)
)

// entry takes out secrets, phone numbers and e-mail addresses: what a log must not have.
func (d discretion) entry(s string) string {
	s = e164.ReplaceAllStringFunc(d.text(s), func(n string) string { return phone.Mask("+" + strings.TrimLeft(n, "+%2Bb")) })
	return email.ReplaceAllStringFunc(s, func(a string) string {
		if version.MatchString(a) {
			return a
		}
		return hidden
	})
}

// attr is for [slog.HandlerOptions]: it treats each text of a log entry.
func (d discretion) attr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return a
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, d.entry(a.Value.String()))
	case slog.KindAny:
		return slog.String(a.Key, d.entry(fmt.Sprint(a.Value.Any())))
	}
	return a
}

// writer takes secrets out of what is written to w, one text at a time.
func (d discretion) writer(w io.Writer) io.Writer { return discreet{d, w} }

type discreet struct {
	discretion
	to io.Writer
}

// Write writes.
func (d discreet) Write(b []byte) (int, error) {
	if _, err := io.WriteString(d.to, d.text(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}
