package countersign

// A Finding is the result of one check of the delivery of messages, with the fix
// where something is wrong.
type Finding struct {
	Subject string // "SPF of acme.example"
	Level   Level
	Text    string
	Fix     string `json:"Mend"` // what to do; empty: nothing
	Record  string // the line that is missing in the DNS; empty: none
}

// A Level is how much a finding matters.
type Level string

// The levels.
const (
	LevelGood  Level = "good"
	LevelWarn  Level = "warn"  // it works, but not as well as it could
	LevelFatal Level = "fatal" // tokens do not arrive
)
