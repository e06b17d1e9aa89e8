package web

import (
	"testing"

	"countersign"
	"countersign/internal/admin"
)

// The pages before a reset count what it removes and leave out zero counts.
func TestWhatAResetRemoves(t *testing.T) {
	view := func(methods, codes, devices, sessions int) userPage {
		return userPage{Devices: make([]deviceRow, devices), View: admin.UserView{Factors: make([]countersign.Factor, methods),
			Codes: countersign.RecoveryCodes{All: 8, Left: codes}, Sessions: make([]countersign.Session, sessions)}}
	}
	for want, p := range map[string]userPage{
		"3 methods, 8 recovery codes and 1 remembered device are removed, and 1 session ends.": view(3, 8, 1, 1),
		"1 method and 1 recovery code are removed, and 2 sessions end.":                        view(1, 1, 0, 2),
		"1 method is removed.":                                  view(1, 0, 0, 0),
		"2 remembered devices are removed, and 1 session ends.": view(0, 0, 2, 1),
		"1 session ends.":                                       view(0, 0, 0, 1),
		"There is no method, device or session to remove.":      view(0, 0, 0, 0),
	} {
		if got := p.ResetEffect(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, p := range map[string]resetPage{
		"Your methods, recovery codes and 1 remembered device are removed.": {Codes: 8, Devices: 1},
		"Your methods, recovery code and 2 remembered devices are removed.": {Codes: 1, Devices: 2},
		"Your methods and recovery codes are removed.":                      {Codes: 2},
		"Your methods are removed.":                                         {},
	} {
		if got := p.Removed(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
