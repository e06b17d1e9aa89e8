package web

import (
	"net/http"

	"countersign"
	"countersign/internal/signin"
)

// A notMePage shows the sign-in that a link disowns, or that it is done.
type notMePage struct {
	base
	Link     countersign.Handle
	Disowned signin.Disowning
	Proof    string
	Done     bool
}

func (s *Server) getNotMe(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	if r.URL.Query().Has("done") {
		front, err := s.Desk.Front(r.Context(), v)
		if err != nil {
			return err
		}
		return s.show(w, http.StatusOK, "gate_not-me", notMePage{base: s.base(v, "That session was ended", front.Preferences), Done: true})
	}
	link := mailedLink(r, "link")
	n, err := s.Desk.NotMe(r.Context(), v, link)
	if err != nil {
		return err
	}
	p := notMePage{base: s.base(v, "Was this you?", n.Preferences), Link: link, Disowned: n, Proof: proofs[string(n.Session.Proof)]}
	return s.show(w, http.StatusOK, "gate_not-me", p)
}

func (s *Server) postNotMe(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	if err := s.Desk.Disown(r.Context(), v, countersign.Handle(r.PostForm.Get("link"))); err != nil {
		return err
	}
	http.Redirect(w, r, "/not-me?done", http.StatusSeeOther)
	return nil
}
