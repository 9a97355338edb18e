package database_test

import (
	"net/url"
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// A process that stands still in the middle of a transaction, or whose machine has vanished, does not keep others waiting for what it has locked.
// When it goes on it is told to do the transaction again.
func TestATransactionThatStandsStillIsEnded(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testdb.Open(t, testdb.Postgres).DSN())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("idle_in_transaction_session_timeout", "200ms") // 10 s in service
	u.RawQuery = q.Encode()
	db, err := database.Open(u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	const lock = `INSERT INTO counters (id, last) VALUES ('x', $1) ON CONFLICT (id) DO UPDATE SET last = $1`
	still, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = still.Rollback() }() // its connection is gone
	if _, err := still.SQL.ExecContext(t.Context(), lock, 1); err != nil {
		t.Fatal(err)
	}
	other, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.SQL.ExecContext(t.Context(), lock, 2); err != nil { // once the first is ended
		t.Fatal(err)
	}
	if err := other.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err = still.SQL.ExecContext(t.Context(), lock, 3); err == nil {
		err = still.Commit()
	}
	if !database.Retryable(err) {
		t.Errorf("got %v, want that it may be run again", err)
	}
}
