package web

import (
	"fmt"
	"strings"
	"time"

	"countersign"
	"countersign/internal/admin"
)

// A chart shows how long messages took on each day, as a picture of 300 by 100 and in words.
type chart struct {
	Points string    // of the line
	Single string    // height of the only day, if there is just one
	Top    int       // seconds at the upper edge
	Limit  string    // height of 30 seconds, the limit of the warning
	Labels [3]string // below: first day, middle, last day
	Scale  [4]int    // on the left: from the upper edge down to 0
	Words  string
	Latest time.Duration // of the last day
}

// slow is the number of seconds from which delivery counts as slow.
const slow = 30

// chartOf draws each day at its place between the first and the last day.
func chartOf(b base, days []admin.MessageDay) chart {
	if len(days) == 0 {
		return chart{}
	}
	first, last := days[0], days[len(days)-1]
	c := chart{Top: slow, Latest: last.Took}
	worst := first
	for _, d := range days {
		c.Top = max(c.Top, int(d.Took.Seconds())+1)
		if d.Took > worst.Took {
			worst = d
		}
	}
	c.Top = (c.Top + 29) / 30 * 30
	span := max(last.Day.Sub(first.Day), 24*time.Hour)
	var points []string
	for _, d := range days {
		x := 5 + 290*float64(d.Day.Sub(first.Day))/float64(span)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, c.height(d.Took.Seconds())))
	}
	c.Points = strings.Join(points, " ")
	if len(points) == 1 {
		c.Single = fmt.Sprintf("%.1f", c.height(last.Took.Seconds()))
	}
	c.Limit = fmt.Sprintf("%.1f", c.height(slow))
	c.Scale = [4]int{c.Top, c.Top * 2 / 3, c.Top / 3, 0}
	var utc countersign.Agency // days are UTC days
	middle := first.Day.Add(last.Day.Sub(first.Day) / 2)
	for i, at := range []time.Time{first.Day, middle, last.Day} {
		c.Labels[i] = utc.ShortDay(at)
	}
	c.Words = fmt.Sprintf("Between %s and %s, 95 of 100 messages took no longer than %s on the slowest day, %s. The line at 30 seconds marks where a delay is felt.",
		c.Labels[0], c.Labels[2], tookText(worst.Took), utc.MonthDay(worst.Day))
	return c
}

// Last returns how long the messages of the last day took.
func (c chart) Last() string { return tookText(c.Latest) }

// height converts a number of seconds to a y coordinate, with a small margin at the lower edge.
func (c chart) height(seconds float64) float64 { return 99 - 98*seconds/float64(c.Top) }
