//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// crashes starts a process that is killed at a line, behind a balancer that waits until it is back, and has messages left until it was.
// Then it lives on, and so with the next line.
func crashes(t *testing.T, databaseURL, dataDir string, lines ...string) (*town, *process, tenant) {
	t.Helper()
	tw, front := newStrictTown(t, budget), newBalancer(t)
	p := tw.prepare(t, databaseURL, dataDir, front.url, hurry()...)
	p.program = faultyBinary
	p.run()
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	front.replicas(p.base)
	tw.net.AddNumber(numberAt(front.url, mask))
	for env := p.env; len(lines) > 0; lines = lines[1:] {
		p.kill()
		p.env = append(slices.Clip(env), "FAULTS_CRASH="+lines[0]) // so that making the tenant does not count
		p.launch()                                                 // what was left to do may kill it at once
		calls, ran := tw.messages(3, 3), make(chan error, 1)
		go func() { ran <- tw.net.Run(t.Context()) }()
		if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("it was not killed at %s, but ended: %v", lines[0], err)
		}
		p.env = env
		p.run()
		check(t, <-ran)
		wantAnswered(t, calls)
	}
	return tw, p, tn
}

// wantFewCopies is that no more mails were sent twice than processes were killed: each may have come between a mail and the word of it.
func (tw *town) wantFewCopies(t *testing.T, kills int) {
	t.Helper()
	if sent, most := tw.mail.count(), len(tw.net.Recordings())+kills; sent > most {
		t.Errorf("%d mails, want at most %d", sent, most)
	}
}

// hurry has the program's time pass faster, so that nobody waits long for the leases of the dead.
func hurry() []string {
	return []string{"FAULTS_FASTER=20", fmt.Sprint("FAULTS_EPOCH=", time.Now().UnixNano())}
}

func TestF09KilledBetweenACommitAndItsJob(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		var lines []string
		for n := range often(1, 500) {
			lines = append(lines, fmt.Sprint("after commit@", 1+(3+n)%12))
		}
		tw, p, tn := crashes(t, databaseURL, t.TempDir(), lines...)
		p.wantNothingLost(tw, tn, 1+len(lines))
		tw.wantFewCopies(t, 2*len(lines)) // before the next line it is killed wherever it is
	})
}

func TestF10KilledBetweenTheServersAnswerAndTheCommit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		tw, p, tn := crashes(t, databaseURL, t.TempDir(), "mail sent@1")
		p.wantNothingLost(tw, tn, 2)
		if n := tw.mail.count(); n < 4 {
			t.Errorf("%d mails, want 3 and a copy with the same Message-ID", n)
		}
		if !slices.ContainsFunc(tw.mail.mails, func(text string) bool { return strings.Contains(text, "X-Maskline-Attempt: 2\r\n") }) {
			t.Error("no mail tells that it was sent before")
		}
	})
}

func TestF11KilledWhileAudioIsCopied(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		dir := t.TempDir()
		tw, p, tn := crashes(t, databaseURL, dir, "audio half copied@1") // before any mail, of which there would be one more
		p.wantNothingLost(tw, tn, 1)
		left, err := filepath.Glob(filepath.Join(dir, "recordings", "*.tmp"))
		check(t, err)
		if len(left) == 0 {
			t.Fatal("nothing was half copied")
		}
		p.kill()
		old := time.Now().Add(-time.Hour - time.Minute)
		check(t, os.Chtimes(left[0], old, old))
		p.run()
		if _, err := os.Stat(left[0]); !os.IsNotExist(err) {
			t.Errorf("what was half copied more than an hour ago is still there: %v", err)
		}
	})
}

// The process is asked to stop while it fetches audio, talks to the mail server and has a call.
func TestF31StoppingFinishesWhatIsBegun(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		tw, front, line := newStrictTown(t, budget), newBalancer(t), &twilioLine{}
		office, _ := newPostOffice(t)
		tw.mail, tw.rest = &office.mailbox, line.before(t, tw.rest)
		p := tw.start(t, databaseURL, t.TempDir(), front.url)
		front.replicas(p.base)
		tw.net.AddNumber(numberAt(front.url, mask))
		tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
		mail, download := newHeld(), newHeld()
		office.onData = func(string, int) error { mail.wait(); return nil }
		tw.messages(1, 1)
		check(t, tw.net.Run(t.Context()))
		<-mail.begun
		line.set(func(w http.ResponseWriter, r *http.Request) bool {
			if isMedia(r) {
				download.hold(w, tw.net.Recordings()[1].WAV())
			}
			return isMedia(r)
		})
		tw.messages(1, 1)
		check(t, tw.net.Run(t.Context()))
		<-download.begun
		call := tw.messages(1, 1)
		check(t, tw.net.RunTo(t.Context(), network.Asking("/webhooks/voice")))

		check(t, p.cmd.Process.Signal(syscall.SIGTERM))
		eventually(t, patience, func() bool { return !p.answers() })
		close(mail.free)
		close(download.free)
		p.ends()
		line.set(func(http.ResponseWriter, *http.Request) bool { return false })
		p.run()
		check(t, tw.net.Run(t.Context()))
		wantAnswered(t, call)
		p.wantNothingLost(tw, tn, 1)
	})
}

// It is asked to stop again and again, wherever its calls and its work just are. No caller notices, and no mail goes out twice.
func TestF31StoppedAgainAndAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, databaseURL string) {
		tw, front := newStrictTown(t, budget), newBalancer(t)
		p := tw.start(t, databaseURL, t.TempDir(), front.url)
		front.replicas(p.base)
		tw.net.AddNumber(numberAt(front.url, mask))
		tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
		for round := range often(3, 50) {
			tw.amidst(t, 3+7*round%29, func() {
				check(t, p.cmd.Process.Signal(syscall.SIGTERM))
				p.ends()
				p.run()
			})
		}
		p.wantNothingLost(tw, tn, 1)
	})
}

// ends waits until a process that was asked to stop has ended, in good order and in time.
func (p *process) ends() {
	p.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		check(p.t, err)
	case <-time.After(20 * time.Second):
		p.t.Fatal("it does not stop")
	}
}

// hold gives one half of a recording, and waits with the other.
func (h *held) hold(w http.ResponseWriter, audio []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(audio)))
	half := len(audio) / 2
	_, _ = w.Write(audio[:half]) // whom it does not reach has gone, here and below
	_ = http.NewResponseController(w).Flush()
	h.wait()
	_, _ = w.Write(audio[half:])
}

// replay is a subscriber that comes back with its cursor.
type replay struct {
	token, cursor string
	at            *follower
	seen          []string
}

// hear reads until so many voicemails came, and tells whether the socket was closed before, as it is when a replica stops.
func (r *replay) hear(t *testing.T, want int) (closed bool) {
	t.Helper()
	for len(r.seen) < want {
		var m frame
		err := wsjson.Read(t.Context(), r.at.conn, &m)
		if websocket.CloseStatus(err) == websocket.StatusServiceRestart {
			return true
		}
		check(t, err)
		switch m.Type {
		case "ping":
			r.at.send(frame{Type: "pong"})
		case "next":
			var got struct{ Data pushed }
			check(t, json.Unmarshal(m.Payload, &got))
			r.cursor = got.Data.VoicemailReceived.Cursor
			r.seen = append(r.seen, got.Data.VoicemailReceived.Node.RecordingSid)
		default:
			t.Fatalf("got %s %s", m.Type, m.Payload)
		}
	}
	return false
}

func (r *replay) connect(t *testing.T, base string) {
	t.Helper()
	r.at = follow(t, base, r.token, follows, map[string]any{"after": r.cursor})
}

// Two replicas are restarted in turn while messages are left and many follow them.
func TestF28SubscribersMissNothingWhenReplicasRestartInTurn(t *testing.T) {
	t.Parallel()
	const subscribers, each = 20, 4
	tw, front, databaseURL, dir := newStrictTown(t, budget), newBalancer(t), testdb.Open(t, testdb.Postgres).DSN(), t.TempDir()
	a := tw.start(t, databaseURL, dir, front.url)
	b := tw.start(t, databaseURL, dir, front.url)
	front.replicas(a.base, b.base)
	tw.net.AddNumber(numberAt(front.url, mask))
	tn := a.h.newTenant("olivia@example.com", mask, -1, -1)
	all, begin := make([]*replay, subscribers), a.present(tn.token)
	for i := range all {
		all[i] = &replay{token: tn.token, cursor: begin}
		all[i].connect(t, a.base)
	}
	left := 0
	for _, turn := range []struct{ stops, stays *process }{{a, b}, {b, a}} {
		calls := tw.messages(each, 2)
		check(t, tw.net.Run(t.Context()))
		check(t, turn.stops.cmd.Process.Signal(syscall.SIGTERM))
		calls = append(calls, tw.messages(each, 2)...)
		check(t, tw.net.Run(t.Context()))
		wantAnswered(t, calls)
		left += 2 * each
		for _, r := range all {
			if !r.hear(t, left+1) { // nothing more than is there: it is closed first
				t.Error("a replica stopped and did not close a socket")
			}
			r.connect(t, turn.stays.base)
			r.hear(t, left)
		}
		check(t, turn.stops.cmd.Wait())
		turn.stops.run()
	}
	for _, r := range all {
		if fmt.Sprint(r.seen) != fmt.Sprint(all[0].seen) || len(r.seen) != left {
			t.Errorf("a subscriber saw %d voicemails, or in another order, want %d", len(r.seen), left)
		}
	}
}

// The process is killed in the middle of calls, again and again, wherever it just is.
func TestF34AFileOutlivesKills(t *testing.T) {
	t.Parallel()
	tw, rounds := newStrictTown(t, budget), often(6, 200)
	p, tn, file := ownSQLite(t, tw, t.TempDir())
	p.program, p.env = faultyBinary, append(p.env, hurry()...)
	p.kill()
	p.run()
	for round := range rounds {
		tw.amidst(t, 3+7*round%29, func() {
			p.kill()
			wantIntact(t, file)
			p.run()
		})
	}
	p.wantNothingLost(tw, tn, 1+rounds)
	tw.wantFewCopies(t, rounds)
}
