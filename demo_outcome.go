package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/phone"
)

// result is what a client sees of a call.
type result struct {
	Outcome   phone.CallOutcome
	EndedAt   *time.Time
	Timeline  []struct{ Detail string }
	Voicemail *leftMessage
}

type leftMessage struct {
	ID                 string
	DurationSeconds    int
	Audio              phone.AudioState
	AudioURL           string
	Transcription      phone.TranscriptionState
	Transcript         string
	TranscriptionError string
	Deliveries         []struct {
		ID, LastError string
		State         phone.DeliveryState
	}
}

const askForResult = `query($sid: String!) { calls(first: 1, where: {callSid: $sid}) { edges { node {
	outcome endedAt timeline { detail }
	voicemail { id durationSeconds audio audioURL transcription transcript transcriptionError deliveries { id state lastError } }
} } } }`

func (d *demo) result(ctx context.Context, call *network.Call) (r result, err error) {
	var found struct {
		Calls struct{ Edges []struct{ Node result } }
	}
	if err := d.olivia.ask(ctx, askForResult, map[string]any{"sid": call.SID}, &found); err != nil {
		return r, err
	}
	if len(found.Calls.Edges) == 0 {
		return r, errors.New("the call is not in the list of calls")
	}
	return found.Calls.Edges[0].Node, nil
}

// complete tells whether nothing more is going to come of the call.
func (r result) complete(message bool) bool {
	if r.Outcome == phone.OutcomeRinging || r.EndedAt == nil || message != (r.Voicemail != nil) {
		return false
	}
	return !message || r.Voicemail.Audio != phone.AudioPending && r.Voicemail.Transcription != phone.TranscriptionPending && r.Voicemail.mailed()
}

func (m *leftMessage) mailed() bool {
	for _, one := range m.Deliveries {
		if one.State == phone.DeliveryPending && one.LastError == "" {
			return false
		}
	}
	return len(m.Deliveries) > 0
}

const (
	settlesWithin = 20 * time.Second
	mailedWithin  = 80 * time.Second // when its mail waits for a transcript that never comes
	lookEvery     = 100 * time.Millisecond
)

// patienceFor is longer when the network has lost something.
func patienceFor(call *network.Call) time.Duration {
	if slices.ContainsFunc(call.Story(), func(e network.Event) bool { return e.Kind == network.CallbackLost }) {
		return mailedWithin
	}
	return settlesWithin
}

// toldOfMessage tells whether there is a recording of which the service has heard.
func (d *demo) toldOfMessage(call *network.Call) bool {
	_, err := d.said(call)
	return err == nil && len(call.Asked("/webhooks/recording"))+len(call.Asked("/webhooks/transcription")) > 0
}

// settle waits until the work that a call left behind is done, or ought to be.
func (d *demo) settle(ctx context.Context, call *network.Call) (r result, err error) {
	d.say.meanwhile("Maskline brings it to its end")
	message := d.toldOfMessage(call)
	late := time.After(patienceFor(call))
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	sign := time.NewTicker(signEvery)
	defer sign.Stop()
	for {
		if r, err = d.result(ctx, call); err != nil || r.complete(message) && d.isPushed(r) {
			return r, err
		}
		select {
		case <-look.C:
		case <-sign.C:
			d.say.pass()
		case <-late:
			return r, nil // what is missing is going to be said
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

func (d *demo) isPushed(r result) bool { return r.Voicemail == nil || d.pushes(r.Voicemail.ID) > 0 }

// outcome tells what came of a call, and fails when that cannot be.
func (d *demo) outcome(ctx context.Context, p *played) (err error) {
	if err := wellServed(p.call); err != nil {
		return err
	}
	if p.result, err = d.settle(ctx, p.call); err != nil {
		return err
	}
	var details []string
	for _, e := range p.result.Timeline {
		details = append(details, wrapped(strings.Fields(e.Detail), textWidth)...)
	}
	d.tell("stored", fmt.Sprintf("%s, %s, with each step and why:", d.whose(p, "call"), p.result.Outcome), details...)
	switch {
	case p.result.Voicemail != nil:
		return d.voicemail(ctx, p)
	case d.toldOfMessage(p.call):
		return errors.New("GraphQL shows no voicemail")
	}
	return nil
}

// whose says whose call or voicemail it is, when there are several.
func (d *demo) whose(p *played, thing string) string {
	if len(d.scene.Calls) > 1 {
		return p.Name + "'s " + thing
	}
	return "the " + thing
}

// wellServed tells whether Twilio was content with every answer.
func wellServed(call *network.Call) error {
	for _, e := range call.Story() {
		if isRequest := e.Kind == network.Webhook || e.Kind == network.CallbackSent; isRequest && e.Status != http.StatusOK && e.Status != http.StatusNoContent {
			return fmt.Errorf("a webhook failed: %s", e)
		}
	}
	if err := call.Err(); err != nil {
		return fmt.Errorf("the network complains: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// voicemail tells where a message went, and compares it with what the caller said.
func (d *demo) voicemail(ctx context.Context, p *played) error {
	m := p.result.Voicemail
	said, err := d.said(p.call)
	if err != nil {
		return err
	}
	if m.Audio != phone.AudioStored {
		return fmt.Errorf("the audio of the voicemail is %s and not STORED", m.Audio)
	}
	audio, err := d.olivia.fetch(ctx, m.AudioURL)
	if err != nil {
		return fmt.Errorf("fetch the audio: %w", err)
	}
	if !bytes.Equal(audio, said.WAV()) {
		return fmt.Errorf("audioURL gives %d bytes that are not the %d that were recorded", len(audio), len(said.WAV()))
	}
	d.tell("stored", fmt.Sprintf("%s: %d seconds, %d bytes of audio, byte for byte what Twilio recorded", d.whose(p, "voicemail"), m.DurationSeconds, len(audio)))
	if m.Transcription == phone.TranscriptionCompleted && m.Transcript != said.Words {
		return fmt.Errorf("the transcript is %q and not %q", m.Transcript, said.Words)
	}
	d.tell("stored", m.transcript())
	if n := d.pushes(m.ID); n != 1 {
		return fmt.Errorf("the voicemail was pushed %d times and not once", n)
	}
	return d.mailed(m, audio)
}

func (m *leftMessage) transcript() string {
	switch m.Transcription {
	case phone.TranscriptionCompleted:
		return "its transcript: " + spoken(m.Transcript)
	case phone.TranscriptionOff:
		return "no transcript, since nobody asked for one that Twilio could make"
	case phone.TranscriptionFailed:
		return "no transcript: " + m.TranscriptionError
	}
	return "no transcript yet"
}

// said is the truth about what was recorded.
func (d *demo) said(call *network.Call) (network.Recording, error) {
	for _, r := range d.net.Recordings() {
		if r.CallSID == call.SID && r.WAV() != nil {
			return r, nil
		}
	}
	return network.Recording{}, errors.New("nothing was recorded")
}

// mailed shows the mail of a message.
func (d *demo) mailed(m *leftMessage, audio []byte) error {
	if len(m.Deliveries) != 1 || m.Deliveries[0].State != phone.DeliveryDelivered {
		return fmt.Errorf("the mail was not delivered: %+v", m.Deliveries)
	}
	file := filepath.Join(d.DataDir, "mail", m.Deliveries[0].ID+".eml")
	l, err := readLetter(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(l.audio, audio) {
		return fmt.Errorf("the mail %s does not have the audio attached", file)
	}
	d.tell("mailed", filepath.Join("mail", filepath.Base(file))+", with the audio attached:",
		append([]string{"From: " + l.from, "To: " + l.to, "Subject: " + l.subject, ""}, beginning(l.text)...)...)
	return nil
}
