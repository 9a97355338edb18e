package graph

import (
	"context"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/numbersubscription"
	"github.com/maskline/maskline/ent/plan"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/graph/scalar"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// tables are those that node(id:) looks into, by the prefix of the id.
var tables = map[string]string{
	"usr": user.Table, "tok": token.Table, "num": maskednumber.Table, "plan": plan.Table, "sub": numbersubscription.Table,
	"call": call.Table, "vm": voicemail.Table, "dlv": delivery.Table,
}

// The order in which voicemails appeared, newest first. Its cursors are places, and a subscription can go on from any of them.
var (
	inPlace = &ent.VoicemailOrder{Direction: newestFirst, Field: ent.VoicemailOrderFieldPlace}
	placed  = list{prefix: "vm_", by: "place", unique: true, direction: newestFirst, value: isPlace, zero: int64(0)}
)

// presentColumn is the present place beside the rows of a page.
const presentColumn = "present_place"

// presentPlace has each page read the present place too, when the followCursor is selected. The place and the rows are of one statement, so
// that a change is either shown by the rows or lies past the place.
func presentPlace(ctx context.Context) []func(*sql.Selector) {
	if !isSelected(ctx, "followCursor") {
		return nil
	}
	return []func(*sql.Selector){func(s *sql.Selector) { s.AppendSelectExprAs(sql.Raw(switchboard.PresentPlace), presentColumn) }}
}

// followed adds the present place to pages of voicemails: as their followCursor, and as the startCursor of empty ones in the order of
// appearance. Of an empty page no row tells it. It is read by itself then, and after it the lists once more: what appeared in between is in
// one of the two.
func (r *Resolver) followed(read reading[*connection[ent.VoicemailEdge]], inOrderOfAppearance bool) reading[*scalar.VoicemailConnection] {
	return func(ctx context.Context, ids []string) (map[string]*scalar.VoicemailConnection, error) {
		conns, err := read(ctx, ids)
		if err != nil {
			return nil, err
		}
		present := int64(0)
		if wanted := isSelected(ctx, "followCursor") || inOrderOfAppearance && isSelected(ctx, "pageInfo"); wanted && anyEmpty(conns) {
			if present, err = r.Desk.LastPlace(ctx); err != nil {
				return nil, err
			}
			if conns, err = read(ctx, ids); err != nil {
				return nil, err
			}
		}
		all := map[string]*scalar.VoicemailConnection{}
		for id, c := range conns {
			place := cursorAt(placeBeside(c.Edges, present))
			if len(c.Edges) == 0 && inOrderOfAppearance {
				c.PageInfo.StartCursor = place
			}
			all[id] = &scalar.VoicemailConnection{VoicemailConnection: (*ent.VoicemailConnection)(c), FollowCursor: *place}
		}
		return all, nil
	}
}

func anyEmpty[E any](conns map[string]*connection[E]) bool {
	for _, c := range conns {
		if len(c.Edges) == 0 {
			return true
		}
	}
	return false
}

// placeBeside is the place that was read with the rows of a page, or another if there are none.
func placeBeside(edges []*ent.VoicemailEdge, other int64) int64 {
	if len(edges) == 0 {
		return other
	}
	v, _ := edges[0].Node.Value(presentColumn)
	place, _ := v.(int64)
	return place
}

// cursorAt is a place as a cursor; it belongs to no voicemail.
func cursorAt(place int64) *ent.Cursor { return &ent.Cursor{ID: "vm_", Value: place} }

// markVoicemails marks all of them or none, and shows what became of them.
func (r *Resolver) markVoicemails(ctx context.Context, ids []string, heard bool) ([]*ent.Voicemail, error) {
	wanted := once(ids)
	if err := r.Desk.Mark(ctx, wanted, heard); err != nil {
		return nil, err
	}
	return r.inOrder(ctx, wanted)
}

// deleteVoicemails puts all of them into the bin or none, and returns their ids.
func (r *Resolver) deleteVoicemails(ctx context.Context, ids []string) ([]string, error) {
	wanted := once(ids)
	if err := r.Desk.Delete(ctx, wanted); err != nil {
		return nil, err
	}
	return wanted, nil
}

// restoreVoicemails takes all of them out of the bin or none, and shows them.
func (r *Resolver) restoreVoicemails(ctx context.Context, ids []string) ([]*ent.Voicemail, error) {
	wanted := once(ids)
	if err := r.Desk.Restore(ctx, wanted); err != nil {
		return nil, err
	}
	return r.inOrder(ctx, wanted)
}

// once are the ids as they came, each one time.
func once(ids []string) []string {
	unique := []string{}
	for _, id := range ids {
		if id = anID(id); !slices.Contains(unique, id) {
			unique = append(unique, id)
		}
	}
	return unique
}

// inOrder are the voicemails of these ids, in that order, with what is selected of them.
func (r *Resolver) inOrder(ctx context.Context, ids []string) ([]*ent.Voicemail, error) {
	q, err := r.DB.Voicemail.Query().Where(voicemail.IDIn(ids...)).CollectFields(collecting(ctx))
	if err != nil {
		return nil, err
	}
	found, err := q.All(ctx)
	together(ctx, found)
	slices.SortFunc(found, func(a, b *ent.Voicemail) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return found, err
}

// A link to audio works for an hour at least. It stays the same for a quarter of an hour, so that browsers find the audio in their caches.
const (
	audioLinkLasts = time.Hour
	audioLinkStays = 15 * time.Minute
)

func (r *Resolver) audioURL(v *ent.Voicemail) *string {
	if v.Audio != phone.AudioStored || v.DeletedAt != nil {
		return nil
	}
	link := r.Links.To(links.Audio, v.ID, r.Now().Truncate(audioLinkStays).Add(audioLinkStays+audioLinkLasts))
	return &link
}

// period is the running period of a subscription, and what is used in it.
type period struct {
	from, to          time.Time
	calls, voicemails int
}

func (r *Resolver) period(ctx context.Context, sub *ent.NumberSubscription) (period, error) {
	p, err := sub.Plan(ctx)
	if err != nil {
		return period{}, err
	}
	var now period
	now.from, now.to = p.Period.Running(sub.StartedAt, r.Now())
	now.calls, now.voicemails = switchboard.Use(sub, p.Period, r.Now())
	return now, nil
}
