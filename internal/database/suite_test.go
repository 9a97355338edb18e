package database_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

func TestARollbackLeavesNothing(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		tx, err := db.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (household{}).build(ctx, tx.Ent, 1); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Errorf("a second rollback: %v", err)
		}
		for _, e := range entities(t, db.Client()) {
			if n, err := e.do(ctx, "", "Query", "Count"); err != nil || n != 0 {
				t.Errorf("%s: %v are left, %v", e.name, n, err)
			}
		}
	})
}

// To write an edge ent begins a transaction of its own: it must be this one.
func TestEdgesAreWrittenInTheTransaction(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		h := settle(ctx, t, db, 1)
		mustInTx(ctx, t, db, func(tx *database.Tx) error {
			loose, err := tx.Ent.Voicemail.Create().SetOwnerID(h.user.ID).SetNumber(h.number).SetRecordingSid("RE").
				SetFrom("anonymous").SetDurationSeconds(1).SetReceivedAt(noon).SetLearnedAt(noon).Save(ctx)
			if err != nil {
				return err
			}
			if err := tx.Ent.Call.UpdateOne(h.call).AddVoicemails(loose).Exec(ctx); err != nil {
				return err
			}
			n, err := h.call.QueryVoicemails().Count(ctx)
			if err == nil {
				t.Errorf("an entity of a finished transaction was read: %d", n)
			}
			return nil
		})
		call, err := db.Client().Call.Get(ctx, h.call.ID)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := call.QueryVoicemails().Count(ctx); n != 2 || err != nil {
			t.Errorf("the call has %d voicemails, want 2; %v", n, err)
		}
	})
}

func TestUniqueViolationsAreConstraintErrors(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		h := settle(ctx, t, db, 1)
		err := inTx(ctx, db, func(tx *database.Tx) error {
			return tx.Ent.User.Create().SetEmail(h.user.Email).SetName("Eve").Exec(ctx)
		})
		if !ent.IsConstraintError(err) || database.Retryable(err) || database.Away(err) {
			t.Errorf("the same e-mail again: got %v", err)
		}
		again := func(tx *database.Tx) error {
			return tx.Ent.MaskedNumber.Create().SetOwner(h.user).SetPhoneNumber(h.number.PhoneNumber).
				SetForwardTo(nil).SetNotifyEmails(nil).Exec(ctx)
		}
		if err := inTx(ctx, db, again); !ent.IsConstraintError(err) {
			t.Errorf("a number in use again: got %v", err)
		}
		mustInTx(ctx, t, db, func(tx *database.Tx) error {
			return tx.Ent.MaskedNumber.UpdateOne(h.number).SetState(phone.NumberReleased).Exec(ctx)
		})
		if err := inTx(ctx, db, again); err != nil {
			t.Errorf("a released number again: got %v", err)
		}
	})
}

func TestTimesComeBackInUTC(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		h := settle(ctx, t, db, 1)
		elsewhere := noon.Add(time.Microsecond).In(time.FixedZone("", 5*60*60+45*60))
		mustInTx(ctx, t, db, func(tx *database.Tx) error {
			return tx.Ent.Voicemail.UpdateOne(h.voicemail).SetHeardAt(elsewhere).Exec(ctx)
		})
		got, err := db.Client().Voicemail.Get(ctx, h.voicemail.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !got.ReceivedAt.Equal(noon) || got.ReceivedAt.Location() != time.UTC {
			t.Errorf("got %v, want %v", got.ReceivedAt, noon)
		}
		if !got.HeardAt.Equal(elsewhere) || got.HeardAt.Location() != time.UTC {
			t.Errorf("got %v, want %v in UTC", got.HeardAt, elsewhere)
		}
		created, err := db.Client().User.Get(ctx, h.user.ID)
		if err != nil || !created.CreatedAt.Equal(h.user.CreatedAt) {
			t.Errorf("created: got %v, want %v; %v", created.CreatedAt, h.user.CreatedAt, err)
		}
	})
}

func TestJSONComesBackAsItWas(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		h := settle(ctx, t, db, 1)
		call, err := db.Client().Call.Get(ctx, h.call.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(call.Timeline, h.call.Timeline) || !reflect.DeepEqual(call.Answers, h.call.Answers) {
			t.Errorf("got %v and %v, want %v and %v", call.Timeline, call.Answers, h.call.Timeline, h.call.Answers)
		}
		number, err := db.Client().MaskedNumber.Get(ctx, h.number.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(number.ForwardTo, h.number.ForwardTo) || !reflect.DeepEqual(number.NotifyEmails, h.number.NotifyEmails) {
			t.Errorf("got %v and %v", number.ForwardTo, number.NotifyEmails)
		}
	})
}

// Many callers want the last two voicemails of a plan: two get them.
func TestAConditionalUpdateIsFair(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		mustInTx(ctx, t, db, func(tx *database.Tx) error { return tx.Ent.Counter.Create().SetID("used").Exec(ctx) })
		var got sync.Map
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				err := inTx(ctx, db, func(tx *database.Tx) error {
					res, err := tx.SQL.ExecContext(ctx, `UPDATE counters SET last = last + 1 WHERE id = $1 AND last < $2`, "used", 2)
					if err != nil {
						return err
					}
					n, err := res.RowsAffected()
					if n == 1 {
						got.Store(i, true)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n := 0
		got.Range(func(any, any) bool { n++; return true })
		if n != 2 {
			t.Errorf("%d got one, want 2", n)
		}
	})
}

func TestReadersSeeWhatIsCommitted(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		count := func() int {
			t.Helper()
			n, err := db.Client().Counter.Query().Count(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		mustInTx(ctx, t, db, func(tx *database.Tx) error {
			if err := tx.Ent.Counter.Create().SetID("place").Exec(ctx); err != nil {
				return err
			}
			if n := count(); n != 0 {
				t.Errorf("a reader saw %d rows before the commit", n)
			}
			return nil
		})
		if n := count(); n != 1 {
			t.Errorf("a reader saw %d rows after the commit", n)
		}
	})
}

func TestTheClientOnlyReads(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		refused(ctx, t, db.Client(), writes, "only reads", func(string) bool { return true })
		if err := db.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestATransactionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		system := viewer.System(t.Context())
		ctx, cancel := context.WithCancel(system)
		tx, err := db.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Ent.Counter.Create().SetID("place").Exec(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := tx.Commit(); err == nil || errors.Is(err, database.ErrInDoubt) || database.Away(err) {
			t.Errorf("commit after the context has ended: got %v", err)
		}
		if n, err := db.Client().Counter.Query().Count(system); n != 0 || err != nil {
			t.Errorf("%d rows were committed, %v", n, err)
		}
		mustInTx(system, t, db, func(*database.Tx) error { return nil })
	})
}
