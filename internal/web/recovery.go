package web

import (
	"net/http"
	"strconv"
	"strings"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/secret"
)

// A recoveryPage offers recovery codes, or shows new ones, once only.
type recoveryPage struct {
	base
	UserID   string
	Had      countersign.RecoveryCodes // before the page was sent
	Set      int64                     // the set that the page was made from
	NoMethod bool
	Codes    []string // the new ones
	Date     string
}

func (s *Server) recoveryPage(r *http.Request, v countersign.Visit, g authn.Principal) (recoveryPage, error) {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return recoveryPage{}, err
	}
	b := s.base(v, "Recovery codes", g.Preferences)
	b.FormToken, b.Wide = s.Guard.FormToken(edge.Session, v.Session), true
	return recoveryPage{base: b, UserID: g.User.Login, Had: profile.Codes, Set: account.SetOf(profile.Codes), NoMethod: len(profile.Factors) == 0,
		Date: v.Agency.Date(v.Now)}, nil
}

func (s *Server) getRecoveryCodes(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.recoveryPage(r, v, g)
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "gate_recovery-codes", p)
}

// postRecoveryCodes makes a set and shows it in its answer. It does not redirect, because the codes
// are not stored and can't be shown again.
func (s *Server) postRecoveryCodes(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	if r.PostForm.Get("make") != "yes" {
		http.Redirect(w, r, "/profile"+query("done", "codes"), http.StatusSeeOther)
		return nil
	}
	p, err := s.recoveryPage(r, v, g)
	if err != nil {
		return err
	}
	codes, err := s.Account.MakeRecoveryCodes(r.Context(), v, g, setOf(r))
	if countersign.KindOf(err) == countersign.KindConflict {
		p.refuse(err)
		return s.show(w, http.StatusConflict, "gate_recovery-codes", p)
	}
	if err != nil {
		return err
	}
	for _, code := range codes {
		p.Codes = append(p.Codes, secret.Grouped(code))
	}
	return s.show(w, http.StatusOK, "gate_recovery-codes", p)
}

// setOf returns the set of codes that the form would replace.
func setOf(r *http.Request) int64 {
	set, err := strconv.ParseInt(r.PostForm.Get("set"), 10, 64)
	if err != nil {
		return account.AnySet
	}
	return set
}

// groups splits a code into the parts that pages show: four characters each.
func groups(code string) []string { return strings.Split(code, "-") }
