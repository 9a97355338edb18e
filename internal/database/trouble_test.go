package database_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/maskline/maskline/internal/database"
)

func TestWhatAnErrorSaysOfTheInstallation(t *testing.T) {
	t.Parallel()
	refused := func(code, message string) error {
		return fmt.Errorf("ping database: %w", database.ConnectError(&pq.Error{Severity: "FATAL", Code: pqerror.Code(code), Message: message}))
	}
	dial := func(err error) error { return database.ConnectError(&net.OpError{Op: "dial", Err: err}) }
	for name, tt := range map[string]struct {
		err    error
		class  string
		remedy string
		final  bool
	}{
		"wrong password":       {refused("28P01", `password authentication failed for user "x"`), "password", "percent-encode", false},
		"no role":              {refused("28000", `role "x" does not exist`), "login", "role", false},
		"no entry for us":      {refused("28000", "no pg_hba.conf entry for host, no encryption"), "login", "sslmode=require", false},
		"no database":          {refused("3D000", `database "x" does not exist`), "no_database", "create the database", false},
		"no privilege":         {refused("42501", `permission denied for database "x"`), "privilege", "GRANT CONNECT", false},
		"no connection free":   {refused("53300", "sorry, too many clients already"), "connections", "max_connections", false},
		"starting":             {refused("57P03", "the database system is starting up"), "starting", "Wait", false},
		"full":                 {&pq.Error{Code: "53100"}, "disk_full", "Free space", false},
		"out of memory":        {&pq.Error{Code: "53200"}, "resources", "log", false},
		"a disk that fails":    {&pq.Error{Code: "58030"}, "system", "disk", false},
		"statement timeout":    {&pq.Error{Code: "57014"}, "too_slow", "statement_timeout", false},
		"a standby":            {database.ConnectError(database.ErrReadOnly), "read_only", "primary", false},
		"a standby of several": {database.ConnectError(errors.New("connecting to a:5432: server is in hot standby mode")), "read_only", "primary", false},
		"became read-only":     {&pq.Error{Code: "25006"}, "read_only", "promote", false},
		"no TLS there":         {database.ConnectError(pq.ErrSSLNotSupported), "tls", "sslmode=disable", false},
		"unknown authority":    {database.ConnectError(x509.UnknownAuthorityError{}), "certificate", "sslrootcert=", false},
		"another host's name":  {database.ConnectError(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "db"}), "certificate", "host name", false},
		"no TLS at all":        {database.ConnectError(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), "tls", "sslmode=", false},
		"TLS turned down":      {database.ConnectError(errors.New("remote error: tls: bad certificate")), "tls", "sslcert=", false},
		"unknown host":         {dial(&net.DNSError{Err: "no such host", Name: "nowhere", IsNotFound: true}), "unknown_host", "DNS", false},
		"connection refused":   {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "refused", "listen_addresses", false},
		"no socket":            {dial(os.NewSyscallError("connect", syscall.ENOENT)), "refused", "unix_socket_directories", false},
		"no answer":            {dial(os.ErrDeadlineExceeded), "silent", "firewalls", false},
		"no answer in time":    {database.ConnectError(context.DeadlineExceeded), "silent", "firewalls", false},
		"ended":                {io.ErrUnexpectedEOF, "unreachable", "host and port", false},

		"a startup parameter": {refused("08P01", "unsupported startup parameter: work_mem"), "parameter", "ignore_startup_parameters", true},
		"one of the options":  {refused("08P01", "unsupported startup parameter in options: jit"), "parameter", "Remove options", true},
		"a pooler's refusal":  {refused("08P01", "no such user"), "pooler", "pooler's log", false},
		"an unknown setting":  {refused("42704", `unrecognized configuration parameter "x"`), "setting", "correct or remove it", true},
		"a wrong value":       {refused("22023", `invalid value for parameter "TimeZone"`), "setting", "correct or remove it", true},
		"not UTF-8":           {fmt.Errorf("%w, but LATIN1", database.ErrEncoding), "encoding", "template0", true},
		"forgetful":           {database.ErrForgetful, "forgetful", "local", true},
		"transaction pooling": {database.ErrShared, "pooling", "pool_mode=session", true},

		"nothing":            {nil, "", "", false},
		"a statement's":      {&pq.Error{Code: "23505"}, "", "", false},
		"a missing table":    {&pq.Error{Code: "42P01"}, "", "", false},
		"somebody gave up":   {context.Canceled, "", "", false},
		"something else":     {errors.New("no"), "", "", false},
		"a newer database":   {database.ErrNewer, "", "", false},
		"permission on rows": {&pq.Error{Code: "42501"}, "", "", false},
	} {
		got, known := database.Explain(tt.err)
		if got.Class != tt.class || known != (tt.class != "") || got.Final != tt.final || !strings.Contains(got.String(), tt.remedy) {
			t.Errorf("%s: got %+v", name, got)
		}
		if known && !got.Final && !database.Away(tt.err) {
			t.Errorf("%s: it is not away", name)
		}
	}
}

// A server that speaks TLS, with a certificate that nobody vouches for; one that speaks something else.
func TestACertificateThatIsNotTrustedIsNamed(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	for class, answer := range map[string]func(net.Conn){
		"certificate": func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 8)) // the question whether it does TLS
			_, _ = c.Write([]byte("S"))
			_ = tls.Server(c, &tls.Config{Certificates: web.TLS.Certificates}).Handshake() // which the client ends
		},
		"tls": func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); _ = c.Close() },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go answer(c)
			}
		}()
		db, err := database.Open("postgres://u:hidden@" + l.Addr().String() + "/x?sslmode=verify-full")
		if err != nil {
			t.Fatal(err)
		}
		trouble, away := db.Trouble(t.Context())
		if !away || trouble.Class != class || !strings.Contains(trouble.Remedy, "sslmode=") {
			t.Errorf("want %s, got %+v", class, trouble)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
