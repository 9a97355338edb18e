package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/maskline/maskline/internal/oidc"
)

// issuer is a real one, with a key of each kind and a clock that a test moves.
type issuer struct {
	t     *testing.T
	url   string
	keys  map[string]crypto.Signer
	clock atomic.Int64
	away  atomic.Bool
	asked atomic.Int64 // for its keys
	known atomic.Pointer[[]oidctest.PublicKey]
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, keys: map[string]crypto.Signer{}}
	i.clock.Store(1_800_000_000)
	web := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(web.Close)
	i.url = web.URL
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	i.keys["RS256"], i.keys["PS256"], i.keys["RS512"] = rsaKey, rsaKey, rsaKey
	i.keys["ES256"], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	_, i.keys["EdDSA"], err = ed25519.GenerateKey(rand.Reader)
	check(t, err)
	i.knows("RS256", "PS256", "RS512", "ES256", "EdDSA")
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/keys" {
		i.asked.Add(1)
	}
	if i.away.Load() {
		http.Error(w, "away", http.StatusBadGateway)
		return
	}
	s := &oidctest.Server{PublicKeys: *i.known.Load(), Algorithms: []string{"RS256", "HS256"}}
	s.SetIssuer(i.url)
	s.ServeHTTP(w, r)
}

// knows has it publish these of its keys, and no others.
func (i *issuer) knows(names ...string) {
	public := []oidctest.PublicKey{}
	for _, name := range names {
		public = append(public, oidctest.PublicKey{PublicKey: i.keys[name].Public(), KeyID: name, Algorithm: name})
	}
	i.known.Store(&public)
}

func (i *issuer) now() time.Time { return time.Unix(i.clock.Load(), 0) }

// claims are those of a good token, changed.
func (i *issuer) claims(changes map[string]any) string {
	c := map[string]any{"iss": i.url, "aud": "maskline", "sub": "1", "exp": i.clock.Load() + 600, "email": "Ann@Example.com", "email_verified": true}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(c)
	check(i.t, err)
	return string(b)
}

func (i *issuer) sign(alg string, changes map[string]any) string {
	return oidctest.SignIDToken(i.keys[alg], alg, alg, i.claims(changes))
}

// unsigned puts together a token by hand.
func (i *issuer) unsigned(header, signature string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(i.claims(nil))) + "." + signature
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (i *issuer) believed() *oidc.Issuer {
	believed, err := oidc.New(i.url, "maskline", i.now)
	check(i.t, err)
	return believed
}

func unsignedPart(token string) string { return token[:strings.LastIndex(token, ".")+1] }

func signature(token string) string { return token[strings.LastIndex(token, ".")+1:] }

type changes = map[string]any

func TestWhichTokensAreBelieved(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	now := i.clock.Load()
	believed := i.believed()
	good, bad := 0, 0
	for name, tt := range map[string]struct {
		token string
		until int64 // 0: not believed
	}{
		"RS256":                            {i.sign("RS256", nil), now + 600},
		"PS256":                            {i.sign("PS256", nil), now + 600},
		"ES256":                            {i.sign("ES256", nil), now + 600},
		"EdDSA":                            {i.sign("EdDSA", nil), now + 600},
		"of several audiences":             {i.sign("RS256", changes{"aud": []string{"other", "maskline"}}), now + 600},
		"just expired, by clocks apart":    {i.sign("RS256", changes{"exp": now - 59}), now + 1},
		"not yet valid, by clocks apart":   {i.sign("RS256", changes{"nbf": now + 59}), now + 600},
		"expired":                          {i.sign("RS256", changes{"exp": now - 61}), 0},
		"without an expiry":                {i.sign("RS256", changes{"exp": nil}), 0},
		"not yet valid":                    {i.sign("RS256", changes{"nbf": now + 61}), 0},
		"of another issuer":                {i.sign("RS256", changes{"iss": "https://evil.example"}), 0},
		"without an issuer":                {i.sign("RS256", changes{"iss": nil}), 0},
		"for another audience":             {i.sign("RS256", changes{"aud": "other"}), 0},
		"without an audience":              {i.sign("RS256", changes{"aud": nil}), 0},
		"of an address that is unverified": {i.sign("RS256", changes{"email_verified": false}), 0},
		"of one that may be verified":      {i.sign("RS256", changes{"email_verified": nil}), 0},
		"of one verified in a text":        {i.sign("RS256", changes{"email_verified": "true"}), 0},
		"without a subject":                {i.sign("RS256", changes{"sub": nil}), 0},
		"of an endless subject":            {i.sign("RS256", changes{"sub": strings.Repeat("x", 256)}), 0},
		"without an address":               {i.sign("RS256", changes{"email": nil}), 0},
		"by RS512":                         {i.sign("RS512", nil), 0},
		"by none":                          {i.unsigned(`{"alg":"none"}`, ""), 0},
		"by HS256 with the public key":     {i.unsigned(`{"alg":"HS256","kid":"RS256"}`, "AAAA"), 0},
		"with another's signature":         {unsignedPart(i.sign("RS256", nil)) + signature(i.sign("RS256", changes{"sub": "2"})), 0},
		"cut":                              {strings.TrimRight(i.sign("RS256", nil), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), 0},
		"no token at all":                  {"a.b.c", 0},
	} {
		p, err := believed.Verify(t.Context(), tt.token)
		email, until := p.Email, p.Until
		switch {
		case tt.until == 0 && (err == nil || errors.Is(err, oidc.ErrAway) || email != ""):
			t.Errorf("a token %s: got %q, %v, want it refused", name, email, err)
		case tt.until != 0 && (err != nil || email != "Ann@Example.com" || p.Issuer != i.url || p.Subject != "1" || until.Unix() != tt.until):
			t.Errorf("a token %s: got %q until %v, %v, want it believed until %d", name, email, until, err, tt.until)
		case tt.until == 0:
			bad++
		default:
			good++
		}
	}
	t.Logf("%d tokens are believed, %d are not", good, bad)
}

func TestKeysAreAskedForAtMostEveryTenSeconds(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	believed := i.believed()
	i.knows("RS256")
	verify := func(alg string) error {
		_, err := believed.Verify(t.Context(), i.sign(alg, nil))
		return err
	}
	check(t, verify("RS256"))
	for range 100 {
		check(t, verify("RS256"))
		if verify("ES256") == nil {
			t.Fatal("a token was believed with a key that nobody has published")
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("the issuer was asked %d times, want once", n)
	}
	i.knows("ES256") // it turns its keys
	i.clock.Add(10)
	check(t, verify("ES256"))
	if err := verify("RS256"); err == nil {
		t.Error("a key is believed that the issuer has withdrawn")
	}
	if n := i.asked.Load(); n != 2 {
		t.Errorf("the issuer was asked %d times, want twice", n)
	}
}

func TestAnIssuerThatIsAwayIsAskedAgain(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	believed := i.believed()
	i.away.Store(true)
	for step := range 3 {
		if _, err := believed.Verify(t.Context(), i.sign("RS256", nil)); !errors.Is(err, oidc.ErrAway) {
			t.Fatalf("step %d: got %v, want ErrAway", step, err)
		}
	}
	i.away.Store(false)
	if _, err := believed.Verify(t.Context(), i.sign("RS256", nil)); !errors.Is(err, oidc.ErrAway) {
		t.Errorf("too soon: got %v, want ErrAway", err)
	}
	i.clock.Add(10)
	_, err := believed.Verify(t.Context(), i.sign("RS256", nil))
	check(t, err)
	i.away.Store(true) // what is known stays known
	i.clock.Add(60)
	_, err = believed.Verify(t.Context(), i.sign("RS256", nil))
	check(t, err)
}

func TestWhatIsNoIssuer(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "accounts.example.com", "ftp://example.com", "https://", "https://example.com?x=1", "https://example.com#x", "https://u:p@example.com", "https://%zz"} {
		if _, err := oidc.New(address, "maskline", time.Now); err == nil {
			t.Errorf("%q is taken for an issuer", address)
		}
	}
	if _, err := oidc.New("https://example.com/realms/one", "maskline", time.Now); err != nil {
		t.Error(fmt.Errorf("a good one is refused: %w", err))
	}
}
