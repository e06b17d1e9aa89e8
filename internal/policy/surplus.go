package policy

import (
	"slices"

	"countersign"
)

// Surplus returns the attempts to end so that one more may begin. live holds those
// of one user and purpose, the oldest first (TH-07).
//
// Anyone who knows the password can begin sign-ins, but must not be able to end the
// user's own. Attempts therefore end in this order:
//
//  1. those that are not the newest of their browser: no page shows them;
//  2. those of browsers that had not signed this user in before;
//  3. the others: the newest sign-ins of browsers that the user has used.
//
// Within each class, the network with the most attempts comes first, counted by /48,
// then /56, then /64 (IPv4: by /24, then the address), and there the oldest attempt.
// The newest sign-in from an unknown network therefore goes on until others hold
// MaxAttempts-1 networks, which no provider gives to one customer. With more, a new
// device can't be told from theirs; a known one still can.
func Surplus(live []countersign.Attempt) (ended []countersign.Attempt) {
	live = slices.Clone(live)
	for len(live) >= MaxAttempts {
		i := spare(live)
		ended = append(ended, live[i])
		live = slices.Delete(live, i, i+1)
	}
	return ended
}

// spare returns the index of the attempt to end first.
func spare(live []countersign.Attempt) int {
	newest := map[countersign.BrowserID]int{}
	var begun [3]map[string]int
	for level := range begun {
		begun[level] = map[string]int{}
	}
	for i, a := range live {
		newest[a.Browser] = i
		for level, n := range networks(a.Client) {
			begun[level][n]++
		}
	}
	rank := func(i int) []int {
		a, class := live[i], 1
		switch {
		case a.Browser != "" && newest[a.Browser] != i:
			class = 2
		case a.Known:
			class = 0
		}
		n := networks(a.Client)
		return []int{class, begun[0][n[0]], begun[1][n[1]], begun[2][n[2]]}
	}
	first := 0
	for i := range live {
		if slices.Compare(rank(i), rank(first)) > 0 {
			first = i
		}
	}
	return first
}

// networks returns the networks of a client, the widest first.
func networks(c countersign.Client) [3]string {
	wide := c.Wide()
	if wide == "" {
		wide = c.Neighborhood() // IPv4
	}
	return [3]string{wide, c.Neighborhood(), c.Network()}
}
