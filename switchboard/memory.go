package switchboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/blockedcaller"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/numbersubscription"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/faults"
	"github.com/maskline/maskline/phone"
)

// Memory is how every number was set up when we last looked, so that calls are routed while the database is away. It is kept in a file too,
// for a process that starts during an outage.
type Memory struct {
	file  string
	mu    sync.Mutex
	lines map[phone.Number]rememberedLine
	saved string // what the file holds
}

type rememberedLine struct {
	ID        string
	Owner     string
	Line      phone.Line
	Allowance phone.Allowance
	Blocked   []phone.Number
}

// NewMemory is what the file holds; a file that is missing, or not ours, is nothing remembered.
func NewMemory(file string) (*Memory, error) {
	m := &Memory{file: file, lines: map[phone.Number]rememberedLine{}}
	text, err := os.ReadFile(file) // #nosec G304 -- the path is the operator's or made of our own ids
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m.lines)
	}
	if err != nil {
		return m, fmt.Errorf("read the remembered numbers: %w", err)
	}
	return m, nil
}

// line is how a number was set up, for a call from that caller; a number that is not remembered takes messages.
func (m *Memory) line(in phone.Incoming) (phone.Line, phone.Allowance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.lines[in.To]
	if !ok {
		l := phone.DegradedLine()
		l.Number = in.To
		return l, phone.Allowance{Subscribed: true}
	}
	known.Line.Blocked = slices.Contains(known.Blocked, phone.Number(phone.CallerOf(in.From)))
	return known.Line, known.Allowance
}

// set takes in what was loaded: everything, or only the numbers of these ids and owners.
func (m *Memory) set(loaded map[phone.Number]rememberedLine, only map[string]struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if only == nil {
		m.lines = loaded
		return
	}
	for n, l := range m.lines {
		_, id := only[l.ID]
		if _, owner := only[l.Owner]; id || owner {
			delete(m.lines, n)
		}
	}
	for n, l := range loaded {
		m.lines[n] = l
	}
}

// save replaces the file in one step. It holds people's own numbers, so nobody else may read it.
func (m *Memory) save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := json.Marshal(m.lines)
	if err != nil || string(text) == m.saved {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.file), 0o700); err != nil {
		return err
	}
	temporary := m.file + ".new"
	if err := writeSynced(temporary, text); err != nil {
		return err
	}
	if err := os.Rename(temporary, m.file); err != nil {
		return err
	}
	m.saved = string(text)
	return nil
}

var rememberEvery = faults.Period(time.Minute)

// Remember keeps the memory current until ctx ends: at once what is announced, and everything once a minute.
func (s *Switchboard) Remember(ctx context.Context, hub *events.Hub) error {
	sub := hub.Subscribe(events.Number, func(events.Event) bool { return true })
	defer sub.Close()
	all := time.NewTicker(rememberEvery)
	defer all.Stop()
	if err := s.remember(ctx, nil); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "remember how numbers are set up", "error", err)
	}
	for {
		var only map[string]struct{}
		select {
		case <-ctx.Done():
			return nil
		case <-all.C:
		case <-sub.Wake():
			if named := sub.Take(); !named.Anything {
				only = named.IDs
			}
		}
		if err := s.remember(ctx, only); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "remember how numbers are set up", "error", err)
		}
	}
}

// remember loads numbers, a thousand at a time, and keeps them in memory and on disk.
func (s *Switchboard) remember(ctx context.Context, only map[string]struct{}) error {
	const atOnce = 1000
	loaded := map[phone.Number]rememberedLine{}
	ids := slices.Collect(maps.Keys(only))
	for after := ""; ; {
		q := s.DB.Client().MaskedNumber.Query().Where(maskednumber.IDGT(after), maskednumber.StateNEQ(phone.NumberReleased)).Order(ent.Asc(maskednumber.FieldID)).Limit(atOnce).
			WithSubscriptions(func(q *ent.NumberSubscriptionQuery) { q.Where(numbersubscription.Active(true)).WithPlan() })
		if only != nil {
			q.Where(maskednumber.Or(maskednumber.IDIn(ids...), maskednumber.OwnerIDIn(ids...)))
		}
		rows, err := q.All(ctx)
		if err != nil {
			return fmt.Errorf("load numbers: %w", err)
		}
		if err := s.rememberRows(ctx, rows, loaded); err != nil {
			return err
		}
		if len(rows) < atOnce {
			break
		}
		after = rows[len(rows)-1].ID
	}
	s.Memory.set(loaded, only)
	return s.Memory.save()
}

func (s *Switchboard) rememberRows(ctx context.Context, rows []*ent.MaskedNumber, into map[phone.Number]rememberedLine) error {
	var owners []string
	var forwards []phone.Number
	for _, n := range rows {
		owners, forwards = append(owners, n.OwnerID), append(forwards, n.ForwardTo...)
	}
	blocked, err := s.DB.Client().BlockedCaller.Query().Where(blockedcaller.OwnerIDIn(owners...)).All(ctx)
	if err != nil {
		return fmt.Errorf("load blocked callers: %w", err)
	}
	ours, err := s.DB.Client().MaskedNumber.Query().Where(maskednumber.PhoneNumberIn(forwards...), maskednumber.StateNEQ(phone.NumberReleased)).All(ctx)
	if err != nil {
		return fmt.Errorf("look for our own numbers: %w", err)
	}
	blockedBy, isOurs := map[string][]phone.Number{}, map[phone.Number]bool{}
	for _, b := range blocked {
		blockedBy[b.OwnerID] = append(blockedBy[b.OwnerID], b.Caller)
	}
	for _, o := range ours {
		isOurs[o.PhoneNumber] = true
	}
	for _, n := range rows {
		var sub *ent.NumberSubscription
		if len(n.Edges.Subscriptions) > 0 {
			sub = n.Edges.Subscriptions[0]
		}
		l := rememberedLine{ID: n.ID, Owner: n.OwnerID, Line: s.facts(n), Allowance: contractOf(sub, s.now()).allowance(s.now()), Blocked: blockedBy[n.OwnerID]}
		for _, to := range n.ForwardTo {
			if isOurs[to] {
				l.Line.OursAmongForward = append(l.Line.OursAmongForward, to)
			}
		}
		into[n.PhoneNumber] = l
	}
	return nil
}

func writeSynced(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
