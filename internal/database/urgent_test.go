package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// However many jobs and changes hold connections, a call has one.
func TestWhatIsUrgentHasConnectionsOfItsOwn(t *testing.T) {
	t.Parallel()
	db := testdb.Open(t, testdb.Postgres)
	for range db.Writer().Stats().MaxOpenConnections {
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }() // nothing was written
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if tx, err := db.Begin(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v: there is a writer more than there are", tx, err)
	}
	tx, err := db.Begin(database.Urgent(t.Context()))
	if err != nil {
		t.Fatalf("begin what is urgent: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}
