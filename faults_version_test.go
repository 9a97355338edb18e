package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

// A newer version migrates in the middle of a call, while this one runs: every table gets a column, and there is a table more. How the
// migration waits for its locks is TestF33AMigrationThatWaitsForATableHoldsUpNobody in internal/database.
func TestF33TheOldVersionWorksOnTheNewSchema(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, -1, -1)
		h.net.AddPhone(owner, network.NoAnswer())
		warm := h.net.Dial(hello, mask) // so that its statements are prepared for the old tables
		h.play()
		check(t, warm.Err())
		call := h.net.Dial(network.From("+15550200003").LeaveMessage(9*time.Second, "And me."), mask)
		check(t, h.net.RunTo(h.ctx, network.Asking("/webhooks/voice")))
		for _, table := range h.tableNames() {
			if strings.HasPrefix(table, "river_") || strings.HasPrefix(table, "sqlite_") {
				continue
			}
			h.exec(fmt.Sprintf(`ALTER TABLE %s ADD COLUMN colour text DEFAULT 'blue'`, table))
		}
		h.exec(`CREATE TABLE colours (id text PRIMARY KEY)`)
		h.play()
		check(t, call.Err())
		told := h.summary(call, tn)
		if strings.Count(told, "audio STORED") != 2 || !strings.Contains(told, "mails: 2") {
			t.Errorf("got\n%s", told)
		}
		h.audioIsWhole(tn)
	}, jobs.Migrate)
}
