package factor

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"countersign"
	"countersign/internal/secret"
)

// SMS returns the method that sends a token by text message.
func SMS(key secret.Key) Method { return sms{sent{key}} }

type sms struct{ sent }

func (sms) Kind() countersign.Method { return countersign.MethodSMS }

func (sms) Enroll(in Input) (countersign.Factor, error) {
	number, err := ParsePhone(in.Address, in.Country, in.Countries)
	return countersign.Factor{Method: countersign.MethodSMS, Address: number}, err
}

func (s sms) Ask(f countersign.Factor, in Binding, now time.Time, life time.Duration) (countersign.Challenge, *Dispatch) {
	return s.ask(countersign.ChannelSMS, f, in, now, life)
}

func (s sms) Check(f countersign.Factor, c countersign.Challenge, in Binding, token string, now time.Time) (countersign.Factor, error) {
	return s.check(f, c, in, token, now)
}

// maxPhoneLength limits the bytes of a typed number: fifteen digits of any script, and
// what people put between them.
const maxPhoneLength = 128

// ParsePhone returns a typed mobile number in E.164, "+16145550112". country is ISO
// 3166 and must be one of countries; empty means the first of them in which the
// number is valid. A number that can't or must not get text messages returns an error
// for the field phone (M18, SM-02).
func ParsePhone(typed, country string, countries []string) (string, error) {
	if len(countries) == 0 {
		countries = []string{"US"}
	}
	if country != "" {
		if !slices.Contains(countries, country) {
			return "", refusePhone("phone.country", typed, "country", 0)
		}
		countries = []string{country}
	}
	if len(typed) > maxPhoneLength {
		return "", refusePhone("phone.not_digits", typed, "phone", 0)
	}
	var first error
	for _, c := range countries {
		number, err := parsePhone(typed, c)
		if err == nil {
			return number, nil
		}
		if first == nil {
			first = err
		}
	}
	var refused *countersign.Error
	if errors.As(first, &refused) {
		refused.Args["Countries"] = countryNames(countries)
	}
	return "", first
}

// parsePhone reads a number as it is written in a country, or with a + and that
// country's phone code. It rejects a number with the code of another country.
func parsePhone(typed, country string) (string, error) {
	typed = pastedPhone(countersign.CleanID(typed))
	digits, ok := phoneDigits(typed)
	if !ok && extension.MatchString(typed) {
		return "", refusePhone("phone.extension", typed, "phone", 0)
	}
	if !ok {
		return "", refusePhone("phone.not_digits", typed, "phone", 0)
	}
	if digits == "" {
		return "", refusePhone("phone.required", typed, "phone", 0)
	}
	code := phonenumbers.GetCountryCodeForRegion(country)
	if withCode(typed) && !strings.HasPrefix(digits, strconv.Itoa(code)) {
		return "", refusePhone("phone.region", typed, "phone", 0)
	}
	if code == 1 {
		return parseNorthAmerican(typed, digits, country)
	}
	if withCode(typed) {
		digits = "+" + digits
	}
	n, err := phonenumbers.Parse(digits, country)
	if err != nil || !phonenumbers.IsValidNumberForRegion(n, country) || !textable(n) {
		return "", refusePhone("phone.kind", typed, "phone", 0)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// LikePhone reports whether a text begins as a phone number does, and so is not a
// word typed in place of an address.
func LikePhone(typed string) bool {
	for _, r := range countersign.CleanID(typed) {
		return unicode.Is(unicode.Nd, r) || r == '+' || r == '('
	}
	return false
}

// withCode reports whether a number begins with the phone code of a country.
func withCode(typed string) bool {
	return strings.HasPrefix(countersign.CleanID(typed), "+")
}

func refusePhone(code, typed, field string, digits int) error {
	return &countersign.Error{Kind: countersign.KindInvalid, Code: code, Field: field, Args: countersign.Args{"Value": typed, "Digits": digits}}
}

// parseNorthAmerican accepts ten digits, area code first; it drops a leading 1, the
// country's code.
func parseNorthAmerican(typed, digits, country string) (string, error) {
	if len(digits) == 11 && digits[0] == '1' {
		digits = digits[1:]
	}
	if len(digits) != 10 {
		return "", refusePhone("phone.length", typed, "phone", len(digits))
	}
	right, elsewhere := northAmerican(digits, country)
	if elsewhere {
		return "", refusePhone("phone.region", typed, "phone", 0)
	}
	if !right {
		return "", refusePhone("phone.kind", typed, "phone", 0)
	}
	return "+1" + digits, nil
}

// sample reports whether a number is reserved for examples: 555-0100 to 555-0199 of
// an area (SM-02).
func sample(digits string) bool {
	return digits[3:8] == "55501"
}

// textable reports whether a number can be that of a mobile phone: not a landline,
// and not one that costs extra or is free for the caller.
func textable(n *phonenumbers.PhoneNumber) bool {
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	case phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.UNKNOWN:
		return true // the plan doesn't say
	default:
		return false
	}
}

// extension matches an extension behind a phone number.
var extension = regexp.MustCompile(`(?i)\d[\s,;.]*(?:x|ext|extn|extension|#)[\s.:]*\d+\s*$`)

// pastedPhone returns the number in what people paste: tel:6145550112, or a number
// with a mark after it.
func pastedPhone(text string) string {
	if len(text) > 4 && strings.EqualFold(text[:4], "tel:") {
		text = text[4:]
	}
	return strings.TrimRight(text, ",;")
}

// phoneDigits drops what people put between digits, and maps digits of other scripts
// to ASCII; false if anything else is in the text.
func phoneDigits(typed string) (string, bool) {
	var digits strings.Builder
	for i, r := range typed {
		switch {
		case unicode.Is(unicode.Nd, r):
			digits.WriteByte(byte('0' + digitOf(r)))
		case strings.ContainsRune(" -().\u00b7\u2010\u2011\u2012\u2013\u2014\u2022\u2212/", r) || r == '+' && i == 0:
		default:
			return "", false
		}
	}
	if digits.Len() > 15 {
		return "", false
	}
	return digits.String(), true
}

// InCountries reports whether a number belongs to one of the countries to which an
// agency sends text messages now.
func InCountries(number string, countries []string) bool {
	if digits, ok := strings.CutPrefix(number, "+1"); ok && len(digits) == 10 {
		return slices.Contains(countries, areaCountry(digits))
	}
	n, err := phonenumbers.Parse(number, "")
	return err == nil && slices.Contains(countries, phonenumbers.GetRegionCodeForNumber(n))
}
