package policy

import (
	"time"
)

// The budgets of text messages (0.3, SM-01). A pump makes a program send them to
// numbers that share the fee; what it asks for leads to no sign-in.
const (
	TextsPerHour    = 10 // to a number within an hour, unused
	TextsPerDay     = 20 // to a number within a day, unused
	TextsPerNetwork = 50 // asked for from a network within an hour, unused
	AdjacentNumbers = 10 // numbers beside each other within an hour, over and unused
	FewTexts        = 20 // below, a share says nothing
	LeastUsed       = 30 // percent of the last hour's texts that have to lead to something
	AlarmAt         = 80 // percent of the day's budget
)

// TextFacts are what a text message is weighed against before it is sent.
type TextFacts struct {
	Now        time.Time
	NumberHour int // unused ones to the number
	NumberDay  int
	Network    int // unused ones from the network within an hour
	Adjacent   int // other numbers nearby, over and unused, within an hour
	Unlimited  int // texts of the agency within an hour whose token is over
	Used       int // of these, used
	Sent       int // by the agency on this day
	Budget     int // of the agency for a day
	SentByAll  int
	BudgetAll  int // of the installation for a day; 0: none
}

// The alarms that tell administrators of an agency.
const (
	AlarmBudget     = "budget"     // most of the day's budget is spent
	AlarmSpent      = "spent"      // all of it
	AlarmAll        = "all"        // all of the installation's
	AlarmAdjacent   = "adjacent"   // numbers beside each other
	AlarmConversion = "conversion" // few texts lead to anything
)

// A TextVerdict says whether a text message may be sent.
type TextVerdict struct {
	Code   string        // why not; empty: it may
	Until  time.Time     // when it may again; zero: not said
	Within time.Duration // instead of Until: there were Most within this time, so it ends as the oldest of them falls out
	Most   int
	Alarm  string // what administrators are told; empty: nothing
}

// MayText weighs a text message. What concerns the number or the network alone
// comes first: no alarm for one person who tries too often.
func MayText(f TextFacts) TextVerdict {
	day := f.Now.Truncate(Day).Add(Day)
	switch {
	case f.NumberDay >= TextsPerDay:
		return TextVerdict{Code: "send.limit_number", Within: Day, Most: TextsPerDay}
	case f.NumberHour >= TextsPerHour:
		return TextVerdict{Code: "send.limit_number", Within: time.Hour, Most: TextsPerHour}
	case f.Network >= TextsPerNetwork:
		return TextVerdict{Code: "send.limit_network", Within: time.Hour, Most: TextsPerNetwork}
	case f.Sent >= f.Budget:
		return TextVerdict{Code: "send.limit_texts", Until: day, Alarm: AlarmSpent}
	case f.BudgetAll > 0 && f.SentByAll >= f.BudgetAll:
		return TextVerdict{Code: "send.limit_texts", Until: day, Alarm: AlarmAll}
	case f.Adjacent >= AdjacentNumbers:
		return TextVerdict{Code: "send.stopped", Alarm: AlarmAdjacent}
	case f.Unlimited >= FewTexts && f.Used*100 < f.Unlimited*LeastUsed:
		return TextVerdict{Code: "send.stopped", Alarm: AlarmConversion}
	case (f.Sent+1)*100 >= f.Budget*AlarmAt:
		return TextVerdict{Alarm: AlarmBudget}
	default:
		return TextVerdict{}
	}
}
