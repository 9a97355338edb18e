package switchboard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
)

// trail is what was read and heard and is not written yet. It keeps nobody waiting: who reads leaves a word here, and it is written soon.
// The subject of its deeds is all ids with spaces between them; whose things they are is looked up when they are written.
type trail struct {
	mu    sync.Mutex
	since map[deed]time.Time // the same again is the same entry
	ids   int                // in all of them
	lost  int                // found no room
}

const (
	writeTrailEvery = time.Second
	longestTrail    = 100_000 // ids
	trailAtOnce     = 500
	longestSights   = 1000
)

// Heard notes that the viewer was given the audio of a voicemail. A viewer without an id has a link.
func (s *Switchboard) Heard(ctx context.Context, id string) { s.leave(ctx, heard, id) }

// Read notes that the viewer was shown these users, numbers, calls and voicemails. Nothing becomes of those that are their own.
func (s *Switchboard) Read(ctx context.Context, ids ...string) { s.leave(ctx, read, ids...) }

const (
	heard = "heard"
	read  = "read"
)

func (s *Switchboard) leave(ctx context.Context, action string, ids ...string) {
	if len(ids) == 0 {
		return
	}
	who, _ := viewer.From(ctx)
	d := deed{actor: who.ID, token: who.Token, action: action, subject: strings.Join(ids, " ")}
	if who.ID == "" {
		d.detail = "by link"
	}
	s.trail.add(d, s.now())
}

func (t *trail) add(d deed, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since == nil {
		t.since, t.ids = map[deed]time.Time{}, 0
	}
	_, again := t.since[d]
	n := 1 + strings.Count(d.subject, " ")
	switch {
	case again:
	case t.ids+n > longestTrail:
		t.lost++
	default:
		t.since[d], t.ids = at, t.ids+n
	}
}

// taken are the deeds that are to be written, and how many found no room.
func (t *trail) taken() (since map[deed]time.Time, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	since, lost = t.since, t.lost
	t.since, t.lost = nil, 0
	return since, lost
}

// WriteTrail writes down each second what was read and heard, until ctx ends, and then what is left.
func (s *Switchboard) WriteTrail(ctx context.Context) error {
	every := time.NewTicker(writeTrailEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.FlushTrail(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTrailEvery)
			defer cancel()
			s.FlushTrail(last)
			return nil
		}
	}
}

// FlushTrail writes down what was read and heard so far. What cannot be written is left for the next time, as far as there is room.
func (s *Switchboard) FlushTrail(ctx context.Context) {
	ctx = viewer.System(ctx)
	since, lost := s.trail.taken()
	for some := range slices.Chunk(slices.Collect(maps.Keys(since)), trailAtOnce) {
		if err := s.writeTrail(ctx, some, since); err != nil {
			s.Log.WarnContext(ctx, "what was read and heard is not written yet", "error", err)
			break
		}
		for _, d := range some {
			delete(since, d)
		}
	}
	for d, at := range since {
		s.trail.add(d, at)
	}
	if lost > 0 {
		s.Metrics.givenUpMany("audit", lost)
		s.Log.ErrorContext(ctx, "the audit lacks what was read and heard: there was no room to keep it while it could not be written", "number", lost)
	}
}

// writeTrail writes an entry for each deed and owner.
func (s *Switchboard) writeTrail(ctx context.Context, some []deed, since map[deed]time.Time) error {
	owners, err := s.ownersOf(ctx, some)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *Tx) error {
		var rows []*ent.AuditEntryCreate
		for _, d := range some {
			for _, of := range d.byOwner(owners) {
				rows = append(rows, of.create(tx.Client, since[d]))
			}
		}
		for part := range slices.Chunk(rows, trailAtOnce) {
			if err := tx.AuditEntry.CreateBulk(part...).Exec(ctx); err != nil {
				return fmt.Errorf("write the audit: %w", err)
			}
		}
		return nil
	})
}

// byOwner are the entries that a deed comes to.
func (d deed) byOwner(owners map[string]string) (entries []deed) {
	of := map[string][]string{}
	for id := range strings.SplitSeq(d.subject, " ") {
		of[owners[id]] = append(of[owners[id]], id)
	}
	if d.action == read {
		delete(of, d.actor)
	}
	for _, owner := range slices.Sorted(maps.Keys(of)) {
		e := d
		e.owner, e.subject = owner, of[owner][0]
		if len(of[owner]) > 1 {
			e.subject, e.detail = "", listed(of[owner])
		}
		entries = append(entries, e)
	}
	return entries
}

// listed are as many ids as an entry has room for, and how many there are.
func listed(ids []string) string {
	text, n := fmt.Sprintf("%d:", len(ids)), 0
	for n < len(ids) && len(text)+len(ids[n]) < longestSights {
		text, n = text+" "+ids[n], n+1
	}
	if n < len(ids) {
		text += " …"
	}
	return text
}

// ownersOf tells whose the subjects of deeds are; users are their own. What is read is not always read with its owner.
func (s *Switchboard) ownersOf(ctx context.Context, some []deed) (map[string]string, error) {
	owners, byTable := map[string]string{}, map[string][]string{}
	for _, d := range some {
		for id := range strings.SplitSeq(d.subject, " ") {
			if _, known := owners[id]; known {
				continue
			}
			owners[id] = id
			table, _, _ := strings.Cut(id, "_")
			byTable[table] = append(byTable[table], id)
		}
	}
	c := s.DB.Client()
	for table, look := range map[string]func(ids []string) scanner{
		"num": func(ids []string) scanner {
			return c.MaskedNumber.Query().Where(maskednumber.IDIn(ids...)).Select(maskednumber.FieldID, maskednumber.FieldOwnerID)
		},
		"call": func(ids []string) scanner {
			return c.Call.Query().Where(call.IDIn(ids...)).Select(call.FieldID, call.FieldOwnerID)
		},
		"vm": func(ids []string) scanner {
			return c.Voicemail.Query().Where(voicemail.IDIn(ids...)).Select(voicemail.FieldID, voicemail.FieldOwnerID)
		},
	} {
		for ids := range slices.Chunk(byTable[table], trailAtOnce) {
			var rows []struct {
				ID    string
				Owner string `json:"owner_id"`
			}
			if err := look(ids).Scan(ctx, &rows); err != nil {
				return nil, fmt.Errorf("look up whose things were read: %w", err)
			}
			for _, r := range rows {
				owners[r.ID] = r.Owner
			}
		}
	}
	return owners, nil
}

type scanner interface {
	Scan(ctx context.Context, v any) error
}
