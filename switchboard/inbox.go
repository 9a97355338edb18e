package switchboard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/ent/rawwebhook"
	"github.com/maskline/maskline/phone"
)

// What Twilio told is kept under the call's sid and one of these. Decisions have the names of their answers.
const (
	ended       = "ended/"       // + the call's status
	reported    = "reported/"    // + the recording's sid and status
	transcribed = "transcribed/" // likewise
	unreadable  = "unreadable/"  // without a call: + what it hashes to
)

func reportedKey(r phone.Reported) string { return reported + r.RecordingSID + "/" + r.Status }

func transcribedKey(t Transcript) string {
	if t.Completed {
		return transcribed + t.RecordingSID + "/completed"
	}
	return transcribed + t.RecordingSID + "/failed"
}

// key is what an entry is kept under; empty when there is nothing in it.
func (e entry) key() string {
	switch {
	case e.Decided != nil:
		return e.Decided.Key
	case e.Ended != nil:
		return ended + e.Ended.Status
	case e.Reported != nil:
		return reportedKey(*e.Reported)
	case e.Transcript != nil:
		return transcribedKey(*e.Transcript)
	}
	return ""
}

// told writes down what Twilio told us, in the transaction of its effect; what it tells again is there already. What no webhook told is not
// written: the reconciler asked for it.
func (s *Switchboard) told(ctx context.Context, tx *Tx, in phone.Incoming, key string) error {
	if in.Form == "" {
		return nil
	}
	_, err := s.keepRaw(ctx, tx.raw(in, key).SetToldAt(s.toldAt(in)))
	return err
}

func (s *Switchboard) toldAt(in phone.Incoming) time.Time {
	if in.At.IsZero() {
		return s.now()
	}
	return in.At
}

const (
	longestKey    = 160
	longestNumber = 64
	longestWhy    = 1000
)

func (tx *Tx) raw(in phone.Incoming, key string) *ent.RawWebhookCreate {
	return tx.RawWebhook.Create().SetID(short(strings.TrimPrefix(in.CallSID+"/"+key, "/"), longestKey)).SetNumber(short(string(in.To), longestNumber)).SetForm(in.Form)
}

// keepRaw writes a row unless it is there, and tells whether it is new.
func (s *Switchboard) keepRaw(ctx context.Context, row *ent.RawWebhookCreate) (isNew bool, err error) {
	err = row.OnConflictColumns(rawwebhook.FieldID).DoNothing().Exec(ctx)
	if isDone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write down what Twilio told: %w", err)
	}
	return true, nil
}

// short is a text from outside as a column of that many bytes can hold it.
func short(text string, most int) string {
	text = CleanTranscript(text)
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// orAside sets news aside whose number is not ours: it may become ours.
func (s *Switchboard) orAside(ctx context.Context, e entry, err error) error {
	if !errors.Is(err, errUnknownNumber) || e.In.Form == "" || e.In.Aside {
		return err
	}
	return s.setAside(ctx, e, err)
}

// setAside keeps what cannot be taken now, for [Switchboard.takeUp].
func (s *Switchboard) setAside(ctx context.Context, e entry, why error) error {
	e.At = s.toldAt(e.In)
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	return s.keepAside(ctx, e.In, e.key(), string(text), why)
}

// setUnreadable keeps a line of the journal that says nothing to us, for people.
func (s *Switchboard) setUnreadable(ctx context.Context, line []byte, why error) error {
	sum := sha256.Sum256(line)
	return s.keepAside(ctx, phone.Incoming{}, unreadable+hex.EncodeToString(sum[:]), CleanTranscript(string(line)), why)
}

func (s *Switchboard) keepAside(ctx context.Context, in phone.Incoming, key, entry string, why error) error {
	isNew := false
	err := s.inTx(ctx, func(tx *Tx) (err error) {
		isNew, err = s.keepRaw(ctx, tx.raw(in, key).SetToldAt(s.toldAt(in)).SetEntry(entry).SetWhy(short(why.Error(), longestWhy)))
		return err
	})
	if err == nil && isNew {
		s.Metrics.setAside()
		s.Log.WarnContext(ctx, "what Twilio told is set aside", "call", in.CallSID, "number", in.To, "error", why)
	}
	return err
}

// takeUp puts what was set aside through the code that would have taken it, now that its number is ours, and tells how much was taken.
func (s *Switchboard) takeUp(ctx context.Context) (taken int, errs error) {
	for after := ""; ; {
		rows, err := s.DB.Client().RawWebhook.Query().Where(rawwebhook.WhyNotNil(), rawwebhook.IDGT(after), ofOurNumbers).
			Order(ent.Asc(rawwebhook.FieldID)).Limit(atOnce).All(ctx)
		if err != nil {
			return taken, errors.Join(errs, fmt.Errorf("look for what is set aside: %w", err))
		}
		for _, row := range rows {
			if err := s.takeUpOne(ctx, row); err != nil {
				errs = errors.Join(errs, fmt.Errorf("take up %s: %w", row.ID, err))
				continue
			}
			taken++
		}
		if len(rows) < atOnce {
			return taken, errs
		}
		after = rows[len(rows)-1].ID
	}
}

func ofOurNumbers(s *sql.Selector) {
	n := sql.Table(maskednumber.Table)
	s.Where(sql.Exists(sql.Select(n.C(maskednumber.FieldID)).From(n).Where(sql.ColumnsEQ(n.C(maskednumber.FieldPhoneNumber), s.C(rawwebhook.FieldNumber)))))
}

// takeUpOne may be cut off between its two transactions: then the effect is there, and comes to nothing the next time.
func (s *Switchboard) takeUpOne(ctx context.Context, row *ent.RawWebhook) error {
	var e entry
	if err := json.Unmarshal([]byte(*row.Entry), &e); err != nil {
		return err
	}
	e.In.At, e.In.Aside = e.At, true
	if err := s.replayEntry(ctx, e); err != nil {
		return err
	}
	s.Metrics.repaired(repairAside)
	s.Log.InfoContext(ctx, "took up what was set aside", "call", e.In.CallSID, "number", e.In.To)
	return s.inTx(ctx, func(tx *Tx) error { return tx.RawWebhook.UpdateOneID(row.ID).ClearWhy().ClearEntry().Exec(ctx) })
}

// forgetRaw lets go of what was told before a moment. What was set aside, and nobody has taken by then, is given up.
func (s *Switchboard) forgetRaw(ctx context.Context, before time.Time) error {
	forget := func(which predicate.RawWebhook) (int, error) {
		return s.untilFew(ctx, forgottenAtOnce, func(tx *Tx) (int, error) { return tx.forgetSomeRaw(ctx, before, which) })
	}
	lost, err := forget(rawwebhook.WhyNotNil())
	if lost > 0 {
		s.Metrics.givenUpMany("webhook", lost)
		s.Log.WarnContext(ctx, "let go of what was set aside and nobody has taken", "number", lost)
	}
	if err != nil {
		return err
	}
	_, err = forget(rawwebhook.WhyIsNil())
	return err
}

func (tx *Tx) forgetSomeRaw(ctx context.Context, before time.Time, which predicate.RawWebhook) (int, error) {
	ids, err := tx.RawWebhook.Query().Where(rawwebhook.ToldAtLT(before), which).Order(ent.Asc(rawwebhook.FieldToldAt)).Limit(forgottenAtOnce).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := tx.RawWebhook.Delete().Where(rawwebhook.IDIn(ids...)).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget raw webhooks: %w", err)
	}
	return len(ids), nil
}
