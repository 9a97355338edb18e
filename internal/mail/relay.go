package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
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

var errWantedURL = errors.New("want smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ before HOST where the server wants a password")

// relay is the server that takes our mails.
type relay struct {
	host, user, password, helo string
	port                       int
	implicitTLS                bool
	policy                     string // one of the values of SMTP_TLS
	dial                       func(ctx context.Context, network, addr string) (net.Conn, error)
}

// The values of SMTP_TLS.
const (
	tlsRequired      = "required"
	tlsOpportunistic = "opportunistic"
	tlsOff           = "off"
)

var errTLSOff = errors.New("off contradicts smtps:// in SMTP_URL: set SMTP_TLS to required, or use smtp://")

// policyOf returns the value of SMTP_TLS that applies to r: by default encryption is required when a password goes to another machine.
func (r *relay) policyOf(wanted string) (string, error) {
	switch wanted {
	case "":
		if r.password != "" && !loopback(r.host) {
			return tlsRequired, nil
		}
		return tlsOpportunistic, nil
	case tlsOff:
		if r.implicitTLS {
			return "", errTLSOff
		}
	case tlsRequired, tlsOpportunistic:
	default:
		return "", errors.New("want required, opportunistic or off")
	}
	return wanted, nil
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

// address is host:port, with brackets around an IPv6 address.
func (r *relay) address() string { return net.JoinHostPort(r.host, strconv.Itoa(r.port)) }

func (r *relay) send(ctx context.Context, to string, msg *gomail.Msg) (retry bool, err error) {
	// The end of ctx cuts the connection, so that no failed session leaves one open, and none ends a broken message properly.
	ctx, cancel := context.WithTimeout(ctx, talkTimeout)
	defer cancel()
	client, session, err := r.connect(ctx)
	if err != nil {
		// Neither a server that is away nor one that does not let us in says anything of the message.
		return true, err
	}
	if err := acceptable(session, to, msg); err != nil {
		goodbye(session)
		return false, err
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil {
		return passing(err), ended(ctx, err)
	}
	goodbye(session)
	return false, nil
}

// goodbye ends a session. Whether the server hears it changes nothing.
func goodbye(session *smtp.Client) {
	if session.UpdateDeadline(quitTimeout) == nil {
		_ = session.Quit()
	}
}

// acceptable refuses what the server has said that it does not take: too large a message, or an address outside ASCII.
func acceptable(session *smtp.Client, to string, msg *gomail.Msg) error {
	if ok, _ := session.Extension("SMTPUTF8"); !ok && !ascii(to) {
		return errNoUTF8
	}
	_, announced := session.Extension("SIZE")
	most, err := strconv.ParseInt(announced, 10, 64)
	if err != nil || most <= 0 {
		return nil // no SIZE, or no fixed maximum
	}
	size, err := msg.WriteTo(io.Discard)
	if err != nil {
		return fmt.Errorf("measure the message: %w", err)
	}
	if size > most {
		return fmt.Errorf("%w: it has %d bytes, the server takes %d", errTooLarge, size, most)
	}
	return nil
}

func (r *relay) check(ctx context.Context) (encrypted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, session, err := r.connect(ctx)
	if err != nil {
		return false, err
	}
	_, notEncrypted := session.GetTLSConnectionState()
	return notEncrypted == nil, session.Quit()
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
		gomail.WithTLSPolicy(r.startTLS()), gomail.WithTLSConfig(r.tls()),
		gomail.WithDialContextFunc(func(dialing context.Context, network, _ string) (net.Conn, error) {
			return r.open(ctx, dialing, network)
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

// startTLS is go-mail's word for the policy. It must not ask for STARTTLS on a connection that is encrypted from the start.
func (r *relay) startTLS() gomail.TLSPolicy {
	switch {
	case r.policy == tlsOff:
		return gomail.NoTLS
	case r.policy == tlsRequired && !r.implicitTLS:
		return gomail.TLSMandatory
	}
	return gomail.TLSOpportunistic
}

// open dials within the time for dialing, and gives a connection that lives no longer than ctx.
func (r *relay) open(ctx, dialing context.Context, network string) (net.Conn, error) {
	conn, err := r.dial(dialing, network, r.address())
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
	return &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: loopback(r.host)} // #nosec G402 -- only to a relay on this machine
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
