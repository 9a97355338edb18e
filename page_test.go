package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// openedPage is the inbox page in a DOM without a browser.
type openedPage struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// shown is what the page shows.
type shown struct {
	Asked                             []string
	Hash, Viewer, State, Live, Notice string
	SignsIn, Empty                    bool
	Transcripts, Outcomes             []string
}

func openPage(t *testing.T, dir, address string, args ...string) *openedPage {
	t.Helper()
	script, err := os.ReadFile("testdata/page.mjs")
	check(t, err)
	own, err := os.MkdirTemp(dir, "page") // it finds the packages above it
	check(t, err)
	program := filepath.Join(own, "page.mjs")
	check(t, os.WriteFile(program, script, 0o600))
	cmd := exec.Command("node", append([]string{program, address}, args...)...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it follows for ever
	p := &openedPage{t, in, bufio.NewReader(out)}
	if line, err := p.out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the page says %q, %v", line, err)
	}
	return p
}

func (p *openedPage) look() (s shown) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.in)
	check(p.t, err)
	line, err := p.out.ReadBytes('\n')
	check(p.t, err)
	check(p.t, json.Unmarshal(line, &s))
	return s
}

// comesTo waits until the page shows what is wanted.
func (p *openedPage) comesTo(what string, want any, get func(shown) any) {
	p.t.Helper()
	var got any
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(50 * time.Millisecond) {
		if got = get(p.look()); reflect.DeepEqual(got, want) {
			return
		}
	}
	p.t.Fatalf("%s: the page shows %v, want %v", what, got, want)
}

func transcripts(s shown) any { return s.Transcripts }
func outcomes(s shown) any    { return s.Outcomes }
func state(s shown) any       { return []string{s.State, s.Live} }

// leaves has a caller leave a message, and nothing else happen.
func (h *house) leaves(words string) {
	h.net.Dial(network.From(customer).LeaveMessage(5*time.Second, words), mask)
	h.play()
}

// The page lists, and follows what appears, goes, comes back and changes, and the calls, also those that end while it is offline.
func TestTheInboxPageFollowsEverything(t *testing.T) {
	t.Parallel()
	dir := npm(t, "jsdom@26.1.0", "ws@8.18.3")
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		h.leaves("One.")
		cable, base := newCable(t, h.url)
		p := openPage(t, dir, base+"/#token="+tn.token)
		p.comesTo("the list", []string{"One."}, transcripts)
		p.comesTo("the state", []string{"live", "Live"}, state)
		if s := p.look(); s.Hash != "" || len(s.Asked) > 0 || s.Viewer != "Olivia" {
			t.Errorf("got %+v; want Olivia, no question, and no token in the address", s)
		}
		h.leaves("Two.")
		h.leaves("Three.")
		p.comesTo("what appeared", []string{"Three.", "Two.", "One."}, transcripts)
		var list struct {
			Voicemails struct {
				Edges []struct{ Node struct{ ID string } }
			}
		}
		h.ask(tn.token, `{ voicemails { edges { node { id } } } }`, nil, &list)
		ids := map[string]any{"ids": []string{list.Voicemails.Edges[1].Node.ID}}
		h.ask(tn.token, `mutation($ids: [ID!]!) { deleteVoicemails(ids: $ids) }`, ids, nil)
		p.comesTo("what was deleted", []string{"Three.", "One."}, transcripts)

		h.net.Dial(network.From(customer).HangUpAt(10*time.Second), mask)
		check(t, h.net.RunUntil(h.ctx, h.net.Now().Add(2*time.Second)))
		p.comesTo("a running call", "Ringing", func(s shown) any { return s.Outcomes[0] })
		cable.pull()
		p.comesTo("offline", []string{"waiting", "Reconnecting…"}, state)
		h.play()
		h.ask(tn.token, `mutation($ids: [ID!]!) { restoreVoicemails(ids: $ids) { id } }`, ids, nil)
		cable.plugIn()
		p.comesTo("online again", []string{"live", "Live"}, state)
		p.comesTo("the call that ended meanwhile", []string{"Missed", "Voicemail", "Voicemail", "Voicemail"}, outcomes)
		p.comesTo("what was restored meanwhile", []string{"Three.", "Two.", "One."}, transcripts)
		h.revokeAll(tn)
		p.comesTo("a token that is revoked", true, func(s shown) any { return s.SignsIn && s.State == "" && s.Notice != "" })
	}, jobs.Migrate)
}

// revokeAll revokes every token of a user.
func (h *house) revokeAll(tn tenant) {
	h.t.Helper()
	var tokens struct {
		Viewer struct{ Tokens []struct{ ID string } }
	}
	h.ask(tn.token, `{ viewer { tokens { id } } }`, nil, &tokens)
	for _, token := range tokens.Viewer.Tokens {
		h.ask(h.admin, `mutation($id: ID!) { revokeToken(id: $id) }`, map[string]any{"id": token.ID}, nil)
	}
}

// An address with a token in it does not change in silence whose inbox is shown.
func TestThePageAsksBeforeItTakesAnotherToken(t *testing.T) {
	t.Parallel()
	dir := npm(t, "jsdom@26.1.0", "ws@8.18.3")
	h := newHouse(t, testdb.Open(t, testdb.SQLite, jobs.Migrate))
	tn := h.newTenant("olivia@example.com", mask, -1, -1)
	for name, c := range map[string]struct {
		args   []string
		viewer string
		asks   bool
	}{
		"none is in use": {nil, "Olivia", false}, "the same": {[]string{tn.token}, "Olivia", false},
		"another, no": {[]string{h.admin}, "Administrator", true}, "another, yes": {[]string{h.admin, "yes"}, "Olivia", true},
	} {
		p := openPage(t, dir, h.url+"/#token="+tn.token, c.args...)
		p.comesTo(name, c.viewer, func(s shown) any { return s.Viewer })
		s := p.look()
		var want []string
		if c.asks {
			want = []string{fmt.Sprintf("The token %.12s… is signed in here. Sign in with the token %.12s… instead?", h.admin, tn.token)}
		}
		if s.Hash != "" || !slices.Equal(s.Asked, want) {
			t.Errorf("%s: the page asked %q with %s in its address, want %q", name, s.Asked, s.Hash, want)
		}
	}
}
