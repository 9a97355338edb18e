package graph

import (
	"context"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/change"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/graph/generated"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
)

// voicemailChanged pushes each change past a place, in the order of places, with the voicemail as it is now.
func (r *Resolver) voicemailChanged(ctx context.Context, numberID *string, after *ent.Cursor) (<-chan *generated.VoicemailChange, error) {
	sub, place, err := r.listen(ctx, numberID, after)
	if err != nil {
		return nil, err
	}
	if err := r.notForgotten(ctx, after, place); err != nil {
		sub.Close()
		return nil, err
	}
	return follow(ctx, r, sub, func(ctx context.Context, _ events.Named) (some[*generated.VoicemailChange], error) {
		read, err := r.changed.read(ctx, viewOf(ctx, numberID, place), func(ctx context.Context) (changes, error) {
			return r.changesPast(ctx, place, numberID)
		})
		if err == nil {
			place = read.to
		}
		return read.shown, err
	}), nil
}

// changes are what is shown of the changes up to a place.
type changes struct {
	shown some[*generated.VoicemailChange]
	to    int64
}

// notForgotten refuses a cursor behind which a deletion was that the viewer can hear of no more.
func (r *Resolver) notForgotten(ctx context.Context, after *ent.Cursor, place int64) error {
	if after == nil {
		return nil
	}
	to, err := r.Desk.ForgottenTo(ctx)
	if err == nil && place < to {
		return phone.Bad("after", "after is older than the deletions that are still known. List again, and follow from the followCursor of that list.")
	}
	return err
}

func (r *Resolver) changesPast(ctx context.Context, place int64, numberID *string) (changes, error) {
	q := r.DB.Change.Query().Where(change.PlaceGT(place)).Order(ent.Asc(change.FieldPlace)).Limit(readAhead)
	if numberID != nil {
		q.Where(change.NumberID(*numberID))
	}
	rows, err := q.All(ctx)
	if err != nil || len(rows) == 0 {
		return changes{to: place}, err
	}
	shown, err := r.showChanges(ctx, rows)
	if err != nil {
		return changes{}, err
	}
	return changes{some[*generated.VoicemailChange]{shown, len(rows) == readAhead}, rows[len(rows)-1].Place}, nil
}

// showChanges leaves out updates and restorations of what was deleted since: the deletion follows.
func (r *Resolver) showChanges(ctx context.Context, rows []*ent.Change) ([]*generated.VoicemailChange, error) {
	ids := make([]string, len(rows))
	for i, c := range rows {
		ids[i] = c.VoicemailID
	}
	found, err := r.byID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var shown []*generated.VoicemailChange
	for _, c := range rows {
		pushed := &generated.VoicemailChange{Cursor: *cursorAt(c.Place), Kind: c.Kind, VoicemailID: c.VoicemailID}
		if c.Kind != phone.ChangeDeleted {
			v := found[c.VoicemailID]
			if v == nil {
				continue
			}
			pushed.Voicemail, pushed.Edge = v, v.ToEdge(inPlace)
		}
		shown = append(shown, pushed)
	}
	return shown, nil
}

// byID are those of the voicemails that the viewer can see.
func (r *Resolver) byID(ctx context.Context, ids []string) (map[string]*ent.Voicemail, error) {
	found, err := r.DB.Voicemail.Query().Where(voicemail.IDIn(ids...)).All(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]*ent.Voicemail{}
	for _, v := range found {
		byID[v.ID] = v
	}
	return byID, nil
}
