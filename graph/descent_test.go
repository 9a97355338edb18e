package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// made is a token that was made with another.
type made struct{ id, secret, expires string }

// make makes one for a user.
func (w *world) make(with, user, expires string) made {
	w.t.Helper()
	v := vars{"u": user}
	if expires != "" {
		v["e"] = expires
	}
	got := w.ask(with, `mutation($u: ID!, $e: Time) { createToken(userID: $u, name: "made", expiresAt: $e) { accessToken { id expiresAt } token } }`, v,
		"createToken.accessToken.id", "createToken.token", "createToken.accessToken.expiresAt")
	return made{got[0], got[1], got[2]}
}

func (w *world) in(d time.Duration) string { return w.now().Add(d).Format(time.RFC3339) }

func TestATokenEndsNoLaterThanTheOneThatMadeIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		short := w.make(a.token, a.user, w.in(5*time.Second))
		child := w.make(short.secret, a.user, "")
		grandchild := w.make(child.secret, a.user, w.in(time.Hour))
		admins := w.make(w.admin, w.ask(w.admin, `{ viewer { id } }`, nil, "viewer.id")[0], w.in(5*time.Second))
		others := w.make(admins.secret, b.user, "")
		for _, m := range []made{child, grandchild, others} {
			if m.expires != short.expires {
				t.Errorf("a token made with one that ends at %s ends at %s", short.expires, m.expires)
			}
		}
		if sooner := w.make(short.secret, a.user, w.in(2*time.Second)); sooner.expires != w.in(2*time.Second) {
			t.Errorf("a token that is to end sooner ends at %s", sooner.expires)
		}
		w.advance(5 * time.Second)
		for _, m := range []made{short, child, grandchild, others} {
			w.unauthenticated(m.secret)
		}
		w.ask(a.token, `{ viewer { id } }`, nil)
	})
}

func TestATokenEndsWithTheOneThatMadeIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		root := w.make(w.admin, w.ask(w.admin, `{ viewer { id } }`, nil, "viewer.id")[0], "")
		child := w.make(root.secret, b.user, "") // an administrator's, for somebody else
		grandchild := w.make(child.secret, b.user, "")
		sibling := w.make(w.admin, b.user, "")
		f, kept := w.follow(grandchild.secret, received, nil), w.follow(sibling.secret, received, nil)
		stream := w.stream(grandchild.secret, received, nil)
		f.wantOpen()
		w.wants(w.admin, revokeToken, vars{"id": root.id}, `{"revokeToken": true}`)
		f.wantForbidden()
		stream.cut()
		kept.wantOpen()
		for _, m := range []made{root, child, grandchild} {
			w.unauthenticated(m.secret)
		}
		if got := w.ask(w.admin, `query($u: ID!) { node(id: $u) { ... on User { tokens { id } } } }`, vars{"u": b.user}, "node.tokens")[0]; strings.Contains(got, child.id) || strings.Contains(got, grandchild.id) {
			t.Errorf("ended tokens are listed: %s", got)
		}
		w.ask(a.token, `{ viewer { id } }`, nil)
		w.ask(sibling.secret, `{ viewer { id } }`, nil)
	})
}

// Whatever comes first, a token's revocation or another one being made with it, nothing outlives it.
func TestNoTokenIsMadeWhileTheOneThatMakesItIsRevoked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for range 5 {
			root := w.make(a.token, a.user, "")
			child := w.make(root.secret, a.user, "")
			var all sync.WaitGroup
			for _, with := range []made{root, child, root, child} {
				all.Go(func() { w.try(with.secret, createToken, vars{"u": a.user, "n": "late"}) })
			}
			all.Go(func() { w.try(a.token, revokeToken, vars{"id": root.id}) })
			all.Wait()
		}
		w.write(func(tx *ent.Client) error {
			n, err := tx.Token.Query().Where(token.Name("late"), token.RevokedAtIsNil()).Count(w.ctx)
			if n > 0 {
				t.Errorf("%d tokens outlive those that made them", n)
			}
			return err
		})
	})
}

func TestAUserHasAtMostFiftyValidTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		last := w.make(a.token, a.user, w.in(time.Hour))
		for range 40 {
			w.make(a.token, a.user, "")
		}
		var all sync.WaitGroup
		var taken, refused atomic.Int64
		for i := range 16 { // 42 there are; eight more are one too many for half of these
			with := []string{a.token, w.admin}[i%2]
			all.Go(func() {
				got := w.try(with, createToken, vars{"u": a.user, "n": fmt.Sprint(i)})
				switch {
				case len(got.Errors) == 0:
					taken.Add(1)
				case got.Errors[0].code() == string(phone.Conflict):
					refused.Add(1)
				default:
					t.Errorf("got %s", got.Body)
				}
			})
		}
		all.Wait()
		if taken.Load() != 8 || refused.Load() != 8 {
			t.Errorf("%d were made and %d refused, want 8 and 8", taken.Load(), refused.Load())
		}
		w.make(w.admin, b.user, "") // the other has room
		w.ask(a.token, revokeToken, vars{"id": last.id})
		w.make(a.token, a.user, w.in(time.Minute))
		w.refused(a.token, createToken, vars{"u": a.user, "n": "x"}, phone.Conflict, "createToken")
		w.advance(time.Minute) // what is over does not count
		w.make(a.token, a.user, "")
	})
}

func TestAJWTMakesTokensOfThirtyDaysAtMost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, s := w.tenant("ann"), w.signer()
		jwt := s.token(a.email, nil)
		for wanted, want := range map[string]time.Duration{"": 720 * time.Hour, w.in(8000 * time.Hour): 720 * time.Hour, w.in(time.Hour): time.Hour} {
			if m := w.make(jwt, a.user, wanted); m.expires != w.in(want) {
				t.Errorf("wanted %q: it ends at %s, want %s", wanted, m.expires, w.in(want))
			}
		}
		m := w.make(jwt, a.user, "")
		if child := w.make(m.secret, a.user, ""); child.expires != m.expires {
			t.Errorf("its child ends at %s, want %s", child.expires, m.expires)
		}
	})
}

// The operator replaces the administrator's token: what was made with the old one ends too.
func TestANewAdminTokenEndsWhatTheOldOneMade(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		own, err := w.desk.Prepare(w.ctx, strings.Repeat("one", 11))
		if check(t, err); own != "" {
			t.Errorf("made %q", own)
		}
		m := w.make(strings.Repeat("one", 11), a.user, "")
		_, err = w.desk.Prepare(w.ctx, strings.Repeat("two", 11))
		check(t, err)
		w.unauthenticated(m.secret)
		w.unauthenticated(strings.Repeat("one", 11))
		w.ask(strings.Repeat("two", 11), `{ viewer { id } }`, nil)
	})
}

func TestAJWTSpeaksForWhoFirstSignedInOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b, s := w.tenant("ann"), w.tenant("bob"), w.signer()
		const viewer = `{ viewer { email } }`
		refused := func(what, token string) {
			t.Helper()
			if got := w.try(token, viewer, nil); got.Status != http.StatusUnauthorized {
				t.Errorf("%s: got %d %s", what, got.Status, got.Body)
			}
		}
		w.ask(s.token(a.email, vars{"sub": "first"}), viewer, nil)
		w.ask(s.token("ANN@EXAMPLE.COM", vars{"sub": "first"}), viewer, nil)
		refused("a recycled address", s.token(a.email, vars{"sub": "second"}))
		refused("another's subject", s.token(b.email, vars{"sub": "first"}))
		w.ask(s.token(b.email, vars{"sub": "second"}), viewer, nil)
		s2 := w.signer()
		refused("another issuer's", s2.token(a.email, vars{"sub": "first"}))
		refused("the built-in administrator", s2.token("admin@localhost", vars{"sub": "x"}))
		refused("the built-in administrator", s2.token("Admin@LocalHost", vars{"sub": "x"}))
		refused("no subject", s2.token(a.email, vars{"sub": ""}))
		check(t, w.desk.Untie(w.ctx, a.user))
		w.ask(s2.token(a.email, vars{"sub": "anew"}), viewer, nil)
		w.ask(a.token, viewer, nil) // our own tokens go on
	})
}

// The Kelvin sign's small letter is an ASCII k, and it is no k all the same.
func TestAddressesAreComparedWithoutCaseInASCIIOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		k, s := w.tenant("kim"), w.signer()
		if got := w.try(s.token("\u212aim@example.com", nil), `{ viewer { email } }`, nil); got.Status != http.StatusUnauthorized {
			t.Errorf("got %d %s", got.Status, got.Body)
		}
		w.wants(s.token("KIM@example.COM", nil), `{ viewer { email } }`, nil, `{"viewer": {"email": "`+k.email+`"}}`)
		id, err := w.desk.CreateUser(w.ctx, switchboard.NewUser{Email: "\u212aim@example.com", Name: "another"})
		if check(t, err); id == k.user {
			t.Error("two addresses are taken for one")
		}
	})
}
