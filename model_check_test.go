//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// report is what an inspection finds.
type report []string

func (r *report) add(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// await looks until nothing is wrong any more, or the time is over, and returns what is still wrong.
func (w *modelWorld) await(long time.Duration) []string {
	for begun := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		wrong := w.inspect()
		if len(wrong) == 0 || time.Since(begun) > long {
			return wrong
		}
	}
}

// inspect holds the six invariants of the model against what can be seen from outside.
func (w *modelWorld) inspect() report {
	var r report
	voicemails, err := w.listVoicemails(adminToken)
	if err != nil {
		r.add("list voicemails: %v", err)
		return r
	}
	calls, missed, err := w.listCalls(adminToken)
	if err != nil {
		r.add("list calls: %v", err)
		return r
	}
	w.everyRecordingIsAVoicemail(&r, voicemails)
	w.everyOwnerWasTold(&r, voicemails, missed)
	for _, tn := range w.tenants {
		own, err := w.listVoicemails(tn.token)
		if err != nil {
			r.add("list an owner's voicemails: %v", err)
			continue
		}
		tn.heardOfEach(&r, own)
		w.seesNothingElse(&r, tn, own, voicemails)
	}
	w.noCallerHeardAnError(&r)
	w.everyCallEnded(&r, calls)
	return r
}

// 1. Every recording that Twilio has is exactly one voicemail, with the same audio or a reason.
func (w *modelWorld) everyRecordingIsAVoicemail(r *report, voicemails []modelVoicemail) {
	of := map[string][]modelVoicemail{}
	for _, v := range voicemails {
		of[v.RecordingSid] = append(of[v.RecordingSid], v)
	}
	known := 0
	for _, rec := range w.net.Recordings() {
		found := of[rec.SID]
		if rec.Status == "absent" {
			if len(found) > 0 {
				r.add("recording %s is absent and a voicemail", rec.SID)
			}
			continue
		}
		if len(found) != 1 {
			r.add("recording %s of call %s, %s, is %d voicemails", rec.SID, rec.CallSID, rec.Status, len(found))
			continue
		}
		known++
		v := found[0]
		switch {
		case rec.Status == "failed" && v.Audio == "FAILED" && v.AudioError != "":
		case v.Audio != "STORED":
			r.add("the audio of recording %s is %s (%s)", rec.SID, v.Audio, v.AudioError)
		default:
			w.sameAudio(r, v, rec.WAV())
		}
	}
	if known != len(voicemails) {
		r.add("%d voicemails are of no recording", len(voicemails)-known)
	}
}

func (w *modelWorld) sameAudio(r *report, v modelVoicemail, want []byte) {
	resp, err := http.Get(v.AudioURL)
	if err != nil {
		r.add("play recording %s: %v", v.RecordingSid, err)
		return
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Equal(got, want) {
		r.add("recording %s plays %d bytes of %d, %s: %v", v.RecordingSid, len(got), len(want), resp.Status, err)
	}
}

// 2. Every voicemail was mailed, as were missed calls, and no oftener than something died that may have been about to say so.
func (w *modelWorld) everyOwnerWasTold(r *report, voicemails []modelVoicemail, missed []modelMail) {
	took, lost := w.mail.copies()
	excused := 1 + w.deathsSoFar() + w.silences + lost
	mails := 0
	for _, v := range voicemails {
		if len(v.Deliveries) != 1 {
			r.add("voicemail %s has %d deliveries", v.ID, len(v.Deliveries))
		}
		for _, d := range v.Deliveries {
			mails++
			if n := took[d.ID]; n == 0 || n > excused || d.State != "DELIVERED" {
				r.add("the mail of voicemail %s was taken %d times and is %s (%s)", v.ID, n, d.State, d.LastError)
			}
		}
	}
	for _, d := range missed { // a message may have come after the mail was begun
		mails += min(took[d.ID], 1)
		if n := took[d.ID]; n == 0 && d.State != "FAILED" || n > excused || d.State == "PENDING" {
			r.add("the mail %s of a missed call was taken %d times and is %s (%s)", d.ID, n, d.State, d.LastError)
		}
	}
	if mails != len(took) {
		r.add("%d mails have a Message-ID of no delivery", len(took)-mails)
	}
}

// 3. Every owner's subscriber heard of each voicemail once, in the order of the list, and of its last state.
func (tn *modelTenant) heardOfEach(r *report, own []modelVoicemail) {
	received, wrong := tn.received.seen()
	changed, more := tn.changed.seen()
	*r = append(append(*r, wrong...), more...)
	last := map[string]string{}
	var heard, want []string
	for _, p := range received {
		heard = append(heard, p.VoicemailReceived.Node.RecordingSid)
		last[p.VoicemailReceived.Node.ID] = p.VoicemailReceived.Node.state()
	}
	for _, p := range changed {
		if p.VoicemailChanged.Voicemail != nil {
			last[p.VoicemailChanged.VoicemailID] = p.VoicemailChanged.Voicemail.state()
		}
	}
	for _, v := range slices.Backward(own) {
		want = append(want, v.RecordingSid)
		if last[v.ID] != v.state() {
			r.add("voicemail %s is %s, and the last that its owner heard of it was %q", v.ID, v.state(), last[v.ID])
		}
	}
	if !slices.Equal(heard, want) {
		r.add("an owner was pushed %v, and has %v", heard, want)
	}
}

// 5. Nobody sees what is another's.
func (w *modelWorld) seesNothingElse(r *report, tn *modelTenant, own, all []modelVoicemail) {
	isOwn := map[string]bool{}
	for _, v := range own {
		if isOwn[v.ID] = true; v.Number.ID != tn.number {
			r.add("an owner sees voicemail %s of another", v.ID)
		}
	}
	var foreign []string
	for _, v := range all {
		if !isOwn[v.ID] && v.Number.ID == tn.number {
			r.add("an owner does not see the own voicemail %s", v.ID)
		}
		if !isOwn[v.ID] {
			foreign = append(foreign, v.ID)
		}
	}
	if len(foreign) == 0 {
		return
	}
	var nodes struct{ Nodes []*struct{ ID string } }
	_ = w.asks(tn.token, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": foreign[:min(len(foreign), 100)]}, &nodes)
	for _, n := range nodes.Nodes {
		if n != nil {
			r.add("an owner gets node %s of another", n.ID)
		}
	}
}

// 4. Every decision was answered with TwiML in time, and no caller heard Twilio's apology, unless processes died so shortly after one another
// that they may have taken both the answer and that of the fallback with them.
func (w *modelWorld) noCallerHeardAnError(r *report) {
	*r = append(*r, w.exchange.findings()...)
	for _, c := range w.net.Calls() {
		for _, e := range c.Story() {
			if e.Kind == "Heard" && strings.Contains(e.Text, "application error") && !w.diedTwice() {
				r.add("the caller of %s heard: %s\n%s", c.SID, e.Text, c.Tell())
			}
		}
	}
}

// 6. Every call has ended, and none was ever seen to go backwards.
func (w *modelWorld) everyCallEnded(r *report, calls []modelCall) {
	of := map[string]modelCall{}
	for _, c := range calls {
		if of[c.CallSid] = c; c.Outcome == "RINGING" || c.EndedAt == "" {
			r.add("call %s is %s, ended %q", c.CallSid, c.Outcome, c.EndedAt)
		}
	}
	for _, c := range w.net.Calls() {
		if _, ok := of[c.SID]; !ok {
			r.add("call %s is not written down:\n%s", c.SID, c.Tell())
		}
	}
	if len(calls) != len(w.net.Calls()) {
		r.add("there are %d calls in place of %d", len(calls), len(w.net.Calls()))
	}
	seen, wrong := w.calls.seen()
	*r = append(*r, wrong...)
	before, current, connection := map[string]modelCall{}, map[string]bool{}, w.calls.connections()
	for _, p := range seen {
		c, b := *p.CallChanged, before[p.CallChanged.CallSid]
		if b.Outcome != "" && b.Outcome != "RINGING" && c.Outcome == "RINGING" || b.Outcome == "VOICEMAIL" && c.Outcome != b.Outcome || b.EndedAt != "" && c.EndedAt != b.EndedAt {
			r.add("call %s went from %v back to %v", c.CallSid, b, c)
		}
		before[c.CallSid] = c
		current[c.CallSid] = p.connection == connection
	}
	for sid, c := range of {
		if current[sid] && before[sid] != c { // who was away when a call ended is not told of it
			r.add("call %s is %v, and the last push said %v", sid, c, before[sid])
		}
	}
}

func (w *modelWorld) listVoicemails(token string) (all []modelVoicemail, err error) {
	var page struct {
		Voicemails struct {
			Edges []struct {
				Cursor string
				Node   modelVoicemail
			}
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
	}
	for page.Voicemails.PageInfo.HasNextPage = true; page.Voicemails.PageInfo.HasNextPage; {
		vars := map[string]any{"after": page.Voicemails.PageInfo.EndCursor}
		page.Voicemails.Edges = nil
		if err := w.asks(token, `query($after: Cursor) { voicemails(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { cursor node {
			id recordingSid audio audioError audioURL transcription number { id } call { callSid } deliveries { id state lastError } } } } }`, vars, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Voicemails.Edges {
			e.Node.cursor = e.Cursor
			all = append(all, e.Node)
		}
	}
	return all, nil
}

func (w *modelWorld) listCalls(token string) (all []modelCall, missed []modelMail, err error) {
	var page struct {
		Calls struct {
			Edges []struct {
				Node struct {
					modelCall
					Deliveries []modelMail
				}
			}
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
	}
	for page.Calls.PageInfo.HasNextPage = true; page.Calls.PageInfo.HasNextPage; {
		vars := map[string]any{"after": page.Calls.PageInfo.EndCursor}
		page.Calls.Edges = nil
		if err := w.asks(token, `query($after: Cursor) { calls(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { node {
			callSid outcome endedAt deliveries { id state lastError } } } } }`, vars, &page); err != nil {
			return nil, nil, err
		}
		for _, e := range page.Calls.Edges {
			all, missed = append(all, e.Node.modelCall), append(missed, e.Node.Deliveries...)
		}
	}
	return all, missed, nil
}

// asks sends GraphQL, and fails nobody's test: the program may just be dead.
func (w *modelWorld) asks(token, query string, vars map[string]any, into any) error {
	req, err := http.NewRequest(http.MethodPost, w.public+"/graphql", bytes.NewReader(encoded(map[string]any{"query": query, "variables": vars})))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var out struct {
		Data   json.RawMessage
		Errors []graphError
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return err
	}
	if into != nil && len(out.Data) > 0 {
		if err := json.Unmarshal(out.Data, into); err != nil {
			return err
		}
	}
	if len(out.Errors) > 0 {
		return fmt.Errorf("%v", out.Errors)
	}
	return nil
}
