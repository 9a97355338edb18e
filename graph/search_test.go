package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/phone"
)

// spoken are transcripts and labels in which texts are looked for.
var spoken = []string{
	"", "a", "ab", "Your ORDER is 100% ready", "call_me back", `he said "hello" to us`, `C:\temp`, "it's o'clock", "100", "10%0",
	"Grüße aus MÜNCHEN", "GRÜSSE AUS ÄGYPTEN", "ÄÖÜ", "äöü", "naïve café", "NAÏVE CAFÉ", "привет МИР", "Привет мир", "ΑΒΓΔ αβγδ", "你好世界", "您好，世界和平", "日本語のメッセージ",
	"한국어 메시지", "שלום עולם", "👍👍 ok 👍", "tab\there", "two\nlines", "NEAR AND OR NOT", "col:umn (x) ^y* -z", "ends with back\\", "aaa", "aaaa aaa",
}

var looked = []string{
	"a", "A", "ab", "abc", "%", "_", "%%", "0% r", "ALL_M", "callxme", `"`, `""`, `"hello"`, `\`, `\t`, `C:\t`, "'", "'s o'", "100", "10%0", "ü", "Ü", "Üß", "GRÜß", "grüße",
	"ägypten", "ÄÖÜ", "äöü", "ÖÜ", "ïve", "É", "CAFÉ", "cafe", "мир", "МИР ", "приВЕТ", "Γδ", "αΒΓ", "你", "你好", "好世界", "世界", "世界和平", "日本語", "本", "메시지", "עולם", "👍", "👍👍",
	"👍 ok", "\th", "\n", "o\nl", "NEAR", "and or", "OR NOT", ":umn (x) ^y* -z", "^y*", "-z", "*", "aaa", "aaaa", "a aaa", "back", " ", "  ", "zzz", "zz", "transcript", "transcript : a",
}

// What is found, by the index and from row to row, is what contains the text when capitals are made small.
func TestATextIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.speak(a, w.tenant("bob"))
		for _, text := range looked {
			want := []string{}
			for _, s := range spoken {
				if strings.Contains(strings.ToLower(s), strings.ToLower(text)) {
					want = append(want, s)
				}
			}
			slices.Reverse(want) // the newest first
			for _, list := range []string{"voicemails(%s where: {transcriptContainsFold: $t}) { totalCount edges { node { it: transcript } } }",
				"voicemails(%s where: {and: [{transcriptContainsFold: $t}]}) { totalCount edges { node { it: transcript } } }",
				"numbers(%s where: {labelContainsFold: $t, state: PAUSED}) { totalCount edges { node { it: label } } }",
				"voicemails(%s where: {transcriptContainsFold: $t}, orderBy: {field: RECEIVED_AT, direction: DESC}) { totalCount edges { node { it: transcript } } }"} {
				w.finds(a, fmt.Sprintf(list, "first: 100"), text, want, len(want))
				w.finds(a, fmt.Sprintf(list, "first: 1"), text, want[:min(1, len(want))], len(want))
			}
		}
	})
}

// What changes, or goes, is found no longer under what it was.
func TestTheSearchForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.speak(a)
		w.exec(`UPDATE voicemails SET transcript = 'quite another' WHERE transcript LIKE '%hello%'`)
		w.exec(`UPDATE voicemails SET transcript = NULL WHERE transcript LIKE '%call_me%'`)
		w.exec(`UPDATE voicemails SET place = place + 100000 WHERE transcript LIKE '%100%'`)
		w.exec(`DELETE FROM voicemails WHERE transcript LIKE '%back%'`)
		w.exec(`UPDATE masked_numbers SET label = 'quite another' WHERE label LIKE '%hello%'`)
		w.exec(`DELETE FROM masked_numbers WHERE label LIKE '%100%'`)
		for text, want := range map[string][2]int{"hello": {0, 0}, "quite another": {1, 1}, "call_me": {0, 1}, "100": {2, 0}, "back": {0, 2}} {
			for i, list := range []string{"voicemails(where: {transcriptContainsFold: $t})", "numbers(where: {labelContainsFold: $t})"} {
				got := w.ask(a.token, "query($t: String!) { list: "+list+" { totalCount edges { cursor } } }", vars{"t": text}, "list.totalCount", "list.edges")
				if n := strings.Count(got[1], "cursor"); got[0] != fmt.Sprint(want[i]) || n != want[i] {
					t.Errorf("%s of %q: got %d of %s, want %d", list, text, n, got[0], want[i])
				}
			}
		}
		if w.db.Dialect() == dialect.SQLite {
			for _, table := range []string{"voicemail_search", "number_search"} {
				w.exec("INSERT INTO " + table + "(" + table + ", rank) VALUES ('integrity-check', 1)")
			}
		}
	})
}

// speak leaves what is spoken on numbers of both, and as the labels of paused numbers.
func (w *world) speak(of ...tenant) {
	w.t.Helper()
	w.write(func(tx *ent.Client) error {
		for i, text := range spoken {
			for n, of := range of {
				k, at := 2*i+n, w.now().Add(time.Duration(i)*time.Second)
				tx.MaskedNumber.Create().SetOwnerID(of.user).SetPhoneNumber(phone.Number(fmt.Sprintf("+1666%07d", k))).SetState(phone.NumberPaused).
					SetLabel("before").SetForwardTo([]phone.Number{}).SetNotifyEmails([]string{}).SetCreatedAt(at).SaveX(w.ctx).Update().SetLabel(text).ExecX(w.ctx)
				v := tx.Voicemail.Create().SetOwnerID(of.user).SetNumberID(of.number).SetRecordingSid(w.sid("RE")).SetFrom("anonymous").
					SetDurationSeconds(1).SetReceivedAt(at).SetLearnedAt(at)
				if i%2 == 0 {
					v.SetPlace(int64(1000 + k)).SetTranscript(text).SaveX(w.ctx)
					continue
				}
				v.SetTranscript("before").SaveX(w.ctx).Update().SetPlace(int64(1000 + k)).ExecX(w.ctx)
				tx.Voicemail.Update().Where(voicemail.Place(int64(1000 + k))).SetTranscript(text).ExecX(w.ctx)
			}
		}
		return nil
	})
}

// finds looks for a text in a list, which must give these texts out of so many.
func (w *world) finds(of tenant, list, text string, want []string, total int) {
	w.t.Helper()
	var page struct {
		TotalCount int
		Edges      []struct{ Node struct{ It string } }
	}
	answer := w.ask(of.token, "query($t: String!) { list: "+list+" }", vars{"t": text}, "list")[0]
	check(w.t, json.Unmarshal([]byte(answer), &page))
	got := []string{}
	for _, e := range page.Edges {
		got = append(got, e.Node.It)
	}
	if !slices.Equal(got, want) || page.TotalCount != total {
		w.t.Errorf("%s for %q: got %q of %d, want %q of %d", list, text, got, page.TotalCount, want, total)
	}
}
