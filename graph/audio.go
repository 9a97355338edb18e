package graph

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/web"
)

// Audio serves what links lead to: the audio of a voicemail, and the page that a mail names.
type Audio struct {
	*Resolver
	Recordings *recordings.Store
}

// Routes adds the two routes to mux.
func (a Audio) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /recordings/{id}", a.recording)
	mux.HandleFunc("GET /v/{id}", a.page)
}

// whoever is the context in which a request may look for the voicemail: a link's, which opens this one, or a token's.
func (a Audio) whoever(r *http.Request, p links.Purpose) (context.Context, error) {
	if a.Links.Valid(p, r.PathValue("id"), r.URL.Query(), a.Now()) {
		return viewer.With(r.Context(), viewer.Viewer{Role: phone.RoleAdmin}), nil // the link was made for somebody who may see it
	}
	id, err := a.authenticate(r.Context(), bearer(r))
	return viewer.With(r.Context(), id.Viewer), err
}

func (a Audio) recording(w http.ResponseWriter, r *http.Request) {
	ctx, err := a.whoever(r, links.Audio)
	if err == nil {
		err = a.play(ctx, w, r)
	}
	if err != nil {
		a.refuse(ctx, w, err)
	}
}

// play serves the audio of a voicemail that the viewer may see.
func (a Audio) play(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	v, err := a.DB.Voicemail.Get(ctx, anID(r.PathValue("id")))
	if ent.IsNotFound(err) || err == nil && v.Audio != phone.AudioStored {
		return phone.Missing()
	}
	if err != nil {
		return fmt.Errorf("load voicemail %s: %w", r.PathValue("id"), err)
	}
	return a.serve(ctx, w, r, v)
}

func (a Audio) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, v *ent.Voicemail) error {
	if err := a.Desk.Intact(ctx, v); err != nil {
		return err
	}
	audio, err := a.Recordings.Open(ctx, v.ID)
	if err != nil {
		return err
	}
	defer func() { _ = audio.Close() }() // it was only read from
	h := w.Header()
	h.Set("Content-Type", v.AudioType)
	h.Set("Content-Disposition", `inline; filename="voicemail`+recordings.Extension(v.AudioType)+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("ETag", `"`+v.AudioSha256+`"`)
	if r.Method == http.MethodGet {
		a.Desk.Heard(ctx, v.ID)
	}
	http.ServeContent(a.patient(w), r, "", audio.ModTime, audio)
	return nil
}

func (a Audio) refuse(ctx context.Context, w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	switch phone.CodeOf(err) {
	case phone.Unauthenticated:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "Sign in, or ask for a new link.", http.StatusUnauthorized)
	case phone.NotFound:
		http.Error(w, "There is no such recording.", http.StatusNotFound)
	default:
		a.Log.ErrorContext(ctx, "serve a recording", "error", err)
		http.Error(w, "The recording cannot be played right now.", http.StatusServiceUnavailable)
	}
}

// page plays a voicemail for whoever has the mail; when its link is over, it asks to sign in.
func (a Audio) page(w http.ResponseWriter, r *http.Request) {
	ctx, err := a.whoever(r, links.Page)
	if err != nil {
		web.WriteVoicemail(w, http.StatusUnauthorized, web.VoicemailPage{State: web.VoicemailLinkExpired})
		return
	}
	v, err := a.DB.Voicemail.Get(ctx, anID(r.PathValue("id")))
	if err != nil {
		a.missingPage(ctx, w, err)
		return
	}
	n, err := v.QueryNumber().WithOwner().Only(ctx)
	if err != nil {
		a.missingPage(ctx, w, err)
		return
	}
	a.Desk.Read(ctx, v.ID)
	web.WriteVoicemail(w, http.StatusOK, a.pageOf(v, n))
}

func (a Audio) missingPage(ctx context.Context, w http.ResponseWriter, err error) {
	status := http.StatusNotFound
	if !ent.IsNotFound(err) {
		a.Log.ErrorContext(ctx, "show a voicemail's page", "error", err)
		status = http.StatusServiceUnavailable
	}
	web.WriteVoicemail(w, status, web.VoicemailPage{State: web.VoicemailNotFound})
}

func (a Audio) pageOf(v *ent.Voicemail, n *ent.MaskedNumber) web.VoicemailPage {
	p := web.VoicemailPage{
		From: v.From, Number: string(n.PhoneNumber), Label: n.Label, State: web.VoicemailPending,
		ReceivedAt: localTime(v.ReceivedAt, n.Edges.Owner.TimeZone), Duration: (time.Duration(v.DurationSeconds) * time.Second).String(),
		Transcript: or(v.Transcript, ""),
	}
	switch v.Audio {
	case phone.AudioStored:
		p.State, p.AudioURL = web.VoicemailPlayable, *a.audioURL(v)
	case phone.AudioFailed, phone.AudioDeleted:
		p.State = web.VoicemailAudioFailed
	}
	return p
}

func localTime(t time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC // a zone that was known when it was set, and is not any more
	}
	return t.In(loc).Format("2006-01-02 15:04 MST")
}
