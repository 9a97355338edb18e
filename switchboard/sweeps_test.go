package switchboard_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

var (
	pending   = regexp.MustCompile("([\"`](audio|transcription|state)[\"`] = )(\\$\\d+|\\?)") // of which there is a partial index
	parameter = regexp.MustCompile(`\$\d+|\?`)
)

// plan is how the database would run a statement. On PostgreSQL whole tables are read only where no index could be.
func (d *desk) plan(statement string) (steps string) {
	d.t.Helper()
	statement = pending.ReplaceAllString(statement, "$1'PENDING'")
	args := []any{}
	statement = parameter.ReplaceAllStringFunc(statement, func(string) string {
		args = append(args, nil)
		return map[string]string{dialect.SQLite: "?", dialect.Postgres: fmt.Sprintf("$%d", len(args))}[d.db.Dialect()]
	})
	c, err := d.db.Writer().Conn(d.ctx)
	d.check(err)
	defer c.Close()
	run := func(query string) {
		d.t.Helper()
		_, err := c.ExecContext(d.ctx, query)
		d.check(err)
	}
	explain := "EXPLAIN QUERY PLAN " + statement
	if d.db.Dialect() == dialect.Postgres {
		run("SET enable_seqscan = off")
		run("SET plan_cache_mode = force_generic_plan")
		run("PREPARE sweep AS " + statement)
		explain = "EXPLAIN EXECUTE sweep"
		if len(args) > 0 {
			explain += "(NULL" + strings.Repeat(", NULL", len(args)-1) + ")"
		}
		args = nil
		defer run("DEALLOCATE sweep")
	}
	rows, err := c.QueryContext(d.ctx, explain, args...)
	d.check(err)
	defer rows.Close()
	for rows.Next() {
		var step string
		into := []any{&step}
		if d.db.Dialect() == dialect.SQLite {
			into = []any{new(int), new(int), new(int), &step}
		}
		d.check(rows.Scan(into...))
		steps += step + "\n"
	}
	d.check(rows.Err())
	return steps
}

// wholeTable is a step that reads all rows of a table. Of numbers there are few, and most statements about them are about all.
var wholeTable = regexp.MustCompile(`(?m)^SCAN (calls|voicemails|deliveries|raw_webhooks|audit_entries|voicemail_changes)$|Seq Scan on (calls|voicemails|deliveries|raw_webhooks|audit_entries|voicemail_changes)`)

// TestEachSweepHasItsIndexAndItsBound explains every statement of housekeeping on a database where each finds something.
func TestEachSweepHasItsIndexAndItsBound(t *testing.T) {
	each(t, func(d *desk) {
		d.Settings.BinDays, d.Settings.RawDays, d.Settings.AuditDays, d.Settings.CallDays = 7, 30, 30, 30
		owner, number, _ := d.number(-1, -1)
		days := 1
		d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.KeepVoicemailsDays = &days }))
		as := viewer.With(d.t.Context(), viewer.Viewer{ID: owner, Role: phone.RoleOwner})
		d.answersWith(http.StatusOK)
		for n := 1; n <= 3; n++ {
			in := d.led(n)
			d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 9}))
			d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
		}
		d.check(d.work())
		deleted := d.db.Client().Voicemail.Query().FirstIDX(d.ctx)
		d.check(d.Mark(as, []string{deleted}, true))
		d.check(d.Delete(as, []string{deleted}))
		d.check(d.Reported(d.ctx, phone.Incoming{CallSID: incoming(9).CallSID, To: "+15550009999", Form: "x=y"}, phone.Reported{RecordingSID: recording(9), Status: "completed"}))
		d.wait(60 * 24 * time.Hour)

		seen := map[string]bool{}
		for range 2 { // what the first forgets, the second does not find
			ctx, count := database.Count(d.ctx)
			d.check(d.Work()[jobs.KeepHouse](ctx, jobs.Job{Kind: jobs.KeepHouse}))
			d.check(d.sweepDue(ctx))
			for _, statement := range count.Statements() {
				seen[statement] = true
			}
		}
		swept := map[string]bool{}
		for statement := range seen {
			verb, _, _ := strings.Cut(statement, " ")
			if strings.Contains(statement, "river_") || verb != "SELECT" && verb != "DELETE" && verb != "UPDATE" {
				continue
			}
			steps := d.plan(statement)
			if whole := wholeTable.FindString(steps); whole != "" {
				d.t.Errorf("%s in\n%s\n%s", whole, statement, steps)
			}
			for _, table := range []string{"calls", "raw_webhooks", "audit_entries", "voicemail_changes", "voicemails", "deliveries"} {
				if verb == "DELETE" && strings.HasPrefix(strings.NewReplacer(`"`, "", "`", "").Replace(statement), "DELETE FROM "+table) {
					swept[table] = true
				}
			}
		}
		if want := "map[audit_entries:true calls:true deliveries:true raw_webhooks:true voicemail_changes:true]"; fmt.Sprint(swept) != want {
			d.t.Errorf("something was deleted from %v, want %s: the test sees too little", swept, want)
		}
	})
}

// sweepDue works what housekeeping has found for jobs to do.
func (d *desk) sweepDue(ctx context.Context) error {
	_, err := d.queue.Drain(ctx, d.now())
	return err
}
