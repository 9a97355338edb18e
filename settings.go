package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/maskline/maskline/internal/oidc"
	"github.com/maskline/maskline/internal/peers"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/transcribe"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// Settings come from the environment; a flag of the same name wins. What is left empty is completed by [Settings.complete].
type Settings struct {
	ListenAddr string `env:"LISTEN_ADDR" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Where HTTP is served."`
	PublicURL  string `env:"PUBLIC_URL" placeholder:"URL" help:"The address the world uses; http:// and LISTEN_ADDR unless set. Webhook addresses, links and signatures are built on it."`
	DataDir    string `env:"DATA_DIR" default:"./data" placeholder:"DIR" help:"Everything that is kept in files."`

	DatabaseURL      string `env:"DATABASE_URL" placeholder:"URL" help:"sqlite://PATH or postgres://…; sqlite://DATA_DIR/maskline.db unless set."`
	RecordingsURL    string `env:"RECORDINGS_URL" placeholder:"URL" help:"Where audio is kept: file://DIR or s3://BUCKET?…; file://DATA_DIR/recordings unless set."`
	RecordingsShared bool   `env:"RECORDINGS_SHARED" help:"Every replica sees the folder that RECORDINGS_URL names, or there is only one."`

	SecretKey  Secret `env:"SECRET_KEY" placeholder:"KEY" help:"Signs links; at least 32 characters; made on first start and kept in the database unless set."`
	AdminToken Secret `env:"ADMIN_TOKEN" placeholder:"TOKEN" help:"Token of the built-in administrator, admin@localhost; at least 32 characters; made and printed at the first start unless set."`

	TwilioAccountSID         string `env:"TWILIO_ACCOUNT_SID" name:"twilio-account-sid" placeholder:"AC…" help:"The account whose webhooks are accepted."`
	TwilioAuthToken          Secret `env:"TWILIO_AUTH_TOKEN" placeholder:"TOKEN" help:"Signs webhooks. Without it every webhook gets 503."`
	TwilioAuthTokenSecondary Secret `env:"TWILIO_AUTH_TOKEN_SECONDARY" placeholder:"TOKEN" help:"Its signatures are accepted too, while tokens are rotated."`
	TwilioAPIKey             string `env:"TWILIO_API_KEY" name:"twilio-api-key" placeholder:"SK…" help:"Used for REST calls and media in place of the auth token."`
	TwilioAPISecret          Secret `env:"TWILIO_API_SECRET" name:"twilio-api-secret" placeholder:"SECRET" help:"Belongs to TWILIO_API_KEY."`
	TwilioAPIURL             string `env:"TWILIO_API_URL" name:"twilio-api-url" default:"https://api.twilio.com" placeholder:"URL" help:"Base of Twilio's REST API and media."`
	TwilioDeleteAfterCopy    bool   `env:"TWILIO_DELETE_AFTER_COPY" help:"Delete a recording at Twilio once our copy is verified."`

	OIDCIssuer   string `env:"OIDC_ISSUER" name:"oidc-issuer" placeholder:"URL" help:"JWTs of this issuer are accepted as tokens, for the user whose verified e-mail address they name."`
	OIDCAudience string `env:"OIDC_AUDIENCE" name:"oidc-audience" placeholder:"NAME" help:"The audience that such JWTs name."`

	SMTPURL      Secret `env:"SMTP_URL" name:"smtp-url" placeholder:"URL" help:"smtp://user:pass@host:port or smtps://…; without it each mail is a file in DATA_DIR/mail."`
	SMTPTLS      string `env:"SMTP_TLS" name:"smtp-tls" default:"" enum:"required,opportunistic,off," placeholder:"WHEN" help:"required, opportunistic or off: whether mails go out over an encrypted connection only; required unless set when SMTP_URL has a password and its host is not this machine."`
	MailFrom     string `env:"MAIL_FROM" placeholder:"ADDRESS" help:"Who mails come from."`
	MailLinkDays int    `env:"MAIL_LINK_DAYS" default:"7" placeholder:"DAYS" help:"How long the link in a mail plays without signing in; 0: never."`
	MailDays     int    `env:"MAIL_DAYS" default:"30" placeholder:"DAYS" help:"How long mails stay that are kept as files."`

	Transcriber        string `env:"TRANSCRIBER" default:"twilio" enum:"off,twilio,openai,exec" help:"Who transcribes: off, twilio (American English only), openai (a service) or exec (a program)."`
	TranscriberURL     string `env:"TRANSCRIBER_URL" placeholder:"URL" help:"With openai: the service, below which is /v1/audio/transcriptions; https://api.openai.com is one."`
	TranscriberKey     Secret `env:"TRANSCRIBER_KEY" placeholder:"KEY" help:"Its key, if it wants one."`
	TranscriberModel   string `env:"TRANSCRIBER_MODEL" placeholder:"NAME" help:"Its model; whisper-1 unless set."`
	TranscriberCommand string `env:"TRANSCRIBER_COMMAND" placeholder:"CMD" help:"With exec: a program that prints the text of the WAV file named by its last argument."`

	BinDays        int           `env:"BIN_DAYS" default:"7" placeholder:"DAYS" help:"How long deleted voicemails can be restored."`
	RawWebhookDays int           `env:"RAW_WEBHOOK_DAYS" default:"30" placeholder:"DAYS" help:"How long webhooks stay as Twilio sent them."`
	CallDays       int           `env:"CALL_DAYS" default:"365" placeholder:"DAYS" help:"How long calls, with their callers' numbers, stay."`
	AuditDays      int           `env:"AUDIT_DAYS" default:"365" placeholder:"DAYS" help:"How long audit entries stay."`
	ReconcileEvery time.Duration `env:"RECONCILE_EVERY" default:"5m" help:"How often calls and recordings are compared with Twilio's."`
	DrainDelay     time.Duration `env:"DRAIN_DELAY" default:"2s" help:"Between SIGTERM and the closing of the listener."`

	AllowedOrigins       []string `env:"ALLOWED_ORIGINS" placeholder:"URL" help:"Browser origins that may call the API, besides our own."`
	AllowedCountries     []string `env:"ALLOWED_COUNTRIES" placeholder:"CC" help:"ISO codes of the regions whose phones may be rung (US is not Jamaica); that of each masked number unless set."`
	MaxSimultaneousCalls int      `env:"MAX_SIMULTANEOUS_CALLS" default:"100" placeholder:"CALLS" help:"Forwarded calls of one masked number at a time, over all replicas; what comes on top goes to voicemail."`
	Limits               string   `env:"LIMITS" default:"enforce" enum:"enforce,warn" help:"warn: only log what a GraphQL limit would refuse."`
	MetricsAddr          string   `env:"METRICS_ADDR" placeholder:"ADDR" help:"Own listener for /metrics."`
	LogLevel             string   `env:"LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	LogFormat            string   `env:"LOG_FORMAT" default:"text" enum:"text,json" help:"text or json."`
	TrustedProxies       []string `env:"TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks of proxies whose X-Forwarded-For names who sent a request. Without it that is the address of the connection, and limits of one peer do not apply to loopback and private addresses."`
}

// Secret is a setting that is never printed.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// complete fills in what depends on other settings, and refuses what contradicts itself.
func (s *Settings) complete() error {
	if err := s.completeAddresses(); err != nil {
		return err
	}
	dir, err := filepath.Abs(s.DataDir)
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	s.DataDir = dir
	if s.DatabaseURL == "" {
		s.DatabaseURL = "sqlite://" + filepath.ToSlash(filepath.Join(dir, "maskline.db"))
	}
	if s.RecordingsURL == "" {
		s.RecordingsURL = recordings.FolderURL(filepath.Join(dir, "recordings"))
	}
	if err := s.checkAddresses(); err != nil {
		return err
	}
	if err := s.checkSecrets(); err != nil {
		return err
	}
	return s.check()
}

// shortestKey is the length from which on ADMIN_TOKEN and SECRET_KEY cannot be guessed, if they were made at random.
const shortestKey = 32

var twilioAccount = regexp.MustCompile(`^AC[0-9a-f]{32}$`)

func (s *Settings) checkSecrets() error {
	for _, key := range []struct {
		name  string
		value Secret
	}{{"ADMIN_TOKEN", s.AdminToken}, {"SECRET_KEY", s.SecretKey}} {
		if key.value != "" && utf8.RuneCountInString(string(key.value)) < shortestKey {
			return fmt.Errorf("%s: it must have at least %d characters; make one with openssl rand -hex 32", key.name, shortestKey)
		}
	}
	if s.TwilioAccountSID != "" && !twilioAccount.MatchString(s.TwilioAccountSID) {
		return errors.New("TWILIO_ACCOUNT_SID: it must be AC and 32 digits and letters from a to f, as console.twilio.com shows it")
	}
	return nil
}

func (s *Settings) completeAddresses() error {
	host, port, err := checkListener("LISTEN_ADDR", s.ListenAddr)
	if err != nil {
		return err
	}
	if s.MetricsAddr != "" {
		if _, _, err := checkListener("METRICS_ADDR", s.MetricsAddr); err != nil {
			return err
		}
	}
	if s.PublicURL == "" {
		if host == "" || host == "0.0.0.0" || host == "::" {
			host = "localhost"
		}
		s.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	if err := checkService(s.PublicURL); err != nil {
		return fmt.Errorf("PUBLIC_URL: %w", err)
	}
	u, err := url.Parse(s.PublicURL)
	if err != nil {
		return fmt.Errorf("PUBLIC_URL: %w", errSpecial)
	}
	if s.MailFrom == "" {
		s.MailFrom = "Maskline <maskline@" + mailDomain(u.Hostname()) + ">"
	}
	if _, err := mail.ParseAddress(s.MailFrom); err != nil {
		return errors.New("MAIL_FROM: it must be one address, such as Maskline <maskline@example.com>")
	}
	return nil
}

// mailDomain is the host, or localhost for a bare IP address, which is no domain of a mail address.
func mailDomain(host string) string {
	if net.ParseIP(host) != nil {
		return "localhost"
	}
	return host
}

func (s *Settings) check() error {
	postgres := strings.HasPrefix(s.DatabaseURL, "postgres")
	days := []struct {
		name string
		n    int
	}{{"MAIL_LINK_DAYS", s.MailLinkDays}, {"MAIL_DAYS", s.MailDays}, {"BIN_DAYS", s.BinDays}, {"RAW_WEBHOOK_DAYS", s.RawWebhookDays}, {"CALL_DAYS", s.CallDays}, {"AUDIT_DAYS", s.AuditDays}}
	for _, d := range days {
		if d.n < 0 || d.n > 36500 {
			return fmt.Errorf("%s: %d is not a number of days from 0 to 36500", d.name, d.n)
		}
	}
	switch {
	case postgres && strings.HasPrefix(s.RecordingsURL, "file:") && !s.RecordingsShared:
		return errors.New("RECORDINGS_URL: with PostgreSQL a folder must be seen by every replica; say RECORDINGS_SHARED=true if it is, or use s3://…")
	case (s.TwilioAPIKey == "") != (s.TwilioAPISecret == ""):
		return errors.New("TWILIO_API_KEY and TWILIO_API_SECRET belong together: set both or neither")
	case s.TwilioAuthToken != "" && s.TwilioAccountSID == "":
		return errors.New("TWILIO_ACCOUNT_SID: it belongs to TWILIO_AUTH_TOKEN, and is missing")
	case s.DrainDelay < 0 || s.DrainDelay > time.Minute:
		return fmt.Errorf("DRAIN_DELAY: %s is not between 0s and 1m", s.DrainDelay)
	case s.MaxSimultaneousCalls < 1:
		return fmt.Errorf("MAX_SIMULTANEOUS_CALLS: %d is less than 1", s.MaxSimultaneousCalls)
	case s.ReconcileEvery < time.Second:
		return fmt.Errorf("RECONCILE_EVERY: %s is shorter than 1s", s.ReconcileEvery)
	}
	if err := phone.Countries(s.AllowedCountries).Check(); err != nil {
		return fmt.Errorf("ALLOWED_COUNTRIES: %w", err)
	}
	if _, err := s.trustedProxies(); err != nil {
		return err
	}
	if _, err := s.engine(); err != nil {
		return err
	}
	_, err := s.issuer(time.Now)
	return err
}

// engine is what transcribes on our side.
type engine interface {
	switchboard.Engine
	Check(ctx context.Context) error
}

// engine is nil when Twilio transcribes, or nobody.
func (s *Settings) engine() (engine, error) {
	switch {
	case s.Transcriber == "openai" && s.TranscriberURL == "":
		return nil, errors.New("TRANSCRIBER_URL: TRANSCRIBER=openai needs the address of a service, such as https://api.openai.com")
	case s.Transcriber == "exec" && s.TranscriberCommand == "":
		return nil, errors.New("TRANSCRIBER_COMMAND: TRANSCRIBER=exec needs a program")
	case s.Transcriber == "openai":
		return transcribe.NewOpenAI(s.TranscriberURL, string(s.TranscriberKey), s.TranscriberModel)
	case s.Transcriber == "exec":
		return transcribe.NewExec(s.TranscriberCommand)
	}
	return nil, nil
}

// issuer is whose tokens are taken beside ours; nil when nobody's.
func (s *Settings) issuer(now func() time.Time) (*oidc.Issuer, error) {
	switch {
	case s.OIDCIssuer == "" && s.OIDCAudience == "":
		return nil, nil
	case s.OIDCIssuer == "" || s.OIDCAudience == "":
		return nil, errors.New("OIDC_ISSUER and OIDC_AUDIENCE belong together: set both or neither")
	}
	issuer, err := oidc.New(s.OIDCIssuer, s.OIDCAudience, now)
	if err != nil {
		return nil, fmt.Errorf("OIDC_ISSUER: %w", err)
	}
	return issuer, nil
}

// trustedProxies are those whose word is taken for who sent a request.
func (s *Settings) trustedProxies() (peers.Proxies, error) {
	all, err := peers.Parse(s.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_PROXIES: %w", err)
	}
	return all, nil
}

// authTokens are those whose signatures are believed.
func (s *Settings) authTokens() (tokens []string) {
	for _, t := range []Secret{s.TwilioAuthToken, s.TwilioAuthTokenSecondary} {
		if t != "" && s.TwilioAuthToken != "" {
			tokens = append(tokens, string(t))
		}
	}
	return tokens
}
