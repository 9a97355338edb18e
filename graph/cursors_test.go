package graph_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// cursor is one that somebody made up.
func cursor(id string, value any) string {
	var b bytes.Buffer
	ent.Cursor{ID: id, Value: value}.MarshalGQL(&b)
	return strings.Trim(b.String(), `"`)
}

// noCursors are texts that no list ever gave.
func noCursors() []string {
	const id = "vm_003623tzkqkk79wxnyjratrzrm"
	return []string{
		"", " ", "x", "!", "null", "1", base64.RawStdEncoding.EncodeToString([]byte("no msgpack")), strings.Repeat("k", 20_000),
		base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0x91}, 15_000)), // lists in lists
		base64.RawStdEncoding.EncodeToString([]byte("\x82\xa1i\xa3vm_\xa1v\xdd\xff\xff\xff\xff")),
		cursor("", nil), cursor("", int64(5)), cursor("vm_", "5"), cursor("vm_", 5.0), cursor("vm_", int64(-1)), cursor("vm_", uint64(1<<63)),
		cursor("vm_", true), cursor("vm_", []any{5}), cursor("vm_", map[string]any{"a": 5}), cursor("vm_\x00", int64(5)), cursor("vm_\xff", time.Now()),
		cursor("vm_' OR 1=1", int64(5)), cursor(strings.Repeat("vm_", 20), int64(5)), cursor(id, time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)),
		cursor(id, time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)), cursor("num_003623tzkqkk79wxnyjratrzrm", "a\x00"), cursor("num_003623tzkqkk79wxnyjratrzrm", "\xff"),
		cursor("usr_003623tzkqkk79wxnyjratrzrm", "a\x00"), cursor("plan_\x00", nil), cursor("plan_003623tzkqkk79wxnyjratrzrm", "\x00"),
	}
}

func TestACursorThatNoListGaveIsRefused(t *testing.T) {
	t.Parallel()
	w := light(t)
	for _, l := range w.crowded(w.tenant("ann")) {
		for _, sort := range l.kinds() {
			for _, c := range noCursors() {
				for _, end := range []string{"after", "before"} {
					q := fmt.Sprintf(l.operation, fmt.Sprintf("(%s %s: $c) { totalCount edges { cursor } }", sort, end))
					got := w.try(w.admin, "query($c: Cursor) "+q, vars{"c": c})
					if len(got.Errors) != 1 || got.Errors[0].code() != string(phone.BadUserInput) || got.Errors[0].Extensions["field"] != end {
						t.Errorf("%s %s with %.60q: got %s", l.operation, sort, c, got.Body)
					}
				}
			}
		}
	}
}

// kind is what the cursors of a list are good for: the same type in the same order, whatever its filter or parent.
func (l list) kind(sort string) string {
	switch {
	case sort == "" && l.name != "Voicemail" && l.name != "Plan":
		return l.name + l.orders[0] // is the default
	case sort == "":
		return l.name
	}
	return l.name + strings.FieldsFunc(sort, func(r rune) bool { return strings.ContainsRune("{}:, ", r) })[2]
}

func TestACursorIsGoodForEveryListOfItsTypeAndOrderAndForNoOther(t *testing.T) {
	t.Parallel()
	w := light(t)
	lists := w.crowded(w.tenant("ann"))
	for _, from := range lists {
		for _, sort := range from.kinds() {
			c := w.page(w.admin, from, "first: 1 "+sort).Edges[0].Cursor
			for _, to := range lists {
				for _, other := range to.kinds() {
					got := w.try(w.admin, to.with(fmt.Sprintf(`%s after: "%s"`, other, c)), nil)
					if same := from.kind(sort) == to.kind(other); same != (len(got.Errors) == 0) {
						t.Errorf("a cursor of %s %s in %s %s: got %v", from.operation, sort, to.operation, other, got.Errors)
					}
				}
			}
		}
	}
}

func TestTheCursorOfAVoicemailThatIsGoneWorksOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 3)
		l := list{operation: "{ list: voicemails%s }", at: "list"}
		gone := w.page(a.token, l, "first: 2").Edges[1]
		if gone.Node.ID != ids[1] {
			t.Fatalf("got %s, want %s", gone.Node.ID, ids[1])
		}
		w.write(func(tx *ent.Client) error { return tx.Voicemail.UpdateOneID(ids[1]).SetDeletedAt(w.now()).Exec(w.ctx) })
		if got := w.page(a.token, l, `after: "`+gone.Cursor+`"`).ids(); len(got) != 1 || got[0] != ids[0] {
			t.Errorf("got %v, want %v", got, ids[:1])
		}
		if got := w.page(a.token, l, `last: 5 before: "`+gone.Cursor+`"`).ids(); len(got) != 1 || got[0] != ids[2] {
			t.Errorf("got %v, want %v", got, ids[2:])
		}
	})
}
