package countersign

import (
	"strings"
	"time"
)

// AgencyID names an agency; every row of the database belongs to one.
type AgencyID string

// An Agency is one customer of the installation: its own users, preferences,
// hosts and audit log. The host name of a request says which one is meant.
type Agency struct {
	ID       AgencyID
	Code     string   // short name for commands, upper case: ACME
	Name     string   // "Acme Insurance"
	Product  string   // what letters and pages call the program; empty: Name
	Hosts    []string // host names, lower case, without port; none: answers on every configured host
	URL      string   // base URL of every link and cookie, without a trailing slash; set by the handler from configuration
	MailFrom string   // sender of its letters; empty: the installation's
	Zone     string   // IANA time zone for the times people read; empty: UTC, and no one has chosen yet
	Created  time.Time
}

// ProductName is what pages and letters call the program.
func (a Agency) ProductName() string {
	if a.Product != "" {
		return a.Product
	}
	return a.Name
}

// ZoneName is the agency's time zone as people read it: "New York time", "UTC".
func (a Agency) ZoneName() string {
	if a.Location() == time.UTC || a.Location().String() == "UTC" || a.Zone == "Etc/UTC" {
		return "UTC"
	}
	return strings.ReplaceAll(a.Zone[strings.LastIndexByte(a.Zone, '/')+1:], "_", " ") + " time"
}

// ChosenZone is the time zone to keep when someone chose zone: UTC is kept by its
// name, so that it differs from no choice.
func ChosenZone(zone string) string {
	if zone = strings.TrimSpace(zone); zone != "" {
		return zone
	}
	return "UTC"
}

// CheckZone says why a time zone can't be an agency's; nil if it can. None is UTC.
func CheckZone(zone string) error {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" || len(zone) > 64 {
		return &Error{Kind: KindInvalid, Code: "agency.zone", Field: "zone", Args: Args{"Zone": zone}}
	}
	return nil
}

// Location is the agency's time zone, UTC if it has none that is known.
func (a Agency) Location() *time.Location {
	if l, err := time.LoadLocation(a.Zone); err == nil {
		return l
	}
	return time.UTC
}
