package graph_test
import "testing"
func TestClosedProbe(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		check(t, w.db.Close())
		got := w.try(w.admin, `{ viewer { id } }`, nil)
		t.Log(got.Status, got.Body)
	})
}
