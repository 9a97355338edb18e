//go:build unix

package testdb

import (
	"context"
	"database/sql"
	"testing"
	"time"
)

func TestAServerOfOnesOwnIsStoppedFrozenAndStartedAgain(t *testing.T) {
	t.Parallel()
	s := NewServer(t)
	db, err := sql.Open("postgres", s.Create("mine"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ping := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return db.PingContext(ctx)
	}
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	s.Freeze()
	answered := make(chan error, 1)
	go func() { answered <- ping() }()
	select {
	case err := <-answered:
		t.Errorf("frozen, it answers: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	s.Thaw()
	if err := <-answered; err != nil {
		t.Errorf("thawed, it does not answer: %v", err)
	}
	s.Stop()
	if ping() == nil {
		t.Error("stopped, it answers")
	}
	s.Start()
	if err := ping(); err != nil {
		t.Errorf("started again, it does not answer: %v", err)
	}
}
