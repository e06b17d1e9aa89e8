package web

import (
	"net/http"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/policy"
)

// viewStepUp returns the page of the session's step-up.
func (s *Server) viewStepUp(r *http.Request, v countersign.Visit, g authn.Principal) (tokenPage, error) {
	view, err := s.SignIn.ViewStepUp(r.Context(), v)
	if err != nil {
		return tokenPage{}, err
	}
	b := s.base(v, "", g.Preferences)
	b.FormToken, b.ActToken = s.Guard.FormToken(edge.Session, v.Session), view.Act
	p := s.tokenPage(b, v, view, "/step-up")
	p.Purpose, p.Kept = purpose(*view.Attempt.Pending), holdsTyped(*view.Attempt.Pending)
	if g.Fresh(v.Now) {
		p.Title, p.GoOn, p.Unsent, p.Delivery, p.Method = "Go on with what you sent", true, nil, delivery{}, ""
		return p, nil
	}
	if err := p.withPasskey(s, r, v); err != nil {
		return p, err
	}
	p.Title = "Confirm it is you"
	return p, nil
}

func (s *Server) getStepUp(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.viewStepUp(r, v, g)
	if err != nil {
		return err
	}
	p.renewed(r)
	return s.show(w, http.StatusOK, p.template("gate_step-up"), p)
}

func (s *Server) postStepUp(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	out, act, err := s.proveStepUp(r, v)
	if err == nil {
		s.cookies(w, out)
		s.replay(w, r, *act, out)
		return nil
	}
	return s.stepUpAgain(w, r, v, g, err)
}

// proveStepUp handles the form of a step-up: the confirmation of a user whose proof is recent,
// the token, the passkey, a recovery code, or the password of a user without a method.
func (s *Server) proveStepUp(r *http.Request, v countersign.Visit) (authn.Outcome, *countersign.PendingRequest, error) {
	if r.PostForm.Has("go_on") {
		act, err := s.SignIn.ReleasePending(r.Context(), v)
		return authn.Outcome{}, act, err
	}
	if r.PostForm.Has("password") {
		return s.SignIn.VerifyStepUpPassword(r.Context(), v, r.PostForm.Get("password"))
	}
	if r.PostForm.Has("recovery_code") {
		return s.SignIn.VerifyStepUpRecoveryCode(r.Context(), v, r.PostForm.Get("recovery_code"))
	}
	if r.PostForm.Has("credential") {
		return s.SignIn.VerifyStepUpPasskey(r.Context(), v, r.PostForm.Get("credential"))
	}
	return s.SignIn.VerifyStepUpToken(r.Context(), v, typedToken(r))
}

func (s *Server) stepUpAgain(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, err error) error {
	status := http.StatusUnprocessableEntity
	switch countersign.KindOf(err) {
	case countersign.KindInvalid:
	case countersign.KindConflict:
		status = http.StatusConflict
	case countersign.KindTooMany:
		status = http.StatusTooManyRequests
		retryAfter(w, v.Now, err)
	default:
		return err
	}
	p, lerr := s.viewStepUp(r, v, g)
	if lerr != nil {
		return lerr
	}
	if isStopped(err) {
		return s.locked(w, http.StatusTooManyRequests, v, p, err)
	}
	if countersign.CodeOf(err) == policy.DecisionToken {
		p.Unsent = nil // the same is said above
	}
	p.refuse(err)
	p.Alert, p.Unsent = latest(p.Alert, p.Unsent)
	p.Delivery, p.Typed = delivery{}, r.PostForm.Get("recovery_code")
	return s.show(w, status, p.template("gate_step-up"), p)
}

func (s *Server) postStepUpNew(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	out, err := s.SignIn.NewStepUpToken(r.Context(), v)
	if err != nil {
		return s.stepUpAgain(w, r, v, g, err)
	}
	s.await(r, v, out)
	http.Redirect(w, r, "/step-up?notice=token.resent", http.StatusSeeOther)
	return nil
}

func (s *Server) getStepUpOtherWay(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.viewStepUp(r, v, g)
	if err != nil {
		return err
	}
	return s.otherWay(w, http.StatusOK, p)
}

func (s *Server) postStepUpOtherWay(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	out, err := s.SignIn.UseOtherStepUpMethod(r.Context(), v, countersign.Method(r.PostForm.Get("method")))
	if err == nil {
		s.await(r, v, out)
		http.Redirect(w, r, "/step-up", http.StatusSeeOther)
		return nil
	}
	if countersign.KindOf(err) != countersign.KindInvalid {
		return s.stepUpAgain(w, r, v, g, err)
	}
	p, lerr := s.viewStepUp(r, v, g)
	if lerr != nil {
		return lerr
	}
	p.refuse(err)
	return s.otherWay(w, http.StatusUnprocessableEntity, p)
}

func (s *Server) postStepUpCancel(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	back, err := s.SignIn.CancelStepUp(r.Context(), v)
	if err != nil {
		return s.stepUpAgain(w, r, v, g, err)
	}
	http.Redirect(w, r, back, http.StatusSeeOther) // #nosec G710 -- a path that the route table holds
	return nil
}
