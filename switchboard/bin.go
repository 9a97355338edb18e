package switchboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/predicate"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

// Delete puts voicemails into the bin, all or none of them.
func (s *Switchboard) Delete(ctx context.Context, ids []string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		found, err := tx.withCalls(ctx, ids)
		if err != nil {
			return err
		}
		tx.auditVoicemails(ctx, "deleteVoicemails", "", found)
		return s.delete(ctx, tx, found)
	})
}

// withCalls are the viewer's voicemails of these ids, locked after the calls that they were left in.
func (tx *Tx) withCalls(ctx context.Context, ids []string) ([]*ent.Voicemail, error) {
	if err := tx.lockCallsOf(ctx, ids...); err != nil {
		return nil, err
	}
	return tx.visible(ctx, ids)
}

func (s *Switchboard) delete(ctx context.Context, tx *Tx, all []*ent.Voicemail) error {
	if err := tx.Voicemail.Update().Where(voicemail.IDIn(idsOf(all)...)).SetDeletedAt(s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("delete voicemails: %w", err)
	}
	for _, v := range all {
		tx.change(v, phone.ChangeDeleted)
		tx.touchCallOf(v)
	}
	return nil
}

func idsOf(all []*ent.Voicemail) []string {
	ids := make([]string, len(all))
	for i, v := range all {
		ids[i] = v.ID
	}
	return ids
}

// Restore takes voicemails out of the bin, all or none of them; one that is not in it stays as it is.
func (s *Switchboard) Restore(ctx context.Context, ids []string) error {
	ctx = viewer.IntoBin(ctx)
	return s.inTx(ctx, func(tx *Tx) error {
		found, err := tx.withCalls(ctx, ids)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(v *ent.Voicemail) bool { return v.DeletedAt == nil })
		tx.auditVoicemails(ctx, "restoreVoicemails", "", found)
		return s.restore(ctx, tx, found)
	})
}

func (s *Switchboard) restore(ctx context.Context, tx *Tx, all []*ent.Voicemail) error {
	err := tx.Voicemail.Update().Where(voicemail.IDIn(idsOf(all)...)).ClearDeletedAt().SetRestoredAt(s.now()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("restore voicemails: %w", err)
	}
	for _, v := range all {
		tx.change(v, phone.ChangeRestored)
		tx.touchCallOf(v)
	}
	return nil
}

// EmptyBin purges what the viewer has in the bin, and tells how many voicemails that were.
func (s *Switchboard) EmptyBin(ctx context.Context) (int, error) {
	v, _ := viewer.From(ctx)
	q := func(tx *Tx) *ent.VoicemailQuery { return tx.Voicemail.Query().Where(voicemail.OwnerID(v.ID)) }
	return s.emptyOut(viewer.IntoBin(ctx), q)
}

// emptyOut purges what lies in the bin of what q finds.
func (s *Switchboard) emptyOut(ctx context.Context, q func(*Tx) *ent.VoicemailQuery) (total int, err error) {
	return s.untilFew(ctx, atOnce, func(tx *Tx) (int, error) { return s.emptySome(ctx, tx, q(tx)) })
}

func (s *Switchboard) emptySome(ctx context.Context, tx *Tx, q *ent.VoicemailQuery) (int, error) {
	q = q.Where(voicemail.DeletedAtNotNil(), voicemail.PurgedAtIsNil()).Order(ent.Asc(voicemail.FieldID)).Limit(atOnce)
	tx.forUpdate(func() { q.ForUpdate() })
	found, err := q.Select(voicemail.FieldID, voicemail.FieldOwnerID).All(ctx)
	if err != nil {
		return 0, fmt.Errorf("look into the bin: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	ids := idsOf(found)
	if err := tx.Voicemail.Update().Where(voicemail.IDIn(ids...)).SetPurgedAt(s.now()).Exec(ctx); err != nil {
		return 0, fmt.Errorf("empty the bin: %w", err)
	}
	for _, id := range ids {
		tx.later(jobs.Job{Kind: jobs.Purge, Subject: id, At: s.now()})
	}
	tx.auditVoicemails(ctx, "emptyBin", "", found)
	return len(ids), nil
}

// purge destroys what was said and by whom: the audio here and at Twilio, the transcript, the caller's number, the mails' records. The row stays,
// so that a late webhook does not bring the recording back. The call keeps the number for as long as calls are kept.
func (s *Switchboard) purge(ctx context.Context, id string) error {
	v, err := s.DB.Client().Voicemail.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("load voicemail %s: %w", id, err)
	}
	if v.PurgedAt == nil {
		return nil
	}
	if err := s.Recordings.Delete(ctx, v.ID); err != nil {
		return err
	}
	if err := s.discardMails(ctx, delivery.VoicemailID(id)); err != nil {
		return err
	}
	if err := s.inTx(ctx, func(tx *Tx) error { return tx.hollowOut(ctx, id) }); err != nil {
		return err
	}
	s.deleted.Store(true)
	if err := s.DB.Scrub(ctx, rewriteAtOnce); err != nil { // housekeeping tries again
		s.Log.WarnContext(ctx, "the database's files may still hold what was purged", "error", err)
	}
	return s.deleteAtTwilio(ctx, v)
}

// discardMails deletes the mails that were kept as files, with the audio, the numbers and the links in them.
func (s *Switchboard) discardMails(ctx context.Context, of predicate.Delivery) error {
	mails, err := s.DB.Client().Delivery.Query().Where(of).IDs(ctx)
	if err != nil {
		return fmt.Errorf("load deliveries: %w", err)
	}
	return s.Mail.Discard(mails...)
}

func (tx *Tx) hollowOut(ctx context.Context, id string) error {
	if _, err := tx.Delivery.Delete().Where(delivery.VoicemailID(id)).Exec(ctx); err != nil {
		return fmt.Errorf("purge the deliveries of voicemail %s: %w", id, err)
	}
	err := tx.Voicemail.UpdateOneID(id).SetAudio(phone.AudioDeleted).ClearAudioError().SetAudioType("").SetAudioSize(0).SetAudioSha256("").
		SetTranscription(phone.TranscriptionOff).ClearTranscript().ClearTranscriptionError().Exec(ctx)
	if err == nil {
		_, err = tx.db.SQL.ExecContext(ctx, forgetCaller, phone.Anonymous, id)
	}
	if err != nil {
		return fmt.Errorf("purge voicemail %s: %w", id, err)
	}
	return nil
}

// forgetCaller changes what otherwise never changes.
const forgetCaller = `UPDATE voicemails SET "from" = $1 WHERE id = $2`

// deleteAtTwilio is tried for as long as fetching would be.
func (s *Switchboard) deleteAtTwilio(ctx context.Context, v *ent.Voicemail) error {
	if s.Twilio == nil {
		return nil
	}
	err := s.Twilio.DeleteRecording(ctx, v.RecordingSid)
	if err != nil && s.now().Sub(*v.PurgedAt) >= phone.FetchPatience {
		s.Metrics.givenUp("deletion")
		s.Log.ErrorContext(ctx, "gave up deleting a recording at Twilio", "voicemail", v.ID, "recording", v.RecordingSid, "error", err)
		return nil
	}
	return err
}

// RetryDelivery sends a mail that was given up once more, for as long as a new one. One that has been delivered stays so.
func (s *Switchboard) RetryDelivery(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		q := tx.Delivery.Query().Where(delivery.ID(id))
		tx.forUpdate(func() { q.ForUpdate() })
		d, err := q.Only(ctx)
		if err != nil {
			return fmt.Errorf("load delivery %s: %w", id, err)
		}
		if d.State == phone.DeliveryDelivered {
			return nil
		}
		if err := tx.Delivery.UpdateOneID(id).SetState(phone.DeliveryPending).SetRetriedAt(s.now()).SetWithheld(false).Exec(ctx); err != nil {
			return fmt.Errorf("write delivery %s: %w", id, err)
		}
		tx.later(jobs.Job{Kind: jobs.SendMail, Subject: id, At: s.now()})
		tx.audit(ctx, "retryDelivery", d.OwnerID, id, subjectOf(d)+" to "+d.Recipient)
		return nil
	})
}

// subjectOf returns the id of the voicemail or the call that a mail tells of.
func subjectOf(d *ent.Delivery) string {
	switch {
	case d.VoicemailID != nil:
		return *d.VoicemailID
	case d.CallID != nil:
		return *d.CallID
	}
	return ""
}

// triedFor is how long a mail has been tried since somebody last wanted it sent.
func (s *Switchboard) triedFor(d *ent.Delivery) time.Duration {
	since := d.CreatedAt
	if d.RetriedAt != nil {
		since = *d.RetriedAt
	}
	return s.now().Sub(since)
}
