package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
)

var unsubscribeLink = regexp.MustCompile(`List-Unsubscribe:\s+<([^>]+)>`)

// TestTheHeaderOfAMailUnsubscribesWithOnePOST goes from the header of a mail to the number's list, through all that is served.
func TestTheHeaderOfAMailUnsubscribesWithOnePOST(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		h.set(tn, `notifyEmails: ["ann@example.com", "bob@example.com"]`)
		h.net.Dial(hello, mask)
		h.play()
		for _, m := range h.mails() {
			if !strings.Contains(m, "ann@example.com") {
				continue
			}
			found := unsubscribeLink.FindStringSubmatch(m)
			if found == nil || !strings.HasPrefix(found[1], h.url+"/unsubscribe/") || !strings.Contains(m, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") {
				t.Fatalf("no way to unsubscribe in\n%.1500s", m)
			}
			resp, err := http.Post(found[1], "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
			check(t, err)
			check(t, resp.Body.Close())
			if resp.StatusCode != http.StatusOK {
				t.Errorf("got %d", resp.StatusCode)
			}
		}
		var got struct {
			Node struct {
				NotifyEmails  []string
				LeftOutEmails []struct{ Address, Reason string }
			}
		}
		h.ask(tn.token, `query($id: ID!) { node(id: $id) { ... on MaskedNumber { notifyEmails leftOutEmails { address reason } } } }`, map[string]any{"id": tn.number}, &got)
		if n := got.Node; len(n.NotifyEmails) != 1 || n.NotifyEmails[0] != "bob@example.com" || len(n.LeftOutEmails) != 1 || n.LeftOutEmails[0].Address != "ann@example.com" {
			t.Errorf("got %+v", n)
		}
	}, jobs.Migrate)
}
