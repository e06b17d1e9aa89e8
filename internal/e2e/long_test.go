package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/browsertest"
)

// The longest values that users may enter. The first two can't be broken across lines.
const (
	longLogin   = "ALEXANDRINA.CONSTANTINOPOULOS.VANDERBILT.MONTGOMERY.SMITHSON"
	longAddress = "alexandrina.constantinopoulos.vanderbilt@claimsmontgomerysmithson.example"
	longName    = "Alexandrina Constantinopoulos-Vanderbilt Montgomery-Smithson the Younger"
	longAgency  = "Montgomery-Smithson Insurance Agency of the Commonwealth of Pennsylvania and Partners"
)

// longPages lists the pages of the console with long data.
func longPages(s *stage) []string {
	s.t.Helper()
	id, err := s.Admin.SendTest(context.Background(), s.Visit(), apptest.Operator, longAddress)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Mail("")
	all := []string{"/admin/users?q=zzz", "/admin/users/" + longLogin + "?done=edited", "/admin/messages?q=zzz", "/admin/messages/test?sent=" + string(id),
		"/admin/system/preferences?edit=2FA", "/admin/system/preferences?edit=SESSIONIDLE"}
	for _, r := range s.Routes {
		path, get := strings.CutPrefix(r.Pattern, "GET ")
		if path = strings.TrimSuffix(path, "{$}"); !get || path != "/" && !strings.HasPrefix(path, "/profile") && !strings.HasPrefix(path, "/admin") {
			continue
		}
		switch {
		case strings.HasPrefix(path, "/admin/users/"):
			path = strings.ReplaceAll(path, "{id}", longLogin)
		case strings.HasPrefix(path, "/admin/messages/wording/"):
			path = strings.ReplaceAll(path, "{kind}", "token")
		default:
			path = strings.ReplaceAll(path, "{id}", string(id))
		}
		if strings.Contains(path, "{") {
			s.t.Fatalf("%s: write here what stands in its path", r.Pattern)
		}
		all = append(all, path)
	}
	return all
}

// longData fills the application with it.
func longData(s *stage) {
	s.t.Helper()
	name, product := longAgency, "The "+longAgency+" Desk"
	if _, err := s.Admin.EditAgency(context.Background(), s.Now(), s.Agency.ID, admin.AgencyChange{Name: &name, Product: &product}, ""); err != nil {
		s.t.Fatal(err)
	}
	s.AddUser(admin.NewUser{Login: longLogin, Name: longName, Email: longAddress, Mobile: "+16145550112", Rights: countersign.AgencyRights,
		Groups: []string{"CommercialUnderwritingAndReinsuranceDepartment", "Agents"}})
	s.enroll(longLogin, longAddress)
	s.Administrator()
	if _, err := s.Admin.IssueEnrollmentCode(context.Background(), s.Visit(), apptest.Operator, "ADMIN", "no mailbox: "+strings.Repeat("Wort", 40)); err != nil {
		s.t.Fatal(err)
	}
}

// misfits finds short words that are cut off or broken, and elements wider than the page.
const misfits = `(() => {
	const bad = [];
	const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (wide > 0) bad.push("the page scrolls sideways by " + wide);
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const e = n.parentElement;
		if (!e.checkVisibility() || e.closest("script, style, textarea, select, option, .sr, svg, pre, code")) continue;
		for (const m of n.data.matchAll(/\S+/g)) {
			const r = document.createRange();
			r.setStart(n, m.index);
			r.setEnd(n, m.index + m[0].length);
			const lines = new Set([...r.getClientRects()].map(b => Math.round(b.top)));
			if (lines.size > 1 && m[0].length <= 20 && !m[0].includes("-")) bad.push("broken: " + m[0]);
			const box = r.getBoundingClientRect(), place = e.closest(".scroll");
			if (!place && (box.left < -1 || box.right > innerWidth + 1)) bad.push("cut: " + m[0]);
		}
	}
	for (const e of document.querySelectorAll(".scroll")) {
		const hidden = e.scrollWidth - e.clientWidth;
		if (hidden > 0) bad.push("the table scrolls by " + hidden);
	}
	for (const e of document.querySelectorAll("main *, header *")) {
		if (!e.checkVisibility() || e.closest(".scroll, pre, .sr, svg") || e.matches("input, select, textarea")) continue;
		if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible") bad.push("cut off inside: " + e.outerHTML.slice(0, 80));
	}
	return bad.join("\n");
})()`

// No page of the console scrolls sideways or cuts a word, whatever users have entered.
func TestLongData(t *testing.T) {
	t.Parallel()
	s := setStage(t)
	longData(s)
	for _, path := range longPages(s) {
		s.w.Go(home + path)
		for _, width := range []int{320, 375, 768, 1280} {
			s.w.Look(browsertest.Look{Width: width})
			if bad := browsertest.Eval[string](s.w, misfits); bad != "" {
				t.Errorf("%s at %d pixels: %s", path, width, bad)
			}
			if os.Getenv("COUNTERSIGN_SHOTS") != "" {
				s.w.Shot(fmt.Sprintf("long%s-%d", strings.NewReplacer("/", "_", "?", "_", longLogin, "LONG").Replace(path), width))
			}
		}
	}
}

// Banners align with the left and right edges of the page below, at every width.
func TestBannersBeginWithThePage(t *testing.T) {
	t.Parallel()
	s := setStage(t)
	s.Administrator()
	s.Set("2FA", "Off")
	s.signIn("ADMIN")
	s.Outbox.Mail = nil
	s.w.Go(home + "/admin/users")
	want(t, s.w, "Two factor authentication is Off", "No mail server is set up.")
	for _, width := range []int{320, 768, 1248, 1280, 1920} {
		s.w.Look(browsertest.Look{Width: width})
		off := browsertest.Eval[string](s.w, `(() => {
			const at = s => [...document.querySelectorAll(s)].map(e => Math.round(e.getBoundingClientRect().left));
			const ends = s => [...document.querySelectorAll(s)].map(e => Math.round(e.getBoundingClientRect().right));
			return [...at(".banner > svg"), ...at(".brand"), ...at(".wrap > :first-child")].concat("to", ends(".banner > div"), ends(".wrap > main")).join(" ");
		})()`)
		from, to, _ := strings.Cut(off, " to ")
		for _, edges := range []string{from, to} {
			all := strings.Fields(edges)
			if len(all) < 3 || len(slices.Compact(all)) != 1 {
				t.Errorf("%d pixels: banners, brand and page begin and end at %s", width, off)
			}
		}
	}
}
