package web

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// Every page outside the console renders in each state of its message: nothing sent, on its way,
// delayed, refused, expired, all tokens spent.
func TestGateInEveryState(t *testing.T) {
	b := base{Errors: map[string]string{"token": "wrong"}, Alert: &alert{Kind: "warn"}, Help: "Support desk, 614-555-0100"}
	state := 0
	wizard := func(b base) enrollPage {
		p := enrollPage{base: b, Offered: []countersign.Method{countersign.MethodApp}, Again: "/set-up/email/new"}
		p.Delivery.State = []string{"", "sent", "waiting", "delayed", "refused", "", ""}[state]
		p.Stale, p.Spent = state == 5, state == 6
		return p
	}
	token := func(b base) tokenPage {
		w := wizard(b)
		return tokenPage{base: b, Act: "/sign-in", Method: countersign.MethodEmail, Delivery: w.Delivery, Stale: w.Stale, Spent: w.Spent, Others: []way{{Method: countersign.MethodApp}}}
	}
	views := map[string]func(base) any{
		"gate_error":          func(b base) any { return errorPage{base: b} },
		"gate_sign-in":        func(b base) any { return signInPage{base: b, Both: true} },
		"gate_sign-out":       func(b base) any { return signOutPage{base: b} },
		"gate_welcome":        func(b base) any { return activationPage{base: b} },
		"gate_token":          func(b base) any { return token(b) },
		"gate_step-up":        func(b base) any { return token(b) },
		"gate_token-recovery": func(b base) any { return token(b) },
		"gate_token-stopped":  func(b base) any { return lockedPage{tokenPage: token(b), Head: "Stopped"} },
		"gate_not-me":         func(b base) any { return unrecognizedPage{base: b, Done: state == 1} },
		"gate_recovery-codes": func(b base) any {
			return recoveryPage{base: b, NoMethod: state == 1, Codes: make([]string, state%2*state)}
		},
		"gate_recovery-print": func(b base) any { return recoveryPage{base: b, Codes: make([]string, state)} },
		"gate_other-way":      func(b base) any { return token(b) },
		"gate_set-up":         func(b base) any { return wizard(b) },
		"gate_set-up-code": func(b base) any {
			p := wizard(b)
			p.Closed = []string{"", "lapsed", "openings", "no-email", "cancelled", "", ""}[state]
			return p
		},
		"gate_set-up-email":       func(b base) any { return wizard(b) },
		"gate_set-up-email-token": func(b base) any { return wizard(b) },
		"gate_set-up-sms":         func(b base) any { return wizard(b) },
		"gate_set-up-sms-token":   func(b base) any { return wizard(b) },
		"gate_set-up-app":         func(b base) any { return wizard(b) },
		"gate_set-up-passkey":     func(b base) any { return wizard(b) },
		"gate_set-up-default":     func(b base) any { return wizard(b) },
		"gate_profile-email":      func(b base) any { return contactPage{enrollPage: wizard(b)} },
		"gate_profile-phone":      func(b base) any { return contactPage{enrollPage: wizard(b)} },
		"gate_profile-token":      func(b base) any { return contactPage{enrollPage: wizard(b)} },
		"gate_password-forgot":    func(b base) any { return forgotPage{base: b, Until: time.Unix(int64(state), 0)} },
		"gate_password-reset":     func(b base) any { return resetPasswordPage{base: b} },
		"gate_password-change":    func(b base) any { return changePage{base: b, Ask: state > 0, Devices: state, Sessions: state} },
		"gate_link-over":          func(b base) any { return linkOverPage{base: b} },
		"gate_set-up-done":        func(b base) any { return enrollDonePage{base: b} },
		"gate_set-up-more":        func(b base) any { return enrollMorePage{base: b, Missing: []string{"", "SMS"}[state%2]} },
	}
	for _, name := range []string{"gate_sign-in", "gate_token", "gate_step-up", "gate_set-up"} {
		plain := views[name]
		views[name] = func(b base) any {
			switch p := plain(b).(type) {
			case signInPage:
				p.Passkey = passkeyOptions(b)
				return p
			case tokenPage:
				p.Passkey = passkeyOptions(b)
				return p
			case enrollPage:
				p.Passkeys = true
				return p
			default:
				return p
			}
		}
	}
	for name, tmpl := range pages {
		view, ok := views[name]
		if !strings.HasPrefix(name, "gate_") {
			continue
		}
		if !ok {
			t.Errorf("%s is not tried", name)
			continue
		}
		for _, b := range []base{{}, b} {
			for state = range 7 {
				var page bytes.Buffer
				if err := tmpl.Execute(&page, view(b)); err != nil {
					t.Errorf("%s in state %d: %v", name, state, err)
				}
				if n := strings.Count(page.String(), "<h1"); n != 1 {
					t.Errorf("%s in state %d has %d titles", name, state, n)
				}
			}
		}
	}
}

// passkeyOptions makes half of the pages ask for a passkey.
func passkeyOptions(b base) string {
	if b.Alert == nil {
		return ""
	}
	return `{"challenge":"q83vEjRWeJA"}`
}

// Every page of the console renders without contents: no user, no method, no device, no value.
func TestConsoleWithoutContents(t *testing.T) {
	b := base{Principal: &authn.Principal{}, Errors: map[string]string{"value": "wrong", "reason": "wrong"}}
	row := preferenceRow{Open: true}
	row.Preference.Kind = countersign.PreferenceDays
	views := map[string]any{
		"console_home":             homePage{base: b},
		"console_error":            errorPage{base: b},
		"console_profile":          profilePage{base: b},
		"console_profile-reset":    resetPage{base: b},
		"console_profile-remove":   removePage{base: b},
		"console_passkey-rename":   passkeyPage{base: b},
		"console_passkey-remove":   passkeyPage{base: b, Last: true},
		"console_profile-forget":   forgetPage{base: b},
		"console_preferences":      preferencesPage{base: b, Rows: []preferenceRow{{}, row}},
		"console_effect":           effectPage{base: b},
		"console_conflict":         conflictPage{base: b},
		"console_users":            usersPage{base: b},
		"console_messages":         messagesPage{base: b},
		"console_message":          messagePage{base: b},
		"console_wordings":         wordingsPage{base: b},
		"console_wording":          wordingPage{base: b, Shown: &admin.WordingPreview{}},
		"console_wording-conflict": wordingPage{base: b},
		"console_message-test":     messageTestPage{base: b},
		"console_user":             userPage{base: b},
		"console_user-form":        userForm{base: b},
		"console_user-reset":       userPage{base: b},
		"console_user-setup":       userPage{base: b},
		"console_user-code":        codePage{userPage: userPage{base: b}},
	}
	for name := range pages {
		view, ok := views[name]
		if !strings.HasPrefix(name, "console_") {
			continue
		}
		if !ok {
			t.Errorf("%s is not tried", name)
			continue
		}
		var page bytes.Buffer
		if err := pages[name].Execute(&page, view); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(page.String(), `action="/sign-out"`) || !strings.Contains(page.String(), "<h1>") {
			t.Errorf("%s has no way to sign out, or no title", name)
		}
	}
}

// No template writes a text that may hold a phone number directly: the number would break at its
// hyphens.
func TestPhoneNumbersGoThroughUnbroken(t *testing.T) {
	bare := regexp.MustCompile(`\{\{with \.Help\}\}[^{]*\{\{\.\}\}|<[^<>"]*>[^<>"]*\{\{(?:\.To|\.Shown|\.Row\.Shown|[.$A-Za-z]*\.Mobile)\}\}`)
	if !bare.MatchString("<p>Sent to <strong>{{.To}}</strong></p>") || bare.MatchString("<p>Sent to <strong>{{unbroken .To}}</strong></p>") {
		t.Error("the example is not told apart")
	}
	files, err := filepath.Glob("template/*.html")
	if err != nil || len(files) < 40 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range bare.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", file, found)
		}
	}
	if got := unbroken("Acme <b>, 614-555-0100, or --smtp-url"); got != `Acme &lt;b&gt;, <span class="nowrap">614-555-0100</span>, or <span class="nowrap">--smtp-url</span>` {
		t.Error(got)
	}
}
