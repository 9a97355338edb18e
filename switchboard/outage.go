package switchboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/faults"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

// entry is what Twilio told us, or asked, while the database was away, as the journal keeps it. It is one of these.
type entry struct {
	At         time.Time
	In         phone.Incoming
	Decided    *decided
	Ended      *Over
	Reported   *phone.Reported
	Transcript *Transcript
}

// decided is a decision that was made without the database. The answer was given: it can only be written down.
type decided struct {
	Key    string
	Answer phone.Stored
	What   phone.Happening
	Notes  []phone.Note
}

// ScreenedAway has a phone asked whether it wants the call. It and the three below touch neither the database nor the disk: keep does that,
// and returns once it is written down what was answered.
func (s *Switchboard) ScreenedAway(in phone.Incoming, leg string, ask phone.Screen) (_ phone.Answer, keep func() error) {
	return s.decideAway(in, screened+leg, askedBy(ask))
}

// ReceiveAway answers an incoming call from memory, and from what this process has answered lately. It may exceed the plan and other limits, and
// is counted afterwards.
func (s *Switchboard) ReceiveAway(in phone.Incoming) (_ phone.Answer, keep func() error) {
	line, allowance := s.Memory.line(in)
	line.Countries, line.Simultaneous = s.Settings.Countries, s.Settings.SimultaneousCalls
	d := s.watch.decide(in, s.now(), func(t phone.Traffic) phone.Decision {
		line.Traffic = t
		return phone.Route(in, line, allowance)
	})
	return s.decideAway(in, received, d)
}

// DialledAway carries a call on without knowing how it began.
func (s *Switchboard) DialledAway(in phone.Incoming, d phone.Dialled) (_ phone.Answer, keep func() error) {
	line, _ := s.Memory.line(in)
	return s.decideAway(in, dialKey(d), phone.AfterDial(d, phone.Connect{}, line, phone.Allowance{Subscribed: true}))
}

// RecordedAway carries a call on when its caller has spoken, or has not.
func (s *Switchboard) RecordedAway(in phone.Incoming, t phone.Took) (_ phone.Answer, keep func() error) {
	line, _ := s.Memory.line(in)
	return s.decideAway(in, recorded+t.RecordingSID, phone.AfterRecord(t, line))
}

func dialKey(d phone.Dialled) string {
	if d.Again {
		return again + d.DialCallSID
	}
	return dialled + d.DialCallSID
}

// decideAway gives an answer, and what writes down that it was given. If that fails, the reconciler will find the call at Twilio.
func (s *Switchboard) decideAway(in phone.Incoming, key string, d phone.Decision) (_ phone.Answer, keep func() error) {
	return d.Answer, func() error {
		return s.journal(entry{In: in, Decided: &decided{Key: key, Answer: phone.Stored{Answer: d.Answer}, What: d.What, Notes: d.Notes}})
	}
}

// EndedAway keeps the news of a call's end until the database is back, as [Switchboard.ReportedAway] and [Switchboard.TranscribedAway] keep
// theirs.
func (s *Switchboard) EndedAway(in phone.Incoming, o Over) error {
	s.watch.end(in)
	return s.journal(entry{In: in, Ended: &o})
}

// ReportedAway keeps the news of a recording.
func (s *Switchboard) ReportedAway(in phone.Incoming, r phone.Reported) error {
	return s.journal(entry{In: in, Reported: &r})
}

// TranscribedAway keeps a transcript.
func (s *Switchboard) TranscribedAway(in phone.Incoming, t Transcript) error {
	return s.journal(entry{In: in, Transcript: &t})
}

func (s *Switchboard) journal(e entry) error {
	s.missed.Store(true)
	e.At = s.now()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.Journal.Append(line)
}

var recoverEvery = faults.Period(2 * time.Second)

// Recover looks every few seconds, until ctx ends, whether there is something to replay and a database to take it.
func (s *Switchboard) Recover(ctx context.Context) error {
	look := time.NewTicker(recoverEvery)
	defer look.Stop()
	for {
		if err := s.Replay(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "what was kept during an outage cannot be written yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// Replay writes what was kept during an outage into the database. Before that it asks for everything to be compared with Twilio:
// what could not even be kept is found by nobody else.
func (s *Switchboard) Replay(ctx context.Context) error {
	if err := s.compareLater(ctx); err != nil || s.Journal.Empty() {
		return err
	}
	entries := 0
	err := s.Journal.Replay(func(line []byte) error {
		entries++
		return s.replay(ctx, line)
	})
	if err == nil && entries > 0 {
		s.Log.InfoContext(ctx, "wrote down what was kept for later", "entries", entries)
	}
	return err
}

// compareLater asks for two passes of the reconciler when something happened that the database was not told of: one at once, and one that leaves
// nothing alone any more of what came during the outage. They go through two days, so they are asked for once a minute at most.
func (s *Switchboard) compareLater(ctx context.Context) error {
	if !s.Journal.Empty() {
		s.missed.Store(true)
	}
	now, alone := s.now(), s.leaveAlone()
	if now.Sub(s.compared) < alone || !s.missed.Swap(false) {
		return nil
	}
	err := s.inTx(ctx, func(tx *Tx) error {
		tx.later(jobs.Job{Kind: jobs.Reconcile, At: now})
		tx.later(jobs.Job{Kind: jobs.Reconcile, At: now.Add(alone)})
		return nil
	})
	if err != nil {
		s.missed.Store(true)
		return err
	}
	s.compared = now
	return nil
}

func (s *Switchboard) replay(ctx context.Context, line []byte) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return s.setUnreadable(ctx, line, err)
	}
	e.In.At = e.At
	err := s.replayGuarded(ctx, e)
	switch {
	case err == nil, errors.Is(err, errUnknownNumber) && e.Decided != nil: // nobody's call
		return nil
	case errors.Is(err, errNothing):
		return s.setUnreadable(ctx, line, err)
	case database.Away(err), database.Retryable(err), ctx.Err() != nil:
		return err
	}
	return s.setAside(ctx, e, err)
}

// replayGuarded makes an error of a panic: it would come again at each start.
func (s *Switchboard) replayGuarded(ctx context.Context, e entry) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.Metrics.Panicked()
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.replayEntry(ctx, e)
}

var errNothing = errors.New("an empty entry")

func (s *Switchboard) replayEntry(ctx context.Context, e entry) error {
	switch {
	case e.Decided != nil:
		return s.replayDecision(ctx, e.In, *e.Decided)
	case e.Ended != nil:
		if e.Ended.At.IsZero() {
			e.Ended.At = e.At
		}
		return s.Ended(ctx, e.In, *e.Ended)
	case e.Reported != nil:
		return s.Reported(ctx, e.In, *e.Reported)
	case e.Transcript != nil:
		return s.Transcribed(ctx, e.In, *e.Transcript)
	}
	return errNothing
}

// replayDecision writes down an answer that was given, and counts what it used, even above the limit.
func (s *Switchboard) replayDecision(ctx context.Context, in phone.Incoming, d decided) error {
	var given phone.Answer
	return s.inCall(ctx, in, d.Key, &given, func(tx *Tx, c *ent.Call) error {
		sub, err := tx.chargedTo(ctx, c)
		if err != nil {
			return err
		}
		st := step{decision: phone.Decision{Answer: d.Answer.Answer, What: d.What}, key: d.Key, contract: contractOf(sub, s.now()), given: in.At}
		away := " (decided while the database was away)"
		if _, forwarded := d.Answer.Answer.(phone.Connect); forwarded {
			away = " (decided while the database was away, when only the calls of one process were counted)"
		}
		for _, n := range d.Notes {
			st.decision.Notes = append(st.decision.Notes, phone.Note{Kind: n.Kind, Detail: n.Detail + away})
		}
		if st.reserved, err = s.countAfterwards(ctx, tx, d.Answer.Answer, st.contract, c); err != nil {
			return err
		}
		return s.settle(ctx, tx, c, st)
	})
}

func (s *Switchboard) countAfterwards(ctx context.Context, tx *Tx, a phone.Answer, on contract, c *ent.Call) (reserved bool, err error) {
	if on.sub == nil {
		return false, nil
	}
	switch a := a.(type) {
	case phone.Connect:
		if !a.Again {
			_, err = on.take(ctx, tx, takeCall, nil)
		}
	case phone.TakeMessage:
		if c.ReservedIn == nil && c.State.Outcome() == phone.OutcomeRinging {
			return true, on.charge(ctx, tx)
		}
	}
	return false, err
}
