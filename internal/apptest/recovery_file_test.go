package apptest

import (
	"strings"
	"testing"
)

// Recovery codes can be printed and downloaded without a script, from the page that shows them
// once. A user who has two or fewer is reminded.
func TestRecoveryCodesOnPaperAndInAFile(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		b.Get("/profile/recovery-codes")
		p := b.Post("/profile/recovery-codes", "make", "yes")
		codes, fields := strings.Fields(p.Value("codes")), []string{"codes", p.Value("codes")}
		if len(codes) != 8 || !p.Says("Print", "Download") {
			t.Fatalf("%d codes: %s", len(codes), p.Text())
		}
		file := b.Send("/profile/recovery-codes/file", append(fields, "as", "download")...)
		if !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment;") || !strings.HasPrefix(file.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("the file: %v", file.Header)
		}
		paper := b.Send("/profile/recovery-codes/file", append(fields, "as", "print")...)
		for _, code := range codes {
			if !strings.Contains(file.Body, code+"\r\n") || !paper.Says(code) {
				t.Errorf("%s is missing in the file or on paper", code)
			}
		}
		if p := b.Post("/profile/recovery-codes/file", "codes", "<script>", "as", "download"); p.Path != "/profile/recovery-codes" {
			t.Errorf("what is no code: %s %s", p.Path, p.Body)
		}

		b.Get("/profile")
		for i, code := range codes[:6] {
			if p := b.Get("/"); p.Says("recovery codes left") {
				t.Errorf("after %d codes: %s", i, p.Text())
			}
			away := h.Browser("203.0.113.7", Edge)
			away.SignIn("BSMITH")
			away.Post("/sign-in/other-way", "method", "recovery")
			away.Post("/sign-in/token", "recovery_code", code)
			h.Pass(Day / 24)
			b.SignIn("BSMITH")
		}
		for _, path := range []string{"/", "/profile"} {
			if p := b.Get(path); !p.Says("You have 2 recovery codes left", "Make recovery codes") {
				t.Errorf("%s: %s", path, p.Text())
			}
		}
	})
}
