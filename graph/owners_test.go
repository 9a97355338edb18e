package graph_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
)

// counted is how many rows of each type somebody sees, or that they see an error.
func counted(ctx context.Context, c *ent.Client) map[string]string {
	seen := map[string]string{}
	client := reflect.ValueOf(c).Elem()
	for i := range client.NumField() {
		query := client.Field(i).MethodByName("Query")
		if !client.Type().Field(i).IsExported() || !query.IsValid() {
			continue
		}
		out := query.Call(nil)[0].MethodByName("Count").Call([]reflect.Value{reflect.ValueOf(ctx)})
		seen[client.Type().Field(i).Name] = fmt.Sprint(out[0])
		if !out[1].IsNil() {
			seen[client.Type().Field(i).Name] = "an error"
		}
	}
	return seen
}

// The resolvers name no owner anywhere: that nobody sees what belongs to others is the work of the filter that ent/schema declares. This
// fails when that is taken away, whatever the resolvers do.
func TestWithoutTheOwnershipFilterOwnersWouldSeeAndChangeEachOthersThings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.things(a)
		as := viewer.With(t.Context(), viewer.Viewer{ID: a.user, Role: phone.RoleOwner})
		alone := counted(as, w.db.Client())
		w.plant()
		if among := counted(as, w.db.Client()); !maps.Equal(alone, among) {
			t.Errorf("an owner sees %v, and %v once there is another owner", alone, among)
		}
		all := counted(w.ctx, w.db.Client())
		for kind, n := range alone {
			if internal := slices.Contains([]string{"Setting", "Counter", "RawWebhook", "AuditEntry", "MailRecipient", "SentMail"}, kind); internal != (n == "an error") {
				t.Errorf("%s: an owner sees %s", kind, n)
			}
			if n == all[kind] && kind != "Plan" && kind != "Change" { // which everybody sees, or nobody made
				t.Errorf("%s: the system sees no more than an owner, so this proves nothing", kind)
			}
		}
		for kind, n := range counted(t.Context(), w.db.Client()) {
			if n != "an error" {
				t.Errorf("%s: nobody in particular sees %s", kind, n)
			}
		}
		w.asOwner(as, a)
	})
}

// asOwner writes to everything there is, as one of two owners.
func (w *world) asOwner(as context.Context, tn tenant) {
	w.t.Helper()
	other := w.ask(w.admin, `{ users { edges { node { id } } } }`, nil, "users.edges.0.node.id")[0]
	w.write(func(tx *ent.Client) error {
		for kind, write := range map[string]func(context.Context) (int, error){
			"users": tx.User.Update().SetName("mine").Save, "tokens": tx.Token.Update().SetName("mine").Save, "numbers": tx.MaskedNumber.Update().SetLabel("mine").Save,
			"subscriptions": tx.NumberSubscription.Update().SetUsedCalls(9).Save, "calls": tx.Call.Update().SetDurationSeconds(9).Save,
			"voicemails": tx.Voicemail.Update().SetTranscript("mine").Save, "deliveries": tx.Delivery.Update().SetAttempts(9).Save,
		} {
			if n, err := write(as); n != 1 || err != nil {
				w.t.Errorf("an owner of one of the %s changed %d: %v", kind, n, err)
			}
		}
		if n, err := tx.Delivery.Delete().Exec(as); n != 1 || err != nil {
			w.t.Errorf("an owner of one delivery deleted %d: %v", n, err)
		}
		if err := tx.Token.Create().SetOwnerID(other).SetName("x").SetPrefix("x").SetHash("x").Exec(as); err == nil {
			w.t.Error("an owner made a token for somebody else")
		}
		if err := tx.Plan.Create().SetName("x").SetType(phone.PlanTrial).SetPeriod(phone.PeriodOnce).Exec(as); err == nil {
			w.t.Error("an owner made a plan")
		}
		return nil
	})
	w.wants(w.admin, `{ numbers(orderBy: {field: LABEL}) { edges { node { label } } } }`, nil,
		`{"numbers": {"edges": [{"node": {"label": "Kanari-label"}}, {"node": {"label": "mine"}}]}}`)
}
