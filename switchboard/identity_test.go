package switchboard_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

func TestWhoStillIsSignedIn(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		d := newDesk(t, db)
		user := func(name string, role phone.Role) string {
			id, err := d.CreateUser(d.ctx, switchboard.NewUser{Email: name + "@example.com", Name: name, Role: role})
			d.check(err)
			return id
		}
		token := func(of string) string {
			id, _, err := d.CreateToken(d.ctx, of, "test", nil)
			d.check(err)
			return id
		}
		ann, ada := user("ann", phone.RoleOwner), user("ada", phone.RoleAdmin)
		kept, revoked, adas := token(ann), token(ann), token(ada)
		d.check(d.RevokeToken(d.ctx, revoked))
		as := func(id string, role phone.Role, token string) viewer.Viewer {
			return viewer.Viewer{ID: id, Role: role, Token: token}
		}
		want := map[viewer.Viewer]bool{
			as(ann, phone.RoleOwner, kept):    true,
			as(ann, phone.RoleOwner, revoked): false,
			as(ann, phone.RoleOwner, ""):      true, // by another's token
			as(ann, phone.RoleAdmin, kept):    false,
			as(ann, phone.RoleAdmin, ""):      false,
			as(ada, phone.RoleAdmin, adas):    true,
			as(ada, phone.RoleOwner, adas):    false,
			as(ann, phone.RoleOwner, adas):    false,
			as(ann, phone.RoleOwner, "tok_0"): false,
			as("usr_0", phone.RoleOwner, ""):  false,
		}
		for i := range 1200 { // more than are looked at in one statement, the others among them
			want[as(fmt.Sprintf("usr_x%d", i), phone.RoleOwner, fmt.Sprintf("tok_x%d", i))] = false
		}
		var all []viewer.Viewer
		for v := range maps.Keys(want) { // in any order
			all = append(all, v)
		}
		got, err := d.StillValid(d.ctx, all)
		d.check(err)
		for v, valid := range want {
			if answer, looked := got[v]; !looked || answer != valid {
				t.Errorf("%+v: got %v %v, want %v", v, answer, looked, valid)
			}
		}
		if got, err := d.StillValid(d.ctx, nil); err != nil || len(got) != 0 {
			t.Errorf("nobody: got %v, %v", got, err)
		}
	}, jobs.Migrate)
}
