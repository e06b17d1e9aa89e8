package countersign

import "time"

// The formats of dates and times for people: American order, 12-hour clock. No other file
// formats a time for people (TestTimesForPeopleAreWrittenInOnePlace).
const (
	layoutDate    = "January 2, 2006"
	layoutDay     = "January 2"
	layoutShort   = "Jan 2"
	layoutClock   = "3:04 PM"
	layoutSeconds = "3:04:05 PM"
)

// Date returns a date in the agency's zone: "November 30, 2026".
func (a Agency) Date(t time.Time) string { return t.In(a.Location()).Format(layoutDate) }

// MonthDay returns a date of this year in the agency's zone: "November 30".
func (a Agency) MonthDay(t time.Time) string { return t.In(a.Location()).Format(layoutDay) }

// ShortDay returns a date in the agency's zone where space is short: "Nov 30".
func (a Agency) ShortDay(t time.Time) string { return t.In(a.Location()).Format(layoutShort) }

// Clock returns a time of day in the agency's zone: "7:44 PM".
func (a Agency) Clock(t time.Time) string { return t.In(a.Location()).Format(layoutClock) }

// Seconds returns Clock with seconds, which help to find a message: "7:44:05 PM".
func (a Agency) Seconds(t time.Time) string { return t.In(a.Location()).Format(layoutSeconds) }

// Day returns a date as people say it at the time now: "today", "yesterday", "tomorrow",
// "November 30", or with the year if it is another one.
func (a Agency) Day(now, t time.Time) string {
	now, t = now.In(a.Location()), t.In(a.Location())
	switch days := dayNumber(t) - dayNumber(now); {
	case days == 0:
		return "today"
	case days == -1:
		return "yesterday"
	case days == 1:
		return "tomorrow"
	case now.Year() != t.Year():
		return a.Date(t)
	default:
		return a.MonthDay(t)
	}
}

// When returns Day and Clock: "today at 7:44 PM".
func (a Agency) When(now, t time.Time) string { return a.Day(now, t) + " at " + a.Clock(t) }

// OnDay returns When for use inside a sentence: "today at 7:44 PM", "on November 30 at 7:44 PM".
func (a Agency) OnDay(now, t time.Time) string {
	when := a.When(now, t)
	if when[0] >= 'A' && when[0] <= 'Z' { // the name of a month
		return "on " + when
	}
	return when
}

// Until returns Clock if t is today, otherwise When.
func (a Agency) Until(now, t time.Time) string {
	if a.Day(now, t) == "today" {
		return a.Clock(t)
	}
	return a.When(now, t)
}

// Instant returns a time, with the agency's zone and UTC, for readers who may be elsewhere
// or read it much later (NT-02):
// "November 30, 2026 at 7:44 PM New York time (12:44 AM UTC)".
func (a Agency) Instant(t time.Time) string {
	text := a.Date(t) + " at " + a.Clock(t) + " " + a.ZoneName()
	if a.ZoneName() == "UTC" {
		return text
	}
	return text + " (" + t.UTC().Format(layoutClock) + " UTC)"
}

// Deadline returns a time in the near future with the agency's zone:
// "November 30 at 7:44 PM New York time".
func (a Agency) Deadline(t time.Time) string {
	return a.MonthDay(t) + " at " + a.Clock(t) + " " + a.ZoneName()
}

// dayNumber returns the number of a day, so that dates can be compared.
func dayNumber(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400
}
