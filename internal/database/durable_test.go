package database_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

func TestADatabaseThatForgetsIsRefused(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
	db := testdb.Open(t, testdb.Postgres)
	u, err := url.Parse(db.DSN())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("synchronous_commit", "off") // lib/pq hands on what it does not know
	u.RawQuery = q.Encode()
	forgetful, err := database.Open(u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer forgetful.Close()
	if err := forgetful.Check(t.Context()); !errors.Is(err, database.ErrForgetful) {
		t.Errorf("got %v, want ErrForgetful", err)
	}
}
