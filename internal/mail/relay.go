package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const (
	dialTimeout = 30 * time.Second
	// talkTimeout is how long a session may take, where the context leaves more: RFC 5321 is as patient with the last answer.
	talkTimeout = 10 * time.Minute
	quitTimeout = 5 * time.Second
)

var errWantedURL = errors.New("want smtp://user:password@host:port or smtps://user:password@host:port")

// relay is the server that takes our mails.
type relay struct {
	host, user, password, helo string
	port                       int
	implicitTLS                bool
	dial                       func(ctx context.Context, network, addr string) (net.Conn, error)
}

// parseRelay never quotes the address in an error, since there is a password in it.
func parseRelay(rawURL, domain string) (*relay, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errWantedURL
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errWantedURL
	}
	password, _ := u.User.Password()
	r := &relay{host: u.Hostname(), user: u.User.Username(), password: password, helo: greeting(domain), implicitTLS: u.Scheme == "smtps"}
	if r.port, err = strconv.Atoi(cmp.Or(u.Port(), r.usualPort())); err != nil || r.port < 1 || r.port > 65535 {
		return nil, errWantedURL
	}
	r.dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	return r, nil
}

func (r *relay) usualPort() string {
	switch {
	case r.implicitTLS:
		return "465"
	case r.user != "":
		return "587"
	}
	return "25"
}

// greeting is the name we go by: servers refuse the bare host names that containers have.
func greeting(domain string) string {
	domain = strings.Trim(domain, "[]")
	addr, err := netip.ParseAddr(domain)
	switch {
	case err != nil:
		return domain
	case addr.Is6():
		return "[IPv6:" + domain + "]"
	}
	return "[" + domain + "]"
}

func (r *relay) send(ctx context.Context, msg *gomail.Msg) (retry bool, err error) {
	// The end of ctx cuts the connection, so that no failed session leaves one open, and none ends a broken message properly.
	ctx, cancel := context.WithTimeout(ctx, talkTimeout)
	defer cancel()
	client, session, err := r.connect(ctx)
	if err != nil {
		// Neither a server that is away nor one that does not let us in says anything of the message.
		return true, err
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil {
		return passing(err), ended(ctx, err)
	}
	if session.UpdateDeadline(quitTimeout) == nil {
		// The message is the server's now: whether it also hears our goodbye changes nothing.
		_ = session.Quit()
	}
	return false, nil
}

func (r *relay) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, session, err := r.connect(ctx)
	if err != nil {
		return err
	}
	return session.Quit()
}

func (r *relay) connect(ctx context.Context) (*gomail.Client, *smtp.Client, error) {
	client, err := gomail.NewClient(r.host, r.options(ctx)...)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare mail client: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("greet the mail server: %w", ended(ctx, err))
	}
	return client, session, nil
}

func (r *relay) options(ctx context.Context) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(r.port), gomail.WithHELO(r.helo), gomail.WithTimeout(talkTimeout),
		gomail.WithTLSPolicy(gomail.TLSOpportunistic), gomail.WithTLSConfig(r.tls()),
		gomail.WithDialContextFunc(func(dialing context.Context, network, addr string) (net.Conn, error) {
			return r.open(ctx, dialing, network, addr)
		}),
		gomail.WithoutNoop(), gomail.WithoutRset(),
	}
	if r.user != "" {
		// Without encryption go-mail takes PLAIN and LOGIN only to this very machine.
		options = append(options, gomail.WithUsername(r.user), gomail.WithPassword(r.password), gomail.WithOpportunisticSMTPAuth(
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5))
	}
	return options
}

// open dials within the time for dialing, and gives a connection that lives no longer than ctx.
func (r *relay) open(ctx, dialing context.Context, network, addr string) (net.Conn, error) {
	conn, err := r.dial(dialing, network, addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if r.implicitTLS {
		return tls.Client(conn, r.tls()), nil
	}
	return conn, nil
}

// tls demands a good certificate of every server but this very machine, which often has none, and where nobody is in between.
func (r *relay) tls() *tls.Config {
	return &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: loopback(r.host)}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// ended says that err came of ctx's end, which looks like any cut connection otherwise.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// passing tells a refusal of the message for good from one for now, and from a connection that broke.
func passing(err error) bool {
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return true
	}
	switch code := refused.ErrorCode(); code {
	case 500, 502, 503, 504, 530, 534, 535, 538:
		// These are about our commands and our login, which the operator will mend, not about the message.
		return true
	default:
		return code < 500
	}
}
