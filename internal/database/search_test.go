package database_test

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// A user who may not make extensions has all but the index: texts are found, from row to row.
func TestWithoutTheExtensionTextsAreFoundAllTheSame(t *testing.T) {
	t.Parallel()
	admin := testdb.Empty(t, testdb.Postgres)
	ctx := viewer.System(t.Context())
	user := "maskline_plain_" + strings.ToLower(rand.Text()[:8])
	run(t, admin, "CREATE ROLE "+user+" LOGIN PASSWORD 'plain'")
	t.Cleanup(func() {
		for _, statement := range []string{"DROP OWNED BY " + user, "DROP ROLE " + user} {
			if _, err := admin.Writer().Exec(statement); err != nil {
				t.Error(err)
			}
		}
	})
	run(t, admin, "GRANT ALL ON SCHEMA public TO "+user)
	address, err := url.Parse(admin.DSN())
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(user, "plain")
	db, err := database.Open(address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	var indexes int
	if err := db.Writer().QueryRowContext(ctx, `SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%\_search'`).Scan(&indexes); err != nil || indexes != 0 {
		t.Errorf("got %d indexes, want none; %v", indexes, err)
	}
	h := settle(ctx, t, db, 1)
	mustInTx(ctx, t, db, func(tx *database.Tx) error {
		return tx.Ent.Voicemail.UpdateOne(h.voicemail).SetTranscript("Call me BACK").Exec(ctx)
	})
	if n, err := db.Client().Voicemail.Query().Where(voicemail.TranscriptContainsFold("me back")).Count(ctx); n != 1 || err != nil {
		t.Errorf("found %d, want 1; %v", n, err)
	}
}
