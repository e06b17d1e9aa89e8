package policy

import (
	"slices"

	"countersign"
)

// Surplus returns the attempts that end so that one more may begin. live are those
// of one user and purpose, the oldest first (TH-07).
//
// Anyone who knows the password can begin sign-ins. What they must not be able to do is
// end the user's own. The order in which attempts end keeps that from them:
//
//  1. those that the same browser has begun another one after: no page shows them;
//  2. those of browsers that had not signed this user in before;
//  3. the others: newest sign-ins of browsers that the user has used.
//
// Within each, the busiest network goes first, counted by /48, then /56, then /64
// (IPv4: by /24, then the address), and there the oldest attempt. So the newest
// sign-in of a network that is not known goes on until others hold MaxAttempts-1
// networks besides, which no provider gives to one customer. Beyond that a new device
// can't be told from theirs; a known one still can.
func Surplus(live []countersign.Attempt) (ended []countersign.Attempt) {
	live = slices.Clone(live)
	for len(live) >= MaxAttempts {
		i := spare(live)
		ended = append(ended, live[i])
		live = slices.Delete(live, i, i+1)
	}
	return ended
}

// spare is the index of the attempt that is missed least.
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

// networks are the networks that a client is in, the widest first.
func networks(c countersign.Client) [3]string {
	wide := c.Wide()
	if wide == "" {
		wide = c.Neighborhood() // IPv4
	}
	return [3]string{wide, c.Neighborhood(), c.Network()}
}
