package policy

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var calm = TextFacts{Now: time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC), Budget: 500, BudgetAll: 5000}

// SM-01: each budget at its limit.
func TestMayText(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*TextFacts)
		code   string
		alarm  string
	}{
		"nothing special":              {func(*TextFacts) {}, "", ""},
		"nine to the number":           {func(f *TextFacts) { f.NumberHour = 9 }, "", ""},
		"ten to the number":            {func(f *TextFacts) { f.NumberHour = 10 }, "send.limit_number", ""},
		"twenty in a day":              {func(f *TextFacts) { f.NumberDay = 20 }, "send.limit_number", ""},
		"an office sets up":            {func(f *TextFacts) { f.Network = 49 }, "", ""},
		"one network":                  {func(f *TextFacts) { f.Network = 50 }, "send.limit_network", ""},
		"before the alarm":             {func(f *TextFacts) { f.Sent = 398 }, "", ""},
		"80 of 100":                    {func(f *TextFacts) { f.Sent = 399 }, "", AlarmBudget},
		"the last one":                 {func(f *TextFacts) { f.Sent = 499 }, "", AlarmBudget},
		"the day is spent":             {func(f *TextFacts) { f.Sent = 500 }, "send.limit_texts", AlarmSpent},
		"no texts at all":              {func(f *TextFacts) { f.Budget = 0 }, "send.limit_texts", AlarmSpent},
		"the installation's is spent":  {func(f *TextFacts) { f.SentByAll = 5000 }, "send.limit_texts", AlarmAll},
		"no limit of the installation": {func(f *TextFacts) { f.SentByAll, f.BudgetAll = 9000, 0 }, "", ""},
		"nine neighbors":               {func(f *TextFacts) { f.Adjacent = 9 }, "", ""},
		"ten neighbors":                {func(f *TextFacts) { f.Adjacent = 10 }, "send.stopped", AlarmAdjacent},
		"few texts, none used":         {func(f *TextFacts) { f.Unlimited = 19 }, "", ""},
		"a third is used":              {func(f *TextFacts) { f.Unlimited, f.Used = 100, 30 }, "", ""},
		"less is used":                 {func(f *TextFacts) { f.Unlimited, f.Used = 100, 29 }, "send.stopped", AlarmConversion},
	} {
		f := calm
		tt.change(&f)
		if got := MayText(f); got.Code != tt.code || got.Alarm != tt.alarm {
			t.Errorf("%s: got %+v, want %q and alarm %q", name, got, tt.code, tt.alarm)
		}
	}
	f := calm
	f.Sent = 500
	if got := MayText(f).Until; !got.Equal(time.Date(2026, 11, 11, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("they go on at %v", got)
	}
}

// SM-01: in any state, no text message exceeds a budget, and more unused ones never lift a
// refusal.
func TestTextsNeverBeyondTheBudget(t *testing.T) {
	for _, f := range []TextFacts{
		{Now: calm.Now, Sent: 40, Budget: 40},
		{Now: calm.Now, Sent: 41, Budget: 40},
		{Now: calm.Now, Sent: 5, Budget: 40, SentByAll: 60, BudgetAll: 60},
	} {
		if MayText(f).Code != "send.limit_texts" {
			t.Errorf("one text more than the budget: %+v", f)
		}
	}
	if got := MayText(TextFacts{Now: calm.Now, Sent: 39, Budget: 40, SentByAll: 59, BudgetAll: 60}); got.Code != "" {
		t.Errorf("the last text of the budget: %+v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		f := TextFacts{Now: calm.Now, NumberHour: n("hour", 30), NumberDay: n("day", 30), Network: n("network", 60), Adjacent: n("adjacent", 20),
			Unlimited: n("over", 60), Sent: n("sent", 40), Budget: n("budget", 40), SentByAll: n("all", 60), BudgetAll: n("most", 60)}
		f.Used = rapid.IntRange(0, f.Unlimited).Draw(t, "used")
		got := MayText(f)
		if got.Code == "" && (f.Sent >= f.Budget || f.BudgetAll > 0 && f.SentByAll >= f.BudgetAll) {
			t.Fatalf("beyond the budget: %+v", f)
		}
		more := f
		more.NumberHour, more.NumberDay, more.Network, more.Adjacent, more.Unlimited = f.NumberHour+1, f.NumberDay+1, f.Network+1, f.Adjacent+1, f.Unlimited+1
		if got.Code != "" && MayText(more).Code == "" {
			t.Fatalf("more unused texts opened what was closed: %+v", f)
		}
	})
}
