package testdb

import (
	"testing"
	"time"
)

// Processes drop what others have left behind, but not what others use.
func TestLeftoversAreSweptUp(t *testing.T) {
	t.Parallel()
	server(t) // ends the test where there is no PostgreSQL
	gone, other := process(t), process(t)
	name, err := gone.templates.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !other.has(t, name) {
		t.Fatal("a database in use was dropped")
	}
	if err := gone.session.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gone.admin.Close(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); other.has(t, name); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatal("a database that nobody uses is still there")
		}
		if err := other.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// process is what another process would have.
func process(t *testing.T) *postgres {
	t.Helper()
	s, err := connectPostgres()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.session.Close() // one of them is closed already
		_ = s.admin.Close()
	})
	return s
}

func (s *postgres) has(t *testing.T, name string) (yes bool) {
	t.Helper()
	if err := s.admin.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&yes); err != nil {
		t.Fatal(err)
	}
	return yes
}
