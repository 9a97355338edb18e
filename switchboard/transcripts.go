package switchboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/transcribe"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

// Engine makes text of a recording in a language such as en-US. Its errors are [transcribe.Error]: any other counts as passing.
type Engine interface {
	Transcribe(ctx context.Context, audio io.Reader, language string) (text string, err error)
}

// transcriber is who is to transcribe a message.
type transcriber int

const (
	byNobody transcriber = iota
	byTwilio
	byEngine
)

// transcriberOf is who was meant to transcribe when the caller was led to leave a message. Of a call that was answered without the database
// that is not written down: then the number says it.
func (s *Switchboard) transcriberOf(ctx context.Context, tx *Tx, c *ent.Call) (transcriber, error) {
	for _, stored := range c.Answers {
		if t, ok := stored.Answer.(phone.TakeMessage); ok {
			return s.chosen(t.Transcribe, t.TranscribeLater), nil
		}
	}
	if s.Engine == nil {
		return byNobody, nil
	}
	n, err := tx.numberOf(ctx, c)
	if err != nil {
		return byNobody, err
	}
	return s.chosen(false, n.Transcribe), nil
}

func (s *Switchboard) chosen(twilio, later bool) transcriber {
	switch {
	case twilio:
		return byTwilio
	case later && s.Engine != nil:
		return byEngine
	}
	return byNobody
}

// expectTranscript sets what becomes of a new voicemail's transcript, and tells who makes it.
func (s *Switchboard) expectTranscript(ctx context.Context, tx *Tx, c *ent.Call, create *ent.VoicemailCreate, r phone.Reported) (transcriber, error) {
	by, err := s.transcriberOf(ctx, tx, c)
	if err != nil || by == byNobody {
		return by, err
	}
	if why := whyNever(by, r); why != "" {
		create.SetTranscription(phone.TranscriptionFailed).SetTranscriptionError(why)
		return by, nil
	}
	create.SetTranscription(phone.TranscriptionPending)
	return by, nil
}

// whyNever says why there will be no transcript of a recording, or nothing when there may be one.
func whyNever(by transcriber, r phone.Reported) string {
	if r.Seconds == 0 || by == byEngine { // its length is not known yet, or does not matter
		return ""
	}
	return phone.WhyNoTranscript(r.Seconds)
}

// Transcript is what Twilio's transcription callback tells.
type Transcript struct {
	RecordingSID string
	Completed    bool
	Text         string
}

// Transcribed takes a transcript. It may come before we heard of the recording, and after we gave it up.
func (s *Switchboard) Transcribed(ctx context.Context, in phone.Incoming, t Transcript) error {
	err := s.inCall(ctx, in, transcribedKey(t), nil, func(tx *Tx, c *ent.Call) error {
		v, err := s.keep(ctx, tx, c, phone.Reported{RecordingSID: t.RecordingSID, Status: "completed", StartedAt: in.At})
		if err != nil {
			return err
		}
		if !t.Completed {
			return s.noTranscript(ctx, tx, v, failedToTranscribe)
		}
		return s.transcript(ctx, tx, v, t.Text)
	})
	return s.orAside(ctx, entry{In: in, Transcript: &t}, err)
}

// transcript writes a transcript down, unless there is one or nobody may have it any more, and lets the mail go with it. One without words is
// none.
func (s *Switchboard) transcript(ctx context.Context, tx *Tx, v *ent.Voicemail, text string) error {
	if v.Transcription == phone.TranscriptionCompleted || v.PurgedAt != nil {
		return nil
	}
	if text = CleanTranscript(text); strings.TrimSpace(text) == "" {
		return s.noTranscript(ctx, tx, v, "No words were recognized in the message.")
	}
	err := tx.Voicemail.UpdateOneID(v.ID).SetTranscription(phone.TranscriptionCompleted).SetTranscript(text).ClearTranscriptionError().Exec(ctx)
	if err != nil {
		return fmt.Errorf("write the transcript of voicemail %s: %w", v.ID, err)
	}
	v.Transcription = phone.TranscriptionCompleted
	tx.change(v, phone.ChangeUpdated)
	return s.mailNow(ctx, tx, v)
}

// CleanTranscript makes a text from outside fit to be kept: valid UTF-8 without NUL, which PostgreSQL cannot hold, and of bounded length.
func CleanTranscript(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if len(text) > phone.MaxTranscript {
		text = strings.ToValidUTF8(text[:phone.MaxTranscript], "")
	}
	return text
}

// noTranscript writes down why there will be no transcript, and lets the mail go without it.
func (s *Switchboard) noTranscript(ctx context.Context, tx *Tx, v *ent.Voicemail, why string) error {
	if v.Transcription != phone.TranscriptionPending {
		return nil
	}
	if err := tx.Voicemail.UpdateOneID(v.ID).SetTranscription(phone.TranscriptionFailed).SetTranscriptionError(why).Exec(ctx); err != nil {
		return fmt.Errorf("write the state of voicemail %s: %w", v.ID, err)
	}
	v.Transcription = phone.TranscriptionFailed
	tx.change(v, phone.ChangeUpdated)
	return s.mailNow(ctx, tx, v)
}

// expireTranscription gives up a transcript that Twilio owes us.
func (s *Switchboard) expireTranscription(ctx context.Context, id string) error {
	return s.withVoicemail(ctx, id, func(tx *Tx, v *ent.Voicemail) error {
		return s.noTranscript(ctx, tx, v, "Twilio sent no transcript within 15 minutes.")
	})
}

// RetryTranscription has a message transcribed whose transcript failed, or has been awaited for long, and tries as long as with a new one. One that
// is there stays as it is, and no mail goes out a second time. Twilio transcribes a message only once: it is asked for what it has.
func (s *Switchboard) RetryTranscription(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		found, err := tx.withCalls(ctx, []string{id})
		if err != nil {
			return err
		}
		v := found[0]
		if v.Transcription == phone.TranscriptionOff {
			return &phone.Error{Code: phone.Conflict, Message: "Nobody was asked for a transcript of this message: transcripts are off."}
		}
		if !phone.MayRetryTranscript(v.Transcription, s.awaited(v)) {
			return nil
		}
		err = tx.Voicemail.UpdateOneID(id).SetTranscription(phone.TranscriptionPending).ClearTranscriptionError().SetTranscriptionRetriedAt(s.now()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write voicemail %s: %w", id, err)
		}
		tx.later(jobs.Job{Kind: jobs.Transcribe, Subject: id, At: s.now()})
		tx.change(v, phone.ChangeUpdated)
		tx.audit(ctx, "retryTranscription", v.OwnerID, id, "")
		return nil
	})
}

// awaited is how long somebody has been waiting for a transcript.
func (s *Switchboard) awaited(v *ent.Voicemail) time.Duration {
	since := v.LearnedAt
	if v.TranscriptionRetriedAt != nil {
		since = *v.TranscriptionRetriedAt
	}
	return s.now().Sub(since)
}

// transcribe has our own engine transcribe a voicemail whose audio is stored, or asks Twilio for what it has of it.
func (s *Switchboard) transcribe(ctx context.Context, id string) error {
	v, err := s.DB.Client().Voicemail.Query().Where(voicemail.ID(id)).WithNumber().Only(ctx)
	if err != nil {
		return fmt.Errorf("load voicemail %s: %w", id, err)
	}
	if v.Transcription != phone.TranscriptionPending {
		return nil
	}
	text, err := s.listen(ctx, v)
	if err != nil {
		return s.notTranscribed(ctx, v, err)
	}
	return s.withVoicemail(ctx, id, func(tx *Tx, v *ent.Voicemail) error { return s.transcript(ctx, tx, v, text) })
}

func (s *Switchboard) listen(ctx context.Context, v *ent.Voicemail) (string, error) {
	switch {
	case s.Engine == nil && s.Settings.Transcriber == "twilio":
		return s.askTwilio(ctx, v.RecordingSid)
	case s.Engine == nil:
		return "", &transcribe.Error{Reason: "Transcription was switched off."}
	case v.Audio == phone.AudioPending: // a copy was lost
		return "", &transcribe.Error{Passing: true, Reason: "The recording could not be read."}
	case v.Audio != phone.AudioStored:
		return "", &transcribe.Error{Reason: "There is no recording to transcribe."}
	}
	audio, err := s.Audio(ctx, v)
	if err != nil {
		return "", &transcribe.Error{Passing: true, Reason: "The recording could not be read.", Err: err}
	}
	defer closeQuietly(audio)
	return s.Engine.Transcribe(ctx, audio, v.Edges.Number.Language)
}

const failedToTranscribe = "Twilio could not transcribe the message."

// askTwilio asks for a transcript that should have been told by now.
func (s *Switchboard) askTwilio(ctx context.Context, recordingSID string) (string, error) {
	if s.Twilio == nil {
		return "", &transcribe.Error{Reason: "No Twilio account is set."}
	}
	all, err := s.Twilio.Transcriptions(ctx, recordingSID)
	if refused := new(twilio.Error); errors.As(err, &refused) && refused.NotFound() {
		all, err = nil, nil
	}
	if err != nil {
		return "", &transcribe.Error{Passing: true, Reason: "Twilio could not be asked for the transcript.", Err: err}
	}
	why := &transcribe.Error{Reason: "Twilio has no transcript of the message."}
	for _, t := range all {
		switch t.Status {
		case "completed":
			return t.Text, nil
		case "failed":
			why.Reason = failedToTranscribe
		default:
			return "", &transcribe.Error{Passing: true, Reason: "Twilio has not transcribed the message yet."}
		}
	}
	return "", why
}

// notTranscribed asks for another try where one may help, and meanwhile tells the voicemail's owner why there is none yet. When it has been tried
// for long enough, the last reason is why there will be none.
func (s *Switchboard) notTranscribed(ctx context.Context, v *ent.Voicemail, cause error) error {
	why := &transcribe.Error{Passing: true, Reason: "The message could not be transcribed."}
	errors.As(cause, &why)
	if why.Passing && s.awaited(v) < phone.EnginePatience {
		return errors.Join(fmt.Errorf("transcribe voicemail %s: %w", v.ID, cause), s.noTranscriptYet(ctx, v.ID, why.Reason))
	}
	s.Metrics.givenUp("transcript")
	s.Log.WarnContext(ctx, "gave up the transcript of a voicemail", "voicemail", v.ID, "error", cause)
	return s.withVoicemail(ctx, v.ID, func(tx *Tx, v *ent.Voicemail) error { return s.noTranscript(ctx, tx, v, why.Reason) })
}

func (s *Switchboard) noTranscriptYet(ctx context.Context, id, why string) error {
	if ctx.Err() != nil {
		return nil // we were told to stop: that is no reason that matters to anybody
	}
	return s.withVoicemail(ctx, id, func(tx *Tx, v *ent.Voicemail) error {
		if v.Transcription != phone.TranscriptionPending || v.TranscriptionError != nil && *v.TranscriptionError == why {
			return nil
		}
		if err := tx.Voicemail.UpdateOneID(id).SetTranscriptionError(why).Exec(ctx); err != nil {
			return fmt.Errorf("write voicemail %s: %w", id, err)
		}
		tx.change(v, phone.ChangeUpdated)
		return nil
	})
}

// withVoicemail runs do on the locked voicemail.
func (s *Switchboard) withVoicemail(ctx context.Context, id string, do func(*Tx, *ent.Voicemail) error) error {
	return s.inTx(ctx, func(tx *Tx) error {
		v, err := tx.voicemail(ctx, id)
		if err != nil {
			return err
		}
		return do(tx, v)
	})
}
