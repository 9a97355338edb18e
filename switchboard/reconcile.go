package switchboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

const (
	lookBack    = 48 * time.Hour
	leaveAlone  = time.Minute // or less, when we look more often: its callback may be on the way
	absentAfter = time.Hour   // an announced recording that Twilio does not have by then will not come
	stuckAtOnce = 200         // calls that are asked for one by one, in one pass
	asManyIDs   = 100
)

// The kinds of repairs.
const (
	repairCall      = "call"      // one that no webhook told us of
	repairEnd       = "end"       // a call was over and we did not know
	repairRecording = "recording" // a voicemail whose callback went missing
	repairAbsence   = "absence"   // an announced recording that does not exist
	repairAside     = "aside"     // what was set aside until its number was ours
)

// Reconciled is what one pass looked at and repaired.
type Reconciled struct {
	Calls, Recordings int
	Repairs           map[string]int // by kind
}

// ErrNoTwilio says that there is nobody to ask.
var ErrNoTwilio = errors.New("no Twilio account is set: there is nothing to compare with")

func (s *Switchboard) leaveAlone() time.Duration { return min(leaveAlone, s.Settings.ReconcileEvery) }

// Reconcile asks Twilio for what happened in the last two days, and puts what we never heard of through the code that would have heard it.
// One repair that fails holds up no other.
func (s *Switchboard) Reconcile(ctx context.Context) (Reconciled, error) {
	taken, errs := s.takeUp(ctx)
	if s.Twilio == nil {
		return Reconciled{}, errors.Join(errs, ErrNoTwilio)
	}
	until := s.now().Add(-s.leaveAlone())
	r := &reconciler{Switchboard: s, until: until, running: map[string]bool{}, done: Reconciled{Repairs: map[string]int{}}}
	if taken > 0 {
		r.done.Repairs[repairAside] = taken
	}
	repairs, err := r.all(ctx, until.Add(-lookBack))
	errs = errors.Join(errs, repairs, err)
	switch {
	case err != nil && r.done.Calls+r.done.Recordings == 0:
		return Reconciled{}, errs
	case err != nil:
		return r.done, errs
	}
	return r.done, errors.Join(errs, r.stuck(ctx), r.undecided(ctx))
}

// reconciler is one pass.
type reconciler struct {
	*Switchboard
	until   time.Time
	at      map[string]twilio.Call // Twilio's calls by their sids, as far as they are listed at once
	running map[string]bool        // calls that Twilio lists, and that are not over or only just
	done    Reconciled
}

// overlap is how much of what was listed is listed once more, where the list goes on: Twilio's order is nearly that of time.
const overlap = time.Minute

// all goes through what Twilio lists, newest first, as much at a time as is listed at once. When listing fails the older ones have to wait.
func (r *reconciler) all(ctx context.Context, from time.Time) (repairs, err error) {
	for until := r.until; ; {
		calls, err := r.Twilio.Calls(ctx, from, until)
		back, err := reaches(from, err, calls, func(c twilio.Call) time.Time { return c.StartedAt })
		if err != nil {
			return repairs, err
		}
		recordings, err := r.Twilio.Recordings(ctx, from, until)
		also, err := reaches(from, err, recordings, func(rec twilio.Recording) time.Time { return rec.CreatedAt })
		if err != nil {
			return repairs, err
		}
		if also.After(back) {
			back = also
		}
		repairs = errors.Join(repairs, r.some(ctx, calls, recordings))
		if back.Equal(from) {
			return repairs, nil
		}
		if !back.Before(until) {
			return repairs, fmt.Errorf("too much happened around %s: %w", until, twilio.ErrMore)
		}
		until = back
	}
}

// reaches tells how far back a list goes: to where it was meant to, or not quite to its oldest when there is more.
func reaches[T any](from time.Time, err error, all []T, when func(T) time.Time) (time.Time, error) {
	if !errors.Is(err, twilio.ErrMore) || len(all) == 0 {
		return from, err
	}
	oldest := when(all[0])
	for _, one := range all {
		if at := when(one); at.Before(oldest) {
			oldest = at
		}
	}
	return oldest.Add(overlap), nil
}

// some repairs what is missing of these.
func (r *reconciler) some(ctx context.Context, calls []twilio.Call, recordings []twilio.Recording) error {
	forgotten := r.daysAgo(r.Settings.CallDays) // calls from before are not made anew
	calls = slices.DeleteFunc(calls, func(c twilio.Call) bool {
		return c.Direction != "inbound" || phone.CallerGone(c.Status) && c.StartedAt.Before(forgotten)
	})
	r.done.Calls += len(calls)
	r.done.Recordings += len(recordings)
	r.at = map[string]twilio.Call{}
	for _, c := range calls {
		r.at[c.SID] = c
		if r.goesOn(c) {
			r.running[c.SID] = true
		}
	}
	return errors.Join(r.recordings(ctx, recordings), r.ends(ctx, calls))
}

// goesOn tells whether a call is running, or was over so lately that we may be about to be told.
func (r *reconciler) goesOn(c twilio.Call) bool {
	return !phone.CallerGone(c.Status) || c.EndedAt.After(r.until)
}

func (r *reconciler) repaired(ctx context.Context, kind, sid string) {
	r.done.Repairs[kind]++
	r.Metrics.repaired(kind)
	r.Log.WarnContext(ctx, "repaired what no webhook had told us of", "kind", kind, "sid", sid)
}

// recordings makes voicemails of the recordings that we do not know. Those of others' calls are none of ours.
func (r *reconciler) recordings(ctx context.Context, all []twilio.Recording) (errs error) {
	all = slices.DeleteFunc(all, func(rec twilio.Recording) bool {
		return !exists(rec) || rec.StartedAt.Add(time.Duration(rec.Seconds)*time.Second).After(r.until)
	})
	for some := range slices.Chunk(all, asManyIDs) {
		sids := make([]string, len(some))
		for i, rec := range some {
			sids[i] = rec.SID
		}
		rows, err := r.DB.Client().Voicemail.Query().Where(voicemail.RecordingSidIn(sids...)).
			Select(voicemail.FieldRecordingSid, voicemail.FieldAudio, voicemail.FieldAudioSha256, voicemail.FieldTranscription, voicemail.FieldReconciledAt).All(ctx)
		if err != nil {
			return errors.Join(errs, fmt.Errorf("look for recordings: %w", err))
		}
		known := map[string]*ent.Voicemail{}
		for _, row := range rows {
			known[row.RecordingSid] = row
		}
		for _, rec := range some {
			if row := known[rec.SID]; row != nil {
				errs = errors.Join(errs, r.deleteCopied(ctx, row))
			} else {
				errs = errors.Join(errs, r.find(ctx, rec))
			}
		}
	}
	return errs
}

// find reports a recording of a call that we may not know either.
func (r *reconciler) find(ctx context.Context, rec twilio.Recording) error {
	in, err := r.incoming(ctx, rec.CallSID)
	if err != nil {
		return fmt.Errorf("recording %s: %w", rec.SID, err)
	}
	return r.report(ctx, in, rec, repairRecording)
}

// deleteCopied deletes a recording at Twilio, when that is wanted, once an earlier pass has seen it, nothing more is to be had of it, and our
// copy still is what it was.
func (r *reconciler) deleteCopied(ctx context.Context, v *ent.Voicemail) error {
	switch {
	case !r.Settings.DeleteAfterCopy, v.Audio != phone.AudioStored, v.Transcription == phone.TranscriptionPending:
		return nil
	case v.ReconciledAt == nil:
		return r.inTx(ctx, func(tx *Tx) error { return tx.Voicemail.UpdateOneID(v.ID).SetReconciledAt(r.now()).Exec(ctx) })
	}
	if err := r.Intact(ctx, v); err != nil {
		return fmt.Errorf("recording %s stays at Twilio: %w", v.RecordingSid, err)
	}
	if err := r.Twilio.DeleteRecording(ctx, v.RecordingSid); err != nil {
		return err
	}
	r.Log.InfoContext(ctx, "deleted a recording at Twilio, of which we have a copy", "voicemail", v.ID, "recording", v.RecordingSid)
	return nil
}

// exists tells whether Twilio has a message. What somebody else recorded of a call is none.
func exists(rec twilio.Recording) bool {
	return phone.Reported{Status: rec.Status}.Exists() && (rec.Source == "RecordVerb" || rec.Source == "")
}

// report tells ourselves of a recording as the callback would have.
func (r *reconciler) report(ctx context.Context, in phone.Incoming, rec twilio.Recording, kind string) error {
	err := r.Reported(ctx, in, phone.Reported{
		RecordingSID: rec.SID, CallSID: rec.CallSID, Status: rec.Status, Seconds: rec.Seconds, StartedAt: rec.StartedAt, ErrorCode: rec.ErrorCode,
	})
	if errors.Is(err, errUnknownNumber) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("recording %s: %w", rec.SID, err)
	}
	r.repaired(ctx, kind, rec.SID)
	return nil
}

// incoming is a call as its webhooks would have named it.
func (r *reconciler) incoming(ctx context.Context, sid string) (phone.Incoming, error) {
	c, ok := r.at[sid]
	if !ok {
		var err error
		if c, err = r.Twilio.Call(ctx, sid); err != nil {
			return phone.Incoming{}, err
		}
	}
	return incomingOf(c), nil
}

func incomingOf(c twilio.Call) phone.Incoming {
	return phone.Incoming{CallSID: c.SID, From: c.From, To: phone.Number(c.To), Status: c.Status, At: c.StartedAt}
}

// ends closes calls that are over at Twilio, and writes down those that we never heard of.
func (r *reconciler) ends(ctx context.Context, all []twilio.Call) (errs error) {
	all = slices.DeleteFunc(all, r.goesOn)
	for some := range slices.Chunk(all, asManyIDs) {
		sids := make([]string, len(some))
		for i, c := range some {
			sids[i] = c.SID
		}
		rows, err := r.DB.Client().Call.Query().Where(call.CallSidIn(sids...)).Select(call.FieldCallSid, call.FieldEndedAt).All(ctx)
		if err != nil {
			return errors.Join(errs, fmt.Errorf("look for calls: %w", err))
		}
		known := map[string]*ent.Call{}
		for _, row := range rows {
			known[row.CallSid] = row
		}
		for _, c := range some {
			switch row := known[c.SID]; {
			case row == nil:
				errs = errors.Join(errs, r.end(ctx, c, repairCall))
			case row.EndedAt == nil:
				errs = errors.Join(errs, r.end(ctx, c, repairEnd))
			}
		}
	}
	return errs
}

func (r *reconciler) end(ctx context.Context, c twilio.Call, kind string) error {
	changed, err := r.ended(ctx, incomingOf(c), Over{Status: c.Status, Seconds: c.Seconds, Duration: true, Found: true, At: c.EndedAt})
	if err != nil {
		return fmt.Errorf("call %s: %w", c.SID, err)
	}
	if changed {
		r.repaired(ctx, kind, c.SID)
	}
	return nil
}

// reconcile is the job. It is due again soon, so a pass that fails is not tried again.
func (s *Switchboard) reconcile(ctx context.Context, _ string) error {
	if _, err := s.Reconcile(ctx); err != nil && !errors.Is(err, ErrNoTwilio) {
		s.Log.WarnContext(ctx, "not everything could be compared with Twilio", "error", err)
	}
	return nil
}
