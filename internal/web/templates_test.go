package web

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jba/templatecheck"
)

// views holds the view of each template: the type that its handlers pass.
var views = map[string]any{
	"console_conflict":         conflictPage{},
	"console_effect":           effectPage{},
	"console_error":            errorPage{},
	"console_home":             homePage{},
	"console_message":          messagePage{},
	"console_message-test":     messageTestPage{},
	"console_messages":         messagesPage{},
	"console_passkey-remove":   passkeyPage{},
	"console_passkey-rename":   passkeyPage{},
	"console_preferences":      preferencesPage{},
	"console_profile":          profilePage{},
	"console_profile-forget":   forgetPage{},
	"console_profile-remove":   removePage{},
	"console_profile-reset":    resetPage{},
	"console_user":             userPage{},
	"console_user-code":        codePage{},
	"console_user-form":        userForm{},
	"console_user-reset":       userPage{},
	"console_user-setup":       userPage{},
	"console_users":            usersPage{},
	"console_wording":          wordingPage{},
	"console_wording-conflict": wordingPage{},
	"console_wordings":         wordingsPage{},
	"gate_error":               errorPage{},
	"gate_link-over":           linkOverPage{},
	"gate_not-me":              unrecognizedPage{},
	"gate_other-way":           tokenPage{},
	"gate_password-change":     changePage{},
	"gate_password-forgot":     forgotPage{},
	"gate_password-reset":      resetPasswordPage{},
	"gate_profile-email":       contactPage{},
	"gate_profile-phone":       contactPage{},
	"gate_profile-token":       contactPage{},
	"gate_recovery-codes":      recoveryPage{},
	"gate_recovery-print":      recoveryPage{},
	"gate_set-up":              enrollPage{},
	"gate_set-up-app":          enrollPage{},
	"gate_set-up-code":         enrollPage{},
	"gate_set-up-default":      enrollPage{},
	"gate_set-up-done":         enrollDonePage{},
	"gate_set-up-email":        enrollPage{},
	"gate_set-up-email-token":  enrollPage{},
	"gate_set-up-more":         enrollMorePage{},
	"gate_set-up-passkey":      enrollPage{},
	"gate_set-up-sms":          enrollPage{},
	"gate_set-up-sms-token":    enrollPage{},
	"gate_sign-in":             signInPage{},
	"gate_sign-out":            signOutPage{},
	"gate_step-up":             tokenPage{},
	"gate_token":               tokenPage{},
	"gate_token-recovery":      tokenPage{},
	"gate_token-stopped":       lockedPage{},
	"gate_welcome":             activationPage{},
	"inbox_new":                inboxNews{},
	"inbox_page":               inboxPage{},
}

// TestTemplatesFitTheirViews type-checks every branch and shared part of each template against its
// view, so that a field renamed only in Go is found without rendering the page.
func TestTemplatesFitTheirViews(t *testing.T) {
	for name, page := range pages {
		view, ok := views[name]
		if !ok {
			t.Errorf("template %s has no view here", name)
			continue
		}
		if err := templatecheck.CheckHTML(page, view); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range views {
		if pages[name] == nil {
			t.Errorf("%s is no template", name)
		}
	}
}

// TestTemplateLinesAreShort keeps templates at one element per line.
func TestTemplateLinesAreShort(t *testing.T) {
	files, err := templates.ReadDir("template")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := templates.ReadFile("template/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if n := utf8.RuneCountInString(line); n > 160 {
				t.Errorf("%s:%d has %d characters: put each element on its own line", f.Name(), i+1, n)
			}
		}
	}
}
