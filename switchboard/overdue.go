package switchboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/phone"
)

// overdueBy is how much longer than it is tried anything may be pending. Then the job that had to give it up cannot: it fails before it gets
// there, or it is gone.
const overdueBy = time.Hour

const errOverdue = said("Our own work on it failed each time.")

// giveUpOverdue gives up what nobody else does, so that it does not stay pending for ever.
func (s *Switchboard) giveUpOverdue(ctx context.Context) error {
	return errors.Join(s.overdueAudio(ctx), s.audioOnceMore(ctx), s.overdueTranscripts(ctx), s.overdueMails(ctx), s.overdueVoicemails(ctx))
}

func (s *Switchboard) overdueSince(patience time.Duration) time.Time {
	return s.now().Add(-patience - overdueBy)
}

// overdueAudio leaves alone what is fetched for a second time, to mend a copy: see audioOnceMore.
func (s *Switchboard) overdueAudio(ctx context.Context) (errs error) {
	late, err := s.DB.Client().Voicemail.Query().Limit(atOnce).
		Where(voicemail.AudioEQ(phone.AudioPending), voicemail.LearnedAtLT(s.overdueSince(phone.FetchPatience)), voicemail.AudioSha256("")).All(ctx)
	if err != nil {
		return fmt.Errorf("look for audio that is overdue: %w", err)
	}
	for _, v := range late {
		errs = errors.Join(errs, s.fetchFailed(ctx, v, errOverdue))
	}
	return errs
}

// audioOnceMore fetches what is pending since a copy was lost, as its job would if that were not given up.
func (s *Switchboard) audioOnceMore(ctx context.Context) (errs error) {
	late, err := s.DB.Client().Voicemail.Query().Limit(atOnce).
		Where(voicemail.AudioEQ(phone.AudioPending), voicemail.LearnedAtLT(s.overdueSince(phone.FetchPatience)), voicemail.AudioSha256NEQ("")).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for audio that was lost: %w", err)
	}
	for _, id := range late {
		errs = errors.Join(errs, s.fetch(ctx, id))
	}
	return errs
}

// overdueVoicemails shows what nobody has shown.
func (s *Switchboard) overdueVoicemails(ctx context.Context) (errs error) {
	late, err := s.DB.Client().Voicemail.Query().Limit(atOnce).
		Where(voicemail.PlaceIsNil(), voicemail.DeletedAtIsNil(), voicemail.PurgedAtIsNil(), voicemail.LearnedAtLT(s.overdueSince(0))).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for voicemails that have not appeared: %w", err)
	}
	for _, id := range late {
		errs = errors.Join(errs, s.appearAnyway(ctx, id))
	}
	return errs
}

func (s *Switchboard) overdueTranscripts(ctx context.Context) (errs error) {
	since := s.overdueSince(phone.EnginePatience)
	late, err := s.DB.Client().Voicemail.Query().Limit(atOnce).
		Where(voicemail.TranscriptionEQ(phone.TranscriptionPending), voicemail.LearnedAtLT(since),
			voicemail.Or(voicemail.TranscriptionRetriedAtIsNil(), voicemail.TranscriptionRetriedAtLT(since))).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for transcripts that are overdue: %w", err)
	}
	for _, id := range late {
		s.Metrics.givenUp("transcript")
		errs = errors.Join(errs, s.withVoicemail(ctx, id, func(tx *Tx, v *ent.Voicemail) error {
			return s.noTranscript(ctx, tx, v, "The message could not be transcribed within 24 hours.")
		}))
	}
	return errs
}

func (s *Switchboard) overdueMails(ctx context.Context) (errs error) {
	since := s.overdueSince(phone.MailTries)
	late, err := s.DB.Client().Delivery.Query().Limit(atOnce).
		Where(delivery.StateEQ(phone.DeliveryPending), delivery.CreatedAtLT(since), delivery.Or(delivery.RetriedAtIsNil(), delivery.RetriedAtLT(since))).All(ctx)
	if err != nil {
		return fmt.Errorf("look for mails that are overdue: %w", err)
	}
	for _, d := range late {
		errs = errors.Join(errs, s.notSent(ctx, d, nil, false, errOverdue))
	}
	return errs
}
