package graph_test

import (
	"cmp"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/delivery"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/phone"
)

// recipe is an operation of docs/api.md, its variables, and the answer that the text promises.
type recipe struct {
	line                     int
	operation, variables, is string
}

var fence = regexp.MustCompile("(?ms)^```(graphql|json variables|json answer)\n(.*?)^```$")

func recipes(t *testing.T) (all []recipe) {
	t.Helper()
	b, err := os.ReadFile("../docs/api.md")
	check(t, err)
	text := string(b)
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		kind, body := text[at[2]:at[3]], text[at[4]:at[5]]
		if kind == "graphql" {
			all = append(all, recipe{line: 1 + strings.Count(text[:at[0]], "\n"), operation: body})
			continue
		}
		r := &all[len(all)-1]
		if kind == "json variables" {
			r.variables = body
		} else {
			r.is = body
		}
	}
	if n := strings.Count(text, "```graphql"); n != len(all) || n == 0 {
		t.Fatalf("%d operations are written, %d are run", n, len(all))
	}
	return all
}

// names are what the text calls ids, cursors and tokens: a name stands for whatever is found in its first place, and then for nothing else.
type names map[string]string

var aName = regexp.MustCompile(`^[a-z]+_[0-9]$`)

// fill puts what is known by name in the place of names.
func (n names) fill(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = n.fill(v[k])
		}
	case []any:
		for i := range v {
			v[i] = n.fill(v[i])
		}
	case string:
		return cmp.Or(n[v], v)
	}
	return v
}

// fits tells whether got is what the text says. An error may have more, such as its place in the query.
func (n names) fits(said, got any) bool {
	switch said := said.(type) {
	case map[string]any:
		of, ok := got.(map[string]any)
		for k := range said {
			ok = ok && n.fits(said[k], of[k])
		}
		return ok && (said["errors"] != nil || of["errors"] == nil)
	case []any:
		of, ok := got.([]any)
		ok = ok && len(of) == len(said)
		for i := range said {
			ok = ok && n.fits(said[i], of[i])
		}
		return ok
	case string:
		of, ok := got.(string)
		if aName.MatchString(said) && n[said] == "" && of != "" {
			n[said] = of
		}
		return ok && (said == "…" && of != "" || cmp.Or(n[said], said) == of)
	}
	return reflect.DeepEqual(said, got)
}

func TestEveryRecipeIsAnsweredAsTheTextSays(t *testing.T) {
	t.Parallel()
	all := recipes(t)
	each(t, func(t *testing.T, w *world) {
		a := w.kitchen()
		known := names{}
		for _, r := range all {
			var variables, said, got any
			if r.variables != "" {
				check(t, json.Unmarshal([]byte(r.variables), &variables))
			}
			if err := json.Unmarshal([]byte(r.is), &said); err != nil {
				t.Fatalf("docs/api.md:%d: its answer: %v", r.line, err)
			}
			v, _ := known.fill(variables).(map[string]any)
			body := w.answer(a.token, r.operation, v)
			check(t, json.Unmarshal([]byte(body), &got))
			if !known.fits(said, got) {
				t.Fatalf("docs/api.md:%d: %s\nis answered\n%s\nand the text says\n%s", r.line, r.operation, body, r.is)
			}
		}
	})
}

// answer is the answer to an operation, or the first push of it.
func (w *world) answer(token, operation string, v vars) string {
	w.t.Helper()
	if !strings.HasPrefix(operation, "subscription") {
		return w.try(token, operation, v).Body
	}
	s := w.stream(token, operation, v)
	defer s.resp.Body.Close()
	return s.next("next")
}

// kitchen is an owner with three voicemails, of which the second can be heard and read while its mail was given up, and the third was not transcribed,
// and with a call that rings.
func (w *world) kitchen() tenant {
	w.t.Helper()
	a := w.tenant("ann")
	w.voicemails(a, 1)
	second, _ := w.stored(a)
	third := w.voicemails(a, 1)[0]
	w.write(func(tx *ent.Client) error {
		if err := tx.Voicemail.UpdateOneID(second).SetTranscript("Please call back about the invoice.").SetTranscription(phone.TranscriptionCompleted).Exec(w.ctx); err != nil {
			return err
		}
		const outOfOrder = "The transcription service is out of order: it answered 503."
		if err := tx.Voicemail.UpdateOneID(third).SetTranscription(phone.TranscriptionFailed).SetTranscriptionError(outOfOrder).Exec(w.ctx); err != nil {
			return err
		}
		return tx.Delivery.Update().Where(delivery.HasVoicemailWith(voicemail.ID(second))).SetState(phone.DeliveryFailed).SetAttempts(3).SetLastError("The mail server refused this address for good: 550 no such mailbox").Exec(w.ctx)
	})
	w.write(func(tx *ent.Client) error {
		return tx.MailRecipient.Create().SetNumberID(a.number).SetAddress("bob@example.com").SetUnsubscribedAt(w.now()).Exec(w.ctx)
	})
	_, err := w.desk.Receive(w.ctx, phone.Incoming{CallSID: w.sid("CA"), From: "+15550200003", To: phone.Number(a.phone)})
	check(w.t, err)
	return a
}
