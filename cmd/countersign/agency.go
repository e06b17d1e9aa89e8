package main

import (
	"context"
	"errors"
	"strings"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/config"
)

type agencyCmd struct {
	Add  agencyAdd  `cmd:"" help:"Add an agency."`
	Edit agencyEdit `cmd:"" help:"Change the name, product, hosts, sender or time zone of an agency."`
	List agencyList `cmd:"" help:"List the agencies."`
}

type agencyAdd struct {
	Code     string   `required:"" help:"Short name for commands, for example ACME."`
	Name     string   `required:"" help:"Name, for example \"Acme Insurance\"."`
	Host     []string `help:"Host name that users see; repeatable."`
	Product  string   `help:"What letters and pages call the program; without it the agency's name."`
	MailFrom string   `name:"from" help:"Sender of its letters; without it --mail-from."`
	Zone     string   `name:"time-zone" help:"Time zone of what people read, for example America/New_York."`
	JSON     bool     `name:"json" help:"Print the agency as JSON."`
}

type agencyJSON struct {
	Code    string   `json:"code"`
	Name    string   `json:"name"`
	Product string   `json:"product"`
	Hosts   []string `json:"hosts"`
	URL     string   `json:"url"`
	From    string   `json:"from"`      // empty: --mail-from
	Zone    string   `json:"time_zone"` // empty: UTC, because none was chosen
}

func agencyView(a countersign.Agency) agencyJSON {
	j := agencyJSON{Code: a.Code, Name: a.Name, Product: a.ProductName(), Hosts: a.Hosts, URL: a.URL, From: a.MailFrom, Zone: a.Zone}
	if j.Hosts == nil {
		j.Hosts = []string{}
	}
	return j
}

// Run adds the agency.
func (cmd agencyAdd) Run(s *config.Settings, c *console) error {
	ctx, cancel := commandContext()
	defer cancel()
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	a := countersign.Agency{Code: cmd.Code, Name: cmd.Name, Product: cmd.Product, Hosts: cmd.Host, MailFrom: cmd.MailFrom, Zone: cmd.Zone}
	if err = h.admin.MayTakeHosts(ctx, h.publicHost(), a.Hosts); err == nil {
		err = h.runAsNode(ctx, func(ctx context.Context) (err error) {
			a, err = h.admin.AddAgency(ctx, now(), a)
			return err
		})
	}
	if err := errors.Join(err, h.close()); err != nil {
		return err
	}
	a.URL = h.url(a)
	if cmd.JSON {
		return c.json(agencyView(a))
	}
	reached := strings.Join(a.Hosts, " ")
	if reached == "" {
		reached = "nobody reaches it: it has no --host"
	}
	return c.table([][]string{{"Added", a.Code, a.Name, reached}})
}

type agencyEdit struct {
	inAgency
	Name     *string  `help:"Name, for example \"Acme Insurance\"."`
	Product  *string  `help:"What letters and pages call the program; '' for the agency's name."`
	Host     []string `help:"Host name that users see; repeatable. Takes the place of all that were set; '' removes them."`
	MailFrom *string  `name:"from" help:"Sender of its letters; '' for --mail-from."`
	Zone     *string  `name:"time-zone" help:"Time zone of what people read, for example America/New_York; '' for UTC."`
	JSON     bool     `name:"json" help:"Print the agency as JSON."`
}

// Run changes the agency.
func (cmd agencyEdit) Run(s *config.Settings, c *console) error {
	change := admin.AgencyChange{Name: cmd.Name, Product: cmd.Product, From: cmd.MailFrom, Zone: cmd.Zone}
	if len(cmd.Host) > 0 {
		change.Hosts = &cmd.Host
	}
	if change == (admin.AgencyChange{}) {
		return &config.Error{Setting: "agency edit", Problem: "nothing to change; give --name, --product, --host, --time-zone or --from"}
	}
	return withExisting(s, cmd.Agency, func(ctx context.Context, h *app, v countersign.Visit) error {
		a, err := h.admin.EditAgency(ctx, v.Now, v.Agency.ID, change, h.publicHost())
		if err != nil {
			return err
		}
		a.URL = h.url(a)
		if cmd.JSON {
			return c.json(agencyView(a))
		}
		return c.facts([][2]string{{"Code", a.Code}, {"Name", a.Name}, {"Product", a.ProductName()}, {"Hosts", strings.Join(a.Hosts, " ")},
			{"Time zone", a.ZoneName()}, {"Sender", h.from(a)}})
	})
}

type agencyList struct {
	JSON bool `name:"json" help:"Print the agencies as JSON."`
}

// Run lists the agencies.
func (cmd agencyList) Run(s *config.Settings, c *console) error {
	if err := installed(s); err != nil {
		return err
	}
	ctx, cancel := commandContext()
	defer cancel()
	h, err := open(ctx, s)
	if err != nil {
		return err
	}
	all, err := h.db.Agencies(ctx)
	if err := errors.Join(err, h.close()); err != nil {
		return err
	}
	views, rows := []agencyJSON{}, [][]string{{"CODE", "NAME", "PRODUCT", "TIME ZONE", "HOSTS"}}
	for _, a := range all {
		a.URL = h.url(a)
		views = append(views, agencyView(a))
		rows = append(rows, []string{a.Code, a.Name, a.ProductName(), a.ZoneName(), strings.Join(a.Hosts, " ")})
	}
	if cmd.JSON {
		return c.json(views)
	}
	return c.table(rows)
}
