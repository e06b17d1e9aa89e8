package web

import (
	"countersign/internal/account"
	"net/http"
	"net/url"
	"strings"

	"countersign"
)

// An activationPage is the page that an activation link opens. The user chooses a password, or the
// first administrator is created.
type activationPage struct {
	base
	Welcome account.ActivationLink
	Link    countersign.Handle
	First   bool
	UserID  string
	Name    string
	Email   string
	Naming  naming
	Zones   []zoneGroup
	Propose bool // whether to propose the browser's time zone
}

// naming holds what the page of the first administrator asks about the agency.
type naming struct{ Name, Product, Zone string }

func (s *Server) activationPage(r *http.Request, v countersign.Visit, link countersign.Handle) (activationPage, error) {
	welcome, err := s.Account.ViewActivation(r.Context(), v, link)
	if err != nil {
		return activationPage{}, err
	}
	p := activationPage{base: s.base(v, "Welcome", welcome.Preferences), Welcome: welcome, Link: link, UserID: "ADMIN"}
	if p.First = welcome.Link.Purpose == countersign.LinkFirstAdministrator; p.First {
		p.Title = "First administrator"
		p.Naming = naming{v.Agency.Name, v.Agency.Product, v.Agency.Zone}
		p.Zones = zones
	}
	return p, nil
}

func (s *Server) getActivation(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, err := s.activationPage(r, v, mailedLink(r, "link"))
	if err != nil {
		return s.linkOver(w, r, v, err, "24 hours")
	}
	p.Propose = p.First && v.Agency.Zone == ""
	return s.show(w, http.StatusOK, "gate_welcome", p)
}

func (s *Server) postActivate(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	f := r.PostForm
	link := countersign.Handle(f.Get("link"))
	err := s.Account.Activate(r.Context(), v, link, account.Activation{
		Login: f.Get("user_id"), Name: f.Get("name"), Email: f.Get("email"), Password: f.Get("new_password"),
		Agency: account.AgencyNames{Name: typedIn(f, "agency_name"), Product: typedIn(f, "product"), Zone: typedIn(f, "time_zone")}})
	if err == nil {
		notice := "welcome.done"
		if f.Has("email") { // only the form of the first administrator has this field
			notice = "welcome.first"
		}
		http.Redirect(w, r, signInFor(notice, strings.TrimSpace(f.Get("user_id"))), http.StatusSeeOther)
		return nil
	}
	if kind := countersign.KindOf(err); kind != countersign.KindInvalid && kind != countersign.KindConflict {
		return s.linkOver(w, r, v, err, "24 hours")
	}
	p, werr := s.activationPage(r, v, link)
	if werr != nil {
		return s.linkOver(w, r, v, werr, "24 hours")
	}
	p.UserID, p.Name, p.Email = f.Get("user_id"), f.Get("name"), f.Get("email")
	for name, to := range map[string]*string{"agency_name": &p.Naming.Name, "product": &p.Naming.Product, "time_zone": &p.Naming.Zone} {
		if f.Has(name) {
			*to = f.Get(name)
		}
	}
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "gate_welcome", p)
}

// typedIn returns the value of a form field, or nil if the form has no such field.
func typedIn(f url.Values, name string) *string {
	if !f.Has(name) {
		return nil
	}
	value := f.Get(name)
	return &value
}
