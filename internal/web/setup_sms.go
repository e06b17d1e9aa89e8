package web

import (
	"net/http"
	"slices"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/policy"
)

func (s *Server) getEnrollSMS(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "SMS")
	if !ok || err != nil {
		return err
	}
	if !slices.Contains(p.View.Offered, countersign.MethodSMS) {
		http.Redirect(w, r, "/set-up", http.StatusSeeOther)
		return nil
	}
	if !stageOf(w, r, p, "/set-up", "/set-up/sms") {
		return nil
	}
	return s.sms(w, http.StatusOK, p, r.URL.Query().Has("change"))
}

// sms shows the page of the SMS step: the number, or the token that was sent.
func (s *Server) sms(w http.ResponseWriter, status int, p enrollPage, change bool) error {
	p.Steps = p.steps("SMS")
	p.Again = "/set-up/sms/new"
	for _, code := range p.View.Preferences.Countries {
		p.Countries = append(p.Countries, country{code, factor.CountryName(code)})
	}
	if phone := p.View.Attempt.Enrollment.Phone; phone != "" {
		p.To = formatPhone(phone)
	}
	if _, sent := p.View.Stage.(policy.ProveSMS); sent && !change {
		return s.show(w, status, "gate_set-up-sms-token", p)
	}
	p.refusedForm(status)
	return s.show(w, status, "gate_set-up-sms", p)
}

func (s *Server) postEnrollSMS(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	typed, country := r.PostForm.Get("phone"), r.PostForm.Get("country")
	out, err := s.Enroll.EnrollSMS(r.Context(), v, country, typed)
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "SMS", func(p enrollPage, status int) error {
		p.Phone, p.Country = typed, country
		return s.sms(w, status, p, true)
	})
}

func (s *Server) postSMSToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.VerifySMSToken(r.Context(), v, r.PostForm.Get("token"))
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "SMS", func(p enrollPage, status int) error {
		if p.Errors["phone"] == "" {
			return s.sms(w, status, p, false)
		}
		p.Phone, p.Country = formatPhone(p.View.Attempt.Enrollment.Phone), p.View.Attempt.Enrollment.Country
		return s.sms(w, status, p, true) // others use the number by now
	})
}

func (s *Server) postNewSMSToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.NewEnrollmentToken(r.Context(), v)
	if err == nil {
		s.await(r, v, out)
		http.Redirect(w, r, "/set-up/sms", http.StatusSeeOther)
		return nil
	}
	return s.enrollAgain(w, r, v, err, "SMS", func(p enrollPage, status int) error { return s.sms(w, status, p, false) })
}
