package network

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recording is one recording that the network made, as the truth to compare a service with.
type Recording struct {
	SID, CallSID string
	From, To     string
	StartedAt    time.Time
	Duration     time.Duration // of the file
	Words        string        // what was said
	Status       string        // in-progress, processing, completed, absent or failed
	Deleted      bool          // by REST

	tune uint64
}

// WAV is the file, the same at every call; nil when there is none.
func (r Recording) WAV() []byte {
	if r.Status == absent || r.Status == failed {
		return nil
	}
	return wav(r.tune, r.Duration)
}

// recording is a Recording on its way. Net.mu guards it.
type recording struct {
	Recording
	errorCode  int
	ready      time.Time  // when its processing was over
	transcript url.Values // as its callback tells it; nil: not transcribed
}

const (
	processing = "processing"
	absent     = "absent"
)

const (
	errTooShort = 16101
	errSilent   = 16102
	shortest    = time.Second
	beeping     = 500 * time.Millisecond
)

// How long Twilio takes to process a recording, and to transcribe it after that.
const (
	soonestReady, latestReady             = 2 * time.Second, 5 * time.Second
	soonestTranscribed, latestTranscribed = 5 * time.Second, 15 * time.Second
)

// Recordings lists all that was ever recorded, the oldest first.
func (n *Network) Recordings() []Recording {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]Recording, len(n.recordings))
	for i, r := range n.recordings {
		all[i] = r.Recording
	}
	return all
}

// record records the caller and asks the action at once; the file is ready later.
func (s stage) record(e *element) (*ask, error) {
	s.pickUp()
	if !e.has("playBeep") || e.is("playBeep") {
		if err := s.hears("(a beep)", beeping); err != nil {
			return nil, err
		}
	}
	r := s.startRecording(e)
	t, err := s.speak(e)
	s.stopRecording(e, r, t)
	if t.spoken == 0 && err == nil && s.call.net.cfg.SkipEmpty {
		return nil, nil
	}
	extra := map[string]string{
		"RecordingSid": r.SID, "RecordingUrl": s.call.net.recordingURL(r.SID),
		"RecordingDuration": strconv.Itoa(seconds(t.length)),
	}
	if t.digits != "" || s.call.net.cfg.EmptyDigits {
		extra["Digits"] = t.digits
	}
	next := s.follow(e, extra)
	if errors.Is(err, errCallerGone) {
		s.tellOnly(*next)
	}
	if err != nil {
		return nil, err
	}
	return next, nil
}

// speak lets the caller speak. A hang-up ends the recording, whenever it comes.
func (s stage) speak(e *element) (take, error) {
	began := s.call.net.Now()
	t := s.call.caller.take(longest(e), e.seconds("timeout", 5), finishKeys(e))
	err := s.pass(t.length)
	if err != nil {
		t.length = s.call.net.Now().Sub(began)
		t.spoken, t.digits = min(t.spoken, t.length), ""
		if s.call.gone {
			t.digits = "hangup"
		}
		return t, err
	}
	switch {
	case t.hangUp:
		s.call.hangUp()
		return t, errCallerGone
	case t.digits != "":
		s.call.happens(Event{Kind: Pressed, Who: s.who, Text: t.digits})
	}
	if s.call.caller.leaves {
		s.hangUpAt = s.call.net.Now()
	}
	return t, nil
}

func longest(e *element) time.Duration {
	if e.is("transcribe") {
		return e.seconds("maxLength", 120)
	}
	return e.seconds("maxLength", 3600)
}

func finishKeys(e *element) string {
	if e.has("finishOnKey") {
		return e.attrs["finishOnKey"]
	}
	return "1234567890*#"
}

func (s stage) startRecording(e *element) *recording {
	c := s.call
	r := &recording{Recording: Recording{
		SID: c.dice.sid("RE"), CallSID: c.SID, From: s.from, To: s.to, StartedAt: c.net.Now(), Status: inProgress,
		tune: c.dice.Uint64(),
	}}
	c.net.mu.Lock()
	c.net.recordings = append(c.net.recordings, r)
	c.outcome.Recordings = append(c.outcome.Recordings, r.SID)
	c.net.mu.Unlock()
	s.reportRecording(c.dice, e, r, legDelay, haste{})
	return r
}

// stopRecording settles what the file will be, and when it will be there.
func (s stage) stopRecording(e *element, r *recording, t take) {
	c := s.call
	file := t.spoken
	if e.attrs["trim"] == "do-not-trim" {
		file = t.length
	}
	c.net.mu.Lock()
	r.Status, r.Duration = processing, file
	switch {
	case t.spoken == 0:
		r.errorCode = errSilent
	case file < shortest:
		r.errorCode = errTooShort
	default:
		r.Words = c.caller.words
	}
	c.net.mu.Unlock()
	c.happens(Event{Kind: Recorded, Who: s.who, Text: r.SID, Took: t.length})
	own := c.dice.fork()
	wait := own.between(soonestReady, latestReady)
	h := haste{transcript: c.early(TopicTranscription), lane: firstLane}
	if c.early(TopicRecording) {
		h.recording, h.lane = true, 0 // told by the call itself
		s.develop(own, e, r, h)
		return
	}
	c.net.clock.after(wait, func() { s.develop(own, e, r, h) })
}

// haste is what of a recording overtakes everything, as told in a lane.
type haste struct {
	recording, transcript bool
	lane                  uint64
}

// firstLane comes right after the call's own, before all that are drawn.
const firstLane = 1

// develop makes the file ready, then tells of it.
func (s stage) develop(own *dice, e *element, r *recording, h haste) {
	n := s.call.net
	now := n.Now()
	n.mu.Lock()
	r.Status, r.ready = completed, now
	switch {
	case r.errorCode != 0:
		r.Status, r.Duration = absent, 0
	case s.call.caller.spoilt:
		r.Status = failed
	}
	n.mu.Unlock()
	if h.transcript {
		s.transcribe(own, e, r, h)
	}
	s.reportRecording(own, e, r, 0, h)
	if !h.transcript {
		s.transcribe(own, e, r, h)
	}
}

// reportRecording sends the callback for the status that the recording has now, if TwiML asked for it. There is no asking
// for a failure, so it is always told.
func (s stage) reportRecording(own *dice, e *element, r *recording, after time.Duration, h haste) {
	wanted := []string{completed}
	if asked, ok := e.attrs["recordingStatusCallbackEvent"]; ok {
		wanted = strings.Fields(asked)
	}
	if r.Status != failed && !slices.Contains(wanted, r.Status) {
		return
	}
	s.call.callBack(own, after, callback{
		topic: TopicRecording, early: h.recording, lane: h.lane,
		text: "RecordingStatus=" + r.Status, who: s.who, url: s.resolve(e.attrs["recordingStatusCallback"]),
		method: e.method("recordingStatusCallbackMethod"), form: s.recordingForm(r),
	})
}

// recordingForm is all that the callback says: nothing about who called whom.
func (s stage) recordingForm(r *recording) url.Values {
	n := s.call.net
	return url.Values{
		"AccountSid": {n.cfg.AccountSID}, "CallSid": {r.CallSID}, "RecordingSid": {r.SID},
		"RecordingUrl": {n.recordingURL(r.SID)}, "RecordingStatus": {r.Status},
		"RecordingDuration": {strconv.Itoa(seconds(r.Duration))}, "RecordingChannels": {"1"},
		"RecordingSource": {"RecordVerb"}, "RecordingStartTime": {rfc2822(r.StartedAt)},
		"ErrorCode": {strconv.Itoa(r.errorCode)},
	}
}

// recordingURL is Twilio's own, wherever the network is mounted: a service has to find the file by itself.
func (n *Network) recordingURL(sid string) string {
	return "https://api.twilio.com/" + apiVersion + "/Accounts/" + n.cfg.AccountSID + "/Recordings/" + sid
}
