package webhooks

import (
	"context"

	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// status: the call is over.
func (d *door) status(r *request) news {
	in := r.incoming()
	seconds, known := r.seconds("CallDuration")
	over := switchboard.Over{Status: in.Status, Seconds: seconds, Duration: known, At: r.time("Timestamp")}
	if !phone.CallerGone(in.Status) {
		return news{tell: func(context.Context) error { return nil }} // it goes on: there is nothing to write down
	}
	return news{
		tell: func(ctx context.Context) error { return d.Desk.Ended(ctx, in, over) },
		keep: func() error { return d.Desk.EndedAway(in, over) },
	}
}

// recording: Twilio has a recording, or has none after all.
func (d *door) recording(r *request) news {
	in := r.parent()
	seconds, _ := r.seconds("RecordingDuration")
	told := phone.Reported{
		RecordingSID: r.sid("RE", r.get("RecordingSid"), "RecordingSid", false), CallSID: r.sid("CA", r.get("CallSid"), "CallSid", false),
		Status: r.get("RecordingStatus"), Seconds: seconds, StartedAt: r.time("RecordingStartTime"), ErrorCode: r.get("ErrorCode"),
	}
	return news{
		tell: func(ctx context.Context) error { return d.Desk.Reported(ctx, in, told) },
		keep: func() error { return d.Desk.ReportedAway(in, told) },
	}
}

// transcription: Twilio has transcribed a recording, or could not.
func (d *door) transcription(r *request) news {
	in := r.parent()
	told := switchboard.Transcript{
		RecordingSID: r.sid("RE", r.get("RecordingSid"), "RecordingSid", false),
		Completed:    r.get("TranscriptionStatus") == "completed", Text: r.get("TranscriptionText"),
	}
	return news{
		tell: func(ctx context.Context) error { return d.Desk.Transcribed(ctx, in, told) },
		keep: func() error { return d.Desk.TranscribedAway(in, told) },
	}
}
