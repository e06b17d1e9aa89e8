package factor

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// areas maps the area codes of +1 outside of the United States, in use or planned, to
// their countries. All others belong to the United States: new ones come every few
// months, faster than any list.
var areas = func() map[string]string {
	all := map[string]string{}
	for country, codes := range map[string]string{
		"CA": "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 468 474 506 514 519 537 548 568 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942",
		"BS": "242", "BB": "246", "AI": "264", "AG": "268", "VG": "284", "VI": "340", "KY": "345", "BM": "441", "GD": "473", "TC": "649", "JM": "658 876",
		"MS": "664", "MP": "670", "GU": "671", "AS": "684", "SX": "721", "LC": "758", "DM": "767", "VC": "784", "PR": "787 939", "DO": "809 829 849", "TT": "868", "KN": "869",
	} {
		for _, code := range strings.Fields(codes) {
			all[code] = country
		}
	}
	return all
}()

// notAreas are codes that look like area codes but have another use: free for the
// caller, extra charges, or services of carriers and governments.
const notAreas = "456 600 622 633 644 655 677 688 699 700 710 800 822 833 844 855 866 877 880 881 882 883 884 885 886 887 888 889 900"

// areaCountry returns the country of ten digits of +1; empty if no phone can have
// them. It follows the numbering plan: NXX-NXX-XXXX, N from 2 to 9.
func areaCountry(digits string) string {
	area, exchange := digits[:3], digits[3:6]
	switch {
	case area[0] < '2' || exchange[0] < '2', // no area code or exchange begins so
		area[1] == '9',                         // reserved for longer numbers
		area[1:] == "11", exchange[1:] == "11", // 911 and the like
		area[:2] == "37", area[:2] == "96", // set aside in blocks
		exchange == "976",                         // extra charges
		exchange == "555" && digits[6:] == "1212", // directory assistance
		strings.Contains(" "+notAreas+" ", " "+area+" "):
		return ""
	}
	if country := areas[area]; country != "" {
		return country
	}
	return "US"
}

// placeless reports whether an area code belongs to personal numbers or services
// instead of a place. The library has a list of those in use.
func placeless(area string) bool { return area[1] == area[2] || area[:2] == "52" }

// northAmerican reports whether ten digits of +1 can be a phone that receives text
// messages in a country, or in another one. Where the library does not have a number,
// since it is newer, the form of the numbering plan decides (SM-02).
func northAmerican(digits, country string) (right, elsewhere bool) {
	place := areaCountry(digits)
	if place == "" || place != country {
		return false, place != ""
	}
	dialed := digits
	if sample(digits) {
		dialed = digits[:3] + "4567890" // a number of the same area that can exist
	}
	n, err := phonenumbers.Parse("+1"+dialed, "")
	if err != nil {
		return false, false
	}
	if phonenumbers.IsValidNumber(n) {
		return textable(n), false
	}
	return (place == "US" || place == "CA") && !placeless(digits[:3]), false
}
