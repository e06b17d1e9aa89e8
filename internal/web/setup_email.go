package web

import (
	"net/http"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/policy"
)

func (s *Server) getEnrollEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Email")
	if !ok || err != nil {
		return err
	}
	here := []string{"/set-up/email"}
	if p.Profile {
		here = append(here, "/set-up", "/set-up/sms")
	}
	if !stageOf(w, r, p, here...) {
		return nil
	}
	return s.email(w, http.StatusOK, p, r.URL.Query().Has("change"))
}

// email shows the page of the email step: the address, or the token that was sent.
func (s *Server) email(w http.ResponseWriter, status int, p enrollPage, change bool) error {
	p.Steps = p.steps("Email")
	p.Reset, p.Again = p.reset(), "/set-up/email/new"
	coded := p.View.Attempt.Enrollment.CodeAccepted
	p.Other = coded || p.View.Preferences.EmailOther != countersign.OtherNo
	p.Consent = p.Other && !coded && !p.Profile && p.View.User.Email != "" && p.View.Preferences.EmailOther == countersign.OtherConfirm
	if p.Email == "" {
		p.Email = p.View.User.Email
	}
	_, confirms := p.View.Stage.(policy.ConfirmEmail)
	_, proves := p.View.Stage.(policy.ProveEmail)
	if (confirms || proves) && !change {
		return s.show(w, status, "gate_set-up-email-token", p)
	}
	p.refusedForm(status)
	return s.show(w, status, "gate_set-up-email", p)
}

// reset says that this sign-in follows a reset (RS-03), by whom, and until when, or that an
// enrollment code started it.
func (p enrollPage) reset() *alert {
	u := p.View.User
	if p.View.Attempt.Enrollment.CodeAccepted && len(p.View.Factors) == 0 {
		return &alert{Kind: "done", Role: "status", Head: "Your enrollment code was right",
			Rest: "It is used now. Set-up is open here until " + p.Clock(p.View.Attempt.Expires) + "."}
	}
	if u.ResetUntil.IsZero() || p.View.Attempt.Purpose != countersign.PurposeSignIn {
		return nil
	}
	by := upperFirst(u.ResetBy) + " reset it"
	if u.ResetBy == u.Login {
		by = "You reset it"
	}
	return &alert{Kind: "info", Role: "status", Head: "Your two factor authentication was reset",
		Rest: by + " " + p.When(u.ResetAt) + ". This sign-in leads to set-up only, and set-up is open until " + p.Agency.Until(p.Now, u.ResetUntil) + "."}
}

func (s *Server) postEnrollEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	typed := r.PostForm.Get("email")
	out, err := s.Enroll.EnrollEmail(r.Context(), v, typed)
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "Email", func(p enrollPage, status int) error {
		p.Email = typed
		return s.email(w, status, p, p.Errors["email"] != "" || isOtherAddress(typed, p.View.Attempt.Enrollment.Email))
	})
}

func (s *Server) postDropEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.DropEmail(r.Context(), v)
	if err != nil {
		return err
	}
	return s.next(w, r, v, out)
}

// isOtherAddress reports whether an address differs from the one the token went to. What was typed then
// stays in its field, and a link leads to the token.
func isOtherAddress(typed, to string) bool {
	address, err := factor.ParseEmail(typed)
	return err == nil && address != to
}

func (s *Server) postEmailToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.VerifyEmailToken(r.Context(), v, r.PostForm.Get("token"))
	return s.emailToken(w, r, v, out, err)
}

func (s *Server) postConfirmEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.ConfirmEmail(r.Context(), v, r.PostForm.Get("token"))
	return s.emailToken(w, r, v, out, err)
}

func (s *Server) emailToken(w http.ResponseWriter, r *http.Request, v countersign.Visit, out authn.Outcome, err error) error {
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "Email", func(p enrollPage, status int) error { return s.email(w, status, p, false) })
}

func (s *Server) postNewEmailToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.NewEnrollmentToken(r.Context(), v)
	if err == nil {
		s.await(r, v, out)
		http.Redirect(w, r, "/set-up/email", http.StatusSeeOther)
		return nil
	}
	return s.enrollAgain(w, r, v, err, "Email", func(p enrollPage, status int) error { return s.email(w, status, p, false) })
}
