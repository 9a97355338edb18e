package network

import (
	"net/url"
	"strings"
	"time"
)

// Twilio transcribes only recordings longer than the one and shorter than the other. About all others it is silent.
const (
	tooShortToTranscribe = 2 * time.Second
	tooLongToTranscribe  = 120 * time.Second
)

// transcribe tells what the caller said, if TwiML asked for it.
func (s stage) transcribe(own *dice, e *element, r *recording, h haste) {
	length := r.Duration
	if !e.is("transcribe") || r.Status == failed || length <= tooShortToTranscribe || length >= tooLongToTranscribe {
		return
	}
	to := s.resolve(e.attrs["transcribeCallback"])
	form := s.transcription(own, r, to)
	n := s.call.net
	n.mu.Lock()
	r.transcript = form
	n.mu.Unlock()
	s.call.callBack(own, own.between(soonestTranscribed, latestTranscribed), callback{
		topic: TopicTranscription, early: h.transcript, lane: h.lane,
		text: "TranscriptionStatus=" + form.Get("TranscriptionStatus"), who: s.who, url: to, method: "POST", form: form,
	})
}

// transcription names caller and number, unlike the callback about the recording, but no places.
func (s stage) transcription(own *dice, r *recording, to string) url.Values {
	n, sid := s.call.net, own.sid("TR")
	bare, _, _ := strings.Cut(to, "#")
	form := url.Values{
		"AccountSid": {n.cfg.AccountSID}, "ApiVersion": {apiVersion}, "CallSid": {r.CallSID}, "CallStatus": {completed},
		"Direction": {s.direction}, "From": {s.from}, "Caller": {s.from}, "To": {s.to}, "Called": {s.to},
		"RecordingSid": {r.SID}, "RecordingUrl": {n.recordingURL(r.SID)},
		"TranscriptionSid": {sid}, "TranscriptionType": {"fast"}, "url": {bare},
		"TranscriptionUrl":    {n.recordingURL(r.SID) + "/Transcriptions/" + sid},
		"TranscriptionStatus": {completed}, "TranscriptionText": {s.call.caller.words},
	}
	if s.call.caller.mumbles {
		form.Set("TranscriptionStatus", failed)
		form.Del("TranscriptionText")
	}
	if via := s.call.caller.via; via != "" {
		form.Set("ForwardedFrom", via)
	}
	return form
}
