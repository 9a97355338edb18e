package jobs

import "github.com/riverqueue/river"

// Each lane has workers of its own, so that a mail server or a storage that hangs
// holds up only its like: a voicemail must appear in time though its audio cannot be
// fetched, and its audio be fetched though programs take minutes to transcribe others.
const (
	laneSwift  = "swift" // touches only our database
	laneMedia  = "media"
	laneSpeech = "speech"
	laneMail   = "mail"
	laneWatch  = "watch" // what finds out what others have missed
)

const workersPerLane = 10

func lanes() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		laneSwift:  {MaxWorkers: workersPerLane},
		laneMedia:  {MaxWorkers: workersPerLane},
		laneSpeech: {MaxWorkers: workersPerLane},
		laneMail:   {MaxWorkers: workersPerLane},
		laneWatch:  {MaxWorkers: 1},
	}
}

func (k Kind) lane() string {
	switch k {
	case FetchRecording, Purge:
		return laneMedia
	case Reconcile:
		return laneWatch
	case Transcribe:
		return laneSpeech
	case SendMail:
		return laneMail
	default:
		return laneSwift
	}
}

// maxAttempts lies well past what a Work goes on for by its own row's age: five days
// of mail at half an hour are 240 attempts, a day of media 50.
func (k Kind) maxAttempts() int {
	if k.lane() == laneMail {
		return 400
	}
	return 100
}
