package network

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (n *Network) listRecordings(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !known(w, query, append(timeFilter("DateCreated"), "CallSid", "IncludeSoftDeleted")...) {
		return
	}
	created, err := spanOf(query, "DateCreated")
	if err != nil {
		invalid(w, codeUnknownParameter, "DateCreated: %v", err)
		return
	}
	call := query.Get("CallSid")
	if inPath := r.PathValue("call"); inPath != "" {
		call = inPath
	}
	var items []item
	shown := map[string]bool{}
	n.mu.Lock()
	for _, rec := range slices.Backward(n.recordings) {
		items = append(items, item{sid: rec.SID, body: n.recordingObject(rec)})
		shown[rec.SID] = (call == "" || rec.CallSID == call) && created.holds(rec.StartedAt) &&
			(!rec.Deleted || query.Get("IncludeSoftDeleted") == "true")
	}
	n.mu.Unlock()
	n.list(w, r, "recordings", items, func(body object) bool { return shown[body["sid"].(string)] })
}

// listTranscriptions lists the transcription of a recording, if there is one.
func (n *Network) listTranscriptions(w http.ResponseWriter, r *http.Request) {
	if !known(w, r.URL.Query()) {
		return
	}
	var items []item
	n.mu.Lock()
	rec := n.find(r.PathValue("sid"))
	if rec != nil && rec.transcript != nil {
		form := rec.transcript
		sid := form.Get("TranscriptionSid")
		items = append(items, item{sid: sid, body: object{
			"sid": sid, "account_sid": n.cfg.AccountSID, "api_version": apiVersion, "recording_sid": rec.SID, "type": form.Get("TranscriptionType"),
			"status": form.Get("TranscriptionStatus"), "transcription_text": form.Get("TranscriptionText"), "duration": strconv.Itoa(seconds(rec.Duration)),
		}})
	}
	n.mu.Unlock()
	if rec == nil || rec.Deleted {
		notFound(w, r)
		return
	}
	n.list(w, r, "transcriptions", items, func(object) bool { return true })
}

// serveRecording gives the resource or the file, depending on the extension.
func (n *Network) serveRecording(w http.ResponseWriter, r *http.Request) {
	sid, extension := resource(r.PathValue("file"))
	rec, ready, found := n.recording(sid)
	switch {
	case !found || rec.Deleted:
		notFound(w, r)
	case extension == "json":
		n.mu.Lock()
		body := n.recordingObject(n.find(sid))
		n.mu.Unlock()
		answer(w, http.StatusOK, body)
	case extension != "" && extension != "wav", !ready:
		notFound(w, r)
	case r.URL.Query().Has("RequestedChannels") && r.URL.Query().Get("RequestedChannels") != "1":
		invalid(w, restCode(http.StatusBadRequest), "RequestedChannels=%s of a recording with one channel",
			r.URL.Query().Get("RequestedChannels"))
	default:
		serveWAV(w, rec.WAV())
	}
}

func serveWAV(w http.ResponseWriter, file []byte) {
	w.Header().Set("Content-Type", "audio/x-wav")
	w.Header().Set("Content-Length", strconv.Itoa(len(file)))
	if _, err := w.Write(file); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

func (n *Network) deleteRecording(w http.ResponseWriter, r *http.Request) {
	sid, extension := resource(r.PathValue("file"))
	n.mu.Lock()
	rec := n.find(sid)
	gone := rec == nil || rec.Deleted || extension != "" && extension != "json"
	if !gone {
		rec.Deleted = true
	}
	n.mu.Unlock()
	if gone {
		notFound(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// recording is a copy of a recording, and whether its file can be had by now.
func (n *Network) recording(sid string) (rec Recording, ready, found bool) {
	now := n.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.find(sid)
	if r == nil {
		return Recording{}, false, false
	}
	return r.Recording, r.Status == completed && !now.Before(r.ready.Add(n.mood.media404)), true
}

// find wants net.mu held.
func (n *Network) find(sid string) *recording {
	at := slices.IndexFunc(n.recordings, func(r *recording) bool { return r.SID == sid })
	if at < 0 {
		return nil
	}
	return n.recordings[at]
}

// recordingObject wants net.mu held.
func (n *Network) recordingObject(r *recording) object {
	status, duration := r.Status, any(strconv.Itoa(seconds(r.Duration)))
	if status == inProgress {
		duration = "-1"
	}
	switch {
	case r.Deleted:
		status = "deleted"
	case r.Status == failed: // a word that only callbacks have
		status = absent
	}
	body := object{
		"sid": r.SID, "account_sid": n.cfg.AccountSID, "api_version": apiVersion, "call_sid": r.CallSID,
		"conference_sid": nil, "status": status, "duration": duration, "channels": 1, "source": "RecordVerb",
		"error_code": nil, "price": nil, "price_unit": "USD", "encryption_details": nil,
		"start_time": rfc2822(r.StartedAt), "date_created": rfc2822(r.StartedAt), "date_updated": rfc2822(latest(r.StartedAt, r.ready)),
		"uri": n.uri("/Recordings/" + r.SID + ".json"), "media_url": n.recordingURL(r.SID),
		"subresource_uris": object{"transcriptions": n.uri("/Recordings/" + r.SID + "/Transcriptions.json")},
	}
	if r.errorCode != 0 && r.Status == absent {
		body["error_code"] = r.errorCode
	}
	return body
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
