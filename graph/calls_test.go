package graph

import (
	"fmt"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// Whoever follows calls for hours remembers those of the last minute, and looks no further back when something may have been missed.
func TestAFollowerOfCallsForgets(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		system := viewer.System(t.Context())
		now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
		write := func(do func(tx *ent.Client) error) {
			t.Helper()
			tx, err := db.Begin(system)
			if err == nil {
				err = do(tx.Ent)
			}
			if err == nil {
				err = tx.Commit()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var user *ent.User
		var number *ent.MaskedNumber
		write(func(tx *ent.Client) (err error) {
			if user, err = tx.User.Create().SetEmail("ann@example.com").SetName("Ann").Save(system); err != nil {
				return err
			}
			number, err = tx.MaskedNumber.Create().SetOwner(user).SetPhoneNumber("+15550006789").SetForwardTo([]phone.Number{}).SetNotifyEmails([]string{}).Save(system)
			return err
		})
		call := func() (id string) {
			n := now.UnixNano()
			write(func(tx *ent.Client) error {
				c, err := tx.Call.Create().SetOwnerID(user.ID).SetNumberID(number.ID).SetCallSid(fmt.Sprintf("CA%032x", n)).SetFrom("anonymous").SetTo(number.PhoneNumber).
					SetStartedAt(now).SetChangedAt(now).SetTimeline([]phone.CallEvent{}).SetAnswers(map[string]phone.Stored{}).Save(system)
				if err == nil {
					id = c.ID
				}
				return err
			})
			return id
		}
		f := &callFollower{r: &Resolver{DB: db.Client(), Now: func() time.Time { return now }}, sent: map[string]time.Time{}}
		ctx := viewer.With(t.Context(), viewer.Viewer{ID: user.ID, Role: phone.RoleOwner})
		next := func(named events.Named, want ...string) {
			t.Helper()
			got, err := f.next(ctx, named)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, c := range got.items {
				ids = append(ids, c.ID)
			}
			if fmt.Sprint(ids) != fmt.Sprint(want) {
				t.Errorf("%s: got %v, want %v", now, ids, want)
			}
		}
		next(events.Named{})
		for range 20 {
			now = now.Add(10 * time.Minute)
			id := call()
			next(events.Named{IDs: map[string]struct{}{id: {}}}, id)
			if len(f.sent) > 2 {
				t.Fatalf("%d calls are remembered", len(f.sent))
			}
		}
		now = now.Add(time.Second)
		missed := call()
		now = now.Add(events.ClocksApart)
		next(events.Named{Anything: true}, missed)
		now = now.Add(time.Hour)
		next(events.Named{Anything: true})

		// A call that is named while it is read what changed since a time is read after that. Its change may lie behind what was read: clocks
		// differ, and a slow client may be behind for hours.
		since := now
		f = &callFollower{r: f.r, since: &since, sent: map[string]time.Time{}}
		if got, err := f.next(ctx, events.Named{}); err != nil || len(got.items) == 0 || !got.more {
			t.Fatalf("got %v, %v; want the running calls, and that there is more", got, err)
		}
		now = now.Add(-time.Hour)
		late := call()
		now = now.Add(time.Hour)
		next(events.Named{IDs: map[string]struct{}{late: {}}}) // nothing has changed since
		next(events.Named{}, late)
		if f.behind != nil || f.named.Any() {
			t.Errorf("there is more behind %v, and %v is named", f.behind, f.named)
		}
	})
}
