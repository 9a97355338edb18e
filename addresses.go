package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Settings that are addresses may have a password in them, also where it does not belong. So no error quotes any part of one.
var (
	errSpecial = errors.New("it cannot be read; percent-encode what is special in a user name or password: / is %2F, ? is %3F, # is %23, @ is %40, : is %3A, % is %25, a space is %20")
	errNoUser  = errors.New("it must have no user name and no password")
)

// parseAddress reads scheme://[user:password@]host[:port][/path][?query]. An @ or # behind the host means that an address was cut in the
// middle of its password.
func parseAddress(raw string) (*url.URL, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, errSpecial
	}
	u, err := url.Parse(raw)
	if err != nil || strings.Contains(raw, "#") || strings.Contains(u.EscapedPath(), "@") || strings.Contains(u.RawQuery, "@") || strings.Contains(u.Opaque, "@") {
		return nil, errSpecial
	}
	if port := u.Port(); port != "" && !isPort(port) {
		return nil, errors.New("its port must be at most 65535")
	}
	return u, nil
}

// checkAddresses refuses each setting that is no address of the form that it must have.
func (s *Settings) checkAddresses() error {
	for _, a := range []struct {
		name, value string
		check       func(string) error
	}{
		{"DATABASE_URL", s.DatabaseURL, checkDatabaseURL},
		{"RECORDINGS_URL", s.RecordingsURL, checkRecordingsURL},
		{"SMTP_URL", string(s.SMTPURL), checkSMTPURL},
		{"TWILIO_API_URL", s.TwilioAPIURL, checkService},
		{"OIDC_ISSUER", s.OIDCIssuer, checkService},
		{"TRANSCRIBER_URL", s.TranscriberURL, checkService},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), checkService},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), checkService},
		{"OTEL_EXPORTER_OTLP_HEADERS", os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"), checkHeaders},
		{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", os.Getenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), checkHeaders},
	} {
		if a.value == "" || a.name == "TRANSCRIBER_URL" && s.Transcriber != "openai" { // which nobody reads then
			continue
		}
		if err := a.check(a.value); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return s.checkOrigins()
}

// checkService wants the address of a web service.
func checkService(raw string) error {
	u, err := parseAddress(raw)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("it must be an http:// or https:// address")
	case u.User != nil:
		return errNoUser
	case u.RawQuery != "" || u.ForceQuery:
		return errors.New("it must have no parameters")
	}
	return nil
}

// parameter is how the name of a parameter of an address looks.
var parameter = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func checkParameters(u *url.URL) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errSpecial
	}
	for name := range q {
		if !parameter.MatchString(name) {
			return errSpecial
		}
	}
	return nil
}

func checkDatabaseURL(raw string) error {
	if strings.HasPrefix(raw, "sqlite://") {
		return nil // a path, which the database reads
	}
	if !strings.HasPrefix(raw, "postgres://") && !strings.HasPrefix(raw, "postgresql://") {
		return errors.New("it must begin with sqlite:// or postgres://")
	}
	u, err := parseAddress(raw)
	switch {
	case err != nil:
		return err
	case strings.Count(u.EscapedPath(), "/") > 1:
		return errSpecial // a database has no path, but a password may have a slash
	}
	return checkParameters(u)
}

func checkRecordingsURL(raw string) error {
	if strings.HasPrefix(raw, "file://") {
		return nil // a path, which the store reads
	}
	if !strings.HasPrefix(raw, "s3://") {
		return errors.New("it must be file:///a/folder or s3://bucket")
	}
	u, err := parseAddress(raw)
	switch {
	case err != nil:
		return err
	case u.User != nil || u.Path != "" && u.Path != "/":
		return errors.New("an s3:// address has the name of a bucket and parameters only; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if err := checkParameters(u); err != nil {
		return err
	}
	if endpoint := u.Query().Get("endpoint"); endpoint != "" && checkService(endpoint) != nil {
		return errors.New("its parameter endpoint must be an http:// or https:// address without a user name, a password or parameters")
	}
	return nil
}

func checkSMTPURL(raw string) error {
	u, err := parseAddress(raw)
	switch {
	case err != nil:
		return err
	case u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "":
		return errors.New("it must be smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ before HOST where the server wants a password")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery:
		return errSpecial
	}
	return nil
}

// checkHeaders wants what the exporter takes: name=value, separated by commas.
func checkHeaders(raw string) error {
	for header := range strings.SplitSeq(raw, ",") {
		name, value, ok := strings.Cut(header, "=")
		_, err := url.PathUnescape(value)
		if !ok || !parameter.MatchString(strings.TrimSpace(name)) || err != nil {
			return errors.New("it must be name=value, several separated by commas, with what is special in a value percent-encoded")
		}
	}
	return nil
}

// checkOrigins wants what browsers send as Origin, and cuts a slash at the end.
func (s *Settings) checkOrigins() error {
	for i, raw := range s.AllowedOrigins {
		raw = strings.TrimSuffix(strings.TrimSpace(raw), "/")
		u, err := parseAddress(raw)
		if err != nil || checkService(raw) != nil || u.Path != "" {
			return errors.New("ALLOWED_ORIGINS: it must be a list of origins, such as https://app.example.com or http://localhost:5173, separated by commas")
		}
		s.AllowedOrigins[i] = strings.ToLower(raw)
	}
	return nil
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// checkListener wants an address to listen on.
func checkListener(name, raw string) (host, port string, err error) {
	if host, port, err = net.SplitHostPort(raw); err != nil || strings.ContainsAny(host, "/@?#") || !isPort(port) {
		return "", "", fmt.Errorf("%s: it must be host:port, such as 127.0.0.1:8080", name)
	}
	if n, err := strconv.Atoi(port); err == nil && n > math.MaxUint16 {
		return "", "", fmt.Errorf("%s: its port must be at most 65535", name)
	}
	return host, port, nil
}
