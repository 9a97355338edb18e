//go:build unix

package database_test

import (
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// Who closes a pool whose server is gone has nothing to complain of.
func TestAServerThatIsGoneNeedsNoFarewell(t *testing.T) {
	t.Parallel()
	server := testdb.NewServer(t)
	db, err := database.Open(server.Create("gone"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if err := db.Close(); err != nil {
		t.Errorf("got %v", err)
	}
}
