package graph_test

import (
	"strings"
	"testing"

	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

const hangUp = `mutation($id: ID!) { hangUp(callID: $id) { id outcome timeline { kind } } }`

func TestARunningCallIsHungUpAndOneThatIsOverIsAConflict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		in, id := w.running(a)
		w.refused(b.token, hangUp, vars{"id": id}, phone.NotFound, "hangUp")
		for _, token := range []string{a.token, w.admin} { // the second time it is said once all the same
			got := w.ask(token, hangUp, vars{"id": id}, "hangUp.id", "hangUp.outcome", "hangUp.timeline")
			if got[0] != id || got[1] != "RINGING" || strings.Count(got[2], "hang_up") != 1 {
				t.Errorf("got %v", got)
			}
		}
		check(t, w.desk.Ended(w.ctx, in, switchboard.Over{Status: "completed"}))
		w.refused(a.token, hangUp, vars{"id": id}, phone.Conflict, "hangUp")
		w.refused(w.admin, hangUp, vars{"id": id}, phone.Conflict, "hangUp")
		w.refused(b.token, hangUp, vars{"id": id}, phone.NotFound, "hangUp")
		w.refused(a.token, hangUp, vars{"id": "call_"}, phone.NotFound, "hangUp")
	})
}
