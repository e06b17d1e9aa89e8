package apptest

import "testing"

// The summary above a form counts its errors (WCAG 3.3.1).
func TestTheSummaryCounts(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("ADMIN")
		b.Get("/admin/users/new")
		wantAt(t, b.Post("/admin/users/new", "phone", "1"), 422, "/admin/users/new", "Please correct these 4 things")
		wantAt(t, b.Post("/admin/users/new", "user_id", "BSMITH", "name", "Bob Smith", "email", "bsmith@"), 422, "/admin/users/new", "Please correct this")
		b.Get("/admin/system/preferences?edit=2FAFREQUENCY")
		wantAt(t, b.Post("/admin/system/preferences", "code", "2FAFREQUENCY", "value", "7.5", "version", "0", "step", "save"), 422, "/admin/system/preferences", "Please correct this 7.5 is not")
	})
}
