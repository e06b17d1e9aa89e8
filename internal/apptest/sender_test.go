package apptest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/outbox"
)

// The product name and the sender of all mail are the agency's own: the next page and the next mail
// have them, header and envelope with one sender.
func TestProductNameAndSender(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		var from []string
		h.Outbox.Mail = server(func(l outbox.Outgoing) error { from = append(from, l.From); return nil })
		names := func(product, sender string) *apptest.Page {
			p := b.Get("/admin/messages/wording")
			return b.Post("/admin/messages/wording", "product", product, "was_product", p.Value("was_product"), "from", sender, "was_from", p.Value("was_from"))
		}
		if p := names("Agency Integrator", "Demo Agency <support@demo.example>"); !p.Says("Nothing was changed") {
			t.Errorf("%s", p.Text())
		}
		for product, says := range map[string]string{strings.Repeat("x", 101): "A name has up to 100 characters", "one\r\ntwo": "A name has up to 100 characters"} {
			if p := names(product, "nobody"); p.Status != 422 || !p.Says(says, "This is not a sender", "these 2 things") || p.Value("from") != "nobody" {
				t.Errorf("%q: %d %s", product, p.Status, p.Text())
			}
		}
		for _, sender := range []string{"Müller, Agentur <post@acme.example>", `"Müller, Agentur" <post@acme.example>`} {
			if p := names("Police & Co", sender); p.Status != 200 || p.Value("product") != "Police & Co" || p.Value("from") != `"Müller, Agentur" <post@acme.example>` {
				t.Fatalf("%d %s", p.Status, p.Text())
			}
		}
		if p := b.Get("/admin/messages/wording?done=sender"); !p.Says("It is another domain", "countersign doctor") {
			t.Errorf("%s", p.Text())
		}
		id, err := h.Admin.SendTest(t.Context(), h.Visit(), apptest.Operator, "bsmith@demo.example")
		if err != nil {
			t.Fatal(err)
		}
		h.Mail("")
		if from = slices.Compact(from); !slices.Equal(from, []string{`"Müller, Agentur" <post@acme.example>`}) {
			t.Errorf("message %s came from %q", id, from)
		}
		p := b.Get(tokenWording)
		p = b.Post(tokenWording, "version", p.Value("version"), "subject", p.Value("subject"), "body", typedText(p), "was_from", p.Value("was_from"), "from", "")
		if !p.Says("Demo Agency") || p.Value("from") != "Demo Agency <support@demo.example>" {
			t.Errorf("the installation's sender: %d %q", p.Status, p.Value("from"))
		}
		if p := names("", "Demo Agency <support@demo.example>"); p.Value("product") != "Demo Agency" {
			t.Errorf("without a name the product is called %q", p.Value("product"))
		}
		if got := strings.Count(strings.Join(h.Events(""), "\n"), "agency.names_changed ok"); got != 3 {
			t.Errorf("%d audit rows", got)
		}
		open := b.Get("/admin/messages/wording")
		names("Other", "Demo Agency <support@demo.example>")
		stale := b.Post("/admin/messages/wording", "product", "Mine", "was_product", open.Value("was_product"), "from", open.Value("from"), "was_from", open.Value("was_from"))
		if stale.Status != http.StatusConflict || stale.Value("product") != "Mine" || !stale.Says("Now the product is called Other") {
			t.Errorf("a stale form: %d %s", stale.Status, stale.Text())
		}
	})
}

// TN-01: wordings and names of one agency can't be read or changed by another.
func TestWordingOfAnotherAgency(t *testing.T) {
	apptest.Each(t, func(t *testing.T, h *apptest.App) {
		b := signedInAs(h, "ADMIN", countersign.AgencyRights...)
		there := h.Visit()
		agency, err := h.Admin.AddAgency(t.Context(), h.Now(), countersign.Agency{Code: "OTHER", Name: "Other", Hosts: []string{"login.other.example"}, MailFrom: "Other <post@other.example>"})
		if err != nil {
			t.Fatal(err)
		}
		there.Agency = agency
		err = h.Admin.SaveWording(t.Context(), there, apptest.Operator, admin.WordingChange{Kind: "token", Subject: "Theirs", Body: "Theirs {token}", Version: admin.AnyVersion})
		if err != nil {
			t.Fatal(err)
		}
		if p := b.Get(tokenWording); !p.Says("This is the original text.") {
			t.Errorf("%s", p.Text())
		}
		if p := save(b, "token", "Ours", "Ours {token}"); !p.Says("Saved") {
			t.Fatalf("%s", p.Text())
		}
		view, err := h.Admin.Wordings(t.Context(), there, apptest.Operator)
		if err != nil {
			t.Fatal(err)
		}
		if row, _ := view.Row("token"); row.Words.Body != "Theirs {token}" || view.Sender != "Other <post@other.example>" {
			t.Errorf("%+v", view)
		}
		if err := h.Admin.OriginalWording(t.Context(), h.Visit(), apptest.Operator, "token", admin.AnyVersion); err != nil {
			t.Fatal(err)
		}
		if n := h.Count(`SELECT count(*) FROM wording`); n != 1 {
			t.Errorf("%d rows are left", n)
		}
	})
}
