package web

import (
	"slices"
	"testing"

	"countersign"
)

// Numbers are ordered by value.
func TestByValue(t *testing.T) {
	got := []string{"select...", "24 (default)", "15 (default)", "on", "2 minutes (default)", "7", "5 (default)", "exact (default)"}
	slices.SortFunc(got, byValue)
	want := []string{"2 minutes (default)", "5 (default)", "7", "15 (default)", "24 (default)", "exact (default)", "on", "select..."}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A refused action is not shown as done.
func TestRefusedEvents(t *testing.T) {
	rows := base{}.eventRows([]countersign.Event{
		{Action: "two-factor.reset", Actor: "BSMITH", Subject: "BSMITH", Result: "refused", Client: countersign.Client{Browser: "Chrome", OS: "Windows"}},
		{Action: "two-factor.reset", Actor: "ADMIN", Subject: "BSMITH", Result: "ok", Reason: "lost phone"},
	}, true)
	if want := "A reset of two factor authentication was refused, asked for from Chrome on Windows."; rows[0].Text != want {
		t.Errorf("got %q, want %q", rows[0].Text, want)
	}
	if want := "ADMIN reset two factor authentication. Reason given: lost phone."; rows[1].Text != want {
		t.Errorf("got %q, want %q", rows[1].Text, want)
	}
}
