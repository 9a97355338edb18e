package switchboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

// change is a change of a voicemail that clients hear of, in the order of places.
type change struct {
	voicemail *ent.Voicemail
	kind      phone.ChangeKind
}

// appear gives a voicemail its place when the transaction ends.
func (tx *Tx) appear(v *ent.Voicemail) { tx.appeared = append(tx.appeared, v) }

// change records a change of a voicemail that has appeared; before that nobody knows of it.
func (tx *Tx) change(v *ent.Voicemail, kind phone.ChangeKind) {
	if c := (change{v, kind}); v.Place != nil && !slices.Contains(tx.changed, c) {
		tx.changed = append(tx.changed, c)
	}
}

const (
	placeCounter = "place"

	// Before anything has a place, the present one is 1: cursors pack a 0 as no value at all.
	firstPlace = 1

	// PresentPlace is [Switchboard.LastPlace] as an expression in a statement, which then reads it and its rows in one snapshot.
	PresentPlace = "COALESCE((SELECT last FROM counters WHERE id = '" + placeCounter + "'), 1)"

	nextPlaces = `INSERT INTO counters (id, last) VALUES ('` + placeCounter + `', 1 + $1)
		ON CONFLICT (id) DO UPDATE SET last = counters.last + $1 RETURNING last`
)

// takePlaces takes the places of all that appeared or changed. The counter's row stays locked until the commit that follows at once, so
// that places become visible in their order: a reader that has seen one has seen all before it.
func (s *Switchboard) takePlaces(ctx context.Context, tx *Tx) error {
	n := int64(len(tx.appeared) + len(tx.changed))
	if n == 0 {
		return nil
	}
	ctx = viewer.System(ctx)
	var last int64
	if err := tx.db.SQL.QueryRowContext(ctx, nextPlaces, n).Scan(&last); err != nil {
		return fmt.Errorf("take %d places: %w", n, err)
	}
	place := last - n
	for _, v := range tx.appeared {
		place++
		if err := s.place(ctx, tx, v, place); err != nil {
			return err
		}
	}
	return s.placeChanges(ctx, tx, place)
}

func (s *Switchboard) place(ctx context.Context, tx *Tx, v *ent.Voicemail, place int64) error {
	if err := tx.Voicemail.Update().Where(voicemail.ID(v.ID)).SetPlace(place).SetAppearedAt(s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("place voicemail %s: %w", v.ID, err)
	}
	tx.announce(events.Event{Kind: events.Voicemail, Owner: v.OwnerID, Number: v.NumberID, ID: v.ID, Place: place})
	return nil
}

// placeChanges gives the changes the places behind one, in one statement: everybody who needs a place waits for it.
func (s *Switchboard) placeChanges(ctx context.Context, tx *Tx, behind int64) error {
	if len(tx.changed) == 0 {
		return nil
	}
	rows := make([]*ent.ChangeCreate, len(tx.changed))
	for i, c := range tx.changed {
		v, place := c.voicemail, behind+int64(i)+1
		rows[i] = tx.Change.Create().SetOwnerID(v.OwnerID).SetPlace(place).SetKind(c.kind).
			SetVoicemailID(v.ID).SetNumberID(v.NumberID).SetAt(s.now())
		tx.announce(events.Event{Kind: events.Voicemail, Owner: v.OwnerID, Number: v.NumberID, ID: v.ID, Place: place})
	}
	if err := tx.Change.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("record changes of voicemails: %w", err)
	}
	return nil
}

// LastPlace is the present place: all that appeared or changed so far has it, or one before it.
func (s *Switchboard) LastPlace(ctx context.Context) (int64, error) {
	c, err := s.DB.Client().Counter.Get(viewer.System(ctx), placeCounter)
	if ent.IsNotFound(err) {
		return firstPlace, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the present place: %w", err)
	}
	return c.Last, nil
}

// tailAtMost is how many calls a tail names. If there are more, the next one goes on behind them.
const tailAtMost = 5000

// Tail is how far the database is, with the calls that have changed since a time; zero is a little while ago.
func (s *Switchboard) Tail(ctx context.Context, since time.Time) (t events.Tail, err error) {
	t.At = s.now()
	if since.IsZero() {
		since = t.At.Add(-events.ClocksApart)
	}
	if t.Place, err = s.LastPlace(ctx); err != nil {
		return t, err
	}
	changed, err := s.DB.Client().Call.Query().Where(call.ChangedAtGTE(since)).Order(ent.Asc(call.FieldChangedAt)).Limit(tailAtMost).
		Select(call.FieldOwnerID, call.FieldNumberID, call.FieldChangedAt).All(viewer.System(ctx))
	if err != nil {
		return t, fmt.Errorf("read the last changes of calls: %w", err)
	}
	for _, c := range changed {
		t.Calls = append(t.Calls, callEvent(c, c.ChangedAt))
	}
	if n := len(changed); n == tailAtMost && changed[n-1].ChangedAt.Add(events.ClocksApart).Before(t.At) {
		t.At = changed[n-1].ChangedAt.Add(events.ClocksApart)
	}
	return t, nil
}

func callEvent(c *ent.Call, changed time.Time) events.Event {
	return events.Event{Kind: events.Call, Owner: c.OwnerID, Number: c.NumberID, ID: c.ID, At: changed}
}
