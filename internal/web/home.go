package web

import (
	"net/http"

	"countersign"
	"countersign/internal/signin"
)

// A homePage greets who is signed in.
type homePage struct {
	base
	Warned   *alert // somebody knows the password
	Replaced bool   // which was another one then
}

func (s *Server) getHome(w http.ResponseWriter, r *http.Request, v countersign.Visit, g signin.Guest) error {
	warnings, err := s.Desk.Warnings(r.Context(), v, g)
	if err != nil {
		return err
	}
	b := s.console(v, g, "Home", "home")
	return s.show(w, http.StatusOK, "console_home", homePage{base: b, Warned: warned(b, warnings), Replaced: len(warnings) > 0 && replaced(b, warnings[0])})
}

// getAdmin leads to the first page that one's rights open.
func (s *Server) getAdmin(w http.ResponseWriter, r *http.Request, _ countersign.Visit, g signin.Guest) error {
	to := ""
	switch {
	case g.User.Has(countersign.RightPreferences):
		to = "/admin/system/preferences"
	case g.User.Has(countersign.RightUsers), g.User.Has(countersign.RightReset):
		to = "/admin/users"
	case g.User.Has(countersign.RightMessages):
		to = "/admin/messages"
	default:
		return &countersign.Error{Kind: countersign.Denied, Code: "right.missing",
			Args: countersign.Args{"Right": string(countersign.RightPreferences), "Login": g.User.Login}}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
