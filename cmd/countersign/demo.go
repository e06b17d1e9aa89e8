package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
	"countersign/internal/outbox"
	"countersign/internal/secret"
)

type demoCmd struct {
	Port int  `default:"8080" help:"Port on both loopback addresses; 0 takes any that is free."`
	JSON bool `name:"json" help:"Print one JSON object when it listens."`
}

// A demoUser is a sample user with their password.
type demoUser struct {
	ID       string `json:"id"`
	Password string `json:"password"`
	Email    string `json:"email"`
	Mobile   string `json:"mobile"`

	name   string
	rights []countersign.Right
}

// demoUsers are the users of the TechNote, and two administrators, so that one can be reset. None
// is set up yet.
func demoUsers() []demoUser {
	return []demoUser{
		{ID: "BSMITH", name: "Bob Smith", Email: "bsmith@demo.example", Mobile: "+16145550112"},
		{ID: "CBILLS", name: "Carol Bills", Email: "cbills@demo.example", Mobile: "+16145550113"},
		{ID: "JJONES", name: "Jim Jones", Email: "jjones@demo.example", Mobile: "+16145550114"},
		{ID: "ADMIN", name: "Ann Admin", Email: "admin@demo.example", Mobile: "+16145550115", rights: countersign.AgencyRights},
		{ID: "MANAGER", name: "Mary Manager", Email: "manager@demo.example", Mobile: "+16145550116", rights: countersign.AgencyRights},
	}
}

// Run runs the demo until it is stopped, and leaves no files.
func (d demoCmd) Run(s *config.Settings, c *console) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "countersign-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	listeners, port, err := loopbacks(d.Port)
	if err != nil {
		return err
	}
	settings := d.settings(s, dir, port)
	h, err := open(ctx, settings)
	if err != nil {
		return err
	}
	inbox := &outbox.Inbox{}
	h.outbox.Log = slog.New(slog.DiscardHandler)
	h.outbox.Mail, h.outbox.From = inbox, "Demo Agency Support <support@demo.example>"
	h.enableSMS(inbox)
	h.admin.Methods, h.admin.From, h.admin.Mail = h.methods, h.outbox.From, admin.MailInbox
	agency, users, err := h.demoAgency(ctx)
	if err != nil {
		return errors.Join(err, h.close())
	}
	handler, err := h.guard(settings, inbox)
	if err != nil {
		return errors.Join(err, h.close())
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range listeners {
		serve(ctx, group, server(redirectToName(h.public, handler)), l)
	}
	group.Go(func() error { return h.setMemoryLimit(ctx) })
	group.Go(func() error { return h.outbox.Run(ctx) })
	group.Go(func() error { return h.expire(ctx) })
	group.Go(func() error { return h.prune(ctx) })
	if err := d.print(c, h.public, dir, agency, users); err != nil {
		stop()
		return errors.Join(err, group.Wait(), h.close())
	}
	return errors.Join(group.Wait(), h.close())
}

// settings returns the settings of the demo, whatever the environment says of others.
func (d demoCmd) settings(s *config.Settings, dir string, port int) *config.Settings {
	return &config.Settings{
		PublicURL:     "http://localhost:" + strconv.Itoa(port),
		Data:          dir,
		Database:      "sqlite:" + dir + "/countersign.db",
		MasterKeyFile: dir + "/master.key",
		TrustedProxy:  s.TrustedProxy,
		Breached:      s.Breached,
		LogFormat:     "text",
		LogLevel:      "error",
		Preferences: []countersign.Preference{
			{Code: "ADDAPPWIZ", Name: "App Entry - Include Additional Detail", Kind: countersign.PreferenceSwitch, Default: "Off", Own: true},
			{Code: "APPTLOBCHECK", Name: "App Entry - Check LOB on Appointments", Kind: countersign.PreferenceSwitch, Default: "On", Own: true},
		},
	}
}

// loopbacks listens on one port of both loopback addresses, or of one if the machine has no IPv6.
func loopbacks(port int) ([]net.Listener, int, error) {
	if port < 0 || port > 65535 {
		return nil, 0, &config.Error{Setting: "--port", Problem: fmt.Sprintf("%d is not a port; give 0 to 65535", port)}
	}
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, 0, fmt.Errorf("--port: %w; choose another one, for example --port 8081", err)
	}
	port = four.Addr().(*net.TCPAddr).Port
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		return []net.Listener{four}, port, nil
	}
	return []net.Listener{four, six}, port, nil
}

// redirectToName redirects a browser from the address to the name, because cookies and passkeys
// belong to names.
func redirectToName(public *url.URL, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err == nil && net.ParseIP(strings.Trim(host, "[]")).IsLoopback() && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != "/healthz" {
			http.Redirect(w, r, public.String()+r.URL.RequestURI(), http.StatusFound) // #nosec G710 -- a path of this request, on the demo's own address
			return
		}
		next.ServeHTTP(w, r)
	})
}

// demoAgency creates the agency with its preferences and users.
func (a *app) demoAgency(ctx context.Context) (countersign.Agency, []demoUser, error) {
	main, err := a.agency(ctx, "MAIN")
	if err != nil {
		return main, nil, err
	}
	agency, err := a.admin.RenameAgency(ctx, now(), main.ID, "DEMO", "Demo Agency", "Agency Integrator")
	if err != nil {
		return agency, nil, err
	}
	zone := localZone()
	if agency, err = a.admin.EditAgency(ctx, now(), main.ID, admin.AgencyChange{Zone: &zone}, ""); err != nil {
		return agency, nil, err
	}
	agency.URL = a.url(agency)
	v := countersign.Visit{Agency: agency, Now: now()}
	for code, value := range map[string]string{"2FA": "On", "2FAFREQUENCY": "7", "HELPCONTACT": "Demo support desk, 614-555-0100"} {
		if _, err := a.admin.SetPreference(ctx, v, operator, admin.PreferenceChange{Code: code, Value: value, Version: admin.AnyVersion}); err != nil {
			return agency, nil, err
		}
	}
	users := demoUsers()
	for i := range users {
		u := &users[i]
		u.Password = secret.GeneratePassword()
		_, err := a.admin.AddUser(ctx, v, operator, admin.NewUser{Login: u.ID, Name: u.name, Email: u.Email, Mobile: strings.TrimPrefix(u.Mobile, "+1"),
			Rights: u.rights, Groups: []string{"Agents"}, Password: u.Password})
		if err != nil {
			return agency, nil, err
		}
	}
	return agency, users, nil
}

// localZone returns the time zone of this machine if its name can be found, because the reader of
// the demo's pages sits there. Empty means UTC.
func localZone() string {
	zone := os.Getenv("TZ")
	if link, err := os.Readlink("/etc/localtime"); zone == "" && err == nil {
		_, zone, _ = strings.Cut(link, "zoneinfo/")
	}
	if countersign.CheckZone(zone) != nil {
		return ""
	}
	return zone
}

// print prints the address and the users.
func (d demoCmd) print(c *console, public *url.URL, dir string, a countersign.Agency, users []demoUser) error {
	inbox := public.String() + "/demo/inbox"
	if d.JSON {
		return c.json(struct {
			URL          string     `json:"url"`
			Inbox        string     `json:"inbox"`
			Data         string     `json:"data"`
			Agency       string     `json:"agency"`
			Users        []demoUser `json:"users"`
			Applications []struct{} `json:"applications"`
		}{public.String(), inbox, dir, a.Code, users, []struct{}{}})
	}
	fmt.Fprintf(c.out, "%s, two factor authentication On, asked every 7 days on each device.\n\n", a.Name)
	fmt.Fprintf(c.out, "  Sign in          %s\n  Mail and texts   %s\n\n", public, inbox)
	rows := [][]string{{"  User ID", "Password", "Email", "Mobile"}}
	for _, u := range users {
		rows = append(rows, []string{"  " + u.ID, u.Password, u.Email, strings.TrimPrefix(u.Mobile, "+1")})
	}
	if err := c.table(rows); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, "\nNobody is set up yet. ADMIN and MANAGER hold all rights. Stop with Ctrl+C: nothing is kept.")
	return err
}
