package web

import (
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
	"countersign/internal/wording"
)

const wordingPath = "/admin/messages/wording"

// A wordingsPage lists the messages whose wording the agency can change, with its product name and
// the sender of its mail.
type wordingsPage struct {
	base
	View  admin.WordingView
	Typed admin.NamesChange
	Newer bool // another administrator has saved in between; View holds the saved text
}

// By says who chose the wording of a message, and when.
func (p wordingsPage) By(r admin.WordingRow) string {
	return "Changed " + p.Day(r.Words.Changed) + " by " + actorName(r.Words.By)
}

// registerWording registers the pages of wording. Each message has routes of its own, because a
// name in the path would match the route of a sent message.
func (s *Server) registerWording(k router) {
	k.Session("GET "+wordingPath, s.getWordings)
	k.ValidateFirst("POST "+wordingPath, "act.names", wordingPath, s.postNames)
	for _, kind := range wording.Kinds {
		path := wordingPath + "/" + kind.Name
		k.Session("GET "+path, s.getWording(kind.Name))
		k.ValidateFirst("POST "+path, "act.wording", path, s.postWording(kind.Name))
	}
}

func (s *Server) wordings(r *http.Request, v countersign.Visit, g authn.Principal) (wordingsPage, error) {
	p := wordingsPage{base: s.console(v, g, "Wording", "admin-wording")}
	var err error
	p.View, err = s.Admin.Wordings(r.Context(), v, g.Actor())
	p.Typed = admin.NamesChange{Product: p.View.Agency.ProductName(), WasProduct: p.View.Agency.ProductName(), From: p.View.Sender, WasFrom: p.View.Sender}
	return p, err
}

func (s *Server) getWordings(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.wordings(r, v, g)
	if err != nil {
		return err
	}
	switch r.URL.Query().Get("done") {
	case "saved":
		p.Alert = savedAlert("Saved", "It counts from the next page and the next message.")
	case "sender":
		p.Alert = p.senderAlert(p.View.Sender)
	case "unchanged":
		p.Alert = unchangedAlert()
	}
	return s.show(w, http.StatusOK, "console_wordings", p)
}

func (s *Server) postNames(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.wordings(r, v, g)
	if err != nil {
		return err
	}
	was := p.Typed
	typed := admin.NamesChange{Product: formOr(r, "product", was.Product), WasProduct: formOr(r, "was_product", was.WasProduct),
		From: formOr(r, "from", was.From), WasFrom: formOr(r, "was_from", was.WasFrom)}
	done := "saved"
	if movesDomain(typed.WasFrom, typed.From) {
		done = "sender"
	}
	err = s.Admin.SaveNames(r.Context(), v, g.Actor(), typed)
	if countersign.CodeOf(err) == "wording.unchanged" {
		done, err = "unchanged", nil
	}
	if err != nil {
		return s.namesRefused(w, p, typed, err)
	}
	http.Redirect(w, r, wordingPath+query("done", done), http.StatusSeeOther)
	return nil
}

// namesRefused shows the page again with what was typed. If another administrator has saved in
// between, it shows the saved values above; saving again overwrites them.
func (s *Server) namesRefused(w http.ResponseWriter, p wordingsPage, typed admin.NamesChange, err error) error {
	status := http.StatusUnprocessableEntity
	switch {
	case countersign.KindOf(err) == countersign.KindConflict:
		status, p.Newer = http.StatusConflict, true
		typed.WasProduct, typed.WasFrom = p.Typed.WasProduct, p.Typed.WasFrom
	case !isInvalid(err):
		return err
	}
	p.Typed = typed
	p.refuse(err)
	return s.show(w, status, "console_wordings", p)
}

// formOr returns a field of the form, or other if the form has no such field.
func formOr(r *http.Request, name, other string) string {
	if !r.PostForm.Has(name) {
		return other
	}
	return strings.TrimSpace(r.PostForm.Get(name))
}

// isInvalid reports whether one or more typed values are invalid.
func isInvalid(err error) bool { return countersign.Includes(err, countersign.KindInvalid) }

// movesDomain reports whether the new sender has another domain than before.
func movesDomain(was, is string) bool {
	domain := func(from string) string {
		return strings.ToLower(strings.Trim(from[strings.LastIndexByte(from, '@')+1:], "> "))
	}
	return domain(was) != domain(is)
}

func savedAlert(head, rest string) *alert {
	return &alert{Kind: "done", Role: "status", Head: head, Rest: rest}
}

func unchangedAlert() *alert {
	return &alert{Kind: "info", Role: "status", Head: "Nothing was changed", Rest: "What you sent is what stood there already."}
}

// senderAlert says what a new domain requires.
func (b base) senderAlert(sender string) *alert {
	return &alert{Kind: "warn", Role: "status", Head: "Saved: mail comes from " + sender + " now",
		Rest: "It is another domain. So that mail is not taken for junk, the DNS of that domain has to name your mail server, and mail has to be signed for it: the operator of the server sees with countersign doctor what is missing."}
}
