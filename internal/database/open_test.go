package database_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

func TestAddressesOfFiles(t *testing.T) {
	t.Parallel()
	windows := runtime.GOOS == "windows"
	for _, tt := range []struct {
		path, file, uri string
		unix, windows   bool
	}{
		{path: "maskline.db", file: "maskline.db", uri: "file:maskline.db"},
		{path: "./data/maskline.db", file: "data/maskline.db", uri: "file:data/maskline.db"},
		{path: "//var/lib/maskline.db", file: "/var/lib/maskline.db", uri: "file:/var/lib/maskline.db", unix: true},
		{path: "/var/lib/maskline.db", file: "/var/lib/maskline.db", uri: "file:/var/lib/maskline.db"},
		{path: "/srv/100% #ours/ü.db", file: "/srv/100% #ours/ü.db", uri: "file:/srv/100%25 %23ours/ü.db"},
		{path: `C:\data\maskline.db`, file: `C:\data\maskline.db`, uri: "file:/C:/data/maskline.db", windows: true},
		{path: "C:/data/maskline.db", file: `C:\data\maskline.db`, uri: "file:/C:/data/maskline.db", windows: true},
		{path: `\\\\nas\data\maskline.db`, file: `\\\\nas\data\maskline.db`, uri: "file:////nas/data/maskline.db", windows: true},
		{path: "/C:/data/maskline.db", file: `C:\data\maskline.db`, uri: "file:/C:/data/maskline.db", windows: true},
	} {
		if tt.windows && !windows || tt.unix && windows {
			continue
		}
		file, err := database.SQLiteFile(tt.path)
		if err != nil || file != filepath.FromSlash(tt.file) {
			t.Errorf("%s: got %q, %v", tt.path, file, err)
		}
		if got := database.SQLiteURI(file); got != tt.uri {
			t.Errorf("%s: got %q, want %q", tt.path, got, tt.uri)
		}
	}
}

func TestAddressesThatCanNeverWork(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                                   "begins with sqlite:// or postgres://",
		"maskline.db":                        "begins with sqlite:// or postgres://",
		"mysql://root:s3cret@localhost/x":    "begins with sqlite:// or postgres://",
		"sqlite://":                          "lacks the path",
		"sqlite://data/":                     "lacks the path",
		"sqlite://:memory:":                  "needs a file",
		"sqlite://x.db?mode=ro":              "no options",
		"postgres://u:s3cret@host:port/x":    "cannot be read",
		"postgres://u:s3cret@h/%zz":          "percent-encode",
		"postgres://u:s3cret@h/x?sslmode=on": "sslmode",
		"postgres://u:s3cret@h/x?binary_parameters=yes": "binary_parameters",
	} {
		db, err := database.Open(address)
		if err == nil {
			t.Errorf("%s: no error", address)
			_ = db.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %q, want something with %q", address, err, want)
		}
	}
}

func TestOpenGoesNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := database.Open("sqlite://" + dir + "/a/b #1/maskline.db")
	if err != nil {
		t.Fatal(err)
	}
	if db.Dialect() != dialect.SQLite {
		t.Error(db.Dialect())
	}
	if _, err := os.Stat(dir + "/a/b #1"); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(dir + "/a/b #1/*"); len(left) > 0 || err != nil {
		t.Errorf("opening made %v, %v", left, err)
	}
	if err := db.Ping(t.Context()); !database.Away(err) {
		t.Errorf("before the first migration: got %v", err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir + "/a/b #1/maskline.db"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	pg, err := database.Open("postgres://u:p@127.0.0.1:1/x?TimeZone=Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	if dsn := pg.DSN(); pg.Dialect() != dialect.Postgres || !strings.Contains(dsn, "Tokyo") || strings.Contains(dsn, "UTC") ||
		!strings.Contains(dsn, "plan_cache_mode=force_generic_plan") {
		t.Errorf("got %s", dsn)
	}
	if err := pg.Close(); err != nil {
		t.Error(err)
	}
}

func TestSettingsOfSessions(t *testing.T) {
	t.Parallel()
	for kind, settings := range map[string]map[string]string{
		testdb.SQLite:   {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2", "PRAGMA foreign_keys": "1", "PRAGMA busy_timeout": "5000"},
		testdb.Postgres: {"SHOW timezone": "UTC", "SHOW plan_cache_mode": "force_generic_plan", "SHOW random_page_cost": "1.1", "SHOW jit": "off", "SHOW idle_in_transaction_session_timeout": "10s", "SHOW application_name": "maskline"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			db := testdb.Open(t, kind)
			for query, want := range settings {
				var got string
				if err := db.Writer().QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
					t.Errorf("%s: got %q, want %q; %v", query, got, want, err)
				}
			}
		})
	}
}
