package switchboard

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/auditentry"
	"github.com/maskline/maskline/ent/viewer"
)

// deed is what somebody did: an audit entry without its time.
type deed struct{ actor, token, action, owner, subject, detail string }

func (d deed) create(c *ent.Client, at time.Time) *ent.AuditEntryCreate {
	return c.AuditEntry.Create().SetAt(at).SetActorID(d.actor).SetTokenID(d.token).SetAction(d.action).SetOwnerID(d.owner).SetSubject(d.subject).SetDetail(d.detail)
}

// audit has it written, in the transaction, what the viewer did: the action has the name that clients know it by. What the program does by
// itself is no deed.
func (tx *Tx) audit(ctx context.Context, action, owner, subject, detail string) {
	if v, _ := viewer.From(ctx); !v.IsSystem() {
		tx.deeds = append(tx.deeds, deed{v.ID, v.Token, action, owner, subject, detail})
	}
}

func (tx *Tx) auditVoicemails(ctx context.Context, action, detail string, all []*ent.Voicemail) {
	for _, v := range all {
		tx.audit(ctx, action, v.OwnerID, v.ID, detail)
	}
}

// writeDeeds is one statement, however many there are.
func (s *Switchboard) writeDeeds(ctx context.Context, tx *Tx) error {
	if len(tx.deeds) == 0 {
		return nil
	}
	at, rows := s.now(), make([]*ent.AuditEntryCreate, len(tx.deeds))
	for i, d := range tx.deeds {
		rows[i] = d.create(tx.Client, at)
	}
	if err := tx.AuditEntry.CreateBulk(rows...).Exec(viewer.System(ctx)); err != nil {
		return fmt.Errorf("write the audit: %w", err)
	}
	return nil
}

// differences tells which fields of a struct are others now.
func differences[T any](before, after T) string {
	var all []string
	old, now := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range old.NumField() {
		if a, b := old.Field(i), now.Field(i); !same(a, b) {
			all = append(all, fmt.Sprintf("%s: %s → %s", camel(old.Type().Field(i).Name), shown(a), shown(b)))
		}
	}
	return strings.Join(all, ", ")
}

// same takes no list for an empty one.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len()+b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

func shown(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "none"
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}

func camel(name string) string {
	r := []rune(name)
	r[0] = unicode.ToLower(r[0])
	return string(r)
}

// forgetAudit lets go of entries from before a moment: the only thing that ever becomes of one.
func (s *Switchboard) forgetAudit(ctx context.Context, before time.Time) error {
	_, err := s.untilFew(ctx, forgottenAtOnce, func(tx *Tx) (int, error) { return tx.forgetSomeAudit(ctx, before) })
	return err
}

func (tx *Tx) forgetSomeAudit(ctx context.Context, before time.Time) (int, error) {
	ids, err := tx.AuditEntry.Query().Where(auditentry.AtLT(before)).Order(ent.Asc(auditentry.FieldAt)).Limit(forgottenAtOnce).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	n, err := tx.AuditEntry.Delete().Where(auditentry.IDIn(ids...)).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("forget audit entries: %w", err)
	}
	return n, nil
}
