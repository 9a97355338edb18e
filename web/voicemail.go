package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

// VoicemailState says what the page behind the link in a mail can offer.
type VoicemailState string

// The zero state is shown as VoicemailNotFound.
const (
	VoicemailPlayable    VoicemailState = "PLAYABLE"
	VoicemailPending     VoicemailState = "PENDING" // the audio is still being fetched
	VoicemailAudioFailed VoicemailState = "FAILED"
	VoicemailLinkExpired VoicemailState = "EXPIRED"
	VoicemailLinkWrong   VoicemailState = "WRONG"   // its signature is none of ours
	VoicemailSignIn      VoicemailState = "SIGN_IN" // it has no signature
	VoicemailUnavailable VoicemailState = "UNAVAILABLE"
	VoicemailNotFound    VoicemailState = "NOT_FOUND"
)

// VoicemailPage is one voicemail in words ready to be shown. From and Transcript may hold anything that a caller sent or
// said. The page shows none of it in the states from VoicemailLinkExpired on.
type VoicemailPage struct {
	From, Number, Label, ReceivedAt, Duration, Transcript string
	AudioURL                                              string // played from our own origin only
	State                                                 VoicemailState
}

//go:embed pages/voicemail.html
var voicemailHTML string

var voicemailTemplate = template.Must(template.New("voicemail").Parse(voicemailHTML))

const voicemailPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// WriteVoicemail answers with the page of p, which works without JavaScript. Its links lead one level up, since it is
// served at /v/{id}.
func WriteVoicemail(w http.ResponseWriter, status int, p VoicemailPage) {
	writePage(w, status, voicemailPolicy, voicemailTemplate, p)
}

// writePage answers with a page that is made for whoever has its link, and that nobody may keep.
func writePage(w http.ResponseWriter, status int, policy string, page *template.Template, data any) {
	protect(w.Header(), policy)
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentTypes[".html"])
	// The page holds a signed link, or was reached by one.
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the reader went away
}
