package web

import "countersign"

// ResetEffect says what a reset of another user removes and ends: "3 methods, 8 recovery codes and
// 1 remembered device are removed, and 1 session ends." It leaves out what there is none of.
func (p userPage) ResetEffect() string {
	removed, n := tally("method", len(p.View.Factors), "recovery code", p.View.Codes.Left, "remembered device", len(p.Devices))
	ended, sessions := tally("session", len(p.View.Sessions))
	switch {
	case n == 0 && sessions == 0:
		return "There is no method, device or session to remove."
	case n == 0:
		return ended + verb(sessions, "ends", "end") + "."
	case sessions == 0:
		return removed + verb(n, "is", "are") + " removed."
	default:
		return removed + verb(n, "is", "are") + " removed, and " + ended + verb(sessions, "ends", "end") + "."
	}
}

// Removed says what a reset of the user's own removes: "Your methods, recovery codes and 1
// remembered device are removed."
func (p resetPage) Removed() string {
	all := []string{"methods"}
	switch {
	case p.Codes == 1:
		all = append(all, "recovery code")
	case p.Codes > 1:
		all = append(all, "recovery codes")
	}
	if p.Devices > 0 {
		all = append(all, countersign.Count(p.Devices, "remembered device"))
	}
	return "Your " + joinAnd(all) + " are removed."
}

// tally lists nouns with their counts, leaves out zero counts, and returns the sum. The arguments
// are pairs of a noun and a count.
func tally(pairs ...any) (text string, sum int) {
	var all []string
	for i := 0; i+1 < len(pairs); i += 2 {
		noun, n := pairs[i].(string), pairs[i+1].(int)
		if n > 0 {
			all, sum = append(all, countersign.Count(n, noun)), sum+n
		}
	}
	return joinAnd(all), sum
}

// verb returns the form of a verb for a count, after a space.
func verb(n int, one, many string) string {
	if n == 1 {
		return " " + one
	}
	return " " + many
}
