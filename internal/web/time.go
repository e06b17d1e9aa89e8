package web

import (
	"time"

	"countersign"
)

// clock is a time of day: "10:02 AM".
func clock(a countersign.Agency, t time.Time) string { return t.In(a.Location()).Format("3:04 PM") }

// seconds is clock with seconds, where they help to find a message.
func seconds(a countersign.Agency, t time.Time) string {
	return t.In(a.Location()).Format("3:04:05 PM")
}

// day is "today", "yesterday", "27 October", with the year if it is another one.
func day(a countersign.Agency, now, t time.Time) string {
	now, t = now.In(a.Location()), t.In(a.Location())
	switch days := dayNumber(now) - dayNumber(t); {
	case days == 0:
		return "today"
	case days == 1:
		return "yesterday"
	case now.Year() != t.Year():
		return t.Format("2 January 2006")
	default:
		return t.Format("2 January")
	}
}

func dayNumber(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// when is day and clock: "today, 10:02 AM".
func when(a countersign.Agency, now, t time.Time) string {
	return day(a, now, t) + ", " + clock(a, t)
}

// onDay is day and clock inside of a sentence: "today at 8:15 AM", "on 4 November at 8:15 AM".
func onDay(a countersign.Agency, now, t time.Time) string {
	on := day(a, now, t)
	if on != "today" && on != "yesterday" {
		on = "on " + on
	}
	return on + " at " + clock(a, t)
}

// until is clock where it is today, day and clock otherwise.
func until(a countersign.Agency, now, t time.Time) string {
	if day(a, now, t) == "today" {
		return clock(a, t)
	}
	return when(a, now, t)
}
