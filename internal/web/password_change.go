package web

import (
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
)

// A changePage changes the user's own password.
type changePage struct {
	base
	Ask      bool   // the sign-in led here, not the user
	Later    string // where the user continues without a change
	UserID   string
	Shortest int
	Devices  int
	Sessions int // other sessions
}

func (s *Server) getChangePassword(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.changePassword(w, r, v, g, http.StatusOK, nil)
}

// weakPasswordTexts holds the sentences for a user who has just signed in with a well-known password. They may
// change it or continue (PW-04).
var weakPasswordTexts = map[string]string{
	"password.breached": "Your password is in a list of stolen passwords\nPrograms that guess passwords have it. Choose another one.",
	"password.common":   "Your password is among the most used, or made of them\nIt is guessed early. Choose another one.",
}

func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, status int, refused error) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	p := changePage{base: s.base(v, "Change your password", g.Preferences), UserID: g.User.Login, Shortest: g.Preferences.PasswordLength,
		Devices: len(profile.Devices), Sessions: len(profile.Sessions) - 1}
	p.Later = "/profile"
	if text, ok := weakPasswordTexts[r.URL.Query().Get("notice")]; ok {
		head, rest, _ := strings.Cut(text, "\n")
		p.Alert = &alert{Kind: "warn", Role: "status", Head: head, Rest: rest}
		p.Later, p.Ask = edge.Then(r.URL.Query().Get("then")), true
		if p.Later == "" {
			p.Later = "/"
		}
	}
	p.Wide, p.FormToken = true, s.Guard.FormToken(edge.Session, v.Session)
	if refused != nil {
		p.refuse(refused)
	}
	return s.show(w, status, "gate_password-change", p)
}

func (s *Server) postChangePassword(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	out, err := s.Account.ChangePassword(r.Context(), v, g, r.PostForm.Get("password"), r.PostForm.Get("new_password"), passwordProved(r))
	switch countersign.KindOf(err) {
	case countersign.KindStepUpRequired:
		a := pendingRequest(r, "act.password", "/password/change")
		a.Password = true // it was right: it need not be typed again and is not stored
		return s.stepUp(w, r, v, a)
	case countersign.KindInvalid:
		return s.changePassword(w, r, v, g, http.StatusUnprocessableEntity, err)
	}
	if err != nil {
		return err
	}
	s.cookies(w, out)
	http.Redirect(w, r, "/profile"+query("done", "password"), http.StatusSeeOther)
	return nil
}

// getWellKnown redirects password managers to the page that changes the password.
func (s *Server) getWellKnown(w http.ResponseWriter, r *http.Request, _ countersign.Visit) error {
	http.Redirect(w, r, "/password/change", http.StatusFound)
	return nil
}
