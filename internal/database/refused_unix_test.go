//go:build unix

package database_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

// PostgreSQL itself refuses each of these.
func TestWhyPostgresRefusesUsIsNamed(t *testing.T) {
	t.Parallel()
	server := testdb.NewServer(t)
	server.Exec("CREATE ROLE olga LOGIN PASSWORD 'right'")
	server.Exec("CREATE ROLE nologin")
	server.Create("closed")
	server.Exec("REVOKE CONNECT ON DATABASE closed FROM public")
	server.Admit("local all olga scram-sha-256")
	server.Admit("local forbidden all reject")
	for name, tt := range map[string]struct {
		change func(u *url.URL, q url.Values)
		class  string
		final  bool
	}{
		"all is well":        {func(u *url.URL, _ url.Values) { u.User = url.UserPassword("olga", "right") }, "", false},
		"wrong password":     {func(u *url.URL, _ url.Values) { u.User = url.UserPassword("olga", "S3cretWord") }, "password", false},
		"no such role":       {func(u *url.URL, _ url.Values) { u.User = url.UserPassword("nobody", "S3cretWord") }, "login", false},
		"no login":           {func(u *url.URL, _ url.Values) { u.User = url.UserPassword("nologin", "S3cretWord") }, "login", false},
		"not admitted":       {func(u *url.URL, _ url.Values) { u.Path = "/forbidden" }, "login", false},
		"no such database":   {func(u *url.URL, _ url.Values) { u.Path = "/missing" }, "no_database", false},
		"no privilege":       {func(u *url.URL, _ url.Values) { u.User, u.Path = url.UserPassword("olga", "right"), "/closed" }, "privilege", false},
		"unknown host":       {func(u *url.URL, q url.Values) { q.Set("host", "db.invalid") }, "unknown_host", false},
		"nobody listens":     {func(u *url.URL, q url.Values) { q.Set("host", "127.0.0.1"); q.Set("port", "1") }, "refused", false},
		"no socket":          {func(u *url.URL, q url.Values) { q.Set("host", "/nowhere") }, "refused", false},
		"an unknown setting": {func(u *url.URL, q url.Values) { q.Set("work_memory", "1MB") }, "setting", true},
		"a wrong value":      {func(u *url.URL, q url.Values) { q.Set("work_mem", "much") }, "setting", true},
		"a wrong option":     {func(u *url.URL, q url.Values) { q.Set("options", "-c work_memory=1MB") }, "setting", true},
		"read-only":          {func(u *url.URL, q url.Values) { q.Set("default_transaction_read_only", "on") }, "read_only", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(server.DSN("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			tt.change(u, q)
			u.RawQuery = q.Encode()
			db, err := database.Open(u.String())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.Check(t.Context())
			trouble, known := database.Explain(err)
			if known != (tt.class != "") || trouble.Class != tt.class || trouble.Final != tt.final {
				t.Errorf("got %+v of %v", trouble, err)
			}
			if err != nil && (!database.Away(err) || database.Retryable(err) || strings.Contains(db.Clean(err), "S3cretWord")) {
				t.Errorf("got %v", err)
			}
			if now, _ := db.Trouble(t.Context()); now.Class != tt.class {
				t.Errorf("the trouble is %+v", now)
			}
		})
	}
}

func TestADatabaseThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	server := testdb.NewServer(t)
	for _, encoding := range []string{"LATIN1", "SQL_ASCII", "UTF8"} {
		name := "db_" + strings.ToLower(encoding)
		server.Exec("CREATE DATABASE " + name + " ENCODING '" + encoding + "' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
		db, err := database.Open(server.DSN(name))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Check(t.Context())
		if encoding == "UTF8" && err != nil || encoding != "UTF8" && (!errors.Is(err, database.ErrEncoding) || !database.Refused(err) || !strings.Contains(err.Error(), encoding)) {
			t.Errorf("%s: got %v", encoding, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSessionsBehindPgBouncer(t *testing.T) {
	t.Parallel()
	server := testdb.NewServer(t)
	server.Create("pooled")
	for mode, want := range map[string]error{"session": nil, "transaction": database.ErrShared, "statement": database.ErrShared} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.NewBouncer(t, server, mode)("pooled")
			db, err := database.Open(dsn + "&work_mem=7MB")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Check(t.Context()); !errors.Is(err, want) || (err != nil) != (want != nil) {
				t.Fatalf("got %v, want %v", err, want)
			}
			if want != nil {
				return
			}
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			var zone, jit, memory string
			const ask = "SELECT current_setting('timezone'), current_setting('jit'), current_setting('work_mem')"
			if err := db.Writer().QueryRowContext(t.Context(), ask).Scan(&zone, &jit, &memory); err != nil || zone != "UTC" || jit != "off" || memory != "7MB" {
				t.Errorf("got %s, %s, %s, %v", zone, jit, memory, err)
			}
			mustInTx(t.Context(), t, db, func(*database.Tx) error { return nil })

			refused, err := database.Open(dsn + "&options=-c%20jit%3Doff")
			if err != nil {
				t.Fatal(err)
			}
			defer refused.Close()
			if trouble, known := database.Explain(refused.Check(t.Context())); !known || trouble.Class != "parameter" || !trouble.Final {
				t.Errorf("a startup parameter: %+v", trouble)
			}
		})
	}
}
