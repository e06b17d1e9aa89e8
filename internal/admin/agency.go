package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// AddAgency adds an agency: a command of the host's operator.
func (o *Office) AddAgency(ctx context.Context, now time.Time, a countersign.Agency) (countersign.Agency, error) {
	a.ID = countersign.AgencyID(secret.NewID())
	a.Code = strings.ToUpper(countersign.CleanID(a.Code))
	a.Name = countersign.CleanText(a.Name)
	a.Created = now
	for i, h := range a.Hosts {
		a.Hosts[i] = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(h), "."))
	}
	if err := checkAgency(a); err != nil {
		return a, err
	}
	if a.MailFrom != "" {
		from, err := parseSender(a.MailFrom)
		if err != nil {
			return a, err
		}
		a.MailFrom = from
	}
	return a, o.Store.AddAgency(ctx, a, func(tx *store.Tx) error {
		v := countersign.Visit{Now: now}
		tx.Record(record(v, countersign.Actor{Operator: true}, "agency.added", a.Code))
		return nil
	})
}

// MayTakeHosts refuses hosts for a new agency among which is the public URL's,
// as long as an agency without hosts of its own answers there: it would be cut
// off, and its links would lead into another one.
func (o *Office) MayTakeHosts(ctx context.Context, public string, hosts []string) error {
	if public == "" || !slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, public) }) {
		return nil
	}
	all, err := o.Store.Agencies(ctx)
	for _, there := range all {
		if len(there.Hosts) == 0 {
			return fail(countersign.Exists, "agency.host_public", "host", countersign.Args{"Host": public, "Code": there.Code})
		}
	}
	return err
}

// RenameAgency gives an agency another code, name and product name.
func (o *Office) RenameAgency(ctx context.Context, now time.Time, id countersign.AgencyID, code, name, product string) (countersign.Agency, error) {
	a, err := o.Store.Agency(ctx, id)
	if err != nil {
		return a, err
	}
	a.Code, a.Name, a.Product = code, name, product
	if err := checkAgency(a); err != nil {
		return a, err
	}
	return a, o.Store.In(ctx, id, func(tx *store.Tx) error {
		tx.Record(record(countersign.Visit{Now: now}, countersign.Actor{Operator: true}, "agency.renamed", a.Code))
		return tx.SaveAgency(ctx, a)
	})
}

func checkAgency(a countersign.Agency) error {
	if a.Code == "" || len(a.Code) > 32 || strings.ContainsFunc(a.Code, func(r rune) bool {
		return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) {
		return fail(countersign.Invalid, "agency.code_form", "code", countersign.Args{"Code": a.Code})
	}
	if err := policy.CheckName(a.Name); err != nil {
		return err
	}
	for _, h := range a.Hosts {
		if !plausibleHost(h) {
			return fail(countersign.Invalid, "agency.host_form", "host", countersign.Args{"Host": h})
		}
	}
	if a.Zone != "" {
		if _, err := time.LoadLocation(a.Zone); err != nil {
			return fail(countersign.Invalid, "agency.zone", "zone", countersign.Args{"Zone": a.Zone})
		}
	}
	return nil
}

// plausibleHost takes host names without port, path or wildcard.
func plausibleHost(h string) bool {
	if h == "" || len(h) > 253 || strings.HasPrefix(h, "-") || strings.HasPrefix(h, ".") || strings.Contains(h, "..") {
		return false
	}
	return !strings.ContainsFunc(h, func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.')
	})
}
