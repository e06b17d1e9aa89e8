package countersign

import (
	"strings"
	"time"
)

// AgencyID names an agency; every row of the database belongs to one.
type AgencyID string

// An Agency is one customer of the installation, with its own users, preferences, hosts and
// audit log. The host name of a request selects the agency.
type Agency struct {
	ID       AgencyID
	Code     string   // short name for commands, upper case: ACME
	Name     string   // "Acme Insurance"
	Product  string   // name of the program in messages and on pages; empty: Name
	Hosts    []string // host names, lower case, without port; none: answers on every configured host
	URL      string   // base URL of every link and cookie, without a trailing slash; set by the handler from configuration
	MailFrom string   // sender of its mail; empty: the installation's
	Zone     string   // IANA time zone for the times people read; empty: UTC, and no one has chosen yet
	Created  time.Time
}

// ProductName returns the name of the program for pages and messages.
func (a Agency) ProductName() string {
	if a.Product != "" {
		return a.Product
	}
	return a.Name
}

// ZoneName returns the agency's time zone for people: "New York time", "UTC".
func (a Agency) ZoneName() string {
	if a.Location() == time.UTC || a.Location().String() == "UTC" || a.Zone == "Etc/UTC" {
		return "UTC"
	}
	return strings.ReplaceAll(a.Zone[strings.LastIndexByte(a.Zone, '/')+1:], "_", " ") + " time"
}

// ChosenZone returns the time zone to store when someone chose zone: UTC by its name, so
// that it differs from no choice.
func ChosenZone(zone string) string {
	if zone = strings.TrimSpace(zone); zone != "" {
		return zone
	}
	return "UTC"
}

// CheckZone returns an error if zone can't be an agency's time zone. Empty means UTC.
func CheckZone(zone string) error {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" || len(zone) > 64 {
		return &Error{Kind: KindInvalid, Code: "agency.zone", Field: "zone", Args: Args{"Zone": zone}}
	}
	return nil
}

// Location returns the agency's time zone; UTC if it has none or an unknown one.
func (a Agency) Location() *time.Location {
	if l, err := time.LoadLocation(a.Zone); err == nil {
		return l
	}
	return time.UTC
}
