package apptest

import "testing"

// AU-03: a log that was emptied completely, with its head and its checkpoints, does not verify:
// every agency's log begins with the row of the agency itself.
func TestAnEmptiedLogIsFound(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		if v, err := h.Admin.VerifyEvents(t.Context(), h.Visit(), nil); err != nil || len(v.Faults) > 0 {
			t.Fatalf("before: %v %v", v.Faults, err)
		}
		for _, table := range []string{"event", "event_head", "checkpoint"} {
			h.Tamper(`DELETE FROM ` + table)
		}
		v, err := h.Admin.VerifyEvents(t.Context(), h.Visit(), nil)
		if err != nil || len(v.Faults) == 0 {
			t.Errorf("nothing was found: %+v %v", v, err)
		}
	})
}
