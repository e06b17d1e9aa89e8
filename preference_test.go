package countersign_test

import (
	"testing"

	"countersign"
)

// The choice of a network keeps its stored spelling for older nodes and scripts. People see
// and type the American spelling.
func TestTheNeighborhoodIsShownAndTakenInAmericanSpelling(t *testing.T) {
	for _, p := range countersign.BuiltIn() {
		if p.Code != countersign.PrefNetwork {
			continue
		}
		for _, typed := range []string{"Neighborhood", "neighborhood", "Neighbourhood"} {
			if got, err := p.Parse(typed); got != countersign.NetworkNeighborhood || err != nil {
				t.Errorf("%s is stored as %q, %v", typed, got, err)
			}
		}
		if got := p.Show(countersign.NetworkNeighborhood); got != "Neighborhood" {
			t.Errorf("shown as %q", got)
		}
		if _, err := p.Parse("Neighbor"); err == nil {
			t.Error("half a word is taken")
		}
		return
	}
	t.Error("there is no preference for the network")
}
