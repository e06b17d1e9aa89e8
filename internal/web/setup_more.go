package web

import (
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/authn"
	"countersign/internal/edge"
)

// An enrollMorePage offers to continue a set-up that was left before its end. Its reader is signed
// in and can skip it with a link.
type enrollMorePage struct {
	base
	Profile account.Profile
	Missing string // "the authenticator app, SMS and a passkey"; empty: all methods are set up
	Then    string
}

func (s *Server) getEnrollMore(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	if len(profile.Factors) == 0 || len(profile.Missing) == 0 && len(profile.Factors) < 2 {
		http.Redirect(w, r, thenOf(r), http.StatusSeeOther) // #nosec G710 -- edge.Then has accepted it as a path of this origin
		return nil
	}
	p := enrollMorePage{base: s.base(v, "Finish set-up", g.Preferences), Profile: profile, Then: thenOf(r)}
	p.FormToken, p.Wide = s.Guard.FormToken(edge.Session, v.Session), true
	names := map[countersign.Method]string{countersign.MethodEmail: "email", countersign.MethodApp: "the authenticator app", countersign.MethodSMS: "SMS", countersign.MethodPasskey: "a passkey"}
	var missing []string
	for _, m := range profile.Missing {
		missing = append(missing, names[m])
	}
	p.Missing = joinAnd(missing)
	return s.show(w, http.StatusOK, "gate_set-up-more", p)
}

// joinAnd joins a list: "one, two and three".
func joinAnd(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}
