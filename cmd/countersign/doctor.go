package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"

	"countersign"
	"countersign/internal/config"
	"countersign/internal/outbox"
)

type doctorCmd struct {
	Resolver string `help:"Resolver to ask for DNS records, as host:port; without it the system's." placeholder:"ADDRESS"`
	JSON     bool   `name:"json" help:"Print the findings as JSON."`
}

type findingJSON struct {
	Subject string `json:"subject"`
	Level   string `json:"level"`
	Text    string `json:"text"`
	Fix     string `json:"mend"`
}

// errFatal is the error of doctor if tokens would not arrive.
var errFatal = errors.New("something needs to be fixed")

// Run checks the routes of messages and the domains that mail comes from.
func (cmd doctorCmd) Run(s *config.Settings, c *console) error {
	ctx, cancel := commandContext()
	defer cancel()
	lookup, err := cmd.lookup()
	if err != nil {
		return err
	}
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	all := append(h.checkMail(ctx), h.checkTexts(ctx)...)
	domains, err := h.checkDomains(ctx, lookup)
	if err := errors.Join(err, h.close()); err != nil {
		return err
	}
	return cmd.show(c, append(all, domains...))
}

// lookup returns the resolver that was named, or the system's.
func (cmd doctorCmd) lookup() (outbox.Lookup, error) {
	if cmd.Resolver == "" {
		return net.DefaultResolver.LookupTXT, nil
	}
	if _, _, err := net.SplitHostPort(cmd.Resolver); err != nil {
		return nil, &config.Error{Setting: "--resolver", Problem: fmt.Sprintf("%q is not an address like 192.0.2.53:53", cmd.Resolver)}
	}
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, cmd.Resolver)
	}}
	return r.LookupTXT, nil
}

func (a *app) checkMail(ctx context.Context) []outbox.Finding {
	smtp, ok := a.outbox.Mail.(*outbox.SMTP)
	if !ok {
		return []outbox.Finding{{Subject: "Mail server", Level: outbox.Fatal, Text: "none is set, so mail waits", Fix: "Give --smtp-url and --mail-from."}}
	}
	return []outbox.Finding{smtp.Check(ctx)}
}

func (a *app) checkTexts(ctx context.Context) []outbox.Finding {
	routes, ok := a.outbox.Text.(*outbox.Routes)
	if !ok {
		return []outbox.Finding{{Subject: "Text gateways", Level: outbox.Good, Text: "none is set, so SMS is not offered"}}
	}
	return routes.Check(ctx)
}

// checkDomains checks the sender's domain of each agency.
func (a *app) checkDomains(ctx context.Context, lookup outbox.Lookup) ([]outbox.Finding, error) {
	agencies, err := a.db.Agencies(ctx)
	if err != nil {
		return nil, err
	}
	var all []outbox.Finding
	for _, agency := range agencies {
		from, err := mail.ParseAddress(a.from(agency))
		if err != nil {
			continue // without a mail server there is no sender
		}
		domain := outbox.Domain(from.Address)
		keys, err := a.admin.DKIMKeys(ctx, countersign.Visit{Agency: agency, Now: now()}, operator, domain)
		if err != nil {
			return nil, err
		}
		for _, f := range outbox.CheckDomain(ctx, lookup, domain, keys) {
			if len(agencies) > 1 {
				f.Subject = agency.Code + ": " + f.Subject
				f.Fix = strings.ReplaceAll(f.Fix, "countersign message dkim", "countersign message dkim --agency "+agency.Code)
			}
			all = append(all, f)
		}
	}
	return all, nil
}

func (cmd doctorCmd) show(c *console, all []outbox.Finding) error {
	views, rows, fatal := []findingJSON{}, [][]string{}, false
	for _, f := range all {
		fatal = fatal || f.Level == outbox.Fatal
		views = append(views, findingJSON{f.Subject, string(f.Level), f.Text, f.Fix})
		rows = append(rows, []string{strings.ToUpper(string(f.Level)), f.Subject + ": " + f.Text})
		if f.Fix != "" {
			rows = append(rows, []string{"", f.Fix})
		}
	}
	write := func() error { return c.table(rows) }
	if cmd.JSON {
		write = func() error { return c.json(views) }
	}
	if err := write(); err != nil {
		return err
	}
	if fatal {
		return errFatal
	}
	return nil
}
