package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
	"countersign/internal/edge"
	"countersign/internal/factor"
	"countersign/internal/ops"
	"countersign/internal/outbox"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// An app is what every command works with: the database and the services on top of it.
type app struct {
	db        *store.DB
	key       secret.Key
	keys      *keyFile
	box       *secret.Box
	passwords *secret.Passwords
	methods   factor.Set
	outbox    *outbox.Outbox
	admin     *admin.Service
	meter     *ops.Meter
	public    *url.URL // nil: not given to the command
}

// open opens the database with its key and creates either if it does not exist yet.
func open(ctx context.Context, s *config.Settings) (*app, error) {
	if err := config.CheckURL("--database", s.Database); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	keys, err := masterKey(ctx, s)
	if err != nil {
		return nil, err
	}
	box := keys.master.Box()
	db, err := openStore(ctx, s.Database, keys, box)
	if err != nil {
		return nil, err
	}
	h := &app{db: db, key: db.Key(), keys: keys, box: box, passwords: secret.NewPasswords()}
	if s.Breached != "" {
		if h.passwords.Breached, err = secret.LoadBreached(s.Breached); err != nil {
			return nil, errors.Join(&config.Error{Setting: "--breached-passwords", Problem: s.Breached + ": " + err.Error()}, db.Close())
		}
	}
	h.meter = ops.NewMeter(h.passwords.Load, db.Queues)
	if s.PublicURL != "" {
		if h.public, err = s.Public(); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if err := h.routes(s); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	h.admin = &admin.Service{Store: db, Passwords: h.passwords, Key: h.key, Methods: h.methods, From: h.outbox.From, Declared: s.Preferences, Wake: h.outbox.Wake}
	if h.outbox.Mail != nil {
		h.admin.Mail = admin.MailServer
	}
	if err := h.firstAgency(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

// openStore opens the database. If another key has sealed it, a rotation may have ended since the
// key file was read, so it reads a changed file again.
func openStore(ctx context.Context, database string, keys *keyFile, box *secret.Box) (*store.DB, error) {
	db, err := store.Open(ctx, database, box)
	if errors.Is(err, store.ErrOtherKey) {
		if changed, _ := keys.changed(); changed {
			box.Use(keys.master)
			db, err = store.Open(ctx, database, box)
		}
	}
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, store.ErrOtherKey) || errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrUnfit):
		return nil, fmt.Errorf("--database: %w", err)
	default:
		return nil, fmt.Errorf("--database: %w; check the address, and that the server runs", err)
	}
}

func (a *app) close() error { return a.db.Close() }

// masterKey loads the key. It creates one for a new installation only: a database that has lost its
// key must not get another.
func masterKey(ctx context.Context, s *config.Settings) (*keyFile, error) {
	_, err := os.Stat(s.MasterKeyFile)
	missing := errors.Is(err, fs.ErrNotExist) && newInstallation(s)
	if missing && !embedded(s) {
		sealed, err := store.HasKey(ctx, s.Database)
		if err != nil {
			return nil, fmt.Errorf("--database: %w; check the address, and that the server runs", err)
		}
		missing = !sealed
	}
	if missing {
		if err := secret.CreateMaster(s.MasterKeyFile); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, &config.Error{Setting: "--master-key-file", Problem: err.Error()}
		}
	}
	keys := &keyFile{path: s.MasterKeyFile}
	if _, err := keys.changed(); err != nil {
		return nil, &config.Error{Setting: "--master-key-file", Problem: err.Error()}
	}
	return keys, nil
}

// embedded reports whether the database is a SQLite file.
func embedded(s *config.Settings) bool { return strings.HasPrefix(s.Database, "sqlite:") }

// newInstallation reports whether nothing exists yet that a key could have sealed.
func newInstallation(s *config.Settings) bool {
	path, embedded := strings.CutPrefix(s.Database, "sqlite:")
	if !embedded {
		return true // masterKey asks the server
	}
	path, _, _ = strings.Cut(path, "?")
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// routes sets up the routes of messages: mail, and the text gateway. SMS is a method only if there
// is a gateway.
func (a *app) routes(s *config.Settings) error {
	log, err := s.Logger(os.Stderr)
	if err != nil {
		return err
	}
	a.outbox = &outbox.Outbox{Store: a.db, Log: log, URL: a.url, Lookup: net.DefaultResolver.LookupTXT, Count: a.meter.Delivered}
	if a.outbox.From, err = s.From(); err != nil {
		return err
	}
	a.methods = factor.Set{factor.Email(a.key), factor.App(), factor.Passkey()}
	for _, raw := range s.SMSURL {
		if err := config.CheckURL("--sms-url", raw); err != nil {
			return err
		}
	}
	if s.SMTPURL != "" {
		if err := config.CheckURL("--smtp-url", s.SMTPURL); err != nil {
			return err
		}
		smtp, err := outbox.ParseSMTP(s.SMTPURL)
		if err != nil {
			return &config.Error{Setting: "--smtp-url", Problem: err.Error()}
		}
		if smtp.Helo, err = s.Helo(); err != nil {
			return err
		}
		a.outbox.Mail = smtp
	}
	if len(s.SMSURL) == 0 {
		return nil
	}
	routes, err := outbox.ParseRoutes(s.SMSURL)
	if err != nil {
		return &config.Error{Setting: "--sms-url", Problem: err.Error()}
	}
	a.enableSMS(routes)
	return nil
}

// enableSMS adds SMS to the methods, sent by gateway.
func (a *app) enableSMS(gateway outbox.Sender) {
	a.outbox.Text = gateway
	a.methods = append(a.methods, factor.SMS(a.key))
}

// firstAgency creates the agency MAIN in a database without agencies.
func (a *app) firstAgency(ctx context.Context) error {
	all, err := a.db.Agencies(ctx)
	if err != nil || len(all) > 0 {
		return err
	}
	_, err = a.admin.AddAgency(ctx, now(), countersign.Agency{Code: "MAIN", Name: "Main Agency"})
	if countersign.KindOf(err) == countersign.KindConflict {
		return nil // another node was first
	}
	return err
}

// hosts maps hosts to agencies, as the database has them now.
func (a *app) hosts(ctx context.Context) (edge.Hosts, error) {
	all, err := a.db.Agencies(ctx)
	return edge.Hosts{Public: a.public, Agencies: all}, err
}

// publicHost returns the host of the public URL, or "" if there is none.
func (a *app) publicHost() string {
	if a.public == nil {
		return ""
	}
	return strings.ToLower(a.public.Hostname())
}

// url returns the base URL of an agency's links.
func (a *app) url(agency countersign.Agency) string { return edge.Hosts{Public: a.public}.URL(agency) }

// agencyWithURL returns an agency with the URL for the links in its mail.
func (a *app) agencyWithURL(ctx context.Context, id countersign.AgencyID) (countersign.Agency, error) {
	agency, err := a.db.Agency(ctx, id)
	agency.URL = a.url(agency)
	return agency, err
}

// agency returns the agency that a command names. The code may be empty if there is only one.
func (a *app) agency(ctx context.Context, code string) (countersign.Agency, error) {
	all, err := a.db.Agencies(ctx)
	if err != nil {
		return countersign.Agency{}, err
	}
	var codes []string
	for _, one := range all {
		one.URL = a.url(one)
		if strings.EqualFold(one.Code, code) || code == "" && len(all) == 1 {
			return one, nil
		}
		codes = append(codes, one.Code)
	}
	if code == "" {
		return countersign.Agency{}, &config.Error{Setting: "--agency", Problem: "there are several; give one of " + strings.Join(codes, ", ")}
	}
	return countersign.Agency{}, &config.Error{Setting: "--agency", Problem: fmt.Sprintf("there is no agency %s; there are %s", code, strings.Join(codes, ", "))}
}

// visit returns the visit of an operator's command, on an agency, now.
func (a *app) visit(ctx context.Context, code string) (countersign.Visit, error) {
	agency, err := a.agency(ctx, code)
	return countersign.Visit{Agency: agency, Now: now(), Request: secret.NewID()[:16]}, err
}

// The time limits of work that no request waits for: a whole command, and one step of a background
// loop. One statement is limited to a minute (TN-03).
const (
	commandTime = time.Hour
	stepTime    = time.Minute
)

// commandContext returns the context of a command.
func commandContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), commandTime)
}

// step runs one step of a loop with a time limit, so that it can't delay the steps after it.
func step(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	return f(ctx)
}

// operator is the actor of all commands.
var operator = countersign.Actor{Operator: true}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// withExisting runs a command that only reads. It does not create an installation, so that a
// mistyped directory is an error.
func withExisting(s *config.Settings, agency string, f func(context.Context, *app, countersign.Visit) error) error {
	if err := installed(s); err != nil {
		return err
	}
	return runCommand(s, agency, f)
}

// installed returns an error if the SQLite database does not exist.
func installed(s *config.Settings) error {
	if path, embedded := strings.CutPrefix(s.Database, "sqlite:"); embedded && newInstallation(s) {
		return fmt.Errorf("--data: there is no database %s; name the directory of the installation, or start it with countersign serve", path)
	}
	return nil
}

// withApp is runCommand for a command that may seal something: until it ends, the keys it knows stay in
// the key file (KY-03).
func withApp(s *config.Settings, agency string, f func(context.Context, *app, countersign.Visit) error) error {
	return runCommand(s, agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		return h.runAsNode(ctx, func(ctx context.Context) error { return f(ctx, h, v) })
	})
}

// runCommand opens the application for one command of the operator.
func runCommand(s *config.Settings, agency string, f func(context.Context, *app, countersign.Visit) error) error {
	ctx, cancel := commandContext()
	defer cancel()
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	v, err := h.visit(ctx, agency)
	if err == nil {
		err = f(ctx, h, v)
	}
	return errors.Join(err, h.close())
}
