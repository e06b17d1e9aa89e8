package secret

import (
	"strings"
	"testing"
)

// RC-01: a code has five bits in each character, none of them I, O, 0 or 1, and no two
// codes are the same.
func TestCode(t *testing.T) {
	seen, counts := map[string]bool{}, map[rune]int{}
	for range 4000 {
		c := Code(RecoveryLength)
		if len(c) != 24 || strings.ContainsAny(c, "IO01") || seen[c] {
			t.Fatalf("code %q", c)
		}
		seen[c] = true
		for _, r := range c {
			counts[r]++
		}
	}
	if len(counts) != 32 {
		t.Fatalf("%d different characters, want 32", len(counts))
	}
	for r, n := range counts { // 96,000 characters of 32 kinds: 3,000 each, and six standard deviations are 324
		if n < 2676 || n > 3324 {
			t.Errorf("%c was drawn %d times of 96,000", r, n)
		}
	}
	if got := Grouped("7KQM2XDF9BHTV4RA6NWP3CYE"); got != "7KQM-2XDF-9BHT-V4RA-6NWP-3CYE" {
		t.Errorf("grouped: %s", got)
	}
	if got := Grouped("ABC"); got != "ABC" {
		t.Errorf("grouped: %s", got)
	}
}

// A code is recognized however it was typed, and nothing else is.
func TestReadCode(t *testing.T) {
	for _, typed := range []string{
		"7KQM-2XDF-9BHT-V4RA", "7kqm2xdf9bhtv4ra", " 7KQM 2XDF\t9BHT  V4RA ", "7kqm\u20102xdf\u20139bht\u2014v4ra", "７ＫＱＭ2XDF9BHTV4RA", "7KQM\u200b2XDF9BHTV4RA\n",
	} {
		if code, ok := ReadCode(typed, EnrollmentLength); !ok || code != "7KQM2XDF9BHTV4RA" {
			t.Errorf("%q: %q %v", typed, code, ok)
		}
	}
	for _, typed := range []string{
		"", "344078", "7KQM-2XDF-9BHT-V4R", "7KQM-2XDF-9BHT-V4RAA", "7KQM-2XDF-9BHT-V4RI", "7KQM-2XDF-9BHT-V4R0", "7KQM-2XDF-9BHT-V4RÄ", "7KQM_2XDF_9BHT_V4RA",
		strings.Repeat("-", 1<<20) + "7KQM2XDF9BHTV4RA",
	} {
		if code, ok := ReadCode(typed, EnrollmentLength); ok {
			t.Errorf("%.40q was taken for %q", typed, code)
		}
	}
}
