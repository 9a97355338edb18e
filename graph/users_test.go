package graph_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/phone"
)

const (
	createUser  = `mutation($i: CreateUserInput!) { createUser(input: $i) { id email name role locale timeZone } }`
	updateUser  = `mutation($id: ID!, $i: UpdateUserInput!) { updateUser(id: $id, input: $i) { email name role locale timeZone } }`
	createToken = `mutation($u: ID!, $n: String!, $e: Time) { createToken(userID: $u, name: $n, expiresAt: $e) { accessToken { id } token } }`
	revokeToken = `mutation($id: ID!) { revokeToken(id: $id) }`
)

func TestUsersAreCreatedWithDefaultsAndChecked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		long := strings.Repeat("ü", 100)
		for _, c := range []struct {
			in   vars
			want string
		}{
			{vars{"email": "Ann@Example.com"}, `{"email": "ann@example.com", "name": "", "role": "OWNER", "locale": "en", "timeZone": "UTC"}`},
			{vars{"email": "b@example.com", "name": nil, "role": nil, "locale": nil, "timeZone": nil},
				`{"email": "b@example.com", "name": "", "role": "OWNER", "locale": "en", "timeZone": "UTC"}`},
			{vars{"email": "c@example.com", "name": long, "role": "ADMIN", "locale": "pt", "timeZone": "Asia/Tokyo"},
				`{"email": "c@example.com", "name": "` + long + `", "role": "ADMIN", "locale": "pt", "timeZone": "Asia/Tokyo"}`},
		} {
			w.wants(w.admin, strings.Replace(createUser, "id email", "email", 1), vars{"i": c.in}, `{"createUser": `+c.want+`}`)
		}
		for _, taken := range []string{"ann@example.com", "ANN@example.COM"} {
			if e := w.refused(w.admin, createUser, vars{"i": vars{"email": taken}}, phone.Conflict, "createUser"); e.Extensions["field"] != "email" {
				t.Errorf("got %v, want the field email", e)
			}
		}
		for field, bad := range map[string][]any{
			"email":    {"", "ann", "Ann <ann@example.com>", "a@b, c@d", "ann@example.com\r\nBcc: x@y.z", "a\x00@example.com", strings.Repeat("a", 250) + "@example.com"},
			"name":     {long + "ü", "a\nb", "a\x00"},
			"locale":   {"xx", "en-US", "EN", ""},
			"timeZone": {"Mars/Phobos", "Local", "utc+1", "../etc/passwd"},
		} {
			for _, v := range bad {
				if field == "locale" && v == "" {
					continue // the same as left out
				}
				in := vars{"email": "d@example.com"}
				in[field] = v
				if e := w.refused(w.admin, createUser, vars{"i": in}, phone.BadUserInput, "createUser"); e.Extensions["field"] != field {
					t.Errorf("%s %.40q: got %v", field, v, e)
				}
			}
		}
	})
}

func TestOfAUserOnlyWhatIsSetChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		steps := []struct {
			token string
			in    vars
			want  string
		}{
			{a.token, vars{}, `"name": "ann", "role": "OWNER", "locale": "en", "timeZone": "UTC"`},
			{a.token, vars{"locale": "de", "timeZone": "Europe/Berlin"}, `"name": "ann", "role": "OWNER", "locale": "de", "timeZone": "Europe/Berlin"`},
			{a.token, vars{"name": "Anna"}, `"name": "Anna", "role": "OWNER", "locale": "de", "timeZone": "Europe/Berlin"`},
			{w.admin, vars{"role": "ADMIN"}, `"name": "Anna", "role": "ADMIN", "locale": "de", "timeZone": "Europe/Berlin"`},
			{w.admin, vars{"role": "OWNER", "name": ""}, `"name": "", "role": "OWNER", "locale": "de", "timeZone": "Europe/Berlin"`},
			{a.token, vars{"locale": "en", "timeZone": "UTC"}, `"name": "", "role": "OWNER", "locale": "en", "timeZone": "UTC"`},
		}
		for _, s := range steps {
			w.wants(s.token, updateUser, vars{"id": a.user, "i": s.in}, `{"updateUser": {"email": "ann@example.com", `+s.want+`}}`)
		}
		for field, v := range map[string]any{"locale": "xx", "timeZone": "Nowhere", "name": strings.Repeat("x", 101), "role": "NOBODY"} {
			if e := w.refused(a.token, updateUser, vars{"id": a.user, "i": vars{field: v}}, phone.BadUserInput, "updateUser"); e.Extensions["field"] != field {
				t.Errorf("got %v, want the field %s", e, field)
			}
		}
		nothing := vars{"name": nil, "locale": nil, "timeZone": nil, "role": nil}
		for _, token := range []string{a.token, w.admin} {
			if e := w.refused(token, updateUser, vars{"id": a.user, "i": nothing}, phone.BadUserInput, "updateUser"); e.fields() != "name locale timeZone role" {
				t.Errorf("got the fields %s of %v", e.fields(), e)
			}
		}
	})
}

func TestTheLastAdministratorStaysOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		first := w.ask(w.admin, `{ viewer { id } }`, nil, "viewer.id")[0]
		w.refused(w.admin, updateUser, vars{"id": first, "i": vars{"role": "OWNER"}}, phone.Conflict, "updateUser")
		w.ask(w.admin, updateUser, vars{"id": first, "i": vars{"role": "ADMIN", "name": "Chief"}})
		second := w.ask(w.admin, createUser, vars{"i": vars{"email": "second@example.com", "role": "ADMIN"}}, "createUser.id")[0]
		token := w.token(second)
		var both sync.WaitGroup // each lets the other step down
		both.Go(func() { w.try(w.admin, updateUser, vars{"id": second, "i": vars{"role": "OWNER"}}) })
		both.Go(func() { w.try(token, updateUser, vars{"id": first, "i": vars{"role": "OWNER"}}) })
		both.Wait()
		admins := 0
		for _, tk := range []string{w.admin, token} {
			if w.ask(tk, `{ viewer { role } }`, nil, "viewer.role")[0] == "ADMIN" {
				admins++
			}
		}
		if admins != 1 {
			t.Errorf("got %d administrators, want 1", admins)
		}
	})
}

func TestATokenIsShownOnceAndWorksUntilItEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		made := w.ask(a.token, createToken, vars{"u": a.user, "n": "phone", "e": w.now().Add(time.Hour).Format(time.RFC3339)}, "createToken.accessToken.id", "createToken.token")
		id, secret := made[0], made[1]
		const tokens = `{ viewer { tokens { id name prefix lastUsedAt expiresAt } } }`
		w.wants(secret, `query($id: ID!) { node(id: $id) { ... on Token { name prefix createdAt lastUsedAt expiresAt } } }`, vars{"id": id},
			`{"node": {"name": "phone", "prefix": "`+secret[:12]+`", "createdAt": "2026-01-15T12:00:00Z", "lastUsedAt": "2026-01-15T12:00:00Z",
				"expiresAt": "2026-01-15T13:00:00Z"}}`)
		for _, token := range []string{a.token, w.admin} {
			if got := w.try(token, `{ users { edges { node { tokens { id name prefix } } } } }`, nil).Body; strings.Contains(got, secret[13:]) {
				t.Errorf("the token is shown again: %s", got)
			}
		}
		w.advance(time.Hour - time.Millisecond)
		w.ask(secret, tokens, nil)
		w.advance(time.Millisecond)
		w.unauthenticated(secret)
		if got := w.ask(a.token, tokens, nil, "viewer.tokens")[0]; strings.Contains(got, id) {
			t.Errorf("an expired token is listed: %s", got)
		}
	})
}

// unauthenticated checks that nothing is to be had with a token.
func (w *world) unauthenticated(token string) {
	w.t.Helper()
	got := w.try(token, `{ viewer { id } }`, nil)
	w.failed(got, http.StatusUnauthorized, phone.Unauthenticated, "")
	if got.Header.Get("WWW-Authenticate") != "Bearer" {
		w.t.Errorf("got 401 with %v, want WWW-Authenticate: Bearer", got.Header)
	}
}

func TestARevokedTokenIsGoneAndRevokingAgainIsTrue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		made := w.ask(w.admin, createToken, vars{"u": a.user, "n": "lost"}, "createToken.accessToken.id", "createToken.token")
		for _, token := range []string{a.token, a.token, w.admin} {
			w.wants(token, revokeToken, vars{"id": made[0]}, `{"revokeToken": true}`)
		}
		w.unauthenticated(made[1])
		if got := w.ask(w.admin, `query($u: ID!) { node(id: $u) { ... on User { tokens { id } } } }`, vars{"u": a.user}, "node.tokens")[0]; strings.Contains(got, made[0]) {
			t.Errorf("a revoked token is listed: %s", got)
		}
		own := w.ask(a.token, `{ viewer { tokens { id } } }`, nil, "viewer.tokens.0.id")[0]
		w.wants(a.token, revokeToken, vars{"id": own}, `{"revokeToken": true}`)
		w.unauthenticated(a.token)
		w.ask(b.token, `{ viewer { id } }`, nil)
	})
}

func TestTokensAreMadeForOneselfAndByAdministratorsForAnybody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.refused(w.admin, createToken, vars{"u": unknown[0], "n": "x"}, phone.NotFound, "createToken")
		for field, v := range map[string]vars{
			"name":      {"u": a.user, "n": " "},
			"expiresAt": {"u": a.user, "n": "x", "e": w.now().Format(time.RFC3339Nano)},
		} {
			for _, token := range []string{a.token, w.admin} {
				if e := w.refused(token, createToken, v, phone.BadUserInput, "createToken"); e.Extensions["field"] != field {
					t.Errorf("got %v, want the field %s", e, field)
				}
			}
		}
		w.refused(a.token, createToken, vars{"u": a.user, "n": strings.Repeat("x", 101)}, phone.BadUserInput, "createToken")
		w.refused(a.token, createToken, vars{"u": a.user, "n": "x", "e": "tomorrow"}, phone.BadUserInput, "createToken")
		seen := map[string]bool{a.token: true}
		for range 3 {
			token := w.ask(a.token, createToken, vars{"u": a.user, "n": "same"}, "createToken.token")[0]
			if seen[token] || len(token) < 40 {
				t.Errorf("got %q: want a new one of 256 bits", token)
			}
			seen[token] = true
			w.wants(token, `{ viewer { email } }`, nil, `{"viewer": {"email": "ann@example.com"}}`)
		}
	})
}

func TestWithoutAValidTokenNothingIsAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		for _, token := range []string{
			"", " ", "x", a.token + "x", a.token[:len(a.token)-1], strings.ToUpper(a.token), a.user, "ADMIN_TOKEN", strings.Repeat("x", 10_000), "null",
		} {
			w.unauthenticated(token)
		}
		body := `{"query": "{ viewer { id } }"}`
		for _, authorization := range []string{"", a.token, "Basic " + a.token, "Bearer", "Token " + a.token, "Bearer " + a.token + " x"} {
			if got := w.post(strings.NewReader(body), "Authorization", authorization); got.Status != http.StatusUnauthorized {
				t.Errorf("Authorization %q: got %d, want 401", authorization, got.Status)
			}
		}
		for _, authorization := range []string{"bearer " + a.token, "BEARER  " + a.token} {
			if got := w.post(strings.NewReader(body), "Authorization", authorization); got.Status != http.StatusOK {
				t.Errorf("Authorization %q: got %d, want 200", authorization, got.Status)
			}
		}
	})
}

func TestIntrospectionIsForSignedInUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		const q = `{ __schema { queryType { name } } __type(name: "Call") { name } viewer { __typename } }`
		w.wants(a.token, q, nil, `{"__schema": {"queryType": {"name": "Query"}}, "__type": {"name": "Call"}, "viewer": {"__typename": "User"}}`)
		if got := w.try("", q, nil); got.Status != http.StatusUnauthorized || strings.Contains(got.Body, "Query") {
			t.Errorf("got %d %s, want 401", got.Status, got.Body)
		}
	})
}
