package web

import (
	"strings"
	"testing"
	"time"

	"countersign"
)

// The timeline distinguishes a right that was granted, one that was revoked, and a user who was
// disabled.
func TestChangesOfAUserAreToldApart(t *testing.T) {
	for name, tt := range map[string]struct {
		detail map[string]string
		want   string
	}{
		"disabled":    {map[string]string{"state": "disabled"}, "ADMIN disabled the user."},
		"enabled":     {map[string]string{"state": "enabled"}, "ADMIN enabled the user."},
		"first right": {map[string]string{"rights": " → Admin-Audit"}, "ADMIN gave rights: Admin-Audit."},
		"last right":  {map[string]string{"rights": "Admin-Audit → "}, "ADMIN took rights away: Admin-Audit."},
		"exchanged": {map[string]string{"rights": "Admin-Audit, Admin-Messages → Admin-Disable 2 Factor Authentication, Admin-Messages"},
			"ADMIN gave rights: Admin-Disable 2 Factor Authentication. ADMIN took rights away: Admin-Audit."},
		"several": {map[string]string{"state": "disabled", "name": "Bob → Rob", "groups": "a → b", "mobile": "…12 → …13"},
			"ADMIN disabled the user. ADMIN changed the mobile phone. ADMIN changed the name. ADMIN changed the groups."},
		"an address":            {map[string]string{"email": "a@x.example → b@x.example"}, "ADMIN changed the email address. Email address: a@x.example → b@x.example."},
		"nothing that is known": {nil, "ADMIN changed the user."},
	} {
		e := countersign.Event{At: time.Unix(0, 0), Action: "user.changed", Actor: "ADMIN", Subject: "BSMITH", Result: "ok", Detail: tt.detail}
		rows := base{}.eventRows([]countersign.Event{e}, false)
		if len(rows) != 1 || strings.TrimSpace(rows[0].Text) != tt.want {
			t.Errorf("%s: %v, want %q", name, rows, tt.want)
		}
	}
}
