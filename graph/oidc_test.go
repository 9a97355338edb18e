package graph_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/maskline/maskline/internal/oidc"
	"github.com/maskline/maskline/phone"
)

// signer makes tokens that the world believes.
type signer struct {
	w    *world
	url  string
	key  ed25519.PrivateKey
	away atomic.Bool
}

// signer is a new issuer, whose tokens are taken from now on.
func (w *world) signer() *signer {
	w.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	check(w.t, err)
	s := &signer{w: w, key: key}
	issuer := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: public, KeyID: "1", Algorithm: "EdDSA"}}}
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if s.away.Load() {
			http.Error(rw, "away", http.StatusBadGateway)
			return
		}
		issuer.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(web.Close)
	s.url = web.URL
	issuer.SetIssuer(web.URL)
	w.desk.OIDC, err = oidc.New(web.URL, "maskline", w.now)
	check(w.t, err)
	return s
}

// token is one for an address, with other claims than usual.
func (s *signer) token(email string, other vars) string {
	s.w.t.Helper()
	claims := vars{"iss": s.url, "aud": "maskline", "sub": "1", "exp": s.w.now().Unix() + 3600, "email": email, "email_verified": true}
	maps.Copy(claims, other)
	b, err := json.Marshal(claims)
	check(s.w.t, err)
	return oidctest.SignIDToken(s.key, "1", "EdDSA", string(b))
}

func TestATokenOfTheIssuersSpeaksForTheUserWithItsAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, s := w.tenant("ann"), w.signer()
		w.tenant("bob")
		for _, email := range []string{"ann@example.com", "ANN@Example.COM"} {
			w.wants(s.token(email, nil), `{ viewer { email } numbers { edges { node { id } } } }`, nil,
				`{"viewer": {"email": "ann@example.com"}, "numbers": {"edges": [{"node": {"id": "`+a.number+`"}}]}}`)
		}
		for name, token := range map[string]string{
			"of nobody here": s.token("eve@example.com", nil), "unverified": s.token(a.email, vars{"email_verified": false}),
			"for others": s.token(a.email, vars{"aud": "another"}), "expired": s.token(a.email, vars{"exp": w.now().Unix() - 61}),
			"of another key": oidctest.SignIDToken(newKey(t), "1", "EdDSA", `{"iss":"`+s.url+`","aud":"maskline","exp":9999999999,"email":"ann@example.com","email_verified":true}`),
		} {
			got := w.try(token, `{ viewer { email } }`, nil)
			if w.failed(got, http.StatusUnauthorized, phone.Unauthenticated, a.email); got.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("a token %s: got %v", name, got.Header)
			}
		}
		w.wants(a.token, `{ viewer { email } }`, nil, `{"viewer": {"email": "ann@example.com"}}`) // our own go on
	})
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	return key
}

func TestWhileTheIssuerIsAwayItsTokensAreToBeTriedAgain(t *testing.T) {
	t.Parallel()
	w := light(t)
	a, s := w.tenant("ann"), w.signer()
	s.away.Store(true)
	got := w.try(s.token(a.email, nil), `{ viewer { email } }`, nil)
	if w.failed(got, http.StatusServiceUnavailable, phone.Unavailable, ""); got.Header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	w.wants(a.token, `{ viewer { email } }`, nil, `{"viewer": {"email": "ann@example.com"}}`)
}

func TestATokenOfTheIssuersEndsWhatItOpened(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		seconds int64 // of real time, since the socket's begin
		end     func(w *world, a tenant)
	}{
		"expired": {1, func(*world, tenant) {}},
		"another role": {3600, func(w *world, a tenant) {
			w.ask(w.admin, `mutation($id: ID!) { updateUser(id: $id, input: {role: ADMIN}) { id } }`, vars{"id": a.user})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := light(t)
			a, s := w.tenant("ann"), w.signer()
			token := s.token(a.email, vars{"exp": w.now().Unix() + tt.seconds})
			socket, stream := w.follow(token, received, nil), w.stream(token, received, nil)
			tt.end(w, a)
			stream.cut()
			for {
				var m frame
				err := wsjson.Read(t.Context(), socket.conn, &m)
				if err == nil && m.Type == "ping" {
					continue
				}
				if websocket.CloseStatus(err) != 4403 {
					t.Errorf("got %v %v, want 4403", m, err)
				}
				return
			}
		})
	}
}

// A user whose tokens somebody else issues can have as many as they like.
func TestAllTokensOfTheIssuersForAUserShareOneMinute(t *testing.T) {
	t.Parallel()
	w := light(t)
	a, s := w.tenant("ann"), w.signer()
	for i := range 50 {
		w.ask(s.token(a.email, vars{"jti": i}), twentyThousand, nil)
	}
	got := w.post(bytes.NewReader(asQuery(t, twentyThousand)), "Authorization", "Bearer "+s.token(a.email, nil))
	if w.failed(got, http.StatusTooManyRequests, phone.RateLimited, ""); !strings.Contains(got.Body, "retryAfter") {
		t.Errorf("got %s", got.Body)
	}
}
