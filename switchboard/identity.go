package switchboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/oidc"
	"github.com/maskline/maskline/phone"
)

// Identity is who a bearer token speaks for, and until when.
type Identity struct {
	Viewer  viewer.Viewer
	Expires *time.Time
}

var (
	errBadToken = &phone.Error{Code: phone.Unauthenticated, Message: "This needs a valid token: Authorization: Bearer …"}
	errNoIssuer = &phone.Error{Code: phone.Unavailable, Message: "Whoever made this token can't be reached now. Please try again soon."}
)

// Authenticate tells who a bearer token speaks for. Every way in asks it, with the peer in the context.
func (s *Switchboard) Authenticate(ctx context.Context, bearer string) (Identity, error) {
	if bearer == "" {
		return Identity{}, errBadToken
	}
	return s.signIn(ctx, bearer)
}

// identify looks a token up.
func (s *Switchboard) identify(ctx context.Context, bearer string) (Identity, error) {
	ctx = viewer.System(ctx)
	t, err := s.DB.Client().Token.Query().Where(token.Hash(hash(bearer))).WithOwner().Only(ctx)
	switch {
	case ent.IsNotFound(err) && s.OIDC != nil && strings.Count(bearer, ".") == 2:
		return s.authenticateJWT(ctx, bearer)
	case ent.IsNotFound(err):
		return Identity{}, errBadToken
	case err != nil:
		return Identity{}, fmt.Errorf("look up a token: %w", err)
	}
	now := s.now()
	if !Valid(t, now) {
		return Identity{}, errBadToken
	}
	if t.LastUsedAt == nil || now.Sub(*t.LastUsedAt) >= usedEvery {
		s.used(ctx, t, now)
	}
	return Identity{viewer.Viewer{ID: t.OwnerID, Role: t.Edges.Owner.Role, Token: t.ID}, t.ExpiresAt}, nil
}

// authenticateJWT takes a token of the issuer's for the user with its e-mail address. At the first sign-in the user is tied to who that is
// at the issuer: when the issuer gives the address to somebody else, that is nobody here. The built-in administrator is never meant.
func (s *Switchboard) authenticateJWT(ctx context.Context, jwt string) (Identity, error) {
	p, err := s.OIDC.Verify(ctx, jwt)
	switch {
	case errors.Is(err, oidc.ErrAway):
		s.Log.WarnContext(ctx, "the issuer of tokens is away", "error", err)
		return Identity{}, errNoIssuer
	case err != nil:
		s.Log.DebugContext(ctx, "a JWT is not believed", "error", err)
		return Identity{}, errBadToken
	}
	email := phone.FoldEmail(p.Email)
	if email == adminEmail {
		return Identity{}, errBadToken
	}
	u, err := s.DB.Client().User.Query().Where(user.Email(email)).Only(ctx)
	if err == nil && u.OidcSubject == nil {
		u, err = s.tie(ctx, u.ID, p)
	}
	switch {
	case ent.IsNotFound(err) || ent.IsConstraintError(err): // nobody, or who the token speaks for is somebody else here
		return Identity{}, errBadToken
	case err != nil:
		return Identity{}, fmt.Errorf("look up the user of a JWT: %w", err)
	case u.OidcIssuer == nil || *u.OidcIssuer != p.Issuer || *u.OidcSubject != p.Subject:
		s.Log.WarnContext(ctx, "a JWT is not believed: its address belongs to a user who signed in as somebody else of the issuer", "user", u.ID)
		return Identity{}, errBadToken
	}
	return Identity{viewer.Viewer{ID: u.ID, Role: u.Role}, &p.Until}, nil
}

// tie writes down who a user is at the issuer, unless another request was first, and returns the user as it is then.
func (s *Switchboard) tie(ctx context.Context, id string, p oidc.Person) (u *ent.User, err error) {
	err = s.inTx(ctx, func(tx *Tx) error {
		set := tx.User.Update().Where(user.ID(id), user.OidcSubjectIsNil()).SetOidcIssuer(p.Issuer).SetOidcSubject(p.Subject)
		if err := set.Exec(ctx); err != nil {
			return err
		}
		u, err = tx.User.Get(ctx, id)
		return err
	})
	return u, err
}

// Untie forgets who a user is at the issuer: the next sign-in decides anew.
func (s *Switchboard) Untie(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *Tx) error { return tx.User.UpdateOneID(id).ClearOidcIssuer().ClearOidcSubject().Exec(ctx) })
}

// Valid tells whether a token still speaks for its owner.
func Valid(t *ent.Token, now time.Time) bool {
	return t.RevokedAt == nil && (t.ExpiresAt == nil || now.Before(*t.ExpiresAt))
}

// lookedAtOnce is how many are looked for in one statement.
const lookedAtOnce = 500

// StillValid tells of each whether they still are signed in, with the same role. Of a token it tells whether it was revoked: when it is over
// by itself is known.
func (s *Switchboard) StillValid(ctx context.Context, all []viewer.Viewer) (map[viewer.Viewer]bool, error) {
	ctx = viewer.System(ctx)
	valid := map[viewer.Viewer]bool{}
	for some := range slices.Chunk(all, lookedAtOnce) {
		users, tokens := make([]string, len(some)), make([]string, len(some))
		for i, v := range some {
			users[i], tokens[i] = v.ID, v.Token
			valid[v] = false
		}
		found, err := s.DB.Client().User.Query().Where(user.IDIn(users...)).WithTokens(func(q *ent.TokenQuery) {
			q.Where(token.IDIn(tokens...), token.RevokedAtIsNil())
		}).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("look who is still signed in: %w", err)
		}
		for _, u := range found {
			valid[viewer.Viewer{ID: u.ID, Role: u.Role}] = true // by somebody else's token
			for _, t := range u.Edges.Tokens {
				valid[viewer.Viewer{ID: u.ID, Role: u.Role, Token: t.ID}] = true
			}
		}
	}
	return valid, nil
}
