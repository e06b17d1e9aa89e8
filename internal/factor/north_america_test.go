package factor_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"countersign"
	. "countersign/internal/factor"
)

// SM-02: for +1 the form of the numbering plan decides, so that area codes newer than any
// list are accepted. Numbers that cost extra, are free or belong to services are refused.
func TestAreaCodesOfNorthAmerica(t *testing.T) {
	us := []string{"US"}
	for _, area := range []string{"436", "861", "621", "679", "730", "974", "835", "645", "329", "353", "472", "728", "738", "686", "924", "564", "614", "212", "907", "808", "202"} {
		for _, rest := range []string{"2345678", "5550100", "4567890"} {
			for _, as := range []string{"%s%s", "1%s%s", "+1%s%s", "+1 %s %s", "1-%s-%s"} {
				typed := fmt.Sprintf(as, area, rest)
				if got, err := ParsePhone(typed, "", us); err != nil || got != "+1"+area+rest {
					t.Errorf("%q: %q, %v", typed, got, err)
				}
			}
			if !InCountries("+1"+area+rest, us) || InCountries("+1"+area+rest, []string{"CA"}) {
				t.Errorf("+1%s%s is of another country", area, rest)
			}
		}
	}
	for digits, want := range map[string]string{
		"9005550112": "phone.kind", "8004567890": "phone.kind", "8334567890": "phone.kind", "8804567890": "phone.kind", "7004567890": "phone.kind", "7104567890": "phone.kind",
		"9114567890": "phone.kind", "2114567890": "phone.kind", "6149114567": "phone.kind", "6149764567": "phone.kind", "6145551212": "phone.kind",
		"1994567890": "phone.kind", "0994567890": "phone.kind", "6141234567": "phone.kind", "6140234567": "phone.kind", "2914567890": "phone.kind", "3734567890": "phone.kind",
		"9614567890": "phone.kind", "2334567890": "phone.kind", "6004567890": "phone.kind",
		"8764567890": "phone.region", "4164567890": "phone.region", "2574567890": "phone.region", "7874567890": "phone.region", "8094567890": "phone.region", "4414567890": "phone.region", "3404567890": "phone.region", "6714567890": "phone.region",
	} {
		if got, err := ParsePhone(digits, "", us); countersign.CodeOf(err) != want {
			t.Errorf("%s: %q, %v, want %s", digits, got, err, want)
		}
	}
	for _, canadian := range []string{"2574567890", "9424567890", "4164567890", "4165550112"} {
		if got, err := ParsePhone(canadian, "", []string{"US", "CA"}); err != nil || got != "+1"+canadian || !InCountries(got, []string{"CA"}) || InCountries(got, us) {
			t.Errorf("%s: %q, %v", canadian, got, err)
		}
	}
}

// InCountries agrees about the country of an accepted number, and no number outside of the
// numbering plan is accepted.
func TestNumbersOfThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{10}`).Draw(t, "digits")
		countries := rapid.SampledFrom([][]string{{"US"}, {"CA"}, {"US", "CA"}, {"JM"}, {"PR"}}).Draw(t, "countries")
		got, err := ParsePhone(digits, "", countries)
		if err != nil {
			return
		}
		if got != "+1"+digits || !InCountries(got, countries) {
			t.Fatalf("%s is taken as %s, and of another country", digits, got)
		}
		if digits[0] < '2' || digits[3] < '2' || digits[1] == '9' || digits[1:3] == "11" || digits[4:6] == "11" || digits[3:6] == "976" || digits[:3] == "900" {
			t.Fatalf("%s is taken", digits)
		}
	})
}
