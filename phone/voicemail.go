package phone

import (
	"io"
	"time"
)

const (
	// AppearWithin is how long after it was recorded a voicemail appears at the latest, with its audio or without.
	AppearWithin = 120 * time.Second
	// MailPatience is how long after it appeared a voicemail's mail waits for the transcript.
	MailPatience = 60 * time.Second
	// TranscriptPatience is how long Twilio may take for a transcript.
	TranscriptPatience = 15 * time.Minute
	// EnginePatience is how long after we learned of a voicemail, or were asked to try again, an engine is given it again.
	EnginePatience = 24 * time.Hour
	// FetchPatience is how long the audio is asked for before it is given up.
	FetchPatience = 24 * time.Hour
	// MailTries is how long a mail is tried before it is given up.
	MailTries = 5 * 24 * time.Hour
	// AttachUnder is the size below which a mail carries the audio.
	AttachUnder = 10 << 20
	// MaxTranscript is how many bytes of a transcript are kept.
	MaxTranscript = 64 << 10
)

// AudioState is where a voicemail's audio is.
type AudioState string

// PENDING is still at Twilio only; DELETED is gone by its owner's wish.
const (
	AudioPending AudioState = "PENDING"
	AudioStored  AudioState = "STORED"
	AudioFailed  AudioState = "FAILED"
	AudioDeleted AudioState = "DELETED"
)

// Values lists every state.
func (AudioState) Values() []string {
	return []string{string(AudioPending), string(AudioStored), string(AudioFailed), string(AudioDeleted)}
}

// MarshalGQL writes the state as a GraphQL enum value.
func (s AudioState) MarshalGQL(w io.Writer) { marshalEnum(w, s) }

// UnmarshalGQL reads the state and refuses unknown ones.
func (s *AudioState) UnmarshalGQL(v any) error { return unmarshalEnum(s, v) }

// TranscriptionState is where a voicemail's transcript is.
type TranscriptionState string

// OFF: nobody was asked for one.
const (
	TranscriptionOff       TranscriptionState = "OFF"
	TranscriptionPending   TranscriptionState = "PENDING"
	TranscriptionCompleted TranscriptionState = "COMPLETED"
	TranscriptionFailed    TranscriptionState = "FAILED"
)

// Values lists every state.
func (TranscriptionState) Values() []string {
	return []string{string(TranscriptionOff), string(TranscriptionPending), string(TranscriptionCompleted), string(TranscriptionFailed)}
}

// MarshalGQL writes the state as a GraphQL enum value.
func (s TranscriptionState) MarshalGQL(w io.Writer) { marshalEnum(w, s) }

// UnmarshalGQL reads the state and refuses unknown ones.
func (s *TranscriptionState) UnmarshalGQL(v any) error { return unmarshalEnum(s, v) }

// DeliveryState is how far a mail has come.
type DeliveryState string

// FAILED is final until somebody asks for another try.
const (
	DeliveryPending   DeliveryState = "PENDING"
	DeliveryDelivered DeliveryState = "DELIVERED"
	DeliveryFailed    DeliveryState = "FAILED"
)

// Values lists every state.
func (DeliveryState) Values() []string {
	return []string{string(DeliveryPending), string(DeliveryDelivered), string(DeliveryFailed)}
}

// MarshalGQL writes the state as a GraphQL enum value.
func (s DeliveryState) MarshalGQL(w io.Writer) { marshalEnum(w, s) }

// UnmarshalGQL reads the state and refuses unknown ones.
func (s *DeliveryState) UnmarshalGQL(v any) error { return unmarshalEnum(s, v) }

// ChangeKind is what became of a voicemail that had appeared.
type ChangeKind string

// The kinds of change.
const (
	ChangeUpdated  ChangeKind = "UPDATED"
	ChangeDeleted  ChangeKind = "DELETED"
	ChangeRestored ChangeKind = "RESTORED"
)

// Values lists every kind.
func (ChangeKind) Values() []string {
	return []string{string(ChangeUpdated), string(ChangeDeleted), string(ChangeRestored)}
}

// MarshalGQL writes the kind as a GraphQL enum value.
func (k ChangeKind) MarshalGQL(w io.Writer) { marshalEnum(w, k) }

// UnmarshalGQL reads the kind and refuses unknown ones.
func (k *ChangeKind) UnmarshalGQL(v any) error { return unmarshalEnum(k, v) }

// Reported is what Twilio's recording status callback tells.
type Reported struct {
	RecordingSID string
	CallSID      string
	Status       string // in-progress, completed, absent, failed
	Seconds      int
	StartedAt    time.Time // zero: not told
	ErrorCode    string
}

// Exists tells whether there is a recording to keep. One that failed at Twilio still counts as a message: its owner must learn of it.
func (r Reported) Exists() bool { return r.Status == "completed" || r.Status == "failed" }

// WhyAbsent says in plain words why there is no recording.
func (r Reported) WhyAbsent() string {
	switch r.ErrorCode {
	case "16101":
		return "Twilio kept no recording: it was too short"
	case "16102":
		return "Twilio kept no recording: it was silent"
	}
	return "Twilio kept no recording"
}

// LengthOf is the length of audio in whole seconds, as Twilio tells it: not 0 when there is any.
func LengthOf(audio time.Duration) int {
	if audio <= 0 {
		return 0
	}
	return int(min(max(audio.Round(time.Second), time.Second), LongestCall) / time.Second)
}

// AppearsAt is when a voicemail appears without its audio: two minutes after it was recorded, or at once when we learn of it later. When
// Twilio does not say when it was recorded, that was before now at any rate.
func AppearsAt(received time.Time, seconds int, now time.Time) time.Time {
	due := received.Add(time.Duration(seconds)*time.Second + AppearWithin)
	if latest := now.Add(AppearWithin); due.After(latest) {
		return latest
	}
	if due.Before(now) {
		return now
	}
	return due
}

// AsksTwilio tells whether Twilio is asked for a transcript: its engine knows American English only.
func AsksTwilio(wanted bool, language string) bool { return wanted && language == "en-US" }

// WhyNoTranscript says why Twilio will never transcribe a recording of that length, or nothing when it will.
func WhyNoTranscript(seconds int) string {
	switch {
	case seconds <= 2:
		return "The message is too short: Twilio transcribes recordings of more than 2 and less than 120 seconds."
	case seconds >= 120:
		return "The message is too long: Twilio transcribes recordings of more than 2 and less than 120 seconds."
	}
	return ""
}

// MayRetryTranscript tells whether a transcript in that state, which somebody has been waiting for so long, is tried once more by request.
func MayRetryTranscript(t TranscriptionState, waited time.Duration) bool {
	return t == TranscriptionFailed || t == TranscriptionPending && waited >= TranscriptPatience
}

// Attached tells whether a mail carries audio of that many bytes.
func Attached(size int64) bool { return size < AttachUnder }

// MailDue tells whether a voicemail's mail goes out now: its transcript is there or will not come, or it has waited long enough.
func MailDue(t TranscriptionState, appeared, now time.Time) bool {
	return t != TranscriptionPending || !now.Before(appeared.Add(MailPatience))
}
