package database

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"entgo.io/ent/dialect"
	"modernc.org/sqlite"
)

const (
	sqliteReaders = 4

	// Other formats of time cannot be read back, or do not sort.
	sqliteTimes = "&_time_format=sqlite&_timezone=UTC"
	// The system may have no folder for temporary files that can be written to.
	sqliteShared = "_pragma=busy_timeout(5000)&_pragma=temp_store(MEMORY)" + sqliteTimes
	// FULL, since what was acknowledged to Twilio must outlive a power cut. Immediate, since a transaction that began by
	// reading would be refused when it first writes. What is deleted is overwritten.
	sqliteWrites = "?" + sqliteShared + "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)&_txlock=immediate"
)

// SQLite's own lower knows no letters but a to z, so that nobody would find Ä by ä.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("lower", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if text, ok := args[0].(string); ok {
			return strings.ToLower(text), nil
		}
		return args[0], nil
	})
}

func openSQLite(path string) (*DB, error) {
	file, err := sqliteFile(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the database: %w", withoutPath(err))
	}
	uri := sqliteURI(file)
	dsn := uri + sqliteWrites + "&_pragma=foreign_keys(1)"
	h := newHealth()
	writer, err := sqlitePool(dsn, 1, connector{health: h})
	if err != nil {
		return nil, err
	}
	reader, err := sqlitePool(uri+"?mode=ro&"+sqliteShared, sqliteReaders, connector{health: h, unmade: func() bool { return !exists(file) }})
	if err != nil {
		return nil, err
	}
	d := newDB(dialect.SQLite, dsn, h, writer, writer, reader)
	d.file = file
	d.alone = func(ctx context.Context, do func(*sql.DB) error) error { return sqliteAlone(ctx, file, h, do) }
	d.check = func(ctx context.Context, db *sql.DB) error { return sqliteCheck(ctx, file, db) }
	return d, nil
}

// sqliteCheck refuses a file that cannot be written to. One that is not there yet is made by the first migration.
func sqliteCheck(ctx context.Context, file string, db *sql.DB) error {
	if !exists(file) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	_, err = tx.ExecContext(ctx, "CREATE TABLE probe (x)") // BEGIN itself is content with reading where writing is not possible
	if err != nil {
		err = fmt.Errorf("write to the database: %w", err)
	}
	return errors.Join(err, ended(tx.Rollback()))
}

// sqliteFile is the file that sqlite://path means.
func sqliteFile(path string) (string, error) {
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return "", errors.New("sqlite:// lacks the path of a file")
	case strings.HasPrefix(path, ":memory:"):
		return "", errors.New("sqlite:// needs a file: a database in memory has no readers beside its writer")
	case strings.Contains(path, "?"):
		return "", errors.New("sqlite:// takes the path of a file and no options")
	}
	if drive := strings.TrimPrefix(path, "/"); filepath.VolumeName(drive) != "" {
		path = drive // sqlite:///C:/… on Windows
	}
	return filepath.Clean(filepath.FromSlash(path)), nil
}

// sqliteURI spells file as SQLite reads it, whatever characters are in its name.
func sqliteURI(file string) string {
	path := filepath.ToSlash(file)
	switch {
	case strings.HasPrefix(path, "//"): // \\server\share on Windows
		path = "//" + path
	case filepath.VolumeName(file) != "":
		path = "/" + path
	}
	return "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

func sqlitePool(dsn string, size int, c connector) (*sql.DB, error) {
	var err error
	if c.Connector, err = sqlite.NewConnector(dsn); err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// sqliteAlone holds a lock on a file beside the database, by means of SQLite itself: it works on every system, and it ends with the
// process however that ends. The database's own lock would not do, since what runs under it begins transactions of its own.
// The file stays: a lock on a file that somebody removes excludes nobody.
func sqliteAlone(ctx context.Context, file string, h *health, do func(*sql.DB) error) (err error) {
	if err := keepPrivate(file); err != nil {
		return err
	}
	gate, err := sqlitePool(sqliteURI(file+".lock")+"?_txlock=exclusive&_pragma=busy_timeout(600000)", 1, connector{health: h})
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, gate.Close()) }()
	lock, err := gate.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	defer func() { err = cmp.Or(err, ended(lock.Rollback())) }()

	// To change a column a table is made anew, and dropping the old one must not take with it the rows that refer to it.
	db, err := sqlitePool(sqliteURI(file)+sqliteWrites+"&_pragma=foreign_keys(0)", 1, connector{health: h})
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	return do(db)
}

// withoutPath keeps the setting that the path comes from out of the error.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// keepPrivate makes the file before SQLite does: there are secrets in it.
func keepPrivate(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return fmt.Errorf("make the database: %w", withoutPath(err))
	}
	return f.Close()
}
