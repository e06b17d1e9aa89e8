package web

import (
	"bytes"
	"regexp"
	"slices"
)

// A zoneGroup is a part of the list of time zones.
type zoneGroup struct {
	Name  string
	Zones []option
}

// zones are the time zones that a page offers. Any other one of the IANA database is accepted too.
var zones = []zoneGroup{
	{"", []option{{"UTC", "UTC"}}},
	{"United States", []option{
		{"America/New_York", "Eastern (New York)"}, {"America/Chicago", "Central (Chicago)"}, {"America/Denver", "Mountain (Denver)"},
		{"America/Phoenix", "Mountain, no daylight saving (Phoenix)"}, {"America/Los_Angeles", "Pacific (Los Angeles)"},
		{"America/Anchorage", "Alaska (Anchorage)"}, {"Pacific/Honolulu", "Hawaii (Honolulu)"}, {"America/Puerto_Rico", "Atlantic (Puerto Rico)"},
		{"Pacific/Guam", "Chamorro (Guam)"}}},
	{"Elsewhere", named("Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota",
		"America/Halifax", "America/Lima", "America/Mexico_City", "America/Panama", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
		"America/Toronto", "America/Vancouver", "America/Winnipeg", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi",
		"Asia/Kolkata", "Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Brisbane", "Australia/Perth",
		"Australia/Sydney", "Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Dublin", "Europe/Istanbul", "Europe/Lisbon", "Europe/London",
		"Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Stockholm", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland")},
}

func named(names ...string) []option {
	var all []option
	for _, name := range names {
		all = append(all, option{name, name})
	}
	return all
}

// Other returns the chosen time zone if the list does not contain it.
func (p activationPage) Other() string {
	for _, g := range p.Zones {
		if slices.ContainsFunc(g.Zones, func(o option) bool { return o.Value == p.Naming.Zone }) {
			return ""
		}
	}
	return p.Naming.Zone
}

// ZoneNote names the time zone of the times on a page. See withoutZone.
func (b base) ZoneNote() string {
	name := b.Agency.ZoneName()
	if name != "UTC" {
		name += b.Now.In(b.Agency.Location()).Format(" (MST)")
	}
	return "Times are in " + name + "."
}

var (
	zoneNote  = regexp.MustCompile(`<p class="zone-note">[^<]*</p>\n?`)
	timeOfDay = regexp.MustCompile(`\d:\d\d(:\d\d)?[ \x{a0}][AP]M`)
)

// withoutZone removes the note about the time zone from a page without times.
func withoutZone(page []byte) []byte {
	if timeOfDay.Match(page) || !bytes.Contains(page, []byte("zone-note")) {
		return page
	}
	return zoneNote.ReplaceAll(page, nil)
}
