package web

import (
	"countersign/internal/authn"
	"html/template"
	"net/http"

	"countersign"
)

func (s *Server) getEnrollApp(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Authenticator app")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up", "/set-up/sms") {
		return err
	}
	if p.View.Key == "" { // its token was right before: there is nothing left to scan
		http.Redirect(w, r, pageOf(authn.Outcome{Stage: p.View.Stage}), http.StatusSeeOther)
		return nil
	}
	return s.app(w, http.StatusOK, p)
}

func (s *Server) app(w http.ResponseWriter, status int, p enrollPage) error {
	p.Steps = p.steps("App")
	p.URI = template.URL(p.View.URI) // #nosec G203 -- made by factor.AppURI, which escapes
	for key := p.View.Key; len(key) >= 4; key = key[4:] {
		p.Key = append(p.Key, key[:4])
	}
	var err error
	if p.QR, err = drawQR(p.View.URI, "QR code with the set-up key for "+p.View.User.Login+" at "+p.Product()+". The same key stands below as text."); err != nil {
		return err
	}
	return s.show(w, status, "gate_set-up-app", p)
}

func (s *Server) postEnrollApp(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.VerifyAppToken(r.Context(), v, r.PostForm.Get("token"))
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "Authenticator app", func(p enrollPage, status int) error { return s.app(w, status, p) })
}
