package switchboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	changes "github.com/maskline/maskline/ent/change"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/phone"
)

// keepHouse lets go of what was kept long enough. What fails is left for the next time, and holds up nothing else.
func (s *Switchboard) keepHouse(ctx context.Context, _ string) error {
	binned := s.daysAgo(s.Settings.BinDays)
	old := func(tx *Tx) *ent.VoicemailQuery { return tx.Voicemail.Query().Where(voicemail.DeletedAtLT(binned)) }
	_, err := s.emptyOut(ctx, old)
	return errors.Join(s.retireAll(ctx), err, s.forgetDeletions(ctx, binned), s.forgetRaw(ctx, s.daysAgo(s.Settings.RawDays)),
		s.forgetAudit(ctx, s.daysAgo(s.Settings.AuditDays)), s.forgetCalls(ctx, s.daysAgo(s.Settings.CallDays)), s.forgetMails(ctx), s.giveUpOverdue(ctx), s.scrub(ctx))
}

// Rewriting a SQLite file keeps others from writing: that of the one size takes as long as a few writes, that of the other about a second.
const (
	rewriteAtOnce = 2 << 20
	rewriteDaily  = 64 << 20
	rewriteEvery  = 24 * time.Hour
)

// scrub sees to it that the database's files hold nothing of what was deleted.
func (s *Switchboard) scrub(ctx context.Context) error {
	now := s.now()
	if !s.deleted.Load() || now.Sub(s.rewrote) < rewriteEvery {
		return s.DB.Scrub(ctx, 0)
	}
	s.deleted.Store(false)
	if err := s.DB.Scrub(ctx, rewriteDaily); err != nil {
		s.deleted.Store(true)
		return err
	}
	s.rewrote = now
	return nil
}

// Others may have to wait for what housekeeping changes in one transaction.
const (
	atOnce          = 100 // rows that clients change too
	forgottenAtOnce = 500 // that nobody else touches
)

// untilFew runs one transaction after another, each of which finds at most so many rows, until one finds fewer. It tells how many it were.
func (s *Switchboard) untilFew(ctx context.Context, most int, do func(*Tx) (found int, err error)) (total int, err error) {
	for {
		n := 0
		err := s.inTx(ctx, func(tx *Tx) (err error) {
			n, err = do(tx)
			return err
		})
		if err != nil {
			return total, err
		}
		if n > 0 {
			s.deleted.Store(true)
		}
		if total += n; n < most {
			return total, nil
		}
	}
}

func (s *Switchboard) daysAgo(days int) time.Time { return s.now().AddDate(0, 0, -days) }

// retireAll puts voicemails into the bin that are older than their number keeps them.
func (s *Switchboard) retireAll(ctx context.Context) error {
	numbers, err := s.DB.Client().MaskedNumber.Query().Where(maskednumber.KeepVoicemailsDaysNotNil()).All(ctx)
	if err != nil {
		return fmt.Errorf("look for numbers that keep voicemails for a time: %w", err)
	}
	for _, n := range numbers {
		if err := s.retire(ctx, n.ID, s.daysAgo(*n.KeepVoicemailsDays)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Switchboard) retire(ctx context.Context, numberID string, before time.Time) error {
	_, err := s.untilFew(ctx, atOnce, func(tx *Tx) (int, error) { return s.retireSome(ctx, tx, numberID, before) })
	return err
}

func (s *Switchboard) retireSome(ctx context.Context, tx *Tx, numberID string, before time.Time) (int, error) {
	q := tx.Voicemail.Query().Where(voicemail.NumberID(numberID), voicemail.ReceivedAtLT(before), voicemail.AppearedAtLT(before),
		voicemail.DeletedAtIsNil(), voicemail.PlaceNotNil(),
		voicemail.Or(voicemail.RestoredAtIsNil(), voicemail.RestoredAtLT(before))).Order(ent.Asc(voicemail.FieldReceivedAt, voicemail.FieldID)).Limit(atOnce)
	tx.forUpdate(func() { q.ForUpdate() })
	found, err := q.All(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for old voicemails of number %s: %w", numberID, err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	return len(found), s.delete(ctx, tx, found)
}

// forgetCalls lets go of calls that are settled, with their callers' numbers and the mails that told of them. Their voicemails stay, without a call.
func (s *Switchboard) forgetCalls(ctx context.Context, before time.Time) error {
	_, err := s.untilFew(ctx, atOnce, func(tx *Tx) (int, error) { return s.forgetSomeCalls(ctx, tx, before) })
	return err
}

// ofEverybody is always true. It has the index of all calls used, which is not that of an owner's.
func ofEverybody(s *sql.Selector) { s.Where(sql.ExprP(viewer.OfEverybody)) }

func (s *Switchboard) forgetSomeCalls(ctx context.Context, tx *Tx, before time.Time) (int, error) {
	settled := call.And(call.EndedAtNotNil(), call.OutcomeNEQ(phone.OutcomeRinging), call.ReservedInIsNil())
	ids, err := tx.Call.Query().Where(ofEverybody, call.StartedAtLT(before), settled).Order(ent.Asc(call.FieldStartedAt, call.FieldID)).Limit(atOnce).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	ofThem := delivery.CallIDIn(ids...)
	if err := s.discardMails(ctx, ofThem); err != nil {
		return 0, err
	}
	if _, err := tx.Delivery.Delete().Where(ofThem).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget the mails of calls: %w", err)
	}
	if _, err := tx.Call.Delete().Where(call.IDIn(ids...)).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget calls: %w", err)
	}
	return len(ids), nil
}

// forgetDeletions lets go of deletions that nobody can follow any more, and of the changes before them. A voicemail that exists keeps its
// changes, however old.
func (s *Switchboard) forgetDeletions(ctx context.Context, before time.Time) error {
	_, err := s.untilFew(ctx, atOnce, func(tx *Tx) (int, error) { return tx.forgetSome(ctx, before) })
	return err
}

func (tx *Tx) forgetSome(ctx context.Context, before time.Time) (int, error) {
	q := tx.Change.Query().Where(changes.KindEQ(phone.ChangeDeleted), changes.AtLT(before)).Order(ent.Asc(changes.FieldPlace)).Limit(atOnce)
	found, err := q.All(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for old deletions: %w", err)
	}
	var theirs []predicate.Change
	last := map[string]int64{} // by who could have heard of it; places come in their order
	for _, c := range found {
		theirs = append(theirs, changes.And(changes.VoicemailID(c.VoicemailID), changes.PlaceLTE(c.Place)))
		last[c.OwnerID], last[everybody] = c.Place, c.Place
	}
	if len(found) == 0 {
		return 0, nil
	}
	if _, err := tx.Change.Delete().Where(changes.Or(theirs...)).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget deletions: %w", err)
	}
	for who, place := range last {
		if _, err := tx.db.SQL.ExecContext(ctx, raiseCounter, forgotten+who, place); err != nil {
			return 0, fmt.Errorf("write down what was forgotten: %w", err)
		}
	}
	return len(found), nil
}

const (
	forgotten = "forgotten/" // + the owner, or
	everybody = "all"

	raiseCounter = `INSERT INTO counters (id, last) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET last = excluded.last WHERE counters.last < excluded.last`
)

// ForgottenTo is the last place whose deletion the viewer can hear of no more: who has followed less far has missed something.
func (s *Switchboard) ForgottenTo(ctx context.Context) (int64, error) {
	v, _ := viewer.From(ctx)
	who := v.ID
	if v.SeesAll() {
		who = everybody
	}
	c, err := s.DB.Client().Counter.Get(viewer.System(ctx), forgotten+who)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read what was forgotten: %w", err)
	}
	return c.Last, nil
}
