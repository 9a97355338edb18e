package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>' {{.}} &amp; ` + "\u202e"

func write(t *testing.T, status int, p VoicemailPage) (*httptest.ResponseRecorder, string) {
	t.Helper()
	w := httptest.NewRecorder()
	WriteVoicemail(w, status, p)
	return w, w.Body.String()
}

func full(state VoicemailState) VoicemailPage {
	return VoicemailPage{
		From: "+12025550199", Number: "+12025550142", Label: "Front desk", ReceivedAt: "25 November 2025, 10:14", Duration: "0:14",
		Transcript: "Your order is ready.", AudioURL: "https://maskline.example/recordings/vm_1?sig=a&exp=2", State: state,
	}
}

func TestAMailedLinkIsProtectedAndNotKept(t *testing.T) {
	t.Parallel()
	w, _ := write(t, http.StatusGone, full(VoicemailLinkExpired))
	if w.Code != http.StatusGone {
		t.Errorf("got %d, want 410", w.Code)
	}
	wantHeader(t, w, "Content-Type", "text/html; charset=utf-8")
	wantHeader(t, w, "Content-Security-Policy", voicemailPolicy)
	wantHeader(t, w, "X-Content-Type-Options", "nosniff")
	wantHeader(t, w, "Referrer-Policy", "no-referrer")
	wantHeader(t, w, "Cache-Control", "no-store")
}

func TestEachStateSaysWhatItCan(t *testing.T) {
	t.Parallel()
	const player = "<audio"
	for state, want := range map[VoicemailState]struct {
		says  string
		audio bool
		words bool
	}{
		VoicemailPlayable:    {"Voicemail from", true, true},
		VoicemailPending:     {"The audio follows", false, true},
		VoicemailAudioFailed: {"could not be fetched", false, true},
		VoicemailLinkExpired: {"sign in to hear it", false, false},
		VoicemailLinkWrong:   {"signature does not fit", false, false},
		VoicemailSignIn:      {"Sign in to hear", false, false},
		VoicemailUnavailable: {"again in a minute", false, false},
		VoicemailNotFound:    {"No voicemail here", false, false},
		"":                   {"No voicemail here", false, false},
	} {
		_, page := write(t, http.StatusOK, full(state))
		if !strings.Contains(page, want.says) {
			t.Errorf("%q does not say %q", state, want.says)
		}
		if got := strings.Contains(page, player); got != want.audio {
			t.Errorf("%q: player: got %v, want %v", state, got, want.audio)
		}
		if got := strings.Contains(page, "Your order is ready.") || strings.Contains(page, "12025550199"); got != want.words {
			t.Errorf("%q: shows the voicemail: got %v, want %v", state, got, want.words)
		}
		if !strings.Contains(page, `href="../"`) {
			t.Errorf("%q has no link to the inbox", state)
		}
		if strings.Contains(page, "<script") {
			t.Errorf("%q has a script", state)
		}
	}
}

func TestTheLinkOfTheAudioIsKeptWhole(t *testing.T) {
	t.Parallel()
	_, page := write(t, http.StatusOK, full(VoicemailPlayable))
	if want := `src="https://maskline.example/recordings/vm_1?sig=a&amp;exp=2"`; !strings.Contains(page, want) {
		t.Errorf("the page lacks %s:\n%s", want, page)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	for _, state := range []VoicemailState{VoicemailPlayable, VoicemailPending, VoicemailAudioFailed} {
		_, clean := write(t, http.StatusOK, full(state))
		_, page := write(t, http.StatusOK, VoicemailPage{
			From: hostile, Number: hostile, Label: hostile, ReceivedAt: hostile, Duration: hostile, Transcript: hostile,
			AudioURL: "javascript:alert(1)" + hostile, State: state,
		})
		for _, bad := range []string{"<script", "<img", "javascript:"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the page has %q:\n%s", state, bad, page)
			}
		}
		if got, want := strings.Count(page, "<"), strings.Count(clean, "<"); got != want {
			t.Errorf("%s: got %d tags, want %d", state, got, want)
		}
	}
}
