package switchboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

// Reported takes what Twilio says of a recording. One that exists is a voicemail from here on, whatever the plan says; it appears with its
// audio, or two minutes later without.
func (s *Switchboard) Reported(ctx context.Context, in phone.Incoming, r phone.Reported) error {
	if r.StartedAt.IsZero() {
		r.StartedAt = in.At
	}
	err := s.inCall(ctx, in, reportedKey(r), nil, func(tx *Tx, c *ent.Call) error {
		switch {
		case r.Exists():
			_, err := s.keep(ctx, tx, c, r)
			return err
		case r.Status == "absent":
			d := phone.Decision{What: phone.RecordingAbsent, Notes: []phone.Note{{Kind: noRecording, Detail: r.WhyAbsent()}}}
			if c.State == phone.Voicemailed || noted(c, noRecording) {
				return nil
			}
			return s.settle(ctx, tx, c, step{decision: d})
		}
		return nil
	})
	return s.orAside(ctx, entry{In: in, Reported: &r}, err)
}

const noRecording = "no_recording"

func noted(c *ent.Call, kind string) bool {
	return slices.ContainsFunc(c.Timeline, func(e phone.CallEvent) bool { return e.Kind == kind })
}

// keep makes a recording a voicemail, or returns the one that it is already.
func (s *Switchboard) keep(ctx context.Context, tx *Tx, c *ent.Call, r phone.Reported) (*ent.Voicemail, error) {
	q := tx.Voicemail.Query().Where(voicemail.RecordingSid(r.RecordingSID))
	tx.forUpdate(func() { q.ForUpdate() })
	v, err := q.Only(ctx)
	if err == nil {
		return v, s.learnMore(ctx, tx, v, r)
	}
	if !ent.IsNotFound(err) {
		return nil, fmt.Errorf("load recording %s: %w", r.RecordingSID, err)
	}
	if v, err = s.newVoicemail(ctx, tx, c, r); err != nil {
		return nil, err
	}
	if err := s.chargeFor(ctx, tx, c); err != nil {
		return nil, err
	}
	note := phone.Note{Kind: "voicemail", Detail: "left a message"}
	if r.Seconds > 0 {
		note.Detail = fmt.Sprintf("left a message of %d s", r.Seconds)
	}
	d := phone.Decision{What: phone.RecordingMade, Notes: []phone.Note{note}}
	return v, s.settle(ctx, tx, c, step{decision: d, charged: c.ReservedIn != nil})
}

// chargeFor counts the voicemail, unless one was reserved for it.
func (s *Switchboard) chargeFor(ctx context.Context, tx *Tx, c *ent.Call) error {
	if c.ReservedIn != nil {
		return nil
	}
	sub, err := tx.chargedTo(ctx, c)
	if err != nil {
		return err
	}
	return contractOf(sub, s.now()).charge(ctx, tx)
}

const failedAtTwilio = "Twilio could not process the recording."

func (s *Switchboard) newVoicemail(ctx context.Context, tx *Tx, c *ent.Call, r phone.Reported) (*ent.Voicemail, error) {
	now := s.now()
	at := r.StartedAt.UTC()
	if at.IsZero() || at.After(now) {
		at = now
	}
	create := tx.Voicemail.Create().SetOwnerID(c.OwnerID).SetNumberID(c.NumberID).SetCallID(c.ID).SetRecordingSid(r.RecordingSID).
		SetFrom(c.From).SetDurationSeconds(r.Seconds).SetReceivedAt(at).SetLearnedAt(now)
	by, err := s.expectTranscript(ctx, tx, c, create, r)
	if err != nil {
		return nil, err
	}
	if r.Status == "failed" { // its audio may be there all the same: fetchFailed says this when it is not
		create.SetAudioError(failedAtTwilio)
	}
	v, err := create.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("write voicemail of recording %s: %w", r.RecordingSID, err)
	}
	tx.later(jobs.Job{Kind: jobs.FetchRecording, Subject: v.ID, At: now})
	if v.Transcription == phone.TranscriptionPending && by == byTwilio {
		tx.later(jobs.Job{Kind: jobs.ExpireTranscription, Subject: v.ID, At: now.Add(phone.TranscriptPatience)})
	}
	tx.later(jobs.Job{Kind: jobs.Appear, Subject: v.ID, At: phone.AppearsAt(at, r.Seconds, now)})
	return v, nil
}

// learnMore completes a voicemail that we first heard of by its transcript, and fetches the audio of one that seemed to have none.
func (s *Switchboard) learnMore(ctx context.Context, tx *Tx, v *ent.Voicemail, r phone.Reported) error {
	if v.PurgedAt != nil {
		return nil
	}
	if r.Status == "completed" && v.Audio == phone.AudioFailed {
		if err := s.fetchAgain(ctx, tx, v); err != nil {
			return err
		}
	}
	if v.DurationSeconds > 0 || r.Seconds == 0 {
		return nil
	}
	if !r.StartedAt.IsZero() && r.StartedAt.Before(v.ReceivedAt) {
		if err := tx.Voicemail.UpdateOneID(v.ID).SetReceivedAt(r.StartedAt.UTC()).Exec(ctx); err != nil {
			return fmt.Errorf("write when voicemail %s was left: %w", v.ID, err)
		}
	}
	return s.learnLength(ctx, tx, v, r.Seconds)
}

// learnLength writes down how long a message is, of which that was not known. Twilio is silent about those that it does not transcribe.
func (s *Switchboard) learnLength(ctx context.Context, tx *Tx, v *ent.Voicemail, seconds int) error {
	if v.DurationSeconds > 0 || seconds == 0 {
		return nil
	}
	if err := tx.Voicemail.UpdateOneID(v.ID).SetDurationSeconds(seconds).Exec(ctx); err != nil {
		return fmt.Errorf("write the length of voicemail %s: %w", v.ID, err)
	}
	v.DurationSeconds = seconds
	tx.change(v, phone.ChangeUpdated)
	if why := phone.WhyNoTranscript(seconds); why != "" && s.Settings.Transcriber == "twilio" {
		return s.noTranscript(ctx, tx, v, why)
	}
	return nil
}

// arrive makes a voicemail appear, if it has not: it gets its place when the transaction ends, and its mails are prepared.
func (s *Switchboard) arrive(ctx context.Context, tx *Tx, v *ent.Voicemail) error {
	if v.Place != nil || v.DeletedAt != nil {
		return nil
	}
	tx.appear(v)
	tx.touchCallOf(v)
	return s.prepareMails(ctx, tx, v)
}

// Mark marks voicemails as heard or not, all or none of them; what is so already is left alone.
func (s *Switchboard) Mark(ctx context.Context, ids []string, heard bool) error {
	return s.inTx(ctx, func(tx *Tx) error {
		found, err := tx.visible(ctx, ids)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(v *ent.Voicemail) bool { return (v.HeardAt != nil) == heard })
		tx.auditVoicemails(ctx, "markVoicemails", map[bool]string{true: "heard", false: "not heard"}[heard], found)
		return s.mark(ctx, tx, found, heard)
	})
}

func (s *Switchboard) mark(ctx context.Context, tx *Tx, all []*ent.Voicemail, heard bool) error {
	u := tx.Voicemail.Update().Where(voicemail.IDIn(idsOf(all)...))
	if heard {
		u.SetHeardAt(s.now())
	} else {
		u.ClearHeardAt()
	}
	if err := u.Exec(ctx); err != nil {
		return fmt.Errorf("mark voicemails: %w", err)
	}
	for _, v := range all {
		tx.change(v, phone.ChangeUpdated)
	}
	return nil
}

// visible are the viewer's voicemails of these ids, locked until the transaction ends; one that is not there, or is somebody else's,
// refuses all.
func (tx *Tx) visible(ctx context.Context, ids []string) ([]*ent.Voicemail, error) {
	wanted := slices.Compact(slices.Sorted(slices.Values(ids)))
	q := tx.Voicemail.Query().Where(voicemail.IDIn(wanted...)).Order(ent.Asc(voicemail.FieldID)) // all lock in the same order
	tx.forUpdate(func() { q.ForUpdate() })
	found, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("load voicemails: %w", err)
	}
	if len(found) != len(wanted) {
		return nil, phone.Missing()
	}
	return found, nil
}

// voicemail is the voicemail, locked until the transaction ends: its audio and its transcript may arrive at the same moment, and each must
// see what the other did.
func (tx *Tx) voicemail(ctx context.Context, id string) (*ent.Voicemail, error) {
	if err := tx.lockCallsOf(ctx, id); err != nil {
		return nil, err
	}
	q := tx.Voicemail.Query().Where(voicemail.ID(id))
	tx.forUpdate(func() { q.ForUpdate() })
	v, err := q.Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("load voicemail %s: %w", id, err)
	}
	return v, nil
}

// age is how long we have known a voicemail.
func (s *Switchboard) age(v *ent.Voicemail) time.Duration { return s.now().Sub(v.LearnedAt) }

// lockCallsOf locks the calls that voicemails were left in, as everybody does who goes on to lock the voicemails: so nobody waits in a circle.
func (tx *Tx) lockCallsOf(ctx context.Context, ids ...string) error {
	if tx.dialect != dialect.Postgres {
		return nil // there is one writer
	}
	_, err := tx.Call.Query().Where(call.HasVoicemailsWith(voicemail.IDIn(ids...))).Order(ent.Asc(call.FieldID)).ForUpdate().IDs(ctx)
	if err != nil {
		return fmt.Errorf("lock the calls of voicemails: %w", err)
	}
	return nil
}
