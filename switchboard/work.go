package switchboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

// Work is how each kind of job is done. Every job may run twice, so each begins by looking at its row: the rows say what is done, not the queue.
func (s *Switchboard) Work() map[jobs.Kind]jobs.Work {
	return map[jobs.Kind]jobs.Work{
		jobs.FetchRecording:      s.asSystem(s.fetch),
		jobs.Appear:              s.asSystem(s.appearAnyway),
		jobs.SendMail:            s.asSystem(s.send),
		jobs.Transcribe:          s.asSystem(s.transcribe),
		jobs.ExpireTranscription: s.asSystem(s.expireTranscription),
		jobs.FreeReservation:     s.asSystem(s.freeReservation),
		jobs.Purge:               s.asSystem(s.purge),
		jobs.KeepHouse:           s.asSystem(s.keepHouse),
		jobs.Reconcile:           s.asSystem(s.reconcile),
		jobs.HangUp:              s.asSystem(s.hangUp),
		jobs.HangUpAll:           s.asSystem(s.hangUpAll),
	}
}

// Periodic is the work that is due by itself.
func (s *Switchboard) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Kind: jobs.KeepHouse, Every: time.Hour}, {Kind: jobs.Reconcile, Every: s.Settings.ReconcileEvery}}
}

func (s *Switchboard) asSystem(do func(context.Context, string) error) jobs.Work {
	return func(ctx context.Context, j jobs.Job) error { return do(viewer.System(ctx), j.Subject) }
}

// fetch brings a recording's audio home and lets the voicemail appear.
func (s *Switchboard) fetch(ctx context.Context, id string) error {
	v, err := s.DB.Client().Voicemail.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("load voicemail %s: %w", id, err)
	}
	if v.Audio != phone.AudioPending {
		return nil
	}
	stored, err := s.copyAudio(ctx, v)
	if err != nil {
		return s.fetchFailed(ctx, v, err)
	}
	purged := false
	err = s.inTx(ctx, func(tx *Tx) (err error) {
		purged, err = s.audioStored(ctx, tx, id, stored)
		return err
	})
	if err != nil || !purged {
		return err
	}
	return s.Recordings.Delete(ctx, id)
}

// copyAudio copies the audio, unless there is a copy that only seemed to be gone: its disk is mounted again, say.
func (s *Switchboard) copyAudio(ctx context.Context, v *ent.Voicemail) (recordings.Stored, error) {
	if v.AudioSha256 != "" && s.Recordings.Verify(ctx, v.ID, v.AudioSha256) == nil {
		return recordings.Stored{ContentType: v.AudioType, Size: v.AudioSize, SHA256: v.AudioSha256}, nil
	}
	if s.Twilio == nil {
		return recordings.Stored{}, errors.New("no Twilio account is set")
	}
	media, err := s.Twilio.OpenRecording(ctx, v.RecordingSid)
	if err != nil {
		return recordings.Stored{}, err
	}
	defer closeQuietly(media.Body)
	return s.Recordings.Put(ctx, v.ID, media.Body, media.Length)
}

func closeQuietly(c io.Closer) { _ = c.Close() } // it was only read from

// audioStored makes a voicemail playable, and tells whether it was purged meanwhile, so that its audio must not stay.
func (s *Switchboard) audioStored(ctx context.Context, tx *Tx, id string, stored recordings.Stored) (purged bool, err error) {
	v, err := tx.voicemail(ctx, id)
	if err != nil || v.PurgedAt != nil || v.Audio != phone.AudioPending {
		return v != nil && v.PurgedAt != nil, err
	}
	err = tx.Voicemail.UpdateOneID(id).SetAudio(phone.AudioStored).ClearAudioError().
		SetAudioType(stored.ContentType).SetAudioSize(stored.Size).SetAudioSha256(stored.SHA256).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("write voicemail %s: %w", id, err)
	}
	tx.change(v, phone.ChangeUpdated)
	if err := s.learnLength(ctx, tx, v, phone.LengthOf(stored.Duration)); err != nil {
		return false, err
	}
	if v.Transcription == phone.TranscriptionPending && s.Settings.Transcriber != "twilio" {
		tx.later(jobs.Job{Kind: jobs.Transcribe, Subject: id, At: s.now()})
	}
	return false, s.arrive(ctx, tx, v)
}

// Audio opens our copy of a voicemail's audio, which is what was stored. One that is damaged, or gone, is fetched again.
func (s *Switchboard) Audio(ctx context.Context, v *ent.Voicemail) (*recordings.Audio, error) {
	audio, err := s.Recordings.OpenIntact(ctx, v.ID, v.AudioSha256)
	return audio, s.mendLost(ctx, v, err)
}

// Intact reads our copy of a voicemail's audio and checks that it is what was stored. One that is damaged, or gone, is fetched again.
func (s *Switchboard) Intact(ctx context.Context, v *ent.Voicemail) error {
	return s.mendLost(ctx, v, s.Recordings.Verify(ctx, v.ID, v.AudioSha256))
}

func (s *Switchboard) mendLost(ctx context.Context, v *ent.Voicemail, err error) error {
	if lost(err) {
		s.Log.ErrorContext(ctx, "a copy of a recording is not what was stored, and is fetched again", "voicemail", v.ID, "error", err)
		return errors.Join(err, s.FetchAgain(ctx, v.ID))
	}
	return err
}

func lost(err error) bool {
	return errors.Is(err, recordings.ErrNotFound) || errors.Is(err, recordings.ErrChanged)
}

// FetchAgain has the audio of a voicemail fetched once more: our copy is damaged, or gone. Until then there is none.
func (s *Switchboard) FetchAgain(ctx context.Context, id string) error {
	ctx = viewer.System(ctx)
	return s.withVoicemail(ctx, id, func(tx *Tx, v *ent.Voicemail) error {
		if v.Audio != phone.AudioStored {
			return nil
		}
		return s.fetchAgain(ctx, tx, v)
	})
}

func (s *Switchboard) fetchAgain(ctx context.Context, tx *Tx, v *ent.Voicemail) error {
	if err := tx.Voicemail.UpdateOneID(v.ID).SetAudio(phone.AudioPending).ClearAudioError().Exec(ctx); err != nil {
		return fmt.Errorf("write voicemail %s: %w", v.ID, err)
	}
	tx.later(jobs.Job{Kind: jobs.FetchRecording, Subject: v.ID, At: s.now()})
	tx.change(v, phone.ChangeUpdated)
	return nil
}

// fetchFailed asks for another try, until the audio has been asked for long enough: then its owner is told why it is missing. What we had once
// is given up only when Twilio does not have it any more.
func (s *Switchboard) fetchFailed(ctx context.Context, v *ent.Voicemail, cause error) error {
	refused := new(twilio.Error)
	fromTwilio := errors.As(cause, &refused)
	why := "Twilio did not give us the recording within 24 hours."
	switch hadIt := v.AudioSha256 != ""; {
	case !hadIt && v.AudioError != nil && fromTwilio && refused.NotFound():
		why = *v.AudioError
	case hadIt && (!fromTwilio || !refused.NotFound()), !hadIt && s.age(v) < phone.FetchPatience:
		return fmt.Errorf("fetch the audio of voicemail %s: %w", v.ID, cause)
	case hadIt:
		why = "Our copy of the recording was lost, and Twilio has none any more."
	case !fromTwilio:
		why = "The recording could not be copied within 24 hours."
	}
	s.Log.ErrorContext(ctx, "gave up the audio of a voicemail", "voicemail", v.ID, "recording", v.RecordingSid, "error", cause)
	s.Metrics.givenUp("audio")
	return s.withVoicemail(ctx, v.ID, func(tx *Tx, v *ent.Voicemail) error {
		if v.Audio != phone.AudioPending {
			return nil // it came after all
		}
		if err := tx.Voicemail.UpdateOneID(v.ID).SetAudio(phone.AudioFailed).SetAudioError(why).Exec(ctx); err != nil {
			return fmt.Errorf("write voicemail %s: %w", v.ID, err)
		}
		tx.change(v, phone.ChangeUpdated)
		if err := s.noTranscript(ctx, tx, v, why); err != nil {
			return err
		}
		return s.arrive(ctx, tx, v)
	})
}

// appearAnyway shows a voicemail whose audio is late.
func (s *Switchboard) appearAnyway(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		v, err := tx.voicemail(ctx, id)
		if err != nil {
			return err
		}
		return s.arrive(ctx, tx, v)
	})
}
