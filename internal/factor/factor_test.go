package factor

import (
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/secret"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

func key(t *testing.T) secret.Key {
	t.Helper()
	k, err := secret.KeyOf(secret.NewRoot())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var binding = Binding{Agency: "a", User: "u", Attempt: "t", Purpose: countersign.PurposeSignIn}

// The same steps for every method: the right answer, a wrong one, a late one, and one that
// was right before.
func TestMethods(t *testing.T) {
	k := key(t)
	appKey := secret.AppKey()
	methods := []struct {
		method Method
		factor countersign.Factor
	}{
		{Email(k), countersign.Factor{ID: "f", Method: countersign.MethodEmail, Address: "b@demo.example"}},
		{SMS(k), countersign.Factor{ID: "f", Method: countersign.MethodSMS, Address: "+16145550112"}},
		{App(), countersign.Factor{ID: "f", Method: countersign.MethodApp, Secret: appKey}},
	}
	for _, m := range methods {
		t.Run(string(m.method.Kind()), func(t *testing.T) {
			c, dispatch := m.method.Ask(m.factor, binding, noon, countersign.TokenLife)
			right := AppToken(appKey, noon.Unix()/30)
			if dispatch != nil {
				right = dispatch.Token
				if dispatch.To != m.factor.Address {
					t.Errorf("sent to %s", dispatch.To)
				}
			}
			if strings.Contains(string(c.Digest), right) {
				t.Error("the challenge holds the token (OT-06)")
			}
			wrong := string('0'+(right[0]-'0'+1)%10) + right[1:]
			if _, err := m.method.Check(m.factor, c, binding, wrong, noon); !errors.Is(err, ErrWrong) {
				t.Errorf("a wrong token: %v", err)
			}
			after, err := m.method.Check(m.factor, c, binding, right, noon)
			if err != nil {
				t.Fatalf("the right token: %v", err)
			}
			late := ErrWrong
			if m.method.Kind() == countersign.MethodApp {
				late = ErrOtherMinute
			}
			if _, err := m.method.Check(m.factor, c, binding, right, noon.Add(2*time.Minute)); !errors.Is(err, late) {
				t.Errorf("the right token, late: %v", err)
			}
			if m.method.Kind() == countersign.MethodApp {
				if _, err := m.method.Check(after, c, binding, right, noon); !errors.Is(err, ErrUsed) {
					t.Errorf("the right token, twice: %v (OT-08)", err)
				}
			}
		})
	}
}

// A token is useless in another attempt and for another user, purpose, agency or
// destination (OT-04).
func TestTokenIsBound(t *testing.T) {
	m := Email(key(t))
	f := countersign.Factor{ID: "f", Method: countersign.MethodEmail, Address: "b@demo.example"}
	c, dispatch := m.Ask(f, binding, noon, countersign.TokenLife)
	others := map[string]func(*Binding, *countersign.Factor){
		"attempt": func(b *Binding, _ *countersign.Factor) { b.Attempt = "other" },
		"user":    func(b *Binding, _ *countersign.Factor) { b.User = "other" },
		"agency":  func(b *Binding, _ *countersign.Factor) { b.Agency = "other" },
		"purpose": func(b *Binding, _ *countersign.Factor) { b.Purpose = countersign.PurposeStepUp },
		"address": func(_ *Binding, f *countersign.Factor) { f.Address = "c@demo.example" },
	}
	for name, change := range others {
		b, g := binding, f
		change(&b, &g)
		if _, err := m.Check(g, c, b, dispatch.Token, noon); !errors.Is(err, ErrWrong) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := SMS(key(t)).Check(f, c, binding, dispatch.Token, noon); !errors.Is(err, ErrWrong) {
		t.Errorf("another key: %v", err)
	}
}

// OT-04: a token sent by one channel is useless for another one, even for the same address
// under the same key, whatever the row says about its channel.
func TestTokenIsBoundToItsChannel(t *testing.T) {
	k := key(t)
	mail := countersign.Factor{ID: "f", Method: countersign.MethodEmail, Address: "b@demo.example"}
	c, dispatch := Email(k).Ask(mail, binding, noon, countersign.TokenLife)
	text := mail
	text.Method = countersign.MethodSMS
	if _, err := SMS(k).Check(text, c, binding, dispatch.Token, noon); !errors.Is(err, ErrWrong) {
		t.Errorf("the token of a mail as one of a text message: %v", err)
	}
	c.Method = countersign.MethodSMS
	if _, err := SMS(k).Check(text, c, binding, dispatch.Token, noon); !errors.Is(err, ErrWrong) {
		t.Errorf("with a row that says so: %v", err)
	}
}

// The test vectors of RFC 6238, appendix B (SHA-1): their last six digits.
func TestAppTokenVectors(t *testing.T) {
	k := []byte("12345678901234567890")
	vectors := map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"}
	for second, want := range vectors {
		if got := AppToken(k, second/30); got != want {
			t.Errorf("at %d: %s, want %s", second, got, want)
		}
	}
}

// Only the steps before, at and after now are accepted. A later step invalidates earlier
// ones. A token of another minute shows that a clock is wrong.
func TestAppSteps(t *testing.T) {
	k := secret.AppKey()
	step := noon.Unix() / 30
	f := countersign.Factor{Method: countersign.MethodApp, Secret: k}
	for offset, want := range map[int64]error{-11: ErrWrong, -10: ErrOtherMinute, -2: ErrOtherMinute, -1: nil, 0: nil, 1: nil, 2: ErrOtherMinute, 10: ErrOtherMinute, 11: ErrWrong} {
		if _, err := App().Check(f, countersign.Challenge{}, binding, AppToken(k, step+offset), noon); !errors.Is(err, want) {
			t.Errorf("step %+d: %v, want %v", offset, err, want)
		}
	}
	if after, err := App().Check(f, countersign.Challenge{}, binding, AppToken(k, step+8), noon); !errors.Is(err, ErrOtherMinute) || after.State != step+8 {
		t.Errorf("four minutes early: %v, step %+d", err, after.State-step)
	}
	f.State = step
	if _, err := App().Check(f, countersign.Challenge{}, binding, AppToken(k, step-8), noon); !errors.Is(err, ErrWrong) {
		t.Errorf("a token from before the last one that was taken: %v", err)
	}
	if _, err := App().Check(f, countersign.Challenge{}, binding, AppToken(k, step-1), noon); !errors.Is(err, ErrUsed) {
		t.Errorf("the step before the last one: %v", err)
	}
}

// The otpauth URI names issuer and account, whatever they contain, and its key is 32
// base32 characters (M17).
func TestAppURI(t *testing.T) {
	k := []byte("12345678901234567890")
	if got := AppKey(k); len(got) != 32 || got != base32.StdEncoding.EncodeToString(k) {
		t.Errorf("key %q", got)
	}
	u, err := url.Parse(AppURI(`Smith & Sons: "Insurance"`, "B+SMITH", k))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" {
		t.Errorf("%s", u)
	}
	if got := u.Query().Get("issuer"); got != `Smith & Sons  "Insurance"` {
		t.Errorf("issuer %q", got)
	}
	if got := u.Path; got != `/Smith & Sons  "Insurance":B+SMITH` {
		t.Errorf("label %q", got)
	}
	if strings.Contains(u.String(), "+SMITH") || strings.Contains(u.RawQuery, "+") {
		t.Errorf("a plus sign, which apps read as a plus or a space: %s", u)
	}
}

func TestParseToken(t *testing.T) {
	tests := []struct {
		typed, want string
		ok          bool
	}{
		{"344078", "344078", true}, {" 344 078 ", "344078", true}, {"344-078", "344078", true}, {"344\u00a0078", "344078", true},
		{"000000", "000000", true}, {"\u200b344078\u200d", "344078", true}, {"３４４０７８", "344078", true}, {"٣٤٤٠٧٨", "344078", true},
		{"३४४०७८", "344078", true}, {"344–078", "344078", true}, {"𝟑𝟒𝟒𝟎𝟕𝟖", "344078", true},
		{"", "", false}, {"34407", "34407", false}, {"3440789", "3440789", false}, {"34407a", "", false}, {"+344078", "", false},
		{"344.078", "", false}, {strings.Repeat(" ", 300) + "344078", "", false}, {"Ⅻ4078", "", false},
	}
	for _, tt := range tests {
		got, ok := ParseToken(tt.typed)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %q %v, want %q %v", tt.typed, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{"344078", " 344-078", "３４４０７８", "\xff344078", "٣٤٤٠٧٨"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		token, ok := ParseToken(typed)
		if !ok {
			return
		}
		if len(token) != 6 || strings.Trim(token, "0123456789") != "" {
			t.Errorf("%q became %q", typed, token)
		}
		if again, ok := ParseToken(token); !ok || again != token {
			t.Errorf("%q is not stable: %q", token, again)
		}
	})
}

func TestParseEmail(t *testing.T) {
	good := map[string]string{
		"bsmith@acme.example":         "bsmith@acme.example",
		" BSmith@ACME.Example ":       "BSmith@acme.example",
		"b.smith+2fa@mail.acme.test.": "b.smith+2fa@mail.acme.test",
		"b@bücher.example":            "b@xn--bcher-kva.example",
		"o'brien@acme.example":        "o'brien@acme.example",
		"<b@acme.example>":            "b@acme.example",
		"mailto:b@acme.example":       "b@acme.example",
		"b@acme.example;":             "b@acme.example",
		"'b@acme.example":             "b@acme.example",
	}
	for typed, want := range good {
		if got, err := ParseEmail(typed); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", typed, got, err, want)
		}
	}
	bad := map[string]string{
		"": "email.required", "bsmith": "email.no_domain", "bsmith@": "email.no_domain", "@acme.example": "email.not_address",
		"b smith@acme.example": "email.not_address", "b@acme": "email.not_address", "b@acme..example": "email.not_address",
		"b@acme.example\r\nBcc: x@y.example": "email.not_address", "Bob <b@acme.example>": "email.not_address", "b@a@acme.example": "email.not_address",
		`"b s"@acme.example`: "email.quoted", `"bsmith"@acme.example`: "email.quoted", "b@acme.example\nb": "email.not_address", "b@acme.example\u2028x": "email.not_address", "b@[127.0.0.1]": "email.not_address", "bö@acme.example": "email.letters",
		"b,c@acme.example": "email.not_address", strings.Repeat("b", 65) + "@acme.example": "email.not_address", "b@-acme.example": "email.not_address",
	}
	for typed, want := range bad {
		if got, err := ParseEmail(typed); countersign.CodeOf(err) != want {
			t.Errorf("%q: %q %v, want %s", typed, got, err, want)
		}
	}
}

// Ten digits that are a phone number of an allowed country (SM-02, M18).
func TestParsePhone(t *testing.T) {
	us := []string{"US"}
	good := map[string]string{
		"6145550112": "+16145550112", "614-555-0112": "+16145550112", "(614) 555-0112": "+16145550112", "+1 614 555 0112": "+16145550112",
		"16145550112": "+16145550112", "６１４５５５０１１２": "+16145550112", "٦١٤٥٥٥٠١١٢": "+16145550112", "६१४-५५५-०११२": "+16145550112", "2124567890": "+12124567890",
		"tel:6145550112": "+16145550112", "TEL:+1-614-555-0112": "+16145550112", "614·555·0112": "+16145550112", "614—555—0112": "+16145550112", "614-555-0112;": "+16145550112",
	}
	for typed, want := range good {
		if got, err := ParsePhone(typed, "", us); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", typed, got, err, want)
		}
	}
	bad := map[string]string{
		"": "phone.required", "614555011": "phone.length", "61455501123": "phone.length", "abc": "phone.not_digits", "6145550112 ext 5": "phone.extension", "+1 614 555 0112 ext. 5": "phone.extension",
		"614-555-0112x5": "phone.extension", "614-555-0112 #5": "phone.extension", "614-555-CALL": "phone.not_digits", "ext 5": "phone.not_digits", "6145550112\r\n5": "phone.not_digits", "６１４ⅫⅫ": "phone.not_digits",
		"9005550112": "phone.kind", "9002345678": "phone.kind", "6149761234": "phone.kind", "9115550112": "phone.kind", "0000000000": "phone.kind",
		"1234567890": "phone.kind", "8005551234": "phone.kind", "8764567890": "phone.region", "6145550112;drop": "phone.not_digits",
		"4165550112": "phone.region", "4164567890": "phone.region", strings.Repeat("6", 20): "phone.not_digits",
		"+47 926 43 210": "phone.region", "+65 8123 4567": "phone.region", "＋44 7700 900123": "phone.region", "+614 555 0112": "phone.region",
	}
	for typed, want := range bad {
		if got, err := ParsePhone(typed, "", us); countersign.CodeOf(err) != want {
			t.Errorf("%q: %q %v, want %s", typed, got, err, want)
		}
	}
	abroad := []string{"US", "DE", "GB"}
	for typed, want := range map[string]string{"+44 7400 123456": "+447400123456", "+4915123456789": "+4915123456789", "614-555-0112": "+16145550112", "07400 123456": "+447400123456"} {
		for _, countries := range [][]string{abroad, {"GB", "DE", "US"}} { // without a country, whichever comes first
			if got, err := ParsePhone(typed, "", countries); err != nil || got != want {
				t.Errorf("%q in %v: %q %v, want %q", typed, countries, got, err, want)
			}
		}
	}
	var refused *countersign.Error
	if got, err := ParsePhone("+1 614 555 0112", "GB", abroad); !errors.As(err, &refused) || refused.Code != "phone.region" || refused.Args["Countries"] != "United Kingdom (+44)" {
		t.Errorf("another country's code: %q %v", got, err)
	}
	if got, err := ParsePhone("+47 926 43 210", "", abroad); !errors.As(err, &refused) || refused.Args["Countries"] != "United States (+1), Germany (+49), United Kingdom (+44)" {
		t.Errorf("a country that is not allowed: %q %v", got, refused)
	}
	if got, err := ParsePhone("0151 23456789", "DE", abroad); err != nil || got != "+4915123456789" {
		t.Errorf("a number abroad: %q %v", got, err)
	}
	for country, wall := range map[string]string{"DE": "030 12345678", "GB": "020 7946 0000"} {
		if got, err := ParsePhone(wall, country, abroad); countersign.CodeOf(err) != "phone.kind" {
			t.Errorf("a telephone on a wall in %s: %q %v", country, got, err)
		}
	}
	if _, err := ParsePhone("0151 23456789", "DE", us); countersign.CodeOf(err) != "phone.country" {
		t.Errorf("a country that is not allowed: %v", err)
	}
}

func TestCheckCountries(t *testing.T) {
	if err := CheckCountries([]string{"US", "CA", "GB"}); err != nil {
		t.Error(err)
	}
	for _, code := range []string{"XX", "ZZ", "UK", "us"} {
		if countersign.CodeOf(CheckCountries([]string{"US", code})) != "preference.not_countries" {
			t.Errorf("%s is no country", code)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, seed := range []string{"6145550112", "(614) 555-0112", "９００", "+1", "\x00"} {
		f.Add(seed, "US")
	}
	f.Add("030 12345678", "DE")
	f.Fuzz(func(t *testing.T, typed, country string) {
		number, err := ParsePhone(typed, country, []string{"US", "DE"})
		if err != nil {
			if countersign.KindOf(err) != countersign.KindInvalid {
				t.Errorf("%q: %v", typed, err)
			}
			return
		}
		if !strings.HasPrefix(number, "+") || strings.Trim(number[1:], "0123456789") != "" || len(number) > 16 || len(number) < 8 {
			t.Errorf("%q became %q", typed, number)
		}
	})
}
