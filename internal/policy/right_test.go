package policy

import (
	"testing"

	"countersign"
)

func actor(rights ...countersign.Right) countersign.Actor {
	return countersign.Actor{User: countersign.User{Login: "ADMIN", Rights: rights}}
}

// No one may change a user who holds a right that they lack themselves (RS-02).
func TestMayActOn(t *testing.T) {
	reset, users := countersign.RightReset, countersign.RightUsers
	tests := []struct {
		name   string
		actor  countersign.Actor
		target []countersign.Right
		want   string
	}{
		{"without the right", actor(users), nil, RightMissing},
		{"with it", actor(reset), nil, ""},
		{"on somebody of the same rank", actor(reset), []countersign.Right{reset}, ""},
		{"on somebody who may more", actor(reset), []countersign.Right{reset, users}, RankTooLow},
		{"the operator on anybody", countersign.Actor{Operator: true}, countersign.AgencyRights, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := countersign.CodeOf(MayActOn(tt.actor, reset, countersign.User{Rights: tt.target})); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// No one gives or takes a right that they don't hold.
func TestMayGrant(t *testing.T) {
	a, b := countersign.RightReset, countersign.RightUsers
	tests := []struct {
		name     string
		actor    countersign.Actor
		old, new []countersign.Right
		want     string
	}{
		{"gives what he holds", actor(a, b), nil, []countersign.Right{a}, ""},
		{"gives what he lacks", actor(b), nil, []countersign.Right{a}, "right.grant"},
		{"takes what he lacks", actor(b), []countersign.Right{a}, nil, "right.grant"},
		{"leaves what he lacks", actor(b), []countersign.Right{a}, []countersign.Right{a, b}, ""},
		{"gives what does not exist", actor(a), nil, []countersign.Right{"Admin-Everything"}, "right.unknown"},
		{"gives Operator from a page", actor(countersign.RightOperator), nil, []countersign.Right{countersign.RightOperator}, "right.grant"},
		{"gives Operator on the host", countersign.Actor{Operator: true}, nil, []countersign.Right{countersign.RightOperator}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := countersign.CodeOf(MayGrant(tt.actor, tt.old, tt.new)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
