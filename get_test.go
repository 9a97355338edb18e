package main

import (
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// A number that somebody set to GET at Twilio is refused with 405, and its callers are saved by the fallback address: they leave a message.
func TestACallByGETIsSavedByTheFallback(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, 100, 50)
		n := numberAt(h.url, mask)
		n.VoiceMethod = "GET"
		h.net.AddNumber(n)
		call := h.net.Dial(network.From(customer).LeaveMessage(7*time.Second, "Hello Olivia."), mask)
		h.play()
		if err := call.Err(); err == nil || !strings.Contains(err.Error(), "405") || len(call.Asked("/webhooks/voice")) != 1 {
			t.Errorf("got %v after %d requests, want a single one that is refused with 405\n%s", err, len(call.Asked("/webhooks/voice")), call.Tell())
		}
		var list struct {
			Voicemails struct {
				Edges []struct{ Node struct{ Transcript *string } }
			}
		}
		h.ask(tn.token, `{ voicemails { edges { node { transcript } } } }`, nil, &list)
		if len(call.Asked("/webhooks/voice/fallback")) != 1 || len(list.Voicemails.Edges) != 1 {
			t.Errorf("%d voicemails, want the one that was left\n%s", len(list.Voicemails.Edges), call.Tell())
		}
	}, jobs.Migrate)
}
