package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// twilioLine stands between us and Twilio's REST API, and spoils what it wants: it tells whether it has answered itself.
type twilioLine struct {
	spoil atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
	asked atomic.Int64
}

// newTwilioLine is an option for the house to reach Twilio through one.
func newTwilioLine(t *testing.T) (*twilioLine, option) {
	x := &twilioLine{}
	return x, option{settings: func(s *Settings) { s.TwilioAPIURL = x.before(t, s.TwilioAPIURL) }}
}

// before is its address for those who want to reach an address.
func (x *twilioLine) before(t *testing.T, address string) string {
	t.Helper()
	to, err := url.Parse(address)
	check(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.asked.Add(1)
		if spoil := x.spoil.Load(); spoil == nil || !(*spoil)(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (x *twilioLine) set(spoil func(w http.ResponseWriter, r *http.Request) bool) {
	x.spoil.Store(&spoil)
}

func isMedia(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".wav") }

// voicemail is the one voicemail, or nothing while there is none.
func (h *house) voicemail(tn tenant) (v toldVoicemail, there bool) {
	h.t.Helper()
	var list struct {
		Voicemails struct {
			Edges []struct{ Node toldVoicemail }
		}
	}
	h.ask(tn.token, `{ voicemails { edges { node { durationSeconds audio transcription transcript transcriptionError deliveries { recipient state } } } } }`, nil, &list)
	if len(list.Voicemails.Edges) == 0 {
		return v, false
	}
	return list.Voicemails.Edges[0].Node, true
}

// wantStored checks that the one voicemail has all of its audio and is mailed.
func (h *house) wantStored(tn tenant) {
	h.t.Helper()
	v, ok := h.voicemail(tn)
	if !ok || v.Audio != phone.AudioStored || len(v.Deliveries) != 1 || v.Deliveries[0].State != phone.DeliveryDelivered {
		h.t.Errorf("in the end the voicemail is %+v, there %t", v, ok)
	}
	h.audioIsWhole(tn)
	if n := len(h.mails()); n != 1 {
		h.t.Errorf("%d mails, want 1", n)
	}
}

// wantLate checks that a voicemail without audio appears two minutes after it was left, and its mail a minute later, whatever is the matter.
func (h *house) wantLate(tn tenant, call *network.Call) {
	h.t.Helper()
	check(h.t, h.net.Run(h.ctx))
	check(h.t, call.Err())
	left := h.net.Recordings()[0]
	over := left.StartedAt.Add(left.Duration)
	h.playUntil(over.Add(110 * time.Second))
	if v, there := h.voicemail(tn); there {
		h.t.Errorf("it appeared early, with audio %s", v.Audio)
	}
	h.playUntil(over.Add(185 * time.Second))
	v, there := h.voicemail(tn)
	if !there || v.Audio != phone.AudioPending || len(v.Deliveries) != 1 || v.Deliveries[0].State != phone.DeliveryDelivered {
		h.t.Errorf("three minutes later it is %+v, there %t", v, there)
	}
}

func TestF18AudioThatIsLateOrCutShortIsFetchedAgain(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		x, there := newTwilioLine(t)
		h := newHouse(t, db, there)
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		h.net.Media404For(4 * time.Minute)
		var cut atomic.Int64
		x.set(func(w http.ResponseWriter, r *http.Request) bool {
			recs := h.net.Recordings()
			if !isMedia(r) || len(recs) == 0 || h.net.Now().Before(recs[0].StartedAt.Add(4*time.Minute+30*time.Second)) || cut.Add(1) > 2 {
				return false
			}
			whole := recs[0].WAV()
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
			_, _ = w.Write(whole[:len(whole)/2]) // and then the connection is closed
			panic(http.ErrAbortHandler)
		})
		h.wantLate(tn, h.net.Dial(hello, mask))
		h.play()
		h.wantStored(tn)
		if cut.Load() < 3 {
			t.Errorf("the audio was cut short %d times", cut.Load()-1)
		}
	}, jobs.Migrate)
}

func TestF20CallsAreAnsweredWhileTwilioCannotBeReached(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		x, there := newTwilioLine(t)
		h := newHouse(t, db, there)
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		x.set(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
		h.net.AddPhone(owner, network.NoAnswer(), network.Human(time.Second, time.Minute).Press("1", 2*time.Second))
		h.wantLate(tn, h.net.Dial(hello, mask))
		talk := h.net.Dial(network.From("+15550200003").HangUpAt(time.Minute), mask)
		check(t, h.net.Run(h.ctx))
		check(t, talk.Err())
		if len(talk.Heard(owner)) == 0 {
			t.Errorf("the phone was not rung:\n%s", talk.Tell())
		}
		x.set(func(http.ResponseWriter, *http.Request) bool { return false })
		h.play()
		h.wantStored(tn)
	}, jobs.Migrate)
}

// transcribers are the ways in which one can fail that TestAServiceTranscribes does not have.
var transcribers = map[string]struct {
	answer http.HandlerFunc
	state  phone.TranscriptionState
	length int
}{
	"garbage":         {answers(200, "<html>\x00\xff{{{"), phone.TranscriptionFailed, 0},
	"100 MB of text":  {hundredMegabytes, phone.TranscriptionFailed, 0},
	"200 kB of text":  {answers(200, `{"text":"`+strings.Repeat("word ", 40_000)+`"}`), phone.TranscriptionCompleted, phone.MaxTranscript},
	"hostile letters": {answers(200, `{"text":"a\u0000b\ud800c"}`), phone.TranscriptionCompleted, len("ab\uFFFDc")},
}

func hundredMegabytes(w http.ResponseWriter, _ *http.Request) {
	_, err := io.WriteString(w, `{"text":"`)
	for part := strings.Repeat("word ", 20_000); err == nil; { // until we hang up
		_, err = io.WriteString(w, part)
	}
}

func TestF25TheMailDoesNotWaitForAFailingTranscriber(t *testing.T) {
	t.Parallel()
	for name, c := range transcribers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				set, _ := service(t, c.answer)
				h := newHouse(t, db, option{settings: set})
				tn := h.newTenant("olivia@example.com", mask, -1, -1)
				h.set(tn, `language: "de-DE"`)
				h.net.Dial(hello, mask)
				check(t, h.net.Run(h.ctx))
				h.playUntil(h.net.Now().Add(90 * time.Second))
				v, there := h.voicemail(tn)
				if !there || len(v.Deliveries) != 1 || v.Deliveries[0].State != phone.DeliveryDelivered {
					t.Errorf("after 90 s the voicemail is %+v, there %t", v, there)
				}
				h.play()
				if v, _ = h.voicemail(tn); v.Transcription != c.state || len(value(v.Transcript)) != c.length || len(h.mails()) != 1 {
					t.Errorf("in the end it is %s with %d bytes of transcript, want %s with %d; %d mails", v.Transcription, len(value(v.Transcript)), c.state, c.length, len(h.mails()))
				}
			}, jobs.Migrate)
		})
	}
}

// bucketFaults are what can happen to the folder of recordings.
var bucketFaults = map[string]func(t *testing.T, dir string) (mend func()){
	"full": func(t *testing.T, dir string) func() {
		filler := fill(t, dir)
		return func() { check(t, os.Remove(filler)) }
	},
	"forbidden": func(t *testing.T, dir string) func() {
		if os.Geteuid() == 0 {
			check(t, os.Rename(filepath.Join(dir, "bucket"), filepath.Join(dir, "elsewhere"))) // root may do everything: there it is a file
			check(t, os.WriteFile(filepath.Join(dir, "bucket"), nil, 0o600))
			return func() { check(t, os.Rename(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "bucket"))) }
		}
		check(t, os.Chmod(filepath.Join(dir, "bucket"), 0))
		return func() { check(t, os.Chmod(filepath.Join(dir, "bucket"), 0o700)) }
	},
}

// fill leaves no room on the disk that a folder is on, and returns the file that has to go.
func fill(t *testing.T, dir string) string {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "filler"))
	check(t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
	return file.Name()
}

func TestF26AudioStaysAtTwilioUntilTheBucketTakesIt(t *testing.T) {
	t.Parallel()
	for name, damage := range bucketFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				dir := t.TempDir()
				if name == "full" {
					smallDisk(t, dir)
				}
				h := newHouse(t, db, option{settings: func(s *Settings) { s.RecordingsURL = recordings.FolderURL(filepath.Join(dir, "bucket")) }})
				tn := h.newTenant("olivia@example.com", mask, -1, -1)
				h.app.desk.Settings.DeleteAfterCopy = true
				mend := damage(t, dir)
				call := h.net.Dial(hello, mask)
				h.wantLate(tn, call)
				h.playUntil(h.net.Now().Add(10 * time.Minute))
				_, err := h.app.desk.Reconcile(h.ctx)
				check(t, err)
				if h.net.Recordings()[0].Deleted {
					t.Fatal("it was deleted at Twilio")
				}
				_ = os.Remove(filepath.Join(dir, "bucket")) // the file in its place, if any
				mend()
				h.play()
				h.wantStored(tn)
			}, jobs.Migrate)
		})
	}
}

func TestF26ASlowBucketHoldsUpNoCall(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		slow, reached := make(chan struct{}), make(chan struct{}, 1)
		disk := s3mem.New()
		check(t, disk.CreateBucket("voicemails"))
		quick := gofakes3.New(disk).Server()
		bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case reached <- struct{}{}:
			default:
			}
			<-slow
			quick.ServeHTTP(w, r)
		}))
		t.Cleanup(bucket.Close)
		h := newHouse(t, db, option{settings: func(s *Settings) {
			s.RecordingsURL = "s3://voicemails?region=us-east-1&anonymous=true&endpoint=" + url.QueryEscape(bucket.URL)
		}})
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		h.set(tn, `mailMissedCalls: false`) // the second call's
		h.net.Dial(hello, mask)
		check(t, h.net.Run(h.ctx))
		worked := make(chan error, 1)
		go func() {
			_, err := h.app.queue.Drain(h.ctx, h.net.Now())
			worked <- err
		}()
		<-reached
		call := h.net.Dial(network.From(customer).Silent(), mask)
		check(t, h.net.Run(h.ctx))
		check(t, call.Err())
		close(slow)
		check(t, <-worked)
		h.play()
		h.wantStored(tn)
	}, jobs.Migrate)
}
