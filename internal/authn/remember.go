package authn

import (
	"countersign"
)

// A RememberChoice is what a page said about remembering this device. A page that does
// not ask says nothing, and what was said before it stays.
type RememberChoice struct{ Set, Decline bool }

func (w RememberChoice) Apply(a *countersign.Attempt) {
	if w.Set {
		a.DeclineRemember = w.Decline
	}
}
