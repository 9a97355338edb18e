package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

func TestTheAuditIsPrintedNewestLast(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		tx, err := db.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		who := map[string]string{}
		for _, name := range []string{"ann", "bob"} {
			who[name] = tx.Ent.User.Create().SetEmail(name + "@example.com").SetName(name).SetRole(phone.RoleOwner).SaveX(ctx).ID
		}
		now := time.Now().UTC()
		entry := func(ago time.Duration, actor, action, owner, subject, detail string) *ent.AuditEntryCreate {
			return tx.Ent.AuditEntry.Create().SetAt(now.Add(-ago)).SetActorID(who[actor]).SetAction(action).SetOwnerID(who[owner]).SetSubject(subject).SetDetail(detail)
		}
		rows := []*ent.AuditEntryCreate{
			entry(time.Minute, "bob", "blockCaller", "bob", "", "+15550100001"), entry(0, "", "heard", "ann", "vm_2", "by link"),
			entry(time.Hour, "ann", "markVoicemails", "ann", "vm_1", "heard").SetTokenID("tok_1"), entry(25*time.Hour, "ann", "emptyBin", "ann", "vm_0", ""),
		}
		for range auditPage { // all of one moment
			rows = append(rows, entry(2*time.Hour, "bob", "read", "bob", "", ""))
		}
		for part := range slices.Chunk(rows, 200) {
			tx.Ent.AuditEntry.CreateBulk(part...).ExecX(ctx)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(db.DSN(), "file:"), "?")
		address := "sqlite://" + path
		if db.Dialect() == dialect.Postgres {
			address = db.DSN()
		}
		args := []string{"audit", "--data-dir", t.TempDir(), "--database-url", address, "--recordings-shared"}
		for _, c := range []struct {
			more []string
			want int
			says []string
		}{
			{nil, auditPage + 3, []string{
				`Z\tann@example.com\ttok_1\tmarkVoicemails\tvm_1\tof ann@example.com\theard`, `\tbob@example.com\t-\tblockCaller\t-\tof bob@example.com\t\+15550100001`,
				`\t-\t-\theard\tvm_2\tof ann@example.com\tby link`,
			}},
			{[]string{"--user", "Ann@example.com"}, 2, []string{`markVoicemails`, `\theard\tvm_2`}},
			{[]string{"--since", "720h", "--user", "ann@example.com"}, 3, []string{`emptyBin`, `markVoicemails`, `\theard\tvm_2`}},
			{[]string{"--since", "90s"}, 2, []string{`blockCaller`, `\theard\tvm_2`}},
		} {
			var out, errs bytes.Buffer
			if status := run(append(args, c.more...), &out, &errs); status != 0 {
				t.Fatalf("%v: got %d %s", c.more, status, errs.String())
			}
			if got := strings.Count(out.String(), "\n"); got != c.want {
				t.Errorf("%v: got %d lines, want %d", c.more, got, c.want)
			}
			if !regexp.MustCompile(`(?s)` + strings.Join(c.says, `.*`) + `\n?`).MatchString(out.String()) {
				t.Errorf("%v: got\n%s", c.more, out.String())
			}
		}
		var out, errs bytes.Buffer
		if status := run(append(args, "--user", "nobody@example.com"), &out, &errs); status != 1 || !strings.Contains(errs.String(), "there is no user nobody@example.com") {
			t.Errorf("nobody: got %d %s", status, errs.String())
		}
	}, jobs.Migrate)
}
