//go:build unix

package main

import (
	"testing"
	"time"

	"github.com/maskline/maskline/internal/testdb"
)

// ownPostgres is a process on a PostgreSQL server of its own, with a tenant.
func ownPostgres(t *testing.T) (*testdb.Server, *town, *process, tenant) {
	t.Helper()
	server, tw := testdb.NewServer(t), newStrictestTown(t)
	p := tw.start(t, server.DSN("postgres"), t.TempDir(), "")
	tw.net.AddNumber(numberAt(p.base, mask))
	tn := p.h.newTenant("olivia@example.com", mask, -1, -1)
	tw.messages(1, 1) // so that all is warm, and the number is remembered
	check(t, tw.net.Run(t.Context()))
	p.wantNothingLost(tw, tn, 1)
	return server, tw, p, tn
}

// 200 calls take the whole machine, so this test, and the next, runs beside no other.
func TestF01CallsAreAnsweredWhilePostgresIsDown(t *testing.T) {
	server, tw, p, tn := ownPostgres(t)
	server.Stop()
	calls := tw.messages(200, 50)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	server.Start()
	eventually(t, time.Minute, func() bool { return p.counted(tw, tn) })
	p.wantNothingLost(tw, tn, 1)
}

func TestF02CallsAreAnsweredWhilePostgresIsFrozen(t *testing.T) {
	server, tw, p, tn := ownPostgres(t)
	before := p.metric("go_goroutines")
	server.Freeze()
	calls := tw.messages(100, 50)
	check(t, tw.net.Run(t.Context()))
	wantAnswered(t, calls)
	server.Thaw()
	eventually(t, time.Minute, func() bool { return p.counted(tw, tn) })
	p.wantNothingLost(tw, tn, 1)
	eventually(t, patience, func() bool { return p.metric("go_goroutines") < before+20 })
}
