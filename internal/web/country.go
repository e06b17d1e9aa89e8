package web

import (
	"fmt"
	"net/http"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"countersign/internal/door"
)

// countryName is a country with its telephone code: "Canada (+1)".
func countryName(code string) string {
	name := code
	if region, err := language.ParseRegion(code); err == nil {
		name = display.English.Regions().Name(region)
	}
	return fmt.Sprintf("%s (+%d)", name, phonenumbers.GetCountryCodeForRegion(code))
}

// thenOf is where a page leads on to; the start page unless it was told.
func thenOf(r *http.Request) string {
	if then := door.Then(r.URL.Query().Get("then")); then != "" {
		return then
	}
	return "/"
}
