package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// program is what the command line says.
type program struct {
	Settings `embed:"" group:"settings"`

	Serve     serveCmd     `cmd:"" default:"1" help:"Run the service (also: no command)."`
	Demo      demoCmd      `cmd:"" help:"Run it with the built-in telephone network: no account, no key, no other server."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database to this version's schema and exit."`
	User      userCmd      `cmd:"" help:"Create and list users, and untie them from an OpenID Connect issuer, straight on the database."`
	Token     tokenCmd     `cmd:"" help:"Create, list and revoke tokens, straight on the database."`
	Doctor    doctorCmd    `cmd:"" help:"Say what is wrong with this installation and how to mend it; with --fix set where our numbers lead at Twilio."`
	Audit     auditCmd     `cmd:"" help:"Print who changed, deleted, heard or read what, newest last."`
	Reconcile reconcileCmd `cmd:"" help:"Ask Twilio once for what no webhook told us of; also beside a running service."`
	Version   versionCmd   `cmd:"" help:"Print version, commit and Go version."`
}

// streams are where a command writes.
type streams struct{ out, err io.Writer }

// run runs one command and returns its exit status. What goes wrong is told in one line.
func run(args []string, out, errs io.Writer) int {
	var p program
	exited := -1
	parser, err := kong.New(&p, kong.Name("maskline"), kong.Description("Masked phone numbers with voicemail, on Twilio."),
		kong.Vars{"scripts": strings.Join(shippedScripts(), ", ")},
		kong.Writers(out, errs), kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: "Settings (each is an environment variable too):"}}))
	if err != nil {
		panic(err) // the struct above is malformed
	}
	command, err := parser.Parse(args)
	switch {
	case exited >= 0:
		return exited // help was asked for and given
	case err != nil:
		return complain(errs, faultOf(parser, err))
	}
	if selected := command.Selected(); selected != nil && len(selected.Children) > 0 {
		if err := command.PrintUsage(false); err != nil { // maskline token, without what to do
			return complain(errs, err.Error())
		}
		return 0
	}
	if err := command.Run(&p.Settings, &streams{out, errs}); err != nil {
		return complain(errs, p.discretion().text(err.Error()))
	}
	return 0
}

func complain(errs io.Writer, text string) int {
	_, _ = fmt.Fprintf(errs, "maskline: %s\n", text) // where else would one say that stderr is broken
	return 1
}

type serveCmd struct{}

// Run serves until SIGINT or SIGTERM. A second signal ends the process at once.
func (serveCmd) Run(s *Settings, to *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	if err := s.complete(); err != nil {
		return err
	}
	log := newLog(*s, to.err)
	slog.SetDefault(log) // for libraries that log by themselves
	for _, warning := range misspelt(os.Environ(), settingNames()) {
		log.Warn(warning)
	}
	a, err := build(ctx, *s, parts{log: log, stderr: to.err})
	if err != nil {
		return err
	}
	if len(a.authTokens()) == 0 {
		log.Warn("TWILIO_AUTH_TOKEN is not set: every webhook gets 503")
	}
	l, err := net.Listen("tcp", s.ListenAddr)
	if err != nil {
		return errors.Join(fmt.Errorf("LISTEN_ADDR: %w", err), a.close())
	}
	closeMetrics, err := a.serveMetrics()
	if err != nil {
		return errors.Join(err, l.Close(), a.close())
	}
	defer closeMetrics()
	stopTracing, err := a.startTracing(ctx)
	if err != nil {
		return errors.Join(err, l.Close(), a.close())
	}
	log.Info("serving", "address", l.Addr().String(), "public", s.PublicURL)
	err = a.serve(ctx, l)
	last, cancel := context.WithTimeout(context.Background(), sendSpansWithin)
	defer cancel()
	return errors.Join(err, stopTracing(last))
}

const sendSpansWithin = 2 * time.Second

func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from now on a signal does what it does by default
	return ctx, stop
}

// serveMetrics serves metrics on their own listener, if there is to be one.
func (a *app) serveMetrics() (stop func(), err error) {
	if a.MetricsAddr == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", a.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metricsHandler())
	server := newServer(a.room.Handler(mux))
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("serve metrics", "error", err)
		}
	}()
	return func() { _ = server.Close() }, nil // the process ends
}

type migrateCmd struct{}

// Run migrates.
func (migrateCmd) Run(s *Settings, to *streams) error {
	return onDatabase(s, to, func(context.Context, *app) error { return nil })
}

// onDatabase runs do on the migrated database, for commands that work straight on it.
func onDatabase(s *Settings, to *streams, do func(context.Context, *app) error) error {
	ctx, stop := untilSignal()
	defer stop()
	if err := s.complete(); err != nil {
		return err
	}
	a, err := build(ctx, *s, parts{log: newLog(*s, to.err), stderr: to.err})
	if err != nil {
		return err
	}
	ctx = viewer.System(ctx)
	if err = a.migrate(ctx); err == nil {
		err = do(ctx, a)
	}
	return errors.Join(err, a.close())
}

type userCmd struct {
	Create struct {
		Email string `required:"" placeholder:"EMAIL" help:"A plain e-mail address."`
		Name  string `required:"" placeholder:"NAME" help:"At most 100 characters."`
		Role  string `default:"owner" enum:"owner,admin" help:"owner or admin."`
	} `cmd:"" help:"Create a user and print its id."`
	List  struct{} `cmd:"" help:"List all users."`
	Untie struct {
		Email string `required:"" placeholder:"EMAIL" help:"The user's address."`
	} `cmd:"" help:"Forget who a user is at the OpenID Connect issuer; the next JWT that signs the user in ties the user again."`
}

// Run creates or lists.
func (c *userCmd) Run(k *kong.Context, s *Settings, to *streams) error {
	return onDatabase(s, to, func(ctx context.Context, a *app) error {
		switch k.Command() {
		case "user list":
			return listUsers(ctx, a, to.out)
		case "user untie":
			return untie(ctx, a, c.Untie.Email)
		}
		role := map[string]phone.Role{"owner": phone.RoleOwner, "admin": phone.RoleAdmin}[c.Create.Role]
		id, err := a.desk.CreateUser(ctx, switchboard.NewUser{Email: c.Create.Email, Name: c.Create.Name, Role: role})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(to.out, id)
		return err
	})
}

func untie(ctx context.Context, a *app, email string) error {
	id, err := userID(ctx, a, email)
	if err != nil {
		return err
	}
	return a.desk.Untie(ctx, id)
}

// userID is the id of the user with that address.
func userID(ctx context.Context, a *app, email string) (string, error) {
	id, err := a.desk.UserByEmail(ctx, email)
	if ent.IsNotFound(err) {
		return "", fmt.Errorf("there is no user %s", email)
	}
	return id, err
}

func listUsers(ctx context.Context, a *app, w io.Writer) error {
	users, err := a.db.Client().User.Query().Order(ent.Asc(user.FieldCreatedAt)).All(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, u := range users {
		if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", u.ID, u.Email, u.Role, u.Name); err != nil {
			return err
		}
	}
	return t.Flush()
}

type tokenCmd struct {
	Create struct {
		User    string        `required:"" placeholder:"EMAIL" help:"Whose token it is."`
		Name    string        `default:"command line" help:"What it is for."`
		Expires time.Duration `placeholder:"720h" help:"How long it is valid; for ever unless set."`
	} `cmd:"" help:"Create a token and print it, alone."`
	List   struct{} `cmd:"" help:"List the tokens that are not revoked."`
	Revoke struct {
		ID string `arg:"" help:"The token's id."`
	} `cmd:"" help:"Revoke a token."`
}

// Run creates, lists or revokes.
func (c *tokenCmd) Run(k *kong.Context, s *Settings, to *streams) error {
	return onDatabase(s, to, func(ctx context.Context, a *app) error {
		switch k.Selected().Name {
		case "list":
			return listTokens(ctx, a, to.out)
		case "revoke":
			err := a.desk.RevokeToken(ctx, c.Revoke.ID)
			if ent.IsNotFound(err) {
				return fmt.Errorf("there is no token %s", c.Revoke.ID)
			}
			return err
		}
		return c.create(ctx, a, to.out)
	})
}

func (c *tokenCmd) create(ctx context.Context, a *app, w io.Writer) error {
	id, err := userID(ctx, a, c.Create.User)
	if err != nil {
		return err
	}
	var expires *time.Time
	if c.Create.Expires != 0 {
		at := a.now().Add(c.Create.Expires)
		expires = &at
	}
	_, secret, err := a.desk.CreateToken(ctx, id, c.Create.Name, expires)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, secret)
	return err
}

func listTokens(ctx context.Context, a *app, w io.Writer) error {
	tokens, err := a.db.Client().Token.Query().Where(token.RevokedAtIsNil()).WithOwner().Order(ent.Asc(token.FieldCreatedAt)).All(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range tokens {
		expires := "never"
		if k.ExpiresAt != nil {
			expires = k.ExpiresAt.Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(t, "%s\t%s\t%s…\t%s\texpires %s\n", k.ID, k.Edges.Owner.Email, k.Prefix, k.Name, expires); err != nil {
			return err
		}
	}
	return t.Flush()
}

type reconcileCmd struct{}

// Run makes one pass of the reconciler, and says what it did. What has to follow, such as fetching audio, a running service does.
func (reconcileCmd) Run(s *Settings, to *streams) error {
	return onDatabase(s, to, func(ctx context.Context, a *app) error {
		done, err := a.desk.Reconcile(ctx)
		if err != nil && done.Repairs == nil {
			return err
		}
		_, told := fmt.Fprintf(to.out, "compared %d calls and %d recordings of the last 48 hours at Twilio: %s\n", done.Calls, done.Recordings, repairs(done.Repairs))
		return errors.Join(err, told)
	})
}

func repairs(byKind map[string]int) string {
	if len(byKind) == 0 {
		return "nothing to repair"
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, byKind[kind]))
	}
	return "repaired " + strings.Join(parts, ", ")
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(to *streams) error {
	version, commit := "devel", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(to.out, "maskline %s, commit %s, %s\n", version, commit, runtime.Version())
	return err
}
