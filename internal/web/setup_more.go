package web

import (
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/door"
	"countersign/internal/signin"
)

// A setUpMorePage offers the rest of a set-up that was left before its end. Its
// reader is signed in: nothing but a link stands between him and where he goes.
type setUpMorePage struct {
	base
	Profile signin.Profile
	Missing string // "the authenticator app, SMS and a passkey"; empty: all methods are set up
	Then    string
}

func (s *Server) getSetUpMore(w http.ResponseWriter, r *http.Request, v countersign.Visit, g signin.Guest) error {
	profile, err := s.Desk.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	if len(profile.Factors) == 0 || len(profile.Missing) == 0 && len(profile.Factors) < 2 {
		http.Redirect(w, r, thenOf(r), http.StatusSeeOther) // #nosec G710 -- door.Then has taken it for a path of this origin
		return nil
	}
	p := setUpMorePage{base: s.base(v, "Finish set-up", g.Preferences), Profile: profile, Then: thenOf(r)}
	p.FormToken, p.Wide = s.Entrance.FormToken(door.Session, v.Session), true
	names := map[countersign.Method]string{countersign.Email: "email", countersign.App: "the authenticator app", countersign.SMS: "SMS", countersign.ByPasskey: "a passkey"}
	var missing []string
	for _, m := range profile.Missing {
		missing = append(missing, names[m])
	}
	p.Missing = listed(missing)
	return s.show(w, http.StatusOK, "gate_set-up-more", p)
}

// listed is a list as a sentence has it: "one, two and three".
func listed(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}
