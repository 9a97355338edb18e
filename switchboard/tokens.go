package switchboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/setting"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

const (
	tokenMark   = "mask_"
	tokenPrefix = 12 // how much of a token is kept to recognise it by: 35 of its 256 bits
	usedEvery   = time.Minute
)

// newSecret is a random text of 256 bits at least.
func newSecret() string { return strings.ToLower(rand.Text() + rand.Text()) }

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// CreateToken makes a bearer token for a user. It ends no later than the token that made it, and with its revocation. The token itself is
// returned once and not kept.
func (s *Switchboard) CreateToken(ctx context.Context, userID, name string, expires *time.Time) (id, secret string, err error) {
	var f phone.Faults
	f.Note(phone.CheckName("name", name))
	if expires != nil && !expires.After(s.now()) {
		f.Add("expiresAt", "expiresAt lies in the past.")
	}
	if err := f.Err(); err != nil {
		return "", "", err
	}
	secret = tokenMark + newSecret()
	err = s.inTx(ctx, func(tx *Tx) error {
		now := s.now()
		parent, by, err := tx.maker(ctx, now)
		if err != nil {
			return err
		}
		if err := tx.roomForToken(ctx, now, userID); err != nil {
			return err
		}
		t, err := tx.createToken(now, userID, name, secret[:tokenPrefix], hash(secret)).SetNillableParentID(parent).SetNillableExpiresAt(phone.TokenEnd(now, expires, by)).Save(ctx)
		if err != nil {
			return err
		}
		id = t.ID
		tx.audit(ctx, "createToken", userID, id, name)
		return nil
	})
	return id, secret, err
}

func (tx *Tx) createToken(now time.Time, userID, name, prefix, hash string) *ent.TokenCreate {
	return tx.Token.Create().SetOwnerID(userID).SetName(name).SetPrefix(prefix).SetHash(hash).SetCreatedAt(now)
}

// maker tells with what a token is made, and the id of the token of ours that it is. That one is locked, so that its revocation either
// comes first or finds what it has made.
func (tx *Tx) maker(ctx context.Context, now time.Time) (id *string, by phone.Maker, err error) {
	v, _ := viewer.From(ctx)
	if v.Token == "" {
		return nil, phone.Maker{JWT: !v.IsSystem()}, nil
	}
	q := tx.Token.Query().Where(token.ID(v.Token))
	tx.forUpdate(func() { q.ForUpdate(entsql.WithLockClause("FOR NO KEY UPDATE")) })
	t, err := q.Only(ctx)
	if ent.IsNotFound(err) || err == nil && !Valid(t, now) {
		return nil, by, errBadToken
	}
	if err != nil {
		return nil, by, fmt.Errorf("load the token that makes another: %w", err)
	}
	return &t.ID, phone.Maker{Ends: t.ExpiresAt}, nil
}

// roomForToken refuses one token too many. The user is locked, so that two are not made in the last place.
func (tx *Tx) roomForToken(ctx context.Context, now time.Time, userID string) error {
	q := tx.User.Query().Where(user.ID(userID))
	tx.forUpdate(func() { q.ForUpdate(entsql.WithLockClause("FOR NO KEY UPDATE")) })
	if _, err := q.Only(ctx); err != nil {
		return fmt.Errorf("load user %s: %w", userID, err)
	}
	valid := token.Or(token.ExpiresAtIsNil(), token.ExpiresAtGT(now))
	n, err := tx.Token.Query().Where(token.OwnerID(userID), token.RevokedAtIsNil(), valid).Count(ctx)
	if err != nil {
		return fmt.Errorf("count the tokens of user %s: %w", userID, err)
	}
	if n >= phone.MaxTokens {
		return &phone.Error{Code: phone.Conflict, Message: fmt.Sprintf("A user has at most %d valid tokens. Revoke one that is not needed any more.", phone.MaxTokens)}
	}
	return nil
}

// RevokeToken ends a token, and all that were made with it; a second time changes nothing.
func (s *Switchboard) RevokeToken(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		t, err := tx.Token.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("load token %s: %w", id, err)
		}
		if t.RevokedAt != nil {
			return nil
		}
		tx.audit(ctx, "revokeToken", t.OwnerID, id, t.Name)
		return tx.revoke(ctx, s.now(), []*ent.Token{t})
	})
}

// revoke ends tokens, those that were made with them, and so on, whosever they are. Each is ended before those are looked for that were made
// with it, so that none is made meanwhile that nobody finds.
func (tx *Tx) revoke(ctx context.Context, now time.Time, tokens []*ent.Token) error {
	ctx = viewer.System(ctx)
	for len(tokens) > 0 {
		n := min(len(tokens), lookedAtOnce)
		ids := make([]string, n)
		for i, t := range tokens[:n] {
			ids[i] = t.ID
			tx.announce(events.Event{Kind: events.Token, Owner: t.OwnerID, ID: t.OwnerID})
		}
		if err := tx.Token.Update().Where(token.IDIn(ids...), token.RevokedAtIsNil()).SetRevokedAt(now).Exec(ctx); err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		made, err := tx.Token.Query().Where(token.ParentIDIn(ids...), token.RevokedAtIsNil()).All(ctx)
		if err != nil {
			return fmt.Errorf("look for tokens that were made with others: %w", err)
		}
		tokens = append(tokens[n:], made...)
	}
	return nil
}

// used notes when a token was last used. That it fails must not refuse its owner.
func (s *Switchboard) used(ctx context.Context, t *ent.Token, now time.Time) {
	err := s.inTx(ctx, func(tx *Tx) error { return tx.Token.UpdateOneID(t.ID).SetLastUsedAt(now).Exec(ctx) })
	if err != nil {
		s.Log.WarnContext(ctx, "note the use of a token", "token", t.ID, "error", err)
	}
}

const (
	adminEmail = "admin@localhost"
	adminName  = "ADMIN_TOKEN"
	secretKey  = "secret_key"
)

// Prepare sees to what every installation has: an administrator, and the key that signs links. The token of an administrator that it had
// to make is returned once; with configured it is that one, and nothing is returned. Several replicas may do this at once.
func (s *Switchboard) Prepare(ctx context.Context, configured string) (made string, err error) {
	ctx = viewer.System(ctx)
	work := func(tx *Tx) (err error) {
		made, err = s.prepareAdmin(ctx, tx, configured)
		return err
	}
	if err = s.inTx(ctx, work); ent.IsConstraintError(err) {
		err = s.inTx(ctx, work)
	}
	return made, err
}

func (s *Switchboard) prepareAdmin(ctx context.Context, tx *Tx, configured string) (string, error) {
	if configured == "" {
		if yes, err := tx.User.Query().Where(user.RoleEQ(phone.RoleAdmin)).Exist(ctx); yes || err != nil {
			return "", err
		}
		made := tokenMark + newSecret()
		return made, s.adminWith(ctx, tx, hash(made))
	}
	return "", s.adminWith(ctx, tx, hash(configured))
}

// adminWith makes admin@localhost an administrator whose only token of this name is the one with the hash.
func (s *Switchboard) adminWith(ctx context.Context, tx *Tx, hash string) error {
	admin, err := tx.User.Query().Where(user.Email(adminEmail)).Only(ctx)
	if ent.IsNotFound(err) {
		admin, err = tx.createUser(ctx, NewUser{Email: adminEmail, Name: "Administrator", Role: phone.RoleAdmin, Locale: "en", TimeZone: "UTC"}, s)
	}
	if err != nil {
		return err
	}
	if err := tx.User.UpdateOneID(admin.ID).SetRole(phone.RoleAdmin).Exec(ctx); err != nil {
		return err
	}
	now := s.now()
	old, err := tx.Token.Query().Where(token.OwnerID(admin.ID), token.Name(adminName), token.RevokedAtIsNil(), token.HashNEQ(hash)).All(ctx)
	if err != nil {
		return err
	}
	if err := tx.revoke(ctx, now, old); err != nil {
		return err
	}
	same, err := tx.Token.Update().Where(token.Hash(hash)).ClearRevokedAt().Save(ctx)
	if err != nil || same > 0 {
		return err
	}
	return tx.createToken(now, admin.ID, adminName, adminName, hash).Exec(ctx)
}

// SecretKey is the key that signs links: the configured one, or one made on first start and shared by all replicas.
func (s *Switchboard) SecretKey(ctx context.Context, configured string) ([]byte, error) {
	if configured != "" {
		return []byte(configured), nil
	}
	ctx = viewer.System(ctx)
	err := s.inTx(ctx, func(tx *Tx) error {
		err := tx.Setting.Create().SetID(secretKey).SetValue(newSecret()).OnConflictColumns(setting.FieldID).DoNothing().Exec(ctx)
		if isDone(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the secret key: %w", err)
	}
	k, err := s.DB.Client().Setting.Get(ctx, secretKey)
	if err != nil {
		return nil, fmt.Errorf("load the secret key: %w", err)
	}
	return []byte(k.Value), nil
}

// isDone tells whether an insert that does nothing on conflict met one: ent then reports that no row came back.
func isDone(err error) bool { return errors.Is(err, sql.ErrNoRows) }
