package network

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCallbacksGetLost(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Drop: 1}}, voicemail(`transcribe="true" transcribeCallback="/transcribed"`))
	c := w.call(From(bob).LeaveMessage(12*time.Second, "Hi"))
	fine(t, c)
	for _, path := range []string{"/status", "/recording", "/transcribed"} {
		equal(t, "requests for "+path, len(w.requests(path)), 0)
	}
	lost := 0
	for _, e := range c.Story() {
		if e.Kind == CallbackLost {
			lost++
		}
	}
	equal(t, "lost", lost, 3)
	equal(t, "what a caller waits for is never lost", len(w.requests("/recorded")), 1)
}

func TestCallbacksArriveTwice(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Duplicate: 1, MaxDelay: time.Minute}}, voicemail(""))
	fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "Hi")))
	for _, path := range []string{"/status", "/recording"} {
		found := w.requests(path)
		if len(found) != 2 {
			t.Fatalf("%d requests for %s, want 2", len(found), path)
		}
		equal(t, "the same", found[0].form.Encode(), found[1].form.Encode())
	}
}

func TestCallbacksArriveLate(t *testing.T) {
	t.Parallel()
	late := 0
	for seed := range int64(5) {
		w := open(t, Config{Seed: seed, Chaos: Chaos{Delay: 1, MaxDelay: time.Hour}}, voicemail(""))
		fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "Hi")))
		if w.Now().Sub(w.started) > 5*time.Minute {
			late++
		}
		w.only("/status")
		w.only("/recording")
	}
	if late == 0 {
		t.Error("no callback was late")
	}
}

// everything is a service that uses all callbacks there are.
func everything() answersByPath {
	return answersByPath{
		"/voice":  strings.Replace(screened, `url="/screen"`, `url="/screen" statusCallback="/leg"`, 1),
		"/screen": screenAnswers["/screen"], "/pressed": response("<Hangup/>"),
		"/dialled":  response(greeting + `<Record transcribe="true" transcribeCallback="/transcribed"` + recordTail),
		"/recorded": response("<Say>Thank you.</Say>"),
	}
}

// declined is a call that uses all of them.
func (w *world) declined(caller Caller) *Call {
	w.t.Helper()
	w.AddPhone(olga, Human(3*time.Second, time.Minute).Press("2", 4*time.Second))
	return w.call(caller)
}

// arrivals are the paths that were asked, in order.
func (w *world) arrivals() (paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asked {
		paths = append(paths, a.path)
	}
	return paths
}

func TestChaosMayKeepToATopic(t *testing.T) {
	t.Parallel()
	paths := map[Topic]string{
		TopicStatus: "/status", TopicLeg: "/leg", TopicRecording: "/recording", TopicTranscription: "/transcribed",
	}
	for lost := range paths {
		t.Run(string(lost), func(t *testing.T) {
			t.Parallel()
			w := open(t, Config{ChaosOf: map[Topic]Chaos{lost: {Drop: 1}}}, everything())
			fine(t, w.declined(From(bob).LeaveMessage(12*time.Second, "Hi")))
			for topic, path := range paths {
				want := 1
				if topic == lost {
					want = 0
				}
				equal(t, "requests for "+path, len(w.requests(path)), want)
			}
		})
	}
}

func TestATopicMayBeSparedFromChaos(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Drop: 1}, ChaosOf: map[Topic]Chaos{TopicRecording: {}}}, everything())
	fine(t, w.declined(From(bob).LeaveMessage(12*time.Second, "Hi")))
	w.only("/recording")
	equal(t, "status callbacks", len(w.requests("/status")), 0)
}

// TestCallbacksOvertake has what is told of a call arrive before what is asked, and before what is told at other times.
func TestCallbacksOvertake(t *testing.T) {
	t.Parallel()
	message := From(bob).LeaveMessage(12*time.Second, "Hi")
	for name, one := range map[string]struct {
		early  []Topic
		caller Caller
		want   string // the order of arrival, after the phone was rung
	}{
		"nothing does": {
			nil, message,
			"/dialled /leg /recorded /status /recording /transcribed",
		},
		"the recording, its action": {
			[]Topic{TopicRecording}, message,
			"/dialled /leg /recording /recorded /status /transcribed",
		},
		"the transcript, its recording": {
			[]Topic{TopicTranscription}, message,
			"/dialled /leg /recorded /status /transcribed /recording",
		},
		"both, the action": {
			[]Topic{TopicRecording, TopicTranscription}, message,
			"/dialled /leg /transcribed /recording /recorded /status",
		},
		"the end of the call, the Record action": {
			[]Topic{TopicStatus}, message,
			"/dialled /leg /status /recorded /recording /transcribed",
		},
		"all, the Record action": {
			[]Topic{TopicStatus, TopicRecording, TopicTranscription}, message,
			"/dialled /leg /transcribed /recording /status /recorded",
		},
		"the end of the call, the Dial action": {
			[]Topic{TopicStatus}, From(bob).HangUpAt(5 * time.Second),
			"/status /dialled /leg",
		},
		"the phone's end, the Dial action": {
			[]Topic{TopicLeg}, From(bob).HangUpAt(5 * time.Second),
			"/leg /dialled /status",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{ChaosOf: map[Topic]Chaos{}}
			for _, topic := range one.early {
				cfg.ChaosOf[topic] = Chaos{Early: 1}
			}
			w := open(t, cfg, everything())
			c := w.declined(one.caller)
			fine(t, c)
			got := slices.DeleteFunc(w.arrivals(), func(path string) bool {
				return path == "/voice" || path == "/screen" || path == "/pressed"
			})
			equal(t, "order", strings.Join(got, " "), one.want)
			var told []string
			for _, e := range c.Story() {
				if path := strings.TrimPrefix(e.URL, w.service.URL); e.URL != "" && path != "/voice" && path != "/screen" && path != "/pressed" {
					told = append(told, strings.Split(path, "?")[0])
				}
			}
			equal(t, "order in the story", strings.Join(told, " "), one.want)
		})
	}
}

// A late recording callback is overtaken by its transcript without more ado.
func TestALateCallbackIsOvertaken(t *testing.T) {
	t.Parallel()
	overtaken := 0
	for seed := range int64(5) {
		late := map[Topic]Chaos{TopicRecording: {Delay: 1, MaxDelay: time.Minute}}
		w := open(t, Config{Seed: seed, ChaosOf: late}, everything())
		fine(t, w.declined(From(bob).LeaveMessage(12*time.Second, "Hi")))
		all := w.arrivals()
		if all[len(all)-1] == "/recording" {
			overtaken++
		}
	}
	if overtaken == 0 {
		t.Error("no transcript overtook its recording")
	}
}

func TestAnyRequestMayCarryWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Unknown: 1}}, everything())
	fine(t, w.declined(From(bob).LeaveMessage(12*time.Second, "Hi"))) // signatures included
	for _, a := range w.asked {
		if !slices.ContainsFunc(strange, func(one [2]string) bool { return a.form.Has(one[0]) && a.form.Get(one[0]) == one[1] }) {
			t.Errorf("%s has nothing strange: %v", a.path, a.form)
		}
	}
	equal(t, "paths", len(slices.Compact(slices.Sorted(slices.Values(w.arrivals())))), 9)
}

// onlyByPOST is a service that refuses all other methods.
func (w *world) onlyByPOST() {
	for path, h := range w.answer {
		w.on(path, func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				rw.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			h(rw, r)
		})
	}
}

func TestARefusedGETLeadsToTheFallback(t *testing.T) {
	t.Parallel()
	for topic, path := range map[Topic]string{TopicVoice: "/voice", TopicDial: "/dialled", TopicRecord: "/recorded"} {
		t.Run(string(topic), func(t *testing.T) {
			t.Parallel()
			answers := everything()
			answers["/fallback"] = response("<Say>Sorry, try later.</Say>")
			w := open(t, Config{ChaosOf: map[Topic]Chaos{topic: {Get: 1}}}, answers)
			w.onlyByPOST()
			w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback")})
			c := w.declined(From(bob).LeaveMessage(12*time.Second, "Hi").PressKey("#"))
			wantFault(t, c, codeRetrieval, "405")
			refused := w.only(path)
			equal(t, "method", refused.method, http.MethodGet)
			has(t, refused.query, map[string]string{"CallSid": c.SID, "From": bob, "CallToken": "-"})
			has(t, w.only("/fallback").form, map[string]string{"ErrorCode": "11200", "ErrorUrl": w.at(path)})
			equal(t, "last heard", c.Heard(bob)[len(c.Heard(bob))-1], "Sorry, try later.")
		})
	}
}

func TestAScreenThatIsRefusedConnectsNobody(t *testing.T) {
	t.Parallel()
	w := open(t, Config{ChaosOf: map[Topic]Chaos{TopicScreen: {Get: 1}}}, everything())
	w.onlyByPOST()
	wantFault(t, w.declined(From(bob)), codeRetrieval, "405")
	has(t, w.only("/dialled").form, map[string]string{"DialCallStatus": "completed", "DialBridged": "false"})
}

func TestARefusedCallbackHasNoFallback(t *testing.T) {
	t.Parallel()
	w := open(t, Config{ChaosOf: map[Topic]Chaos{TopicStatus: {Get: 1}}}, answersByPath{"/voice": nothing, "/status": ""})
	w.onlyByPOST()
	wantFault(t, w.call(From(bob)), codeRetrieval, "405")
	w.only("/status")
}

// Everything by GET, the fallback too, leaves nothing but the apology.
func TestGETAloneEndsInTheApology(t *testing.T) {
	t.Parallel()
	w := open(t, Config{Chaos: Chaos{Get: 1}}, answersByPath{"/voice": nothing, "/fallback": nothing, "/status": ""})
	w.onlyByPOST()
	w.AddNumber(Number{PhoneNumber: mask, VoiceURL: w.at("/voice"), VoiceFallbackURL: w.at("/fallback")})
	c := w.call(From(bob))
	equal(t, "story", kinds(c.Story()), "Dialled Webhook Failed Webhook Failed Answered Heard Ended")
}

// TestStrangeCallers are what From and AccountSid may be in life.
func TestStrangeCallers(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"+266696687", "anonymous", "Restricted", "", "client:bob", "sip:bob@example.com"} {
		w := open(t, Config{}, answersByPath{"/voice": nothing})
		fine(t, w.call(From(from)))
		has(t, w.only("/voice").form, map[string]string{"From": from, "Caller": from})
	}
	w := open(t, Config{}, answersByPath{"/voice": nothing})
	fine(t, w.call(From(bob).With("AccountSid", "AC00000000000000000000000000000002")))
	has(t, w.only("/voice").form, map[string]string{"AccountSid": "AC00000000000000000000000000000002"})
}
