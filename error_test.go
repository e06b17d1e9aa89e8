package countersign_test

import (
	"errors"
	"fmt"
	"testing"

	"countersign"
)

// TestProblems finds the errors for people, however they are wrapped and joined.
func TestProblems(t *testing.T) {
	email := &countersign.Error{Kind: countersign.KindInvalid, Code: "email.form", Field: "email"}
	phone := &countersign.Error{Kind: countersign.KindConflict, Code: "phone.taken", Field: "phone"}
	broken := errors.New("database is away")
	for _, c := range []struct {
		name string
		err  error
		want []*countersign.Error
	}{
		{"nothing", nil, nil},
		{"internal", broken, nil},
		{"bare", email, []*countersign.Error{email}},
		{"wrapped", fmt.Errorf("edit user: %w", email), []*countersign.Error{email}},
		{"joined", errors.Join(email, broken, phone), []*countersign.Error{email, phone}},
		{"wrapped in a join in a wrap", fmt.Errorf("edit user: %w", errors.Join(fmt.Errorf("row 2: %w", email), phone)),
			[]*countersign.Error{email, phone}},
		{"two verbs", fmt.Errorf("%w and %w", phone, email), []*countersign.Error{phone, email}},
	} {
		got := countersign.Problems(c.err)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", c.name, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %d is %v", c.name, i, got[i])
			}
		}
	}
}
