package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/maskline/maskline/internal/database"
)

// postgres is the server on which this process makes its databases.
type postgres struct {
	url       *url.URL
	name      string // begins the names of our databases, and is the name of our session
	admin     *sql.DB
	session   *sql.Conn // stays open as long as the process lives: it tells others that our databases are in use
	templates templates[string]
	count     atomic.Int64
}

var (
	connect = sync.OnceValues(connectPostgres)
	find    = sync.OnceValues(findPostgres)
)

// server returns the server, or ends the test when there is none.
func server(t testing.TB) *postgres {
	t.Helper()
	s, err := connect()
	if err != nil {
		missing(t, err)
	}
	return s
}

// missing ends the test for want of a server.
func missing(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errNoPostgres) && os.Getenv("TEST_POSTGRES_REQUIRED") != "1" {
		t.Skipf("NOT TESTED ON POSTGRESQL: %v", err)
	}
	t.Fatal(err)
}

var errNoPostgres = errors.New("TEST_POSTGRES names no server, and there is none on this machine to start")

// findPostgres is the address of the server.
func findPostgres() (string, error) {
	if address := os.Getenv("TEST_POSTGRES"); address != "" {
		return address, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return startPostgres(ctx)
}

func connectPostgres() (*postgres, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address, err := find()
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL for tests: %w", err)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("TEST_POSTGRES is not a postgres:// address")
	}
	s := &postgres{url: u, name: fmt.Sprintf("maskline_test_%d_%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))}
	s.templates.build = s.buildTemplate
	if err := s.signIn(ctx); err != nil {
		return nil, fmt.Errorf("PostgreSQL for tests: %w", err)
	}
	return s, nil
}

// signIn opens the pool in which databases are made.
func (s *postgres) signIn(ctx context.Context) error {
	var err error
	if s.admin, err = sql.Open("postgres", s.address("", "application_name", s.name)); err != nil {
		return err
	}
	s.admin.SetMaxOpenConns(4)
	s.admin.SetMaxIdleConns(4)
	if s.session, err = s.admin.Conn(ctx); err != nil {
		return err
	}
	return s.sweep(ctx)
}

// sweep drops what processes have left behind that are no more.
func (s *postgres) sweep(ctx context.Context) error {
	var left []string
	rows, err := s.admin.QueryContext(ctx, `SELECT d.datname FROM pg_database d WHERE d.datname LIKE 'maskline\_test\_%' AND NOT EXISTS (
		SELECT 1 FROM pg_stat_activity a WHERE a.application_name LIKE 'maskline\_test\_%' AND starts_with(d.datname, a.application_name || '_'))`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		left = append(left, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range left {
		if _, err := s.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	return nil
}

// address is the server's, with another database and one more parameter.
func (s *postgres) address(name, param, value string) string {
	u := *s.url
	if name != "" {
		u.Path = "/" + name
	}
	if param != "" {
		q := u.Query()
		q.Set(param, value)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

func (s *postgres) buildTemplate(ctx context.Context, n int, also []database.Migration) (string, error) {
	name := fmt.Sprintf("%s_template%d", s.name, n)
	if err := s.create(ctx, name, "template0"); err != nil {
		return "", err
	}
	return name, migrate(ctx, s.address(name, "", ""), also)
}

func (s *postgres) create(ctx context.Context, name, template string) error {
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	return nil
}

// fresh returns the address of a copy of template, which is dropped when the test has ended.
func (s *postgres) fresh(t testing.TB, template string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := fmt.Sprintf("%s_%d", s.name, s.count.Add(1))
	if err := s.create(ctx, name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return s.address(name, "", "")
}

// drop drops a database, once its sessions have had the moment that they need to end: PostgreSQL, finding one, would throw it out and
// then sleep for a tenth of a second.
func (s *postgres) drop(ctx context.Context, name string) error {
	for begun := time.Now(); time.Since(begun) < 100*time.Millisecond; time.Sleep(time.Millisecond) {
		var left bool
		const query = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = $1)"
		if err := s.admin.QueryRowContext(ctx, query, name).Scan(&left); err != nil {
			return err
		}
		if !left {
			break
		}
	}
	_, err := s.admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
	return err
}
