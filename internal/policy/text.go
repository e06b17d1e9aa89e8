package policy

import (
	"time"
)

// The budgets of text messages (SM-01). In a pumping fraud, an attacker has texts
// sent to numbers whose fees they share; these texts never lead to a sign-in.
const (
	TextsPerHour    = 10 // unused texts to a number in an hour
	TextsPerDay     = 20 // unused texts to a number in a day
	TextsPerNetwork = 50 // unused texts requested from a network in an hour
	AdjacentNumbers = 10 // adjacent numbers in an hour whose texts expired unused
	FewTexts        = 20 // with fewer texts in the hour, LeastUsed does not apply
	LeastUsed       = 30 // the least percentage of the last hour's texts that must have been used
	AlarmAt         = 80 // percentage of the day's budget
)

// TextFacts holds what MayText needs to decide about a text message.
type TextFacts struct {
	Now        time.Time
	NumberHour int // unused texts to the number within an hour
	NumberDay  int
	Network    int // unused texts requested from the network within an hour
	Adjacent   int // other adjacent numbers within an hour whose texts expired unused
	Unlimited  int // the agency's texts within an hour whose token was used or has expired
	Used       int // of these, the used ones
	Sent       int // by the agency today
	Budget     int // of the agency for a day
	SentByAll  int
	BudgetAll  int // of the installation for a day; 0: no limit
}

// The alarms for administrators of an agency.
const (
	AlarmBudget     = "budget"     // most of the day's budget is spent
	AlarmSpent      = "spent"      // the day's budget is spent
	AlarmAll        = "all"        // the installation's budget for the day is spent
	AlarmAdjacent   = "adjacent"   // texts to adjacent numbers
	AlarmConversion = "conversion" // few texts were used
)

// A TextVerdict says whether a text message may be sent.
type TextVerdict struct {
	Code   string        // why it may not be sent; empty: it may
	Until  time.Time     // when texts may be sent again; zero: unknown
	Within time.Duration // instead of Until: the limit of Most texts within this time was reached
	Most   int
	Alarm  string // the alarm to send to administrators; empty: none
}

// MayText decides whether to send a text message. It checks the limits of the number
// and the network first, so that one person who tries too often causes no alarm.
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
