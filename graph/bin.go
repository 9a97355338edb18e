package graph

import (
	"context"
	"strings"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/graph/scalar"
)

// inBin begins the ids in the cursors of the bin: the values of its order are times, as those of other lists of voicemails.
const inBin = "bin_"

// deletedVoicemails are what is in the viewer's bin, last deleted first.
func (r *Resolver) deletedVoicemails(ctx context.Context, p page) (*scalar.VoicemailConnection, error) {
	l := list{prefix: inBin, by: voicemail.FieldDeletedAt, direction: newestFirst, value: isTime, also: presentPlace(ctx)}
	v, _ := viewer.From(ctx)
	q := r.DB.Voicemail.Query().Where(voicemail.OwnerID(v.ID), voicemail.DeletedAtNotNil())
	read, err := pages(q, l, p, unfiltered, numberOfVoicemail, binEdge)
	if err != nil {
		return nil, err
	}
	return r.followed(read, false).at(viewer.IntoBin(ctx), root)
}

func unfiltered(q *ent.VoicemailQuery) (*ent.VoicemailQuery, error) { return q, nil }

func binEdge(v *ent.Voicemail) (*ent.VoicemailEdge, *ent.Cursor) {
	e := &ent.VoicemailEdge{Node: v, Cursor: ent.Cursor{ID: inBin + v.ID, Value: *v.DeletedAt}}
	return e, &e.Cursor
}

// rowOf is the id of the row that a cursor is of.
func rowOf(c *ent.Cursor) string { return strings.TrimPrefix(c.ID, inBin) }
