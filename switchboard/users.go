package switchboard

import (
	"context"
	"fmt"
	"slices"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

// NewUser is what a user is made of.
type NewUser struct {
	Email    string
	Name     string
	Role     phone.Role
	Locale   string
	TimeZone string
}

// UserChange is what changes of a user; nil stays.
type UserChange struct {
	Name, Locale, TimeZone *string
	Role                   *phone.Role

	Faults phone.Faults // what was found wrong before
}

// requireAdmin refuses everybody who is not an administrator or the system.
func requireAdmin(ctx context.Context) error {
	if v, ok := viewer.From(ctx); !ok || !v.SeesAll() {
		return &phone.Error{Code: phone.Forbidden, Message: "Only an administrator may do this."}
	}
	return nil
}

// CreateUser makes a user and returns its id.
func (s *Switchboard) CreateUser(ctx context.Context, u NewUser) (id string, err error) {
	if err := requireAdmin(ctx); err != nil {
		return "", err
	}
	if err := u.Complete(); err != nil {
		return "", err
	}
	err = s.inTx(ctx, func(tx *Tx) error {
		made, err := tx.createUser(ctx, u, s)
		if err != nil {
			return err
		}
		id = made.ID
		tx.audit(ctx, "createUser", id, id, fmt.Sprintf("%s, %s", u.Email, u.Role))
		return nil
	})
	if ent.IsConstraintError(err) {
		return "", &phone.Error{Code: phone.Conflict, Message: "There is a user with this e-mail address already.", Field: "email"}
	}
	return id, err
}

func (tx *Tx) createUser(ctx context.Context, u NewUser, s *Switchboard) (*ent.User, error) {
	return tx.User.Create().SetEmail(u.Email).SetName(u.Name).SetRole(u.Role).SetLocale(u.Locale).SetTimeZone(u.TimeZone).SetCreatedAt(s.now()).Save(ctx)
}

// Complete fills in what was left out of a new user, and checks it.
func (u *NewUser) Complete() error {
	var f phone.Faults
	email, err := phone.CleanEmail("email", u.Email)
	f.Note(err)
	u.Email = email
	u.Role = orDefault(u.Role, phone.RoleOwner)
	u.Locale = orDefault(u.Locale, "en")
	u.TimeZone = orDefault(u.TimeZone, "UTC")
	f.Note(UserChange{Name: &u.Name, Locale: &u.Locale, TimeZone: &u.TimeZone}.Check())
	return f.Err()
}

func orDefault[S ~string](s, def S) S {
	if s == "" {
		return def
	}
	return s
}

// Check says all that is wrong with a change, or nothing.
func (c UserChange) Check() error {
	f := slices.Clone(c.Faults)
	if c.Name != nil {
		f.Note(phone.CheckLabel("name", *c.Name))
	}
	if c.Locale != nil {
		f.Note(phone.CheckLocale(*c.Locale))
	}
	if c.TimeZone != nil {
		f.Note(phone.CheckTimeZone(*c.TimeZone))
	}
	return f.Err()
}

// profile is what can change of a user.
type profile struct {
	Name, Locale, TimeZone string
	Role                   phone.Role
}

// to is what becomes of a profile.
func (c UserChange) to(p profile) profile {
	return profile{or(c.Name, p.Name), or(c.Locale, p.Locale), or(c.TimeZone, p.TimeZone), or(c.Role, p.Role)}
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// UpdateUser changes a user: owners themselves, administrators anybody, and the role too.
func (s *Switchboard) UpdateUser(ctx context.Context, id string, c UserChange) error {
	if c.Role != nil {
		if err := requireAdmin(ctx); err != nil {
			return err
		}
	}
	if err := c.Check(); err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *Tx) error {
		u, err := tx.User.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("load user %s: %w", id, err)
		}
		if err := tx.keepAnAdmin(ctx, u, c.Role); err != nil {
			return err
		}
		if c.Role != nil && *c.Role != u.Role {
			tx.announce(events.Event{Kind: events.Token, Owner: id, ID: id}) // the user may see more, or less, from now on
		}
		before := profile{u.Name, u.Locale, u.TimeZone, u.Role}
		changed := differences(before, c.to(before))
		if changed == "" {
			return nil
		}
		tx.audit(ctx, "updateUser", id, id, changed)
		up := tx.User.UpdateOneID(id).SetNillableName(c.Name).SetNillableLocale(c.Locale).SetNillableTimeZone(c.TimeZone).SetNillableRole(c.Role)
		return up.Exec(ctx)
	})
}

// keepAnAdmin refuses to make the last administrator an owner. The administrators are locked, so that two cannot step down at once.
func (tx *Tx) keepAnAdmin(ctx context.Context, u *ent.User, role *phone.Role) error {
	if role == nil || *role == phone.RoleAdmin || u.Role != phone.RoleAdmin {
		return nil
	}
	q := tx.User.Query().Where(user.RoleEQ(phone.RoleAdmin))
	tx.forUpdate(func() { q.ForUpdate() })
	admins, err := q.IDs(ctx)
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if len(admins) < 2 {
		return &phone.Error{Code: phone.Conflict, Message: "This is the last administrator.", Field: "role"}
	}
	return nil
}

// UserByEmail is the id of the user with this e-mail address, compared without case.
func (s *Switchboard) UserByEmail(ctx context.Context, email string) (string, error) {
	clean, err := phone.CleanEmail("email", email)
	if err != nil {
		return "", err
	}
	id, err := s.DB.Client().User.Query().Where(user.Email(clean)).OnlyID(ctx)
	if err != nil {
		return "", fmt.Errorf("find user %s: %w", clean, err)
	}
	return id, nil
}
