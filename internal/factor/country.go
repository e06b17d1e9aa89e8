package factor

import (
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"countersign"
)

// CheckCountries returns an error for the field if a code in a list of countries is
// not that of a country with phone numbers.
func CheckCountries(codes []string) error {
	known := phonenumbers.GetSupportedRegions()
	for _, code := range codes {
		if !known[code] {
			return &countersign.Error{Kind: countersign.KindInvalid, Code: "preference.not_countries", Field: "value", Args: countersign.Args{"Value": code}}
		}
	}
	return nil
}

// CountryName returns a country with its phone code: "Canada (+1)".
func CountryName(code string) string {
	name := code
	if region, err := language.ParseRegion(code); err == nil {
		name = display.English.Regions().Name(region)
	}
	return fmt.Sprintf("%s (+%d)", name, phonenumbers.GetCountryCodeForRegion(code))
}

// countryNames returns the names of several countries, in their order.
func countryNames(codes []string) string {
	var names []string
	for _, code := range codes {
		names = append(names, CountryName(code))
	}
	return strings.Join(names, ", ")
}
