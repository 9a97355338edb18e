// Package oidc believes the tokens of an OpenID Connect issuer: JWTs that say by whom they were made, for whom, until when, and for which
// verified e-mail address.
//
// It promises:
//   - What is believed was signed by RS256, PS256, ES256 or EdDSA with a key of the issuer, and names issuer, audience, subject, expiry and
//     an e-mail address that the issuer has verified. Clocks may differ by a minute.
//   - The issuer is asked for its keys when a token first needs them, and when one names a key that is not known; never twice in ten
//     seconds, whatever it is that comes in.
//   - An issuer that is away stops nothing but its own tokens: those are refused with [ErrAway] until it was reached once.
package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	skew     = time.Minute
	askEvery = 10 * time.Second
	askFor   = 5 * time.Second
)

// ErrAway says that the issuer could not be asked for its keys, so that no token of it can be judged.
var ErrAway = errors.New("the issuer of the token cannot be reached")

// Issuer is somebody else who signs users in.
type Issuer struct {
	url, audience string
	now           func() time.Time
	asked         *seldom

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer was reached
}

// New believes an issuer's tokens for an audience. It reaches for nothing yet.
func New(issuer, audience string, now func() time.Time) (*Issuer, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("it must be the https:// address of an issuer, without user name, password or parameters")
	}
	return &Issuer{url: issuer, audience: audience, now: now, asked: &seldom{now: now, last: map[string]answer{}}}, nil
}

// Person is whom a token speaks for, and until when. Issuer and Subject together never change and never become somebody else's.
type Person struct {
	Issuer, Subject, Email string
	Until                  time.Time
}

const maxSubject = 255 // as OpenID Connect has it

// Verify tells whom a token speaks for. Any error but [ErrAway] says what is wrong with the token.
func (i *Issuer) Verify(ctx context.Context, token string) (Person, error) {
	verifier, err := i.reach(ctx)
	if err != nil {
		return Person{}, err
	}
	t, err := verifier.Verify(ctx, token)
	if err != nil && i.asked.inVain() {
		return Person{}, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if err != nil {
		return Person{}, err
	}
	var said struct {
		Email     string  `json:"email"`
		Verified  bool    `json:"email_verified"`
		NotBefore float64 `json:"nbf"`
	}
	if err := t.Claims(&said); err != nil {
		return Person{}, err
	}
	now := i.now()
	switch {
	case time.Unix(int64(said.NotBefore), 0).After(now.Add(skew)):
		return Person{}, errors.New("the token is not valid yet")
	case said.Email == "" || !said.Verified:
		return Person{}, errors.New("the token has no e-mail address that was verified")
	case t.Subject == "" || len(t.Subject) > maxSubject:
		return Person{}, errors.New("the token has no subject, or one of more than 255 bytes")
	}
	return Person{i.url, t.Subject, said.Email, until(t.Expiry, now)}, nil
}

// until is when a token ends: at its expiry, or, taken after that since clocks differ, when they may differ no more.
func until(expiry, now time.Time) time.Time {
	if !now.Before(expiry) {
		return expiry.Add(skew)
	}
	return expiry
}

// reach finds out where the issuer has its keys. Whoever waits for it need not wait to the end.
func (i *Issuer) reach(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	client := &http.Client{Transport: i.asked, Timeout: askFor}
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client), i.url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, quoteless(err))
	}
	i.verifier = provider.Verifier(&oidc.Config{
		ClientID:             i.audience,
		SupportedSigningAlgs: []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA},
		Now:                  func() time.Time { return i.now().Add(-skew) }, // of the expiry; the other checks of time are ours
	})
	return i.verifier, nil
}

// Check asks the issuer whether tokens of it could be believed, whatever was asked before.
func (i *Issuer) Check(ctx context.Context) error {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, &http.Client{Transport: once{}, Timeout: askFor}), i.url)
	if err != nil {
		return quoteless(err)
	}
	var says struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := provider.Claims(&says); err != nil {
		return errors.New("the issuer's configuration is not understood")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, says.KeysURL, http.NoBody)
	if err != nil {
		return errors.New("the issuer's jwks_uri is no address")
	}
	body, err := ask(r)
	if err != nil {
		return err
	}
	var has struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(body, &has); err != nil || len(has.Keys) == 0 {
		return errors.New("the issuer has no keys at its jwks_uri")
	}
	return nil
}

// quoteless keeps addresses out of an error. The library tells a wrong issuer in words only.
func quoteless(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	if strings.Contains(err.Error(), "did not match") {
		return errors.New("the issuer calls itself by another address")
	}
	return errors.New("the issuer's configuration is not understood")
}

// seldom asks for the same address at most every ten seconds. In between it gives what it was given: go-oidc asks twice when a token
// comes in before it has put away the keys that it has just fetched.
type seldom struct {
	now func() time.Time

	mu   sync.Mutex
	last map[string]answer
}

// answer is what an address gave the last time that it gave any, and when it was asked.
type answer struct {
	at   time.Time
	body []byte
}

var errTooSoon = errors.New("it was asked less than 10 s ago")

const maxAnswer = 1 << 20

// RoundTrip asks, unless it is too soon.
func (s *seldom) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	address, now := r.URL.String(), s.now()
	last, asked := s.last[address]
	if !asked || now.Sub(last.at) >= askEvery {
		body, err := ask(r)
		if err != nil && last.body == nil {
			s.last[address] = answer{at: now}
			return nil, err
		}
		if err == nil {
			last.body = body
		}
		s.last[address] = answer{now, last.body}
	}
	if last.body == nil {
		return nil, errTooSoon
	}
	return given(r, last.body), nil
}

// once asks as seldom does, and anew each time.
type once struct{}

// RoundTrip asks.
func (once) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := ask(r)
	if err != nil {
		return nil, err
	}
	return given(r, body), nil
}

func given(r *http.Request, body []byte) *http.Response {
	return &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
}

// inVain tells whether something was asked for and has never been given.
func (s *seldom) inVain() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.last {
		if a.body == nil {
			return true
		}
	}
	return false
}

func ask(r *http.Request) ([]byte, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}
