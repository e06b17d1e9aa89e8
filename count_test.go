package countersign_test

import (
	"testing"

	"countersign"
)

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		n    int
		noun string
		want string
	}{
		{0, "user", "0 users"}, {1, "user", "1 user"}, {2, "user", "2 users"},
		{1, "try", "1 try"}, {3, "try", "3 tries"},
		{1, "day", "1 day"}, {7, "day", "7 days"},
		{1, "other user", "1 other user"}, {12, "other user", "12 other users"},
	} {
		if got := countersign.Count(tt.n, tt.noun); got != tt.want {
			t.Errorf("%d %s: %q, want %q", tt.n, tt.noun, got, tt.want)
		}
	}
}
