package web

import (
	"countersign/internal/account"
	"net/http"

	"countersign"
)

// An unrecognizedPage shows the sign-in that the user reports, or that the report is done.
type unrecognizedPage struct {
	base
	Link     countersign.Handle
	Disowned account.Unrecognized
	Proof    string
	Done     bool
}

func (s *Server) getUnrecognized(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	if r.URL.Query().Has("done") {
		front, err := s.SignIn.SignInPage(r.Context(), v)
		if err != nil {
			return err
		}
		return s.show(w, http.StatusOK, "gate_not-me", unrecognizedPage{base: s.base(v, "That session was ended", front.Preferences), Done: true})
	}
	link := mailedLink(r, "link")
	n, err := s.Account.UnrecognizedSignIn(r.Context(), v, link)
	if err != nil {
		return err
	}
	p := unrecognizedPage{base: s.base(v, "Was this you?", n.Preferences), Link: link, Disowned: n, Proof: proofs[string(n.Session.Proof)]}
	return s.show(w, http.StatusOK, "gate_not-me", p)
}

func (s *Server) postUnrecognized(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	if err := s.Account.ReportUnrecognized(r.Context(), v, countersign.Handle(r.PostForm.Get("link"))); err != nil {
		return err
	}
	http.Redirect(w, r, "/not-me?done", http.StatusSeeOther)
	return nil
}
