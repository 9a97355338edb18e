package switchboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/transcribe"
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
			return s.noTranscript(ctx, tx, v, "Twilio could not transcribe the message.")
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

// transcribe has our own engine transcribe a voicemail whose audio is stored.
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

// notTranscribed asks for another try where one may help, until the voicemail is too old: then its owner is told the last reason.
func (s *Switchboard) notTranscribed(ctx context.Context, v *ent.Voicemail, cause error) error {
	why := &transcribe.Error{Passing: true, Reason: "The message could not be transcribed."}
	errors.As(cause, &why)
	if why.Passing && s.age(v) < phone.EnginePatience {
		return fmt.Errorf("transcribe voicemail %s: %w", v.ID, cause)
	}
	s.Metrics.givenUp("transcript")
	s.Log.WarnContext(ctx, "gave up the transcript of a voicemail", "voicemail", v.ID, "error", cause)
	return s.withVoicemail(ctx, v.ID, func(tx *Tx, v *ent.Voicemail) error { return s.noTranscript(ctx, tx, v, why.Reason) })
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
