package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/admin"
	"countersign/internal/authn"
	"countersign/internal/config"
	"countersign/internal/edge"
	"countersign/internal/enroll"
	"countersign/internal/ops"
	"countersign/internal/outbox"
	"countersign/internal/signin"
	"countersign/internal/web"
)

type serveCmd struct{}

// Run runs a node until it is stopped.
func (serveCmd) Run(s *config.Settings, c *console) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if _, err := s.Public(); err != nil {
		return err
	}
	if _, err := s.Proxies(); err != nil {
		return err
	}
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	if h.outbox.Mail == nil {
		h.admin.Mail = admin.MailNone
	}
	public, err := listen("--listen", s.Listen)
	if err != nil {
		return errors.Join(err, h.close())
	}
	private, err := listen("--ops-listen", s.OpsListen)
	if err != nil {
		return errors.Join(err, public.Close(), h.close())
	}
	handler, err := h.guard(s, nil)
	if err != nil {
		return errors.Join(err, h.close())
	}
	fmt.Fprintf(c.out, "Listening on %s for %s\n", public.Addr(), h.public)
	if h.outbox.Mail == nil {
		fmt.Fprintln(c.out, "No mail server is set up: mail waits, and two factor authentication can't be turned on. Set --smtp-url and --mail-from.")
	}
	if err := h.inviteFirst(ctx, c); err != nil {
		return errors.Join(err, h.close())
	}
	if h.db.WithoutRLS() {
		h.outbox.Log.Warn("the role of --database passes row-level security, so one of the two separations between agencies is missing; use a role that is no superuser and has no BYPASSRLS")
	}
	node, err := h.join(ctx)
	if err != nil {
		return errors.Join(err, h.close())
	}
	group, ctx := errgroup.WithContext(ctx)
	serve(ctx, group, server(handler), public)
	serve(ctx, group, server(ops.Server{Ping: h.db.Ping, Meter: h.meter}.Handler()), private)
	group.Go(func() error { return h.setMemoryLimit(ctx) })
	group.Go(func() error { return h.outbox.Run(ctx) })
	group.Go(func() error { return h.expire(ctx) })
	group.Go(func() error { return h.prune(ctx) })
	group.Go(func() error { return h.followKeys(ctx, node) })
	return errors.Join(group.Wait(), h.close())
}

// listen opens a listener. Its error names the setting.
func listen(setting, address string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, &config.Error{Setting: setting, Problem: fmt.Sprintf("%q is not an address like :8080 or 127.0.0.1:9090", address)}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address, or stop what uses it", setting, err)
	}
	return l, nil
}

// server has limits for slow and large requests (WB-06).
func server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      120 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ConnState:         (&connections{most: maxConnections}).changed,
	}
}

// serve runs a server until ctx ends, and lets requests in progress finish.
func serve(ctx context.Context, group *errgroup.Group, s *http.Server, l net.Listener) {
	group.Go(func() error {
		if err := s.Serve(edge.Explain(l)); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return s.Shutdown(last)
	})
}

// guard returns the public handler. inbox is the demo's; nil elsewhere.
func (a *app) guard(s *config.Settings, inbox *outbox.Inbox) (http.Handler, error) {
	proxies, err := s.Proxies()
	if err != nil {
		return nil, err
	}
	authn := a.authn()
	authn.Texts = s.SMSBudget
	accounts := &account.Service{Authn: authn}
	a.outbox.Write = func(ctx context.Context, now time.Time) error {
		return accounts.SendPasswordResets(ctx, now, a.agencyWithURL)
	}
	return (&web.Server{
		Authn:    authn,
		SignIn:   &signin.Service{Authn: authn},
		Enroll:   &enroll.Service{Authn: authn},
		Account:  accounts,
		Admin:    a.admin,
		Guard:    edge.Guard{Trusted: proxies, Secure: a.public.Scheme == "https", Key: a.key},
		Hosts:    a.hosts,
		From:     a.sender,
		Mail:     func() bool { return a.outbox.Mail != nil },
		Await:    a.outbox.Await,
		Inbox:    inbox,
		Demo:     inbox != nil,
		Receipts: a.outbox.Receive,
		Log:      a.outbox.Log,
	}).Handler(), nil
}

// authn returns the service that sign-in, enrollment and accounts share.
func (a *app) authn() *authn.Service {
	return &authn.Service{Store: a.db, Methods: a.methods, Passwords: a.passwords, Key: a.key, Wake: a.outbox.Wake,
		Refused: a.meter.Refused, Alarmed: a.meter.Alarmed}
}

// sender returns the sender of an agency's mail, as pages name it.
func (a *app) sender(agency countersign.Agency) string {
	if address, err := mail.ParseAddress(a.from(agency)); err == nil {
		return address.Address
	}
	return "your agency"
}

// inviteFirst prints the link for the first administrator, while there is none. It goes to standard
// output only, never to a log.
func (a *app) inviteFirst(ctx context.Context, c *console) error {
	all, err := a.db.Agencies(ctx)
	if err != nil {
		return err
	}
	v := countersign.Visit{Agency: all[0], Now: now()}
	handle, err := a.admin.FirstAdministrator(ctx, v)
	if err != nil || handle == "" {
		return err
	}
	fmt.Fprintf(c.out, "First administrator: %s/welcome?link=%s\n", a.url(all[0]), handle)
	return nil
}

// expire ends attempts that have expired, and notifies the users of abandoned ones.
func (a *app) expire(ctx context.Context) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	authn := a.authn()
	for {
		err := step(ctx, func(ctx context.Context) error { return authn.ExpireAttempts(ctx, now()) })
		if err != nil && ctx.Err() == nil {
			a.outbox.Log.Error("expire attempts", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// prune deletes old rows: attempts that could not be ended after a day, and tries, sessions,
// receipts and links after 30. It also records a checkpoint of the audit logs (AU-03).
func (a *app) prune(ctx context.Context) error {
	const day = 24 * time.Hour
	const keep = 30 * day
	ticker := time.NewTicker(10 * time.Minute)
	defer ticker.Stop()
	for {
		t := now()
		var err error
		for _, p := range []struct {
			prune  func(context.Context, time.Time) error
			before time.Time
		}{
			{a.db.PruneAttempts, t.Add(-day)}, {a.db.PruneEndings, t}, {a.db.PruneBrowsers, t.Add(-day)}, {a.db.PruneTries, t.Add(-keep)}, {a.db.PruneWarnings, t.Add(-keep)}, {a.db.PruneNonces, t},
			{a.db.PruneSpent, t.Add(-day)}, {a.db.PruneSessions, t.Add(-keep)}, {a.db.PruneMessages, t.Add(-keep)}, {a.db.PruneLinks, t.Add(-keep)},
			{a.db.PruneResetRequests, t.Add(-day)}, {a.admin.Checkpoints, t}, {a.db.Refold, t},
		} {
			err = errors.Join(err, step(ctx, func(ctx context.Context) error { return p.prune(ctx, p.before) }))
		}
		if err != nil && ctx.Err() == nil {
			a.outbox.Log.Error("prune", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
