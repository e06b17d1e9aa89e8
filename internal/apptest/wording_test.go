package apptest_test

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

const tokenWording = "/admin/messages/wording/token"

var textarea = regexp.MustCompile(`(?s)<textarea[^>]*>\n(.*?)</textarea>`)

// typedText returns the contents of the page's field for a text.
func typedText(p *apptest.Page) string {
	if found := textarea.FindStringSubmatch(p.Body); found != nil {
		return html.UnescapeString(found[1])
	}
	return ""
}

// save opens the form of a message, types a wording and sends it as its page does.
func save(b *apptest.Browser, kind, subject, body string, more ...string) *apptest.Page {
	b.House.T.Helper()
	p := b.Get("/admin/messages/wording/" + kind)
	return b.Post("/admin/messages/wording/"+kind, append([]string{"version", p.Value("version"), "from", p.Value("from"), "was_from", p.Value("was_from"),
		"was_subject", p.Value("was_subject"), "was_body", p.Value("was_body"), "subject", subject, "body", body}, more...)...)
}

// M15: users get the agency's own wording, in text and HTML mail. One click restores the original.
// The page says if nothing changed.
func TestWordingOfTheTokenMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		if p := b.Get("/admin/messages/wording"); !p.Says("Token mail", "Original text", "Token text message", "Warnings") || p.Says("Own words") {
			t.Fatalf("the list: %s", p.Text())
		}
		p := b.Get(tokenWording)
		if p.Value("subject") != "Your {product} token ({reference})" || p.Value("from") != "Demo Agency <support@demo.example>" ||
			!strings.HasPrefix(typedText(p), "Your {product} time-based, one-time token is: {token}") || !p.Says("This is the original text.") {
			t.Fatalf("the form: %s", p.Body)
		}
		if p := save(b, "token", p.Value("subject"), typedText(p)); !p.Says("Nothing was changed") {
			t.Errorf("the original text was saved: %s", p.Text())
		}
		if p := save(b, "token", "Dein Code {reference}", "Hallo {name},\r\n\r\ndein Code für {product}: {token}\r\nEr gilt bis {expires}.\r\n"); !p.Says("Saved", "Own words, changed today by ADMIN.") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		if p := b.Get("/admin/messages/wording"); !p.Says("Own words", "by ADMIN") {
			t.Errorf("the list: %s", p.Text())
		}
		h.User("BSMITH")
		c := h.Browser("192.0.2.20", apptest.Chrome)
		c.SignIn("BSMITH")
		c.Post("/set-up/email", "email", "bsmith@demo.example")
		m := h.Mail("bsmith@demo.example")[0]
		token := h.Token("bsmith@demo.example")
		for _, says := range []string{"Hallo Bob Smith,\n\ndein Code für Agency Integrator: " + token + "\nEr gilt bis 2:02 PM UTC.\n\nReference ", "If you did not just sign in, somebody knows your password."} {
			if !strings.Contains(m.Text, says) {
				t.Errorf("the mail lacks %q:\n%s", says, m.Text)
			}
		}
		if !strings.HasPrefix(m.Subject, "Dein Code ") || strings.Contains(m.Subject, token) || !strings.Contains(m.HTML, "dein Code für Agency Integrator: <strong") {
			t.Errorf("%s\n%s", m.Subject, m.HTML)
		}
		if p := c.Post("/set-up/email/token", "token", token); p.Path != "/set-up" {
			t.Errorf("the token leads to %s", p.Path)
		}
		p = b.Get(tokenWording)
		if p := b.Post(tokenWording, "version", p.Value("version"), "step", "original"); !p.Says("The original text is back", "This is the original text.") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		b.Get(tokenWording)
		if p := b.Post(tokenWording, "version", "0", "step", "original"); !p.Says("Nothing was changed") {
			t.Errorf("once more: %s", p.Text())
		}
		if n := h.Count(`SELECT count(*) FROM wording`); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if got := strings.Count(strings.Join(h.Events(""), "\n"), "wording.changed ok"); got != 2 {
			t.Errorf("%d audit rows", got)
		}
	})
}

// Errors are shown beside their field with their position, both on saving and on preview. Nothing
// typed is lost and nothing is saved (OT-06).
func TestWordingRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		for _, step := range []string{"", "preview"} {
			for _, c := range []struct{ from, subject, body, says string }{
				{"", "Hi", "Your {product} token: {token}\n\nFrom the {produkt} login screen.", `Line 3, column 10: the name "produkt" is not known. Did you mean {product}? Nothing was saved.`},
				{"", "Hi", "{token} <b>{zzzzzzz}</b>", `Line 1, column 12: the name "zzzzzzz" is not known here. You can use {product}`},
				{"", "Hi", "{token} {product", "Line 1, column 9: this brace is not closed."},
				{"", "Hi", "no token", "The text must hold {token}"},
				{"", "Code {token}", "{token}", "{token} never stands in the subject"},
				{"", "Hi", "Press\nhttps://elsewhere.example/?t={token}", "Line 2, column 30: {token} stands within a word that may be taken for an address, and would be sent there. Put a space before and after it."},
				{"", "Hi\r\nBcc: x@y.example", "{token}", "A subject has one line."},
				{"", "", "", "Enter a subject."},
				{"", strings.Repeat("ü", 151), "{token}", "This has 151 characters. At most 150 can be kept."},
				{"", "Hi", strings.Repeat("{token}", 1000), "This has 7000 characters. At most 4000 can be kept."},
				{"support", "Hi", "{token}", "This is not a sender."},
				{"Support <support@>", "Hi", "{token}", "This is not a sender."},
				{"A <a@acme.example>, B <b@acme.example>", "Hi", "{token}", "This is not a sender."},
				{"Support\r\nBcc: x@y.example <support@acme.example>", "Hi", "{token}", "A sender has one line"},
				{"Support <su pport@acme.example>", "Hi", "{token}", "This is not a sender."},
				{`"CEO <ceo@bank.example>" <b@acme.example>`, "Hi", "{token}", "This is not a sender."},
				{"Support <support@localhost>", "Hi", "{token}", "This is not a sender."},
				{strings.Repeat("x", 101) + " <support@acme.example>", "Hi", "{token}", "This is not a sender."},
				{"Support <support@login.decoy.example>", "Hi", "{token}", "login.decoy.example belongs to another agency"},
				{"Support <support@mail.decoy.example>", "Hi", "{token}", "mail.decoy.example belongs to another agency"},
			} {
				open := b.Get(tokenWording)
				from := c.from
				if from == "" {
					from = open.Value("from")
				}
				p := b.Post(tokenWording, "version", open.Value("version"), "from", from, "was_from", open.Value("was_from"), "subject", c.subject, "body", c.body, "step", step)
				if p.Status != http.StatusUnprocessableEntity || !p.Says(c.says) || !strings.HasPrefix(p.Title(), "Error: ") || p.Has("section", "id", "preview") {
					t.Errorf("%.40q %.40q: %d %s", c.subject, c.body, p.Status, p.Text())
				}
				if p.Value("subject") != oneLine(c.subject) || typedText(p) != c.body || p.Value("from") != oneLine(from) {
					t.Errorf("%.40q is lost: %q %q %q", c.body, p.Value("from"), p.Value("subject"), typedText(p))
				}
			}
		}
		if n := h.Count(`SELECT count(*) FROM wording`); n != 0 {
			t.Errorf("%d rows were kept", n)
		}
		for _, path := range []string{"/admin/messages/wording/new-connection", "/admin/messages/wording/nothing"} {
			if p := b.Get(path); p.Status != http.StatusNotFound {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
	})
}

// oneLine returns what a one-line field keeps of a text with line breaks, as a browser reads it.
func oneLine(text string) string { return strings.NewReplacer("\r\n", "\n").Replace(text) }

// A preview shows both parts with a made-up token. It saves nothing, requires no step-up, and
// escapes whatever was typed.
func TestWordingPreview(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		h.Set("HELPCONTACT", "Demo desk, 614-555-0100")
		h.Pass(6 * time.Minute)
		p := save(b, "token", "Hi {reference}", "<script>alert(1)</script> {token}\n{help}", "step", "preview")
		if p.Status != http.StatusOK || p.Path != tokenWording || !p.Says("Preview", "Subject Hi AB", "<script>alert(1)</script> 123456", "Demo desk, 614-555-0100", "Nothing was sent or saved.", "Nobody will ever ask you") {
			t.Fatalf("%d %s %s", p.Status, p.Path, p.Text())
		}
		if strings.Contains(p.Body, "<script>alert") || strings.Contains(p.Body, "style=") || typedText(p) != "<script>alert(1)</script> {token}\n{help}" {
			t.Errorf("%s", p.Body)
		}
		p = save(b, "activation", "Hello", "Start\n\nHello {name}\nYour way in:\n{link}", "step", "preview")
		if !p.Says("Start", "Hello Ann Admin", "Your way in") || strings.Contains(p.Body, `href="http://localhost/example-link"`) {
			t.Errorf("%s", p.Text())
		}
		p = save(b, "token-sms", "", "{product}: {token} ({reference})", "step", "preview")
		if !p.Says("Agency Integrator: 123456 (AB)", "@localhost #123456", "It makes 1 text message: 49 of 160 characters.") {
			t.Errorf("%s", p.Text())
		}
		if n := h.Count(`SELECT count(*) FROM wording`); n != 0 {
			t.Errorf("%d rows were kept", n)
		}
		p = save(b, "token", "Hi", "Yours: {token}")
		if p.Path != "/step-up" || !p.Says("You are about to save the words of a message") {
			t.Fatalf("saved without a second factor: %s %s", p.Path, p.Text())
		}
		if p := b.Confirm("admin@demo.example"); p.Path != tokenWording || !p.Says("Saved") || typedText(p) != "Yours: {token}" {
			t.Errorf("after the step-up: %s %s", p.Path, p.Text())
		}
	})
}

// A wording that another administrator saved in between is not overwritten: 409 with all three
// texts. Saving once more overwrites it. A version number is not reused after the original is
// restored.
func TestWordingConflict(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		reword := func(body string) {
			t.Helper()
			err := h.Admin.SaveWording(t.Context(), h.Visit(), apptest.Operator, admin.WordingChange{Kind: "token", Subject: "Theirs", Body: body, Version: admin.AnyVersion})
			if err != nil {
				t.Fatal(err)
			}
		}
		open := b.Get(tokenWording)
		reword("Theirs {token}")
		mine := []string{"version", open.Value("version"), "subject", "Mine", "body", "Mine {token}", "was_subject", open.Value("was_subject"), "was_body", "before {token}"}
		p := b.Post(tokenWording, mine...)
		if p.Status != http.StatusConflict || !p.Says("Changed by somebody else in the meantime", "Nothing was overwritten", "The operator of the server saved", "before {token}", "Theirs {token}", "Mine {token}") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		again := b.Post(tokenWording, "version", p.Value("version"), "subject", p.Value("subject"), "body", p.Value("body"), "from", p.Value("from"), "was_from", p.Value("was_from"))
		if !again.Says("Saved") || typedText(again) != "Mine {token}" {
			t.Fatalf("%d %s", again.Status, again.Text())
		}
		open = b.Get(tokenWording)
		if err := h.Admin.OriginalWording(t.Context(), h.Visit(), apptest.Operator, "token", admin.AnyVersion); err != nil {
			t.Fatal(err)
		}
		if p := b.Post(tokenWording, "version", open.Value("version"), "subject", "Late", "body", "{token}"); p.Status != http.StatusConflict {
			t.Errorf("the original text was overwritten: %d", p.Status)
		}
		h.Pass(time.Minute)
		reword("Again {token}")
		b.Get(tokenWording)
		if p := b.Post(tokenWording, "version", open.Value("version"), "subject", "Late", "body", "{token}"); p.Status != http.StatusConflict {
			t.Errorf("a version came back: %d", p.Status)
		}
		b.Get(tokenWording)
		if p := b.Post(tokenWording, "version", open.Value("version"), "step", "original"); p.Status != http.StatusConflict {
			t.Errorf("another administrator's wording was overwritten: %d", p.Status)
		}
	})
}

// tokenMail returns the newest mail to an address that contains a token.
func tokenMail(h *apptest.App, to string) outbox.Mail {
	h.T.Helper()
	all, token := h.Mail(to), h.Token(to)
	i := slices.IndexFunc(all, func(m outbox.Mail) bool { return strings.Contains(m.Text, token) })
	return all[i]
}

// A damaged row stops no token: the original text is sent, and the log says so.
func TestDamagedWordingStopsNoToken(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		save(b, "token", "Hi", "Yours: {token}")
		save(b, "token-sms", "", "Yours: {token}")
		for _, body := range []string{"no token", "{token", "{nobody} {token}", "", strings.Repeat("{token}", 2000)} {
			h.Tamper(`UPDATE wording SET body = $1, subject = 'Code {token}'`, body)
			h.Pass(11 * time.Minute)
			p := h.Browser("192.0.2.77", apptest.Chrome).SignIn("ADMIN")
			if p.Path != "/sign-in/token" {
				t.Fatalf("at %s", p.Path)
			}
			m := tokenMail(h, "admin@demo.example")
			if !strings.Contains(m.Text, "Your Agency Integrator time-based, one-time token is: ") || strings.Contains(m.Subject, "Code") {
				t.Errorf("%.40q: %s\n%s", body, m.Subject, m.Text)
			}
		}
		if log := h.Watch().Log(); strings.Count(log, "wording can't be read") != 5 {
			t.Errorf("the log: %s", log)
		}
		if p := b.Get(tokenWording); p.Status != http.StatusOK {
			t.Errorf("the page: %d", p.Status)
		}
		h.Tamper(`UPDATE wording SET body = 'no token'`)
		askForText(h, "BSMITH")
		if m := h.Mail("+16145550112")[0]; !strings.HasPrefix(m.Text, "Your Agency Integrator token is ") {
			t.Errorf("the text message: %s", m.Text)
		}
	})
}

// SM-03: the text message has the agency's wording in one part, and its last line stays bound to
// the origin.
func TestWordingOfTheTextMessage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		if p := b.Get("/admin/messages/wording/token-sms"); p.Has("input", "name", "subject") || p.Has("input", "name", "from") {
			t.Error("a text message has a subject or a sender")
		}
		if p := save(b, "token-sms", "", "{token} "+strings.Repeat("x", 150)); p.Status != 422 || !p.Says("This makes 2 text messages. With its last line it has 190 characters, and 160 fit into one.") {
			t.Errorf("too long: %d %s", p.Status, p.Text())
		}
		if p := save(b, "token-sms", "", "{product} Код “{token}” ist dein Code, gültig bis {expires}, bitte gleich."); p.Status != 422 || !p.Says("This makes 2 text messages: with К о д “ ” in it only 70 characters fit into one") {
			t.Errorf("other letters: %d %s", p.Status, p.Text())
		}
		if p := save(b, "token-sms", "ignored {x}", "{token} ist dein Code.\nGültig bis {expires}."); !p.Says("Saved") {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		askForText(h, "BSMITH")
		m := h.Mail("+16145550112")[0]
		token := h.Token("+16145550112")
		lines := strings.Split(m.Text, "\n")
		if len(lines) != 3 || lines[0] != token+" ist dein Code." || !regexp.MustCompile(`^Gültig bis 2:\d\d PM UTC. Reference [A-Z]{2}\.$`).MatchString(lines[1]) || lines[2] != "@localhost #"+token {
			t.Errorf("%q", m.Text)
		}
	})
}
