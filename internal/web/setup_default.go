package web

import (
	"net/http"
	"time"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/authn"
	"countersign/internal/policy"
)

func (s *Server) getDefault(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Default")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up/default") {
		return err
	}
	return s.chooseDefault(w, http.StatusOK, p)
}

func (s *Server) chooseDefault(w http.ResponseWriter, status int, p enrollPage) error {
	p.Steps = p.steps("Default")
	p.Chosen = countersign.MethodEmail // preselected (M20), unless another method is the Default already
	if p.Profile {
		p.Chosen = p.View.Default.Method
	}
	return s.show(w, status, "gate_set-up-default", p)
}

func (s *Server) postDefault(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.ChooseDefault(r.Context(), v, countersign.Method(r.PostForm.Get("default")))
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "Default", func(p enrollPage, status int) error { return s.chooseDefault(w, status, p) })
}

// Recommended returns the one method that the page recommends: the strongest.
func (p enrollPage) Recommended() countersign.Method {
	for _, m := range []countersign.Method{countersign.MethodPasskey, countersign.MethodApp} {
		if p.View.Has(m) {
			return m
		}
	}
	return ""
}

// An enrollDonePage says that set-up is complete (M23).
type enrollDonePage struct {
	base
	Profile account.Profile
	Default countersign.Factor
	Until   time.Time // this device is remembered until then; zero: it is not
	Then    string
	Again   bool // opened from the User Profile
}

func (s *Server) getEnrollDone(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	p := enrollDonePage{base: s.base(v, "Set-up is complete", g.Preferences), Profile: profile, Default: policy.Default(profile.Factors), Then: thenOf(r), Again: thenOf(r) == "/profile"}
	p.Wide = true
	if len(profile.Factors) == 0 {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	for _, d := range profile.Devices {
		if d.ID == g.Session.Device {
			p.Until = policy.RememberedUntil(g.Preferences, d.Proved)
		}
	}
	return s.show(w, http.StatusOK, "gate_set-up-done", p)
}

// isLastStep reports whether a form may be the last one of set-up.
func isLastStep(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/set-up/skip" || r.URL.Path == "/set-up/default")
}

// alreadyDone reports whether a form posted to a set-up that has ended asks for what is already so,
// as after a second click: nothing is left to skip, or the Default is the chosen one.
func (s *Server) alreadyDone(r *http.Request, v countersign.Visit, g authn.Principal) bool {
	switch {
	case !g.Enrolled || !isLastStep(r):
		return false
	case r.URL.Path == "/set-up/skip":
		return true
	}
	profile, err := s.Account.Profile(r.Context(), v, g)
	return err == nil && string(policy.Default(profile.Factors).Method) == r.PostForm.Get("default")
}
