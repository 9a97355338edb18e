package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Trouble is what an error of a database says about its installation, in fixed words: they hold nothing of the address.
type Trouble struct {
	Class  string // a short name for it, the same for all errors of its kind
	What   string
	Remedy string
	Final  bool // the same again at each attempt, until somebody changes a setting: the start is refused
	Writes bool // reading may still work
}

// String says what is wrong and how to mend it.
func (t Trouble) String() string { return t.What + ". " + t.Remedy }

var (
	// ErrReadOnly says that a session takes no writes: its server is a standby, or default_transaction_read_only is on.
	ErrReadOnly = errors.New("the session takes no writes")
	// ErrForgetful says that PostgreSQL acknowledges what it may lose again.
	ErrForgetful = errors.New("synchronous_commit is off")
	// ErrEncoding says that the database cannot store every character.
	ErrEncoding = errors.New("server_encoding is not UTF8")
	// ErrShared says that one client connection is served by several sessions in turn.
	ErrShared = errors.New("the pooler changes the session between transactions")
)

// settingError is why a session could not be set up after it was connected.
type settingError struct{ error }

func (e *settingError) Unwrap() error { return e.error }

// Explain tells what an error says about the installation. It knows every error that [Away] counts, and those that refuse the start.
func Explain(err error) (Trouble, bool) {
	for _, e := range explained {
		if e.is(err) {
			return e.Trouble, true
		}
	}
	if !Away(err) {
		return Trouble{}, false
	}
	if isSQLite(err) {
		return Trouble{"sqlite", "SQLite cannot use its file", "See the error, and check the disk that " + FileSetting + " is on.", false, true}, true
	}
	return Trouble{"unreachable", "The database cannot be reached", "Check that it runs, and the host and port in DATABASE_URL.", false, false}, true
}

// Refused tells that the database is set up, or addressed, in a way that never works.
func Refused(err error) bool {
	t, known := Explain(err)
	return known && t.Final
}

// FileSetting is what says where a SQLite file is: the first, or in its absence the second.
const FileSetting = "DATABASE_URL or DATA_DIR"

type explanation struct {
	is func(error) bool
	Trouble
}

// explained is in order: the first that fits counts.
var explained = []explanation{
	{is(ErrEncoding), Trouble{"encoding", "The database's server_encoding is not UTF8", "Create it with ENCODING 'UTF8' TEMPLATE template0, and move the data with pg_dump.", true, false}},
	{is(ErrForgetful), Trouble{"forgetful", "PostgreSQL runs with synchronous_commit=off: what it acknowledged may be lost in a crash", "Set it to on, or to local.", true, false}},
	{is(ErrShared), Trouble{"pooling", "The connection pooler runs in transaction or statement mode", "Use pool_mode=session for this database, or connect to PostgreSQL directly.", true, false}},
	{isStartup, Trouble{"parameter", "The connection pooler refuses a startup parameter", "Remove options from DATABASE_URL, write each setting as a parameter of its own, or add it to ignore_startup_parameters.", true, false}},
	{isSetting, Trouble{"setting", "PostgreSQL refuses a setting in DATABASE_URL", "Find the parameter behind the ? that the server does not know, or whose value it does not take, and correct or remove it.", true, false}},

	{isReadOnly, Trouble{"read_only", "The database takes no writes: it is a standby, or default_transaction_read_only is on", "Point DATABASE_URL at the primary, or promote this server.", false, true}},
	{state("28P01"), Trouble{"password", "PostgreSQL refuses the password", "Check user and password in DATABASE_URL; percent-encode @ : / ? # and % in the password (%40 %3A %2F %3F %23 %25).", false, false}},
	{state("28"), Trouble{"login", "PostgreSQL refuses the login: the role does not exist, may not log in, or pg_hba.conf has no entry that lets it in", "Check the role in DATABASE_URL and pg_hba.conf; a server that wants TLS needs sslmode=require.", false, false}},
	{state("3D000"), Trouble{"no_database", "There is no such database", "Check the name behind the last / of DATABASE_URL, or create the database.", false, false}},
	{both(isConnect, state("42501")), Trouble{"privilege", "The role may not connect to this database", "GRANT CONNECT on the database to the role in DATABASE_URL.", false, false}},
	{state("53300"), Trouble{"connections", "PostgreSQL has no free connection", "Raise max_connections, or the limit of the role or the pooler: each replica uses up to 30.", false, false}},
	{state("53100"), Trouble{"disk_full", "The disk of PostgreSQL is full", "Free space on it.", false, true}},
	{state("53"), Trouble{"resources", "PostgreSQL has run out of memory or another resource", "See its log.", false, true}},
	{state("58"), Trouble{"system", "PostgreSQL cannot use its files", "See its log, and check its disk.", false, true}},
	{state("57P03"), Trouble{"starting", "PostgreSQL is starting, or recovering from a crash", "Wait, and see its log if it stays so.", false, false}},
	{state("57014"), Trouble{"too_slow", "PostgreSQL cancelled a statement that took too long", "See its load, and statement_timeout of the role and the database.", false, true}},
	{state("08P01"), Trouble{"pooler", "The connection pooler, or what answers in PostgreSQL's place, refuses the connection", "See the error and the pooler's log.", false, false}},

	{is(pq.ErrSSLNotSupported), Trouble{"tls", "The server does not offer TLS", "Turn TLS on at the server, or set sslmode=disable in DATABASE_URL if the network between is trusted.", false, false}},
	{isCertificate, Trouble{"certificate", "The server's certificate is not trusted", "Set sslrootcert= in DATABASE_URL to its authority's certificate and use the host name that it is made out to; sslmode=require does not check it.", false, false}},
	{isTLS, Trouble{"tls", "TLS with the server failed", "Check sslmode=, sslcert= and sslkey= in DATABASE_URL, and that the port is PostgreSQL's.", false, false}},
	{isKind[*net.DNSError], Trouble{"unknown_host", "The host of the database is not known", "Check the host in DATABASE_URL, and DNS on this machine; percent-encode @ : / ? # and % in the password.", false, false}},
	{is(syscall.ECONNREFUSED), Trouble{"refused", "Nothing listens at the database's address", "Check that PostgreSQL runs, its listen_addresses, and host and port in DATABASE_URL.", false, false}},
	{both(isKind[*net.OpError], is(fs.ErrNotExist)), Trouble{"refused", "There is no socket of PostgreSQL in the folder that DATABASE_URL names", "Check that PostgreSQL runs, and its unix_socket_directories.", false, false}},
	{both(isConnect, isTimeout), Trouble{"silent", "The database does not answer in time", "Check that it runs, and the network and firewalls between.", false, false}},

	{sqliteCode(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), Trouble{"busy", "Another process has been writing to the SQLite file for too long", "See which process holds it.", false, true}},
	{sqliteCode(sqlite3.SQLITE_FULL), Trouble{"disk_full", "The disk of the SQLite file is full", "Free space on it.", false, true}},
	{sqliteCode(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM), Trouble{"read_only", "SQLite may not write to its file", "Check the owner and mode of the file and its folder in " + FileSetting + ", and that their disk is not mounted read-only.", false, true}},
	{sqliteCode(sqlite3.SQLITE_CANTOPEN), Trouble{"cannot_open", "SQLite cannot open its file", "Check that the folder in " + FileSetting + " exists, and who may read and write it.", false, true}},
	{sqliteCode(sqlite3.SQLITE_NOTADB), Trouble{"not_sqlite", "The file is not a SQLite database", "Name another file in " + FileSetting + ", or restore a backup.", true, true}},
	{sqliteCode(sqlite3.SQLITE_CORRUPT), Trouble{"damaged", "The SQLite file is damaged", "Restore a backup, or see .recover of the sqlite3 program.", true, true}},
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func both(a, b func(error) bool) func(error) bool {
	return func(err error) bool { return a(err) && b(err) }
}

func isKind[E error](err error) bool { return errors.As(err, new(E)) }

// state tells errors of PostgreSQL by their code, or its class.
func state(code string) func(error) bool {
	return func(err error) bool { return strings.HasPrefix(sqlState(err), code) }
}

func isConnect(err error) bool { return isKind[*connectError](err) }

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT)
}

// isReadOnly knows what lib/pq says with target_session_attrs too.
func isReadOnly(err error) bool {
	return errors.Is(err, ErrReadOnly) || sqlState(err) == "25006" ||
		isConnect(err) && (strings.Contains(err.Error(), "session is read-only") || strings.Contains(err.Error(), "server is in hot standby mode"))
}

// isStartup tells what a pooler says of a parameter that it does not pass on; its other refusals have the same code.
func isStartup(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && e.Code == "08P01" && strings.HasPrefix(e.Message, "unsupported startup parameter")
}

// isSetting tells that the server knows no such setting or value, in the startup message or after it.
func isSetting(err error) bool {
	code := sqlState(err)
	switch {
	case isKind[*settingError](err):
		return class(code, "22", "42", "55")
	case isConnect(err):
		return code == "42704" || code == "22023" || code == "42601"
	}
	return false
}

func isCertificate(err error) bool {
	return isKind[*tls.CertificateVerificationError](err) || isKind[x509.UnknownAuthorityError](err) ||
		isKind[x509.HostnameError](err) || isKind[x509.CertificateInvalidError](err)
}

func isTLS(err error) bool {
	return isKind[tls.RecordHeaderError](err) || isKind[tls.AlertError](err) || isConnect(err) && strings.Contains(err.Error(), "tls: ")
}

func isSQLite(err error) bool { return isKind[*sqlite.Error](err) }

func sqliteCode(codes ...int) func(error) bool {
	return func(err error) bool {
		var e *sqlite.Error
		if !errors.As(err, &e) {
			return false
		}
		for _, c := range codes {
			if e.Code()&0xff == c {
				return true
			}
		}
		return false
	}
}
