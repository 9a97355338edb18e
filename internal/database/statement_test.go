package database_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// webhook is a transaction such as a webhook's: reads, a conditional update by hand, an upsert.
func webhook(ctx context.Context, db *database.DB, h household) error {
	return inTx(ctx, db, func(tx *database.Tx) error {
		c, err := tx.Ent.Call.Query().Where(call.CallSid(h.call.CallSid)).WithNumber().Only(ctx)
		if err != nil {
			return err
		}
		_, err = tx.SQL.ExecContext(ctx, `UPDATE number_subscriptions SET used_calls = used_calls + 1 WHERE number_id = $1 AND active`, c.NumberID)
		if err != nil {
			return err
		}
		if err := tx.Ent.Call.UpdateOne(c).SetChangedAt(noon).Exec(ctx); err != nil {
			return err
		}
		return tx.Ent.Counter.Create().SetID("place").OnConflictColumns("id").Update(func(u *ent.CounterUpsert) { u.AddLast(1) }).Exec(ctx)
	})
}

func TestStatementsAreCounted(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := viewer.System(t.Context())
		h := settle(ctx, t, db, 1)
		for try := range 3 {
			ctx, count := database.Count(ctx)
			if err := webhook(ctx, db, h); err != nil {
				t.Fatal(err)
			}
			if got := count.Statements(); len(got) != 6 {
				t.Errorf("try %d: %d statements, want 6:\n%s", try, len(got), strings.Join(got, "\n"))
			}
			if got := count.Prepared(); try > 0 && got != 0 {
				t.Errorf("try %d: %d statements were prepared again", try, got)
			}
		}
		ctx, count := database.Count(ctx)
		if _, err := db.Client().User.Query().Where(user.Email(h.user.Email)).WithNumbers().WithTokens().All(ctx); err != nil {
			t.Fatal(err)
		}
		if got := count.Statements(); len(got) != 3 {
			t.Errorf("%d statements, want 3:\n%s", len(got), strings.Join(got, "\n"))
		}
	})
}

// tap counts the messages to the server by their first letter: P prepares, B and E run what is prepared, Q runs a text.
type tap struct {
	net.Conn
	counts *sync.Map // byte → int
	begun  bool
}

func (w *tap) Write(p []byte) (int, error) {
	for m := p; w.begun && len(m) >= 5; m = m[1+binary.BigEndian.Uint32(m[1:5]):] {
		n, _ := w.counts.LoadOrStore(m[0], 0)
		w.counts.Store(m[0], n.(int)+1)
	}
	w.begun = true // the first message of a session has no letter
	return w.Conn.Write(p)
}

func TestAWarmTransactionPreparesNothing(t *testing.T) {
	t.Parallel()
	var counts sync.Map
	db := dialing(t, func(c net.Conn) net.Conn { return &tap{Conn: c, counts: &counts} })
	ctx := viewer.System(t.Context())
	h := settle(ctx, t, db, 1)
	run := func() (line string) {
		counts.Clear()
		if err := webhook(ctx, db, h); err != nil {
			t.Fatal(err)
		}
		for _, letter := range "PBEQ" {
			n, _ := counts.LoadOrStore(byte(letter), 0)
			line += fmt.Sprintf("%c%d ", letter, n)
		}
		return line
	}
	t.Logf("cold: %s", run())
	for range 3 {
		if got, want := run(), "P0 B6 E6 Q2 "; got != want { // Q: BEGIN and COMMIT
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// dialing is a PostgreSQL database whose connections go through wrap, in the clear.
func dialing(t testing.TB, wrap func(net.Conn) net.Conn) *database.DB {
	t.Helper()
	u, err := url.Parse(testdb.Open(t, testdb.Postgres).DSN())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	db, err := database.OpenDialing(u.String(), func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wrap(c), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestKeptStatementsAreBounded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := testdb.Open(t, testdb.SQLite)
	for i := range 3 * database.KeptStatements / 2 {
		var n int
		if err := db.Writer().QueryRowContext(ctx, fmt.Sprintf("SELECT %d + $1", i), 1).Scan(&n); err != nil || n != i+1 {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	n, err := db.Kept(ctx)
	if err != nil || n > database.KeptStatements {
		t.Errorf("%d statements are kept, want %d at the most; %v", n, database.KeptStatements, err)
	}
}

// A statement that is still running must not be closed to make room.
func TestMakingRoomLeavesOpenRowsAlone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := testdb.Open(t, testdb.SQLite)
	tx, err := db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := tx.SQL.QueryContext(ctx, "WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n", 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for rows.Next() {
		var i int
		if err := rows.Scan(&i); err != nil {
			t.Fatal(err)
		}
		for j := range 100 {
			if _, err := tx.SQL.ExecContext(ctx, fmt.Sprintf("UPDATE counters SET last = %d WHERE id = $1", 100*i+j), "none"); err != nil {
				t.Fatal(err)
			}
		}
		sum += i
	}
	if err := rows.Err(); err != nil || sum != 45 {
		t.Errorf("got %d, %v", sum, err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
}

// Another version of the program changes a column while statements on it are kept.
func TestChangedTablesAreNoticed(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		alter := `ALTER TABLE counters ALTER COLUMN last TYPE integer`
		if db.Dialect() != "postgres" {
			alter = `ALTER TABLE counters RENAME COLUMN last TO latest`
		}
		const all = `SELECT * FROM counters WHERE id <> $1`
		read := func() error { return query(ctx, db.Writer(), all) }
		mustInTx(ctx, t, db, func(tx *database.Tx) error { return query(ctx, tx.SQL, all) })
		if _, err := db.Writer().ExecContext(ctx, alter); err != nil {
			t.Fatal(err)
		}
		err := inTx(ctx, db, func(tx *database.Tx) error { return query(ctx, tx.SQL, all) })
		if err != nil && !database.Retryable(err) {
			t.Errorf("in a transaction: got %v, want nothing or what is to be tried again", err)
		}
		mustInTx(ctx, t, db, func(tx *database.Tx) error { return query(ctx, tx.SQL, all) })
		if _, err := db.Writer().ExecContext(ctx, `ALTER TABLE counters ADD COLUMN more integer`); err != nil {
			t.Fatal(err)
		}
		if err := read(); err != nil {
			t.Errorf("outside a transaction: got %v", err)
		}
	})
}
