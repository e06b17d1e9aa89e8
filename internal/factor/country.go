package factor

import (
	"github.com/nyaruka/phonenumbers"

	"countersign"
)

// CheckCountries says beside the field which code of a list of countries is that
// of no country with telephones; nil if all are.
func CheckCountries(codes []string) error {
	known := phonenumbers.GetSupportedRegions()
	for _, code := range codes {
		if !known[code] {
			return &countersign.Error{Kind: countersign.Invalid, Code: "preference.not_countries", Field: "value", Args: countersign.Args{"Value": code}}
		}
	}
	return nil
}
