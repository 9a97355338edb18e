package database_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/migrate"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// Types that are not owned: the system's own, and what everybody may read. Every other type must be owned.
var (
	internalTypes = map[string]bool{"Counter": true, "Setting": true, "RawWebhook": true, "AuditEntry": true, "MailRecipient": true, "SentMail": true}
	sharedTypes   = map[string]bool{"Plan": true}
)

// entity is the client of one type, such as client.User.
type entity struct {
	name string
	reflect.Value
}

// entities are all types of a client.
func entities(t testing.TB, c *ent.Client) (all []entity) {
	t.Helper()
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && f.MethodByName("Query").IsValid() {
			all = append(all, entity{v.Type().Field(i).Name, f})
		}
	}
	if len(all) != len(migrate.Tables) {
		t.Fatalf("found %d types and %d tables", len(all), len(migrate.Tables))
	}
	return all
}

// do calls one method after another, with the arguments that each takes, and returns what the last one returns.
func (e entity) do(ctx context.Context, id string, methods ...string) (any, error) {
	on := e.Value
	for i, name := range methods {
		m := on.MethodByName(name)
		var args []reflect.Value
		for j := range m.Type().NumIn() {
			switch in := m.Type().In(j); {
			case in.Kind() == reflect.Interface && in.Implements(reflect.TypeFor[context.Context]()):
				args = append(args, reflect.ValueOf(ctx))
			case in.Kind() == reflect.String:
				args = append(args, reflect.ValueOf(id))
			case name == "OnConflictColumns":
				args = append(args, reflect.ValueOf("id"))
			case name == "CreateBulk":
				args = append(args, e.MethodByName("Create").Call(nil)[0])
			}
		}
		out := m.Call(args)
		if i < len(methods)-1 {
			on = out[0]
			continue
		}
		err, _ := out[len(out)-1].Interface().(error)
		return out[0].Interface(), err
	}
	return nil, nil
}

var (
	reads = [][]string{
		{"Query", "All"}, {"Query", "IDs"}, {"Query", "First"}, {"Query", "FirstID"}, {"Query", "Only"},
		{"Query", "Count"}, {"Query", "Exist"}, {"Get"},
	}
	writes = [][]string{
		{"Create", "Save"}, {"Create", "Exec"}, {"CreateBulk", "Save"}, {"Create", "OnConflictColumns", "Exec"},
		{"Update", "Save"}, {"UpdateOneID", "Save"}, {"Delete", "Exec"}, {"DeleteOneID", "Exec"},
	}
)

// refused runs every access to every type and expects all to be refused.
func refused(ctx context.Context, t *testing.T, c *ent.Client, accesses [][]string, why string, only func(string) bool) {
	t.Helper()
	for _, e := range entities(t, c) {
		if !only(e.name) {
			continue
		}
		for _, methods := range accesses {
			if _, err := e.do(ctx, "x", methods...); err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s.%s: got %v, want an error with %q", e.name, strings.Join(methods, "."), err, why)
			}
		}
	}
}

func TestWithoutViewerNothingIsReadOrWritten(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		settle(viewer.System(t.Context()), t, db, 1)
		all := func(string) bool { return true }
		refused(t.Context(), t, db.Client(), reads, "no viewer", all)
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused(t.Context(), t, tx.Ent, append(reads, writes...), "no viewer", all)
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestInternalTypesRefuseUsers(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := settle(viewer.System(t.Context()), t, db, 1)
		for _, role := range []phone.Role{phone.RoleOwner, phone.RoleAdmin} {
			ctx := viewer.With(t.Context(), viewer.Viewer{ID: h.user.ID, Role: role})
			tx, err := db.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			refused(ctx, t, tx.Ent, append(reads, writes...), "somebody else", func(name string) bool { return internalTypes[name] })
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestEveryoneSeesTheirOwn(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		system := viewer.System(t.Context())
		ada, bob := settle(system, t, db, 1), settle(system, t, db, 2)
		asAda := viewer.With(t.Context(), viewer.Viewer{ID: ada.user.ID, Role: phone.RoleOwner})
		asAdmin := viewer.With(t.Context(), viewer.Viewer{ID: bob.user.ID, Role: phone.RoleAdmin})
		for _, e := range entities(t, db.Client()) {
			if got := owners(system, t, e); len(got) != 2 {
				t.Errorf("%s: the system sees %d, want 2", e.name, len(got))
			}
			if internalTypes[e.name] {
				continue
			}
			if got := owners(asAdmin, t, e); len(got) != 2 {
				t.Errorf("%s: an administrator sees %d, want 2", e.name, len(got))
			}
			if got := owners(asAda, t, e); !sharedTypes[e.name] && (len(got) != 1 || got[0] != ada.user.ID) {
				t.Errorf("%s: the owner %s sees what belongs to %v", e.name, ada.user.ID, got)
			}
		}
	})
}

// owners are the owners of what is seen.
func owners(ctx context.Context, t *testing.T, e entity) (ids []string) {
	t.Helper()
	all, err := e.do(ctx, "", "Query", "All")
	if err != nil {
		t.Fatalf("%s: %v", e.name, err)
	}
	list := reflect.ValueOf(all)
	for i := range list.Len() {
		row := list.Index(i).Elem()
		if owner := row.FieldByName("OwnerID"); owner.IsValid() {
			ids = append(ids, owner.String())
		} else {
			ids = append(ids, row.FieldByName("ID").String()) // a user owns themselves
		}
	}
	return ids
}

func TestNobodyWritesWhatIsAnothers(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		system := viewer.System(t.Context())
		ada, bob := settle(system, t, db, 1), settle(system, t, db, 2)
		asAda := viewer.With(t.Context(), viewer.Viewer{ID: ada.user.ID, Role: phone.RoleOwner})
		for _, e := range entities(t, db.Client()) {
			if internalTypes[e.name] || sharedTypes[e.name] {
				continue
			}
			id := idOf(system, t, e, bob.user.ID)
			err := inTx(asAda, db, func(tx *database.Tx) error {
				mine := entity{e.name, reflect.ValueOf(tx.Ent).Elem().FieldByName(e.name)}
				_, err := mine.do(asAda, id, "DeleteOneID", "Exec")
				return err
			})
			if !ent.IsNotFound(err) {
				t.Errorf("%s: deleting another's: got %v, want not found", e.name, err)
			}
		}
		err := inTx(asAda, db, func(tx *database.Tx) error {
			return tx.Ent.BlockedCaller.Create().SetOwnerID(bob.user.ID).SetCaller("+12025550198").Exec(asAda)
		})
		if err == nil || !strings.Contains(err.Error(), "somebody else") {
			t.Errorf("creating for another: got %v", err)
		}
		mustInTx(asAda, t, db, func(tx *database.Tx) error { return tx.Ent.User.UpdateOneID(ada.user.ID).SetName("Ada L.").Exec(asAda) })
	})
}

// idOf is the id of what belongs to owner.
func idOf(ctx context.Context, t *testing.T, e entity, owner string) string {
	t.Helper()
	all, err := e.do(ctx, "", "Query", "All")
	if err != nil {
		t.Fatal(err)
	}
	list := reflect.ValueOf(all)
	for i, o := range owners(ctx, t, e) {
		if o == owner {
			return list.Index(i).Elem().FieldByName("ID").String()
		}
	}
	t.Fatalf("%s: nothing belongs to %s", e.name, owner)
	return ""
}
