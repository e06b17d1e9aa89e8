package web

import (
	"countersign/internal/authn"
	"net/http"

	"countersign"
)

// A homePage is the first page after sign-in.
type homePage struct {
	base
	Warned   *alert // someone else may know the password
	Replaced bool   // the password has been replaced since
	Few      *alert // few recovery codes are left
}

func (s *Server) getHome(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	warnings, err := s.Account.Warnings(r.Context(), v, g)
	if err != nil {
		return err
	}
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	b := s.console(v, g, "Home", "home")
	return s.show(w, http.StatusOK, "console_home", homePage{base: b, Few: reminder(profile.Codes), Warned: warned(b, warnings), Replaced: len(warnings) > 0 && replaced(b, warnings[0])})
}

// adminPages lists the first page of each right, in the order of preference.
var adminPages = []struct {
	right countersign.Right
	path  string
}{
	{countersign.RightPreferences, "/admin/system/preferences"},
	{countersign.RightUsers, "/admin/users"},
	{countersign.RightReset, "/admin/users"},
	{countersign.RightMessages, "/admin/messages"},
}

// getAdmin redirects to the first page that the user's rights open.
func (s *Server) getAdmin(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	var rights []countersign.Right
	for _, p := range adminPages {
		rights = append(rights, p.right)
	}
	if err := s.Admin.MayOpen(r.Context(), v, g.Actor(), rights...); err != nil {
		return err
	}
	for _, p := range adminPages {
		if g.User.Has(p.right) {
			http.Redirect(w, r, p.path, http.StatusSeeOther)
			return nil
		}
	}
	return nil
}
