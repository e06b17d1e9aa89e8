package web

import (
	"net/http"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// A codePage shows a new enrollment code, once only.
type codePage struct {
	userPage
	New admin.IssuedCode
	Key []string // the code in groups of four
}

func (s *Server) getUserEnroll(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.confirm(w, r, v, g, "console_user-setup", "Setup 2 Factor Authentication")
}

// postUserEnroll helps a user to start set-up: by an invitation, or by an enrollment code.
func (s *Server) postUserEnroll(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	if r.PostForm.Get("how") != "code" {
		return s.userEnrollRefused(w, r, v, g, s.Admin.Invite(r.Context(), v, g.Actor(), r.PathValue("id")), "invited")
	}
	code, err := s.Admin.IssueEnrollmentCode(r.Context(), v, g.Actor(), r.PathValue("id"), r.PostForm.Get("reason"))
	if err != nil {
		return s.userEnrollRefused(w, r, v, g, err, "")
	}
	p, err := s.userPage(r, v, g)
	if err != nil {
		return err
	}
	p.Title = "Enrollment code · " + p.View.User.Login
	return s.show(w, http.StatusOK, "console_user-code", codePage{userPage: p, New: code, Key: groups(code.Code)})
}

// userEnrollRefused shows the page again with the error, or redirects to the user's page if there
// is none.
func (s *Server) userEnrollRefused(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, err error, done string) error {
	if err == nil {
		http.Redirect(w, r, userPath(r.PathValue("id"))+query("done", done), http.StatusSeeOther) // #nosec G710 -- a path with a user ID in it, which has no slash
		return nil
	}
	if countersign.KindOf(err) != countersign.KindInvalid {
		return err
	}
	p, perr := s.userPage(r, v, g)
	if perr != nil {
		return perr
	}
	p.Title, p.Reason, p.How = "Setup 2 Factor Authentication · "+p.View.User.Login, r.PostForm.Get("reason"), r.PostForm.Get("how")
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "console_user-setup", p)
}

// postUserResetCancel cancels an open reset.
func (s *Server) postUserResetCancel(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.userAct(w, r, v, g, "cancelled", func(login string) error { return s.Admin.CancelReset(r.Context(), v, g.Actor(), login) })
}
