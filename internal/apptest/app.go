// Package apptest runs the whole application in tests: the real handlers, the real store on either
// engine, an outbox that delivers to an inbox, and a clock that the test sets. Only external
// services are missing.
package apptest

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/admin"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/enroll"
	"countersign/internal/factor"
	"countersign/internal/outbox"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/signin"
	"countersign/internal/store"
	"countersign/internal/web"
)

// Day is the length of a day in the product: 86,400 seconds.
const Day = policy.Day

// Start is the initial time of every application's clock.
var Start = time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC)

// Password is the password of every user.
const Password = "correct horse battery staple"

// An App is an installation with one agency.
type App struct {
	T       testing.TB
	URL     string // address of its database, for a second node
	DB      *store.DB
	Master  *secret.Master
	Agency  countersign.Agency
	Authn   *authn.Service
	SignIn  *signin.Service
	Enroll  *enroll.Service
	Account *account.Service
	Admin   *admin.Service
	Outbox  *outbox.Outbox
	Inbox   *outbox.Inbox
	Door    http.Handler
	Routes  []web.Route
	Await   func(context.Context, countersign.AgencyID, countersign.MessageID) // what a page waits for; nil: it does not wait

	options []store.Option

	watch atomic.Pointer[Watch] // nil: not watched
	decoy *decoy                // nil: there is none

	mu  sync.Mutex
	now time.Time
	raw *sql.DB // opened on first use
}

// Write receives a line of the log for the watch.
func (h *App) Write(line []byte) (int, error) {
	if w := h.watch.Load(); w != nil {
		return w.Write(line)
	}
	return len(line), nil
}

// Each runs a test on SQLite and on PostgreSQL. It fails the test if a secret leaks, or if the
// decoy changes, an agency with the same users beside the tested one (TN-01).
func Each(t *testing.T, f func(t *testing.T, h *App)) {
	t.Helper()
	t.Parallel()
	each := func(t *testing.T, url string) {
		t.Parallel()
		h := Open(t, url)
		h.Raw() // closed after the final checks that use it
		h.Watch()
		h.addDecoy()
		f(t, h)
	}
	t.Run("SQLite", func(t *testing.T) { each(t, SQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { each(t, PostgreSQL(t)) })
}

// Open returns an application on the database at url: agency DEMO with 2FA On and a frequency of 7,
// and no users.
func Open(t testing.TB, url string, options ...store.Option) *App {
	t.Helper()
	master, err := secret.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	h := &App{T: t, URL: url, Master: master, options: options, now: Start}
	h.build()
	t.Cleanup(h.noteEvents)
	ctx := context.Background()
	h.Agency, err = h.Admin.AddAgency(ctx, Start, countersign.Agency{Code: "DEMO", Name: "Demo Agency", Product: "Agency Integrator"})
	if err != nil {
		t.Fatal(err)
	}
	h.Agency.URL = publicURL
	h.Set("2FA", "On")
	h.Set("2FAFREQUENCY", "7")
	return h
}

// Node returns a second node on the same database, with the same clock.
func (h *App) Node() *App {
	h.T.Helper()
	n := &App{T: h.T, URL: h.URL, Master: h.Master, Agency: h.Agency, now: h.Now()}
	n.build()
	return n
}

const publicURL = "http://localhost"

func (h *App) build() {
	h.T.Helper()
	var err error
	if h.DB, err = store.Open(context.Background(), h.URL, h.Master.Box(), h.options...); err != nil {
		h.T.Fatal(err)
	}
	h.T.Cleanup(func() { _ = h.DB.Close() })
	key := h.DB.Key()
	log := slog.New(slog.NewTextHandler(h, nil))
	methods := factor.Set{factor.Email(key), factor.App(), factor.SMS(key), factor.Passkey()}
	passwords := secret.NewPasswordsAt(secret.Cost{Memory: 64, Iterations: 1})
	h.Inbox = &outbox.Inbox{}
	h.Outbox = &outbox.Outbox{Store: h.DB, Mail: h.Inbox, Text: h.Inbox, From: "Demo Agency <support@demo.example>",
		Log: log, Now: h.Now, URL: func(countersign.Agency) string { return publicURL }}
	h.Authn = &authn.Service{Store: h.DB, Methods: methods, Passwords: passwords, Key: key, Wake: func() {}}
	h.SignIn, h.Enroll, h.Account = &signin.Service{Authn: h.Authn}, &enroll.Service{Authn: h.Authn}, &account.Service{Authn: h.Authn}
	h.Outbox.Write = func(ctx context.Context, now time.Time) error {
		return h.Account.SendPasswordResets(ctx, now, func(ctx context.Context, id countersign.AgencyID) (countersign.Agency, error) {
			a, err := h.DB.Agency(ctx, id)
			a.URL = publicURL
			return a, err
		})
	}
	h.Admin = &admin.Service{Store: h.DB, Passwords: passwords, Key: key, Methods: methods, From: h.Outbox.From, Mail: admin.MailInbox, Wake: func() {}, Declared: []countersign.Preference{
		{Code: "ADDAPPWIZ", Name: "App Entry - Include Additional Detail", Kind: countersign.PreferenceSwitch, Default: "Off", Own: true},
		{Code: "APPTLOBCHECK", Name: "App Entry - Check LOB on Appointments", Kind: countersign.PreferenceSwitch, Default: "On", Own: true},
	}}
	public, err := url.Parse(publicURL)
	if err != nil {
		h.T.Fatal(err)
	}
	server := &web.Server{
		Authn:   h.Authn,
		SignIn:  h.SignIn,
		Enroll:  h.Enroll,
		Account: h.Account,
		Admin:   h.Admin,
		Guard:   edge.Guard{Key: key},
		Hosts: func(ctx context.Context) (edge.Hosts, error) {
			all, err := h.DB.Agencies(ctx)
			return edge.Hosts{Public: public, Agencies: all}, err
		},
		From: func(countersign.Agency) string { return "support@demo.example" },
		Mail: func() bool { return h.Outbox.Mail != nil },
		Await: func(ctx context.Context, agency countersign.AgencyID, id countersign.MessageID) {
			if h.Await != nil {
				h.Await(ctx, agency, id)
			}
		},
		Inbox: h.Inbox,
		Receipts: func(ctx context.Context, agency countersign.AgencyID, gateway string, c outbox.Callback) error {
			return h.Outbox.Receive(ctx, agency, gateway, c)
		},
		Log: log,
		Now: h.Now,
	}
	h.Door, h.Routes = server.Handler(), server.Routes()
}

// Now returns the time of the application's clock.
func (h *App) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Pass advances the clock; a negative duration sets it back.
func (h *App) Pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// Visit returns a request of the operator at this moment.
func (h *App) Visit() countersign.Visit {
	return countersign.Visit{Agency: h.Agency, Now: h.Now()}
}

// Operator is the actor of commands.
var Operator = countersign.Actor{Operator: true}

// Set saves a preference.
func (h *App) Set(code, value string) {
	h.T.Helper()
	_, err := h.Admin.SetPreference(context.Background(), h.Visit(), Operator,
		admin.PreferenceChange{Code: code, Value: value, Version: admin.AnyVersion, Reason: "a test"})
	if err != nil {
		h.T.Fatalf("set %s to %q: %v", code, value, err)
	}
}

// User adds a user of the sample agency with the mail address login@demo.example.
func (h *App) User(login string, rights ...countersign.Right) countersign.User {
	h.T.Helper()
	names := map[string]string{"BSMITH": "Bob Smith", "CBILLS": "Carol Bills", "JJONES": "Jim Jones", "ADMIN": "Ann Admin"}
	name := names[login]
	if name == "" {
		name = login + " Sample"
	}
	return h.AddUser(admin.NewUser{Login: login, Name: name, Email: strings.ToLower(login) + "@demo.example", Rights: rights})
}

// Administrator adds ADMIN with all rights.
func (h *App) Administrator() countersign.User { return h.User("ADMIN", countersign.AgencyRights...) }

// AddUser adds a user with Password.
func (h *App) AddUser(n admin.NewUser) countersign.User {
	h.T.Helper()
	n.Password = Password
	u, err := h.Admin.AddUser(context.Background(), h.Visit(), Operator, n)
	if err != nil {
		h.T.Fatalf("add user %s: %v", n.Login, err)
	}
	if h.decoy != nil {
		h.decoy.add(n)
	}
	return u
}

// Mail delivers waiting messages and returns all messages to an address or number, newest first. An
// empty address means all.
func (h *App) Mail(to string) []outbox.Mail {
	h.T.Helper()
	for {
		n, err := h.Outbox.Poll(context.Background())
		if err != nil {
			h.T.Fatalf("deliver: %v", err)
		}
		if n == 0 {
			if w := h.watch.Load(); w != nil {
				w.mailed(h.Inbox.List(""))
			}
			return h.Inbox.List(to)
		}
	}
}

// Token returns the six digits of the newest message with a token to an address or number.
func (h *App) Token(to string) string {
	h.T.Helper()
	for _, m := range h.Mail(to) {
		if token := sixDigits.FindStringSubmatch(m.Text); token != nil {
			return token[1]
		}
	}
	h.T.Fatalf("no token was sent to %s", to)
	return ""
}

// Subjects returns the subjects of the messages to an address, newest first.
func (h *App) Subjects(to string) []string {
	var all []string
	for _, m := range h.Mail(to) {
		all = append(all, m.Subject)
	}
	return all
}

// Events returns the audit rows about a subject, oldest first, as "action result".
func (h *App) Events(subject string) []string {
	h.T.Helper()
	var lines []string
	err := h.DB.Read(context.Background(), h.Agency.ID, func(tx *store.Tx) error {
		all, err := tx.Events(context.Background(), subject, 1000)
		for _, e := range all {
			lines = append(lines, e.Action+" "+e.Result)
		}
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	slices.Reverse(lines)
	return lines
}
