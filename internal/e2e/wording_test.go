package e2e

import (
	"regexp"
	"strings"
	"testing"

	"countersign/internal/browsertest"
)

// The pages of wording, as an administrator uses them: a new wording, a mistake, the preview, the
// resulting mail, and the original text again.
func TestWordingPages(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	w, look := lookInNewWindow(t)
	signIn(w, d.URL, "ADMIN", d.password("ADMIN"))
	w.Press("Email Token")
	settled(t, w)
	w.Type("token", d.token(t, "admin@demo.example"))
	w.Press("Continue")
	w.Press("Skip the additional methods")
	w.Go(d.URL + "/admin/messages")
	w.Press("Wording")
	look("wording", "Warnings, such as the mail about a new sign on, keep their words")
	w.Press("Change Token mail")
	look("wording-token", "This is the original text.")
	typeText(w, "Hallo {name},\n\ndein Code für {produkt}: {token}")
	w.Press("Preview")
	look("wording-error", `Line 3, column 15: the name "produkt" is not known. Did you mean {product}? Nothing was saved.`)
	typeText(w, "Hallo {name},\n\ndein Code für {product}: {token}\n\n{token} ist zwei Minuten lang gültig, bis {expires}.")
	w.Press("Preview")
	look("wording-preview", "Nothing was sent or saved.")
	w.Press("Save")
	look("wording-saved", "These words count from the next message.")
	w.Go(d.URL + "/admin/messages/wording")
	look("wording-own", "Own words")
	textPages(w, d, look)
	wordedMail(t, d)
	conflictPage(t, d, w, look)
	w.Go(d.URL + "/admin/messages/wording/token")
	w.Press("Back to the original text")
	look("wording-original", "The original text is back")
	w.Go(d.URL + "/admin/messages/wording")
	w.Type("product", "Policy Desk")
	w.Type("from", "Policy Desk <desk@acme.example>")
	w.Click("main button[type=submit]")
	w.Wait("It is another domain")
	look("wording-names", "mail comes from Policy Desk <desk@acme.example> now")
}

// typeText replaces the text in the form's field.
func typeText(w *browsertest.Window, text string) {
	browsertest.Eval[int](w, `(document.getElementById("body").value = "").length`)
	w.Type("body", text)
}

func textPages(w *browsertest.Window, d demo, look func(name, says string)) {
	w.Go(d.URL + "/admin/messages/wording/token-sms")
	typeText(w, "{token} ist dein Code für {product}.")
	w.Press("Preview")
	look("wording-sms", "It makes 1 text message")
	typeText(w, "{token} "+strings.Repeat("lang ", 40))
	w.Press("Preview")
	look("wording-sms-error", "This makes 2 text messages.")
	w.Go(d.URL + "/admin/messages/wording/activation")
	w.Press("Preview")
	look("wording-activation", "Choose a password")
}

// wordedMail signs a user in and checks the mail they get.
func wordedMail(t *testing.T, d demo) {
	t.Helper()
	w := browsertest.Open(t, browsertest.Options{From: "127.0.0.24"})
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Press("Email Token")
	settled(t, w)
	mail := d.mailed(t, "bsmith@demo.example", regexp.MustCompile(`(?s)Hallo Bob Smith,.*`))
	for _, says := range []string{"dein Code für Agency Integrator:", "If you did not just sign in, somebody knows your password."} {
		if !strings.Contains(mail, says) {
			t.Errorf("the mail does not say %q: %s", says, mail)
		}
	}
}

// conflictPage checks what the second of two administrators sees.
func conflictPage(t *testing.T, d demo, w *browsertest.Window, look func(name, says string)) {
	t.Helper()
	w.Go(d.URL + "/admin/messages/wording/token")
	version := browsertest.Eval[string](w, `document.querySelector("[name=version]").value`)
	typeText(w, "Zuerst: {token}")
	w.Press("Save")
	typeText(w, "Danach: {token}")
	browsertest.Eval[int](w, `(document.querySelector("[name=version]").value = "`+version+`").length`)
	w.Press("Save")
	look("wording-conflict", "Nothing was overwritten")
	w.Press("Save mine")
	want(t, w, "These words count from the next message.")
}
