package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// AddAgency adds an agency: a command of the host's operator.
func (s *Service) AddAgency(ctx context.Context, now time.Time, a countersign.Agency) (countersign.Agency, error) {
	a.ID = countersign.AgencyID(secret.NewID())
	a.Code = strings.ToUpper(countersign.CleanID(a.Code))
	a.Name = countersign.CleanText(a.Name)
	a.Created = now
	for i, h := range a.Hosts {
		a.Hosts[i] = primaryHost(h)
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
	return a, s.Store.AddAgency(ctx, a, func(tx *store.Tx) error {
		v := countersign.Visit{Now: now}
		tx.Record(newEvent(v, countersign.Actor{Operator: true}, "agency.added", a.Code))
		return nil
	})
}

// MayTakeHosts refuses hosts for a new agency among which is the public URL's,
// as long as an agency without hosts of its own answers there: it would be cut
// off, and its links would lead into another one.
func (s *Service) MayTakeHosts(ctx context.Context, public string, hosts []string) error {
	if public == "" || !slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, public) }) {
		return nil
	}
	all, err := s.Store.Agencies(ctx)
	for _, there := range all {
		if len(there.Hosts) == 0 {
			return countersign.Problem(countersign.KindConflict, "agency.host_public", "host", countersign.Args{"Host": public, "Code": there.Code})
		}
	}
	return err
}

// RenameAgency gives an agency another code, name and product name.
func (s *Service) RenameAgency(ctx context.Context, now time.Time, id countersign.AgencyID, code, name, product string) (a countersign.Agency, err error) {
	err = s.Store.In(ctx, id, func(tx *store.Tx) error {
		if a, err = lockedAgency(ctx, tx); err != nil {
			return err
		}
		a.Code, a.Name, a.Product = code, name, product
		if err := checkAgency(a); err != nil {
			return err
		}
		tx.Record(newEvent(countersign.Visit{Now: now}, countersign.Actor{Operator: true}, "agency.renamed", a.Code))
		return tx.SaveAgency(ctx, a)
	})
	return a, err
}

// lockedAgency reads the transaction's agency, which no other transaction changes
// before this one has ended: a save writes all its columns.
func lockedAgency(ctx context.Context, tx *store.Tx) (countersign.Agency, error) {
	if err := tx.LockAdministration(ctx); err != nil {
		return countersign.Agency{}, err
	}
	return tx.CurrentAgency(ctx)
}

// An AgencyChange is what is to become of an agency; nil leaves a field as it is.
type AgencyChange struct {
	Name    *string
	Product *string   // empty: the agency's name
	From    *string   // empty: the installation's sender
	Zone    *string   // empty: UTC
	Hosts   *[]string // empty: answers on the public URL
}

// EditAgency changes an agency: a command of the host's operator. public is the
// host of the public URL, where it is known.
func (s *Service) EditAgency(ctx context.Context, now time.Time, id countersign.AgencyID, c AgencyChange, public string) (countersign.Agency, error) {
	before, err := s.Store.Agency(ctx, id)
	if err != nil {
		return before, err
	}
	a, err := c.apply(before)
	if err != nil {
		return a, err
	}
	if c.Hosts != nil {
		if err := s.mayMoveTo(ctx, public, a); err != nil {
			return a, err
		}
	}
	err = s.Store.In(ctx, id, func(tx *store.Tx) error {
		old, err := lockedAgency(ctx, tx)
		if err != nil {
			return err
		}
		old.Hosts = before.Hosts // replaced as a whole, or left alone
		if a, err = c.apply(old); err != nil {
			return err
		}
		e := newEvent(countersign.Visit{Now: now}, countersign.Actor{Operator: true}, "agency.changed", a.Code)
		e.Detail = agencyChanges(old, a)
		tx.Record(e)
		if c.Hosts != nil {
			if err := tx.SaveHosts(ctx, a.Hosts); err != nil {
				return err
			}
		}
		return tx.SaveAgency(ctx, a)
	})
	return a, err
}

// apply is the agency after the change.
func (c AgencyChange) apply(a countersign.Agency) (countersign.Agency, error) {
	take := func(to *string, from *string) {
		if from != nil {
			*to = strings.TrimSpace(*from)
		}
	}
	take(&a.Name, c.Name)
	take(&a.Product, c.Product)
	take(&a.MailFrom, c.From)
	if c.Zone != nil {
		a.Zone = countersign.ChosenZone(*c.Zone)
	}
	if c.Hosts != nil {
		a.Hosts = nil
		for _, h := range *c.Hosts {
			if h = primaryHost(h); h != "" && !slices.Contains(a.Hosts, h) {
				a.Hosts = append(a.Hosts, h)
			}
		}
	}
	var err error
	if c.From != nil && a.MailFrom != "" {
		if a.MailFrom, err = parseSender(a.MailFrom); err != nil {
			return a, err
		}
	}
	if a.Product != "" && policy.CheckName(a.Product) != nil {
		return a, countersign.Problem(countersign.KindInvalid, "name.form", "product", nil)
	}
	return a, checkAgency(a)
}

// mayMoveTo is MayTakeHosts for an agency that is there already: another one
// that answers on the public URL is not cut off.
func (s *Service) mayMoveTo(ctx context.Context, public string, a countersign.Agency) error {
	if public == "" || !slices.Contains(a.Hosts, strings.ToLower(public)) {
		return nil
	}
	all, err := s.Store.Agencies(ctx)
	for _, there := range all {
		if len(there.Hosts) == 0 && there.ID != a.ID {
			return countersign.Problem(countersign.KindConflict, "agency.host_public", "host", countersign.Args{"Host": public, "Code": there.Code})
		}
	}
	return err
}

// agencyChanges names what is different.
func agencyChanges(old, a countersign.Agency) map[string]string {
	detail := map[string]string{}
	for what, values := range map[string][2]string{
		"name":      {old.Name, a.Name},
		"product":   {old.ProductName(), a.ProductName()},
		"sender":    {old.MailFrom, a.MailFrom},
		"time zone": {zoneBefore(old, a), a.ZoneName()},
		"hosts":     {strings.Join(old.Hosts, " "), strings.Join(a.Hosts, " ")},
	} {
		if values[0] != values[1] {
			detail[what] = values[0] + " → " + values[1]
		}
	}
	return detail
}

// zoneBefore is the time zone that a change replaces. UTC that nobody chose is
// another thing than UTC.
func zoneBefore(old, a countersign.Agency) string {
	if old.Zone == "" && a.Zone != "" {
		return "not chosen"
	}
	return old.ZoneName()
}

func checkAgency(a countersign.Agency) error {
	if a.Code == "" || len(a.Code) > 32 || strings.ContainsFunc(a.Code, func(r rune) bool {
		return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) {
		return countersign.Problem(countersign.KindInvalid, "agency.code_form", "code", countersign.Args{"Code": a.Code})
	}
	if err := policy.CheckName(a.Name); err != nil {
		return err
	}
	for _, h := range a.Hosts {
		if !plausibleHost(h) {
			return countersign.Problem(countersign.KindInvalid, "agency.host_form", "host", countersign.Args{"Host": h})
		}
	}
	return countersign.CheckZone(a.Zone)
}

// primaryHost is a host name as it is kept and as browsers send it: in lower case,
// and letters beyond ASCII as punycode.
func primaryHost(typed string) string {
	host := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(typed), "."))
	if ascii, err := idna.Lookup.ToASCII(host); err == nil && strings.ContainsFunc(host, func(r rune) bool { return r > 0x7e }) {
		return ascii
	}
	return host
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
