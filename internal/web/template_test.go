package web

import (
	"bytes"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/signin"
)

// Every page of the console can be shown when there is nothing to show: no
// user, no method, no device, no value.
func TestConsoleWithoutContents(t *testing.T) {
	b := base{Guest: &signin.Guest{}, Errors: map[string]string{"value": "wrong", "reason": "wrong"}}
	row := preferenceRow{Open: true}
	row.Preference.Kind = countersign.KindDays
	views := map[string]any{
		"console_home":           homePage{b},
		"console_error":          errorPage{base: b},
		"console_profile":        profilePage{base: b},
		"console_profile-reset":  resetPage{base: b},
		"console_profile-remove": removePage{base: b},
		"console_profile-forget": forgetPage{base: b},
		"console_preferences":    preferencesPage{base: b, Rows: []preferenceRow{{}, row}},
		"console_effect":         effectPage{base: b},
		"console_conflict":       conflictPage{base: b},
		"console_users":          usersPage{base: b},
		"console_user":           userPage{base: b},
		"console_user-form":      userForm{base: b},
		"console_user-reset":     userPage{base: b},
		"console_user-setup":     userPage{base: b},
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
