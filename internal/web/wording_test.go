package web_test

import (
	"testing"

	"countersign"
)

// The navigation shows each administrator only the pages they may open.
func TestWordingInTheNavigation(t *testing.T) {
	h := testApp(t)
	h.User("BSMITH", countersign.RightPreferences)
	h.User("CBILLS", countersign.RightMessages)
	p := signedIn(h, "BSMITH").Get("/admin/messages/wording")
	wantPage(t, p, 200, "Wording", "Token mail")
	if p.Has("a", "href", "/admin/messages") || p.Has("a", "href", "/admin/messages/test") || !p.Has("a", "href", "/admin/messages/wording") {
		t.Errorf("without the right for messages: %v", p.Links())
	}
	p = signedIn(h, "CBILLS").Get("/admin/messages")
	wantPage(t, p, 200, "Messages")
	if p.Has("a", "href", "/admin/messages/wording") {
		t.Errorf("without the right for preferences: %v", p.Links())
	}
	p = signedIn(h, "ADMIN").Get("/admin/messages/wording/token")
	wantPage(t, p, 200, "What the names stand for", "the six digits", "{reference}")
	for _, link := range []string{"/admin/messages", "/admin/messages/test", "/admin/messages/wording"} {
		if !p.Has("a", "href", link) {
			t.Errorf("the administrator of everything is not led to %s", link)
		}
	}
}
