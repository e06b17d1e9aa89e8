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
	"countersign/internal/door"
	"countersign/internal/factor"
	"countersign/internal/ops"
	"countersign/internal/outbox"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// A house is what every command works on: the database and the deeds above it.
type house struct {
	db        *store.DB
	key       secret.Key
	keys      *keyFile
	box       *secret.Box
	passwords *secret.Passwords
	methods   factor.Set
	outbox    *outbox.Outbox
	office    *admin.Office
	meter     *ops.Meter
	public    *url.URL // nil: the command was not told
}

// open opens the database with its key and prepares both, if they are new.
func open(ctx context.Context, s *config.Settings) (*house, error) {
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
	db, err := store.Open(ctx, s.Database, box)
	if err != nil {
		if errors.Is(err, store.ErrOtherKey) || errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrUnfit) {
			return nil, fmt.Errorf("--database: %w", err)
		}
		return nil, fmt.Errorf("--database: %w; check the address, and that the server runs", err)
	}
	h := &house{db: db, key: db.Key(), keys: keys, box: box, passwords: secret.NewPasswords()}
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
	h.office = &admin.Office{Store: db, Passwords: h.passwords, Key: h.key, Methods: h.methods, From: h.outbox.From, Declared: s.Preferences, Wake: h.outbox.Wake}
	if h.outbox.Mail != nil {
		h.office.Mail = admin.MailServer
	}
	if err := h.firstAgency(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

func (h *house) close() error { return h.db.Close() }

// masterKey loads the key, and makes one for an installation that is new: a
// database that exists without its key must not get another.
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

// embedded reports whether the database is a file of this program.
func embedded(s *config.Settings) bool { return strings.HasPrefix(s.Database, "sqlite:") }

// newInstallation tells whether there is nothing yet that a key could have sealed.
func newInstallation(s *config.Settings) bool {
	path, embedded := strings.CutPrefix(s.Database, "sqlite:")
	if !embedded {
		return true // masterKey asks the server
	}
	path, _, _ = strings.Cut(path, "?")
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// routes sets up the ways out: mail, and the text gateway. SMS is a method
// only where there is one.
func (h *house) routes(s *config.Settings) error {
	log, err := s.Logger(os.Stderr)
	if err != nil {
		return err
	}
	h.outbox = &outbox.Outbox{Store: h.db, Log: log, URL: h.url, Lookup: net.DefaultResolver.LookupTXT, Count: h.meter.Delivered}
	if h.outbox.From, err = s.From(); err != nil {
		return err
	}
	h.methods = factor.Set{factor.Email(h.key), factor.App(), factor.Passkey()}
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
		h.outbox.Mail = smtp
	}
	if len(s.SMSURL) == 0 {
		return nil
	}
	routes, err := outbox.ParseRoutes(s.SMSURL)
	if err != nil {
		return &config.Error{Setting: "--sms-url", Problem: err.Error()}
	}
	h.texts(routes)
	return nil
}

// texts adds SMS to the methods, by gateways.
func (h *house) texts(gateway outbox.Sender) {
	h.outbox.Text = gateway
	h.methods = append(h.methods, factor.SMS(h.key))
}

// firstAgency makes the agency MAIN in a database that has none.
func (h *house) firstAgency(ctx context.Context) error {
	all, err := h.db.Agencies(ctx)
	if err != nil || len(all) > 0 {
		return err
	}
	_, err = h.office.AddAgency(ctx, now(), countersign.Agency{Code: "MAIN", Name: "Main Agency"})
	if countersign.KindOf(err) == countersign.Exists {
		return nil // another node was first
	}
	return err
}

// hosts says which agency a host means, from what the database says now.
func (h *house) hosts(ctx context.Context) (door.Hosts, error) {
	all, err := h.db.Agencies(ctx)
	return door.Hosts{Public: h.public, Agencies: all}, err
}

// publicHost is the host of the public URL; empty if the command was not told.
func (h *house) publicHost() string {
	if h.public == nil {
		return ""
	}
	return strings.ToLower(h.public.Hostname())
}

// url is the base URL of an agency's links.
func (h *house) url(a countersign.Agency) string { return door.Hosts{Public: h.public}.URL(a) }

// home is an agency with the URL that its letters' links are built from.
func (h *house) home(ctx context.Context, id countersign.AgencyID) (countersign.Agency, error) {
	a, err := h.db.Agency(ctx, id)
	a.URL = h.url(a)
	return a, err
}

// agency is the one that a command names; it may be left out where there is one.
func (h *house) agency(ctx context.Context, code string) (countersign.Agency, error) {
	all, err := h.db.Agencies(ctx)
	if err != nil {
		return countersign.Agency{}, err
	}
	var codes []string
	for _, a := range all {
		a.URL = h.url(a)
		if strings.EqualFold(a.Code, code) || code == "" && len(all) == 1 {
			return a, nil
		}
		codes = append(codes, a.Code)
	}
	if code == "" {
		return countersign.Agency{}, &config.Error{Setting: "--agency", Problem: "there are several; give one of " + strings.Join(codes, ", ")}
	}
	return countersign.Agency{}, &config.Error{Setting: "--agency", Problem: fmt.Sprintf("there is no agency %s; there are %s", code, strings.Join(codes, ", "))}
}

// visit is an act of the operator, on an agency, now.
func (h *house) visit(ctx context.Context, code string) (countersign.Visit, error) {
	a, err := h.agency(ctx, code)
	return countersign.Visit{Agency: a, Now: now(), Request: secret.NewID()[:16]}, err
}

// How long work may take that no request waits for: a command as a whole, and one
// step of a loop of the service. One statement has a minute at most (TN-03).
const (
	commandTime = time.Hour
	stepTime    = time.Minute
)

// commanded is the context of a command.
func commanded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), commandTime)
}

// step runs one step of a loop, which must not hold up those after it.
func step(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	return f(ctx)
}

// operator is who runs a command.
var operator = countersign.Actor{Operator: true}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// look is work for a command that only reads: it makes no installation where
// there is none, as a mistyped directory would.
func look(s *config.Settings, agency string, f func(context.Context, *house, countersign.Visit) error) error {
	if err := installed(s); err != nil {
		return err
	}
	return within(s, agency, f)
}

// installed refuses an embedded database that is not there.
func installed(s *config.Settings) error {
	if path, embedded := strings.CutPrefix(s.Database, "sqlite:"); embedded && newInstallation(s) {
		return fmt.Errorf("--data: there is no database %s; name the directory of the installation, or start it with countersign serve", path)
	}
	return nil
}

// work is within for a command that may seal something: until it ends, the keys
// that it knows stay in the key file (KY-03).
func work(s *config.Settings, agency string, f func(context.Context, *house, countersign.Visit) error) error {
	return within(s, agency, func(ctx context.Context, h *house, v countersign.Visit) error {
		return h.joined(ctx, func(ctx context.Context) error { return f(ctx, h, v) })
	})
}

// within opens the house for one command of the operator.
func within(s *config.Settings, agency string, f func(context.Context, *house, countersign.Visit) error) error {
	ctx, cancel := commanded()
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
