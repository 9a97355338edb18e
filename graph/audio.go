package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/compress"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/web"
)

// Audio serves what links lead to: the audio of a voicemail, and the page that a mail names.
type Audio struct {
	*Resolver
	Origins Origins // whose pages may read the audio

	readers *seats // of each voicemail
}

// Routes adds the routes to mux.
func (a Audio) Routes(mux *http.ServeMux) {
	a.readers = &seats{each: readersOfOne, of: map[string]int{}}
	mux.Handle("GET /recordings/{id}", a.Origins.cors(shareAudio, http.HandlerFunc(a.recording)))
	mux.Handle("OPTIONS /recordings/{id}", a.Origins.cors(shareAudio, http.HandlerFunc(preflight)))
	mux.Handle("GET /v/{id}", compress.Handler(http.HandlerFunc(a.page)))
	mux.Handle("GET /unsubscribe/{id}", compress.Handler(http.HandlerFunc(a.unsubscribePage)))
	mux.HandleFunc("POST /unsubscribe/{id}", a.unsubscribe)
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}

// The words for who can not be let in. They tell what the signature is worth, and nothing of what exists.
var (
	errSignIn      = &phone.Error{Code: phone.Unauthenticated, Message: "Sign in, or ask for a link."}
	errLinkWrong   = &phone.Error{Code: phone.Unauthenticated, Message: "The signature of this link is wrong: use the whole link as it was given, or sign in."}
	errLinkExpired = &phone.Error{Code: phone.Unauthenticated, Message: "This link has expired: sign in, or ask for a new one."}
)

// whoever is the context in which a request may look for the voicemail: a link's, which opens this one, or a token's.
func (a Audio) whoever(r *http.Request, p links.Purpose) (context.Context, error) {
	link := a.Links.Check(p, r.PathValue("id"), r.URL.Query(), a.Now())
	if link == links.Valid {
		return viewer.With(r.Context(), viewer.Viewer{Role: phone.RoleAdmin}), nil // the link was made for somebody who may see it
	}
	id, err := a.authenticate(r.Context(), bearer(r))
	if phone.CodeOf(err) == phone.Unauthenticated {
		switch link {
		case links.Wrong:
			err = errLinkWrong
		case links.Expired:
			err = errLinkExpired
		case links.Unchecked:
			err = errNotReady
		default:
			err = errSignIn
		}
	}
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
	leave, err := a.readers.take(v.ID)
	if err != nil {
		return errReaders
	}
	defer leave()
	return a.serve(ctx, w, r, v)
}

func (a Audio) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, v *ent.Voicemail) error {
	audio, err := a.Desk.Audio(ctx, v)
	if err != nil {
		return err
	}
	defer func() { _ = audio.Close() }() // it was only read from
	h := w.Header()
	h.Set("Content-Type", v.AudioType)
	h.Set("Content-Disposition", `inline; filename="voicemail`+recordings.Extension(v.AudioType)+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, max-age=3600, immutable")
	h.Add("Vary", "Authorization")
	h.Set("ETag", `"`+v.AudioSha256+`"`)
	if r.Method == http.MethodGet {
		a.Desk.Heard(ctx, v.ID)
	}
	fewRanges(r.Header)
	http.ServeContent(a.patient(w), r, "", audio.ModTime, audio)
	return nil
}

// A recording is read by few at a time, and each request may ask for few parts of it: it costs the reader little to ask for more.
const (
	readersOfOne = 4
	rangesOfOne  = 4
)

var errReaders = &phone.Error{Code: phone.RateLimited, Message: "This recording is being played by several others. Please try again soon.", RetryAfter: 2 * time.Second}

// fewRanges leaves a request only a range that it may ask for. One of an unknown unit is ignored, as HTTP demands; who asks for too many parts
// gets the whole.
func fewRanges(h http.Header) {
	unit, set, _ := strings.Cut(h.Get("Range"), "=")
	parts := strings.FieldsFunc(set, func(r rune) bool { return r == ',' })
	if !strings.EqualFold(strings.TrimSpace(unit), "bytes") || len(parts) > rangesOfOne {
		h.Del("Range")
		return
	}
	h.Set("Range", "bytes="+set) // http.ServeContent knows the unit in lower case only
}

func (a Audio) refuse(ctx context.Context, w http.ResponseWriter, err error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	shown, _ := errors.AsType[*phone.Error](err)
	comeBack(h, shown)
	switch phone.CodeOf(err) {
	case phone.Unauthenticated:
		h.Set("WWW-Authenticate", "Bearer")
		http.Error(w, shown.Message, http.StatusUnauthorized)
	case phone.NotFound:
		http.Error(w, "There is no such recording.", http.StatusNotFound)
	case phone.RateLimited:
		http.Error(w, shown.Message, http.StatusTooManyRequests)
	default:
		a.Log.ErrorContext(ctx, "serve a recording", "error", err)
		http.Error(w, "The recording cannot be played right now.", http.StatusServiceUnavailable)
	}
}

// comeBack says when to, if an error does.
func comeBack(h http.Header, err *phone.Error) {
	if err != nil && err.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(err.RetryAfter.Seconds()))))
	}
}

// page plays a voicemail for whoever has the mail; when its link is over, it asks to sign in.
func (a Audio) page(w http.ResponseWriter, r *http.Request) {
	ctx, err := a.whoever(r, links.Page)
	if err != nil {
		a.closedPage(ctx, w, err)
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

// closedPage tells who is not let in why.
func (a Audio) closedPage(ctx context.Context, w http.ResponseWriter, err error) {
	state, status := web.VoicemailSignIn, http.StatusUnauthorized
	known, _ := errors.AsType[*phone.Error](err)
	switch {
	case errors.Is(err, errSignIn):
	case errors.Is(err, errLinkWrong):
		state = web.VoicemailLinkWrong
	case errors.Is(err, errLinkExpired):
		state = web.VoicemailLinkExpired
	case phone.CodeOf(err) == phone.RateLimited:
		state, status = web.VoicemailUnavailable, http.StatusTooManyRequests
		comeBack(w.Header(), known)
	default:
		a.missingPage(ctx, w, err)
		return
	}
	web.WriteVoicemail(w, status, web.VoicemailPage{State: state})
}

func (a Audio) missingPage(ctx context.Context, w http.ResponseWriter, err error) {
	if ent.IsNotFound(err) {
		web.WriteVoicemail(w, http.StatusNotFound, web.VoicemailPage{State: web.VoicemailNotFound})
		return
	}
	a.Log.ErrorContext(ctx, "show a voicemail's page", "error", err)
	web.WriteVoicemail(w, http.StatusServiceUnavailable, web.VoicemailPage{State: web.VoicemailUnavailable})
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
