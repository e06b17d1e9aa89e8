package web

import (
	"net/http"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
)

// enrollmentClosed answers a correct password that does not sign in by itself: it says why, and where to
// enter an enrollment code.
func (s *Server) enrollmentClosed(w http.ResponseWriter, r *http.Request, v countersign.Visit, out authn.Outcome) error {
	s.cookies(w, out)
	v.Attempt = out.Attempt.Handle
	p, ok, err := s.wizard(w, r, v, "Enrollment code")
	if !ok || err != nil {
		return err
	}
	p.Title = "Error: " + p.Title
	return s.code(w, http.StatusForbidden, p)
}

func (s *Server) getEnrollCode(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Enrollment code")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up/code") {
		return err
	}
	return s.code(w, http.StatusOK, p)
}

// code shows the page of the enrollment code. Closed says why set-up needs one: "lapsed",
// "cancelled", "openings" or "no-email"; empty: it does not.
func (s *Server) code(w http.ResponseWriter, status int, p enrollPage) error {
	u := p.View.User
	switch {
	case !p.View.MustCode:
	case !u.ResetUntil.IsZero() && !p.Now.Before(u.ResetUntil):
		p.Closed = "lapsed"
		if u.ResetUntil.Before(u.ResetAt.Add(policy.ResetLife)) {
			p.Closed = "cancelled"
		}
	case !u.ResetUntil.IsZero() && u.EnrollmentOpenings >= policy.MaxEnrollmentOpenings:
		p.Closed = "openings"
	default:
		p.Closed = "no-email"
	}
	return s.show(w, status, "gate_set-up-code", p)
}

func (s *Server) postEnrollCode(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	typed := r.PostForm.Get("enrolment_code")
	out, err := s.Enroll.VerifyEnrollmentCode(r.Context(), v, typed)
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "Enrollment code", func(p enrollPage, status int) error {
		p.Typed = typed
		return s.code(w, status, p)
	})
}
