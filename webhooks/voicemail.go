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
		return noNews{} // the call goes on
	}
	return callOver{d.Desk, in, over}
}

type callOver struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
	over switchboard.Over
}

func (n callOver) tell(ctx context.Context) error { return n.desk.Ended(ctx, n.in, n.over) }
func (n callOver) keep() error                    { return n.desk.EndedAway(n.in, n.over) }

// recording: Twilio has a recording, or has none after all.
func (d *door) recording(r *request) news {
	in := r.parent()
	seconds, _ := r.seconds("RecordingDuration")
	told := phone.Reported{
		RecordingSID: r.sid("RE", r.get("RecordingSid"), "RecordingSid", false), CallSID: r.sid("CA", r.get("CallSid"), "CallSid", false),
		Status: r.get("RecordingStatus"), Seconds: seconds, StartedAt: r.time("RecordingStartTime"), ErrorCode: r.get("ErrorCode"),
	}
	return reported{d.Desk, in, told}
}

type reported struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
	told phone.Reported
}

func (n reported) tell(ctx context.Context) error { return n.desk.Reported(ctx, n.in, n.told) }
func (n reported) keep() error                    { return n.desk.ReportedAway(n.in, n.told) }

// transcription: Twilio has transcribed a recording, or could not.
func (d *door) transcription(r *request) news {
	in := r.parent()
	told := switchboard.Transcript{
		RecordingSID: r.sid("RE", r.get("RecordingSid"), "RecordingSid", false),
		Completed:    r.get("TranscriptionStatus") == "completed", Text: r.get("TranscriptionText"),
	}
	return transcribed{d.Desk, in, told}
}

type transcribed struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
	told switchboard.Transcript
}

func (n transcribed) tell(ctx context.Context) error { return n.desk.Transcribed(ctx, n.in, n.told) }
func (n transcribed) keep() error                    { return n.desk.TranscribedAway(n.in, n.told) }
