package web

import (
	"net/http"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/factor"
	"countersign/internal/policy"
)

// A contactPage changes the email address or mobile phone in the user's own profile: first the user
// enters the new one, then the token that was sent to it.
type contactPage struct {
	enrollPage
	Path    string // of the page's forms
	Current string // what the profile holds now
	Tokens  string // where tokens of the same method go; empty if the user has not set it up
	Also    bool   // email: send tokens to the new address too
}

// A newContact describes one of the two changes: email address or mobile phone.
type newContact struct {
	purpose countersign.Purpose
	path    string
	title   string
	form    string // template of the form for the new one
	field   string
}

var (
	newEmail = newContact{countersign.PurposeNewEmail, "/profile/email", "Change your email address", "gate_profile-email", "email"}
	newPhone = newContact{countersign.PurposeNewPhone, "/profile/phone", "Change your mobile phone", "gate_profile-phone", "phone"}
)

// contactPage returns the page with the token that was sent. ok is false if none was sent or it has
// expired.
func (s *Server) contactPage(r *http.Request, v countersign.Visit, g authn.Principal, c newContact) (p contactPage, ok bool, err error) {
	if p, err = s.contactForm(r, v, g, c); err != nil {
		return p, false, err
	}
	view, err := s.Account.ViewContact(r.Context(), v, c.purpose)
	if countersign.KindOf(err) == countersign.KindGone {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	p.View, p.To = view, formatPhone(view.Attempt.Challenge.Address)
	p.Spent = view.Attempt.Sends >= policy.MaxSends
	if p.Stale = !view.Attempt.Challenge.Live(v.Now); !p.Stale {
		p.Delivery = s.delivery(p.base, view, c.path)
	}
	return p, true, nil
}

// contactForm returns the page as it is before a token is sent.
func (s *Server) contactForm(r *http.Request, v countersign.Visit, g authn.Principal, c newContact) (contactPage, error) {
	b := s.base(v, c.title, g.Preferences)
	b.FormToken, b.Wide = s.Guard.FormToken(edge.Session, v.Session), true
	p := contactPage{enrollPage: enrollPage{base: b, From: s.From(v.Agency), Again: c.path + "/new"}, Path: c.path, Current: g.User.Email, Also: true}
	method := countersign.MethodEmail
	if c.purpose == countersign.PurposeNewPhone {
		p.Current, method = formatPhone(g.User.Mobile), countersign.MethodSMS
		for _, code := range g.Preferences.Countries {
			p.Countries = append(p.Countries, country{code, factor.CountryName(code)})
		}
	}
	profile, err := s.Account.Profile(r.Context(), v, g)
	if i := slices.IndexFunc(profile.Factors, func(f countersign.Factor) bool { return f.Method == method }); i >= 0 {
		p.Tokens = formatPhone(profile.Factors[i].Address)
	}
	return p, err
}

func (s *Server) getContact(c newContact) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		if c.purpose == countersign.PurposeNewPhone && !s.Account.Offers(countersign.MethodSMS) {
			return &countersign.Error{Kind: countersign.KindNotFound, Code: "page.not_found"}
		}
		p, sent, err := s.contactPage(r, v, g, c)
		if err != nil {
			return err
		}
		if !sent || r.URL.Query().Has("change") {
			return s.show(w, http.StatusOK, c.form, p)
		}
		return s.show(w, http.StatusOK, "gate_profile-token", p)
	}
}

func (s *Server) postEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	also := r.PostForm.Get("also_two_factor") == "yes"
	out, err := s.Account.ChangeEmail(r.Context(), v, g, r.PostForm.Get("email"), also)
	s.await(r, v, out)
	return s.contactAsked(w, r, v, g, newEmail, err)
}

func (s *Server) postPhone(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	out, err := s.Account.ChangePhone(r.Context(), v, g, r.PostForm.Get("country"), r.PostForm.Get("phone"))
	s.await(r, v, out)
	return s.contactAsked(w, r, v, g, newPhone, err)
}

// contactAsked redirects to the page for the token, or shows the form again.
func (s *Server) contactAsked(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, c newContact, err error) error {
	if err == nil {
		http.Redirect(w, r, c.path, http.StatusSeeOther)
		return nil
	}
	status, ok := refusedStatus(err)
	if !ok {
		return err
	}
	p, _, perr := s.contactPage(r, v, g, c)
	if perr != nil {
		return perr
	}
	p.refuse(err)
	p.Email, p.Phone, p.Country = r.PostForm.Get("email"), r.PostForm.Get("phone"), r.PostForm.Get("country")
	p.Also = r.PostForm.Get("also_two_factor") == "yes"
	retryIf(w, status, v.Now, err)
	return s.show(w, status, c.form, p)
}

// refusedStatus returns the status of a form that is shown again. It reports false if the error is
// not about the form's fields.
func refusedStatus(err error) (int, bool) {
	switch countersign.KindOf(err) {
	case countersign.KindInvalid:
		return http.StatusUnprocessableEntity, true
	case countersign.KindTooMany:
		return http.StatusTooManyRequests, true
	default:
		return 0, false
	}
}

func (s *Server) postContactToken(c newContact) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		err := s.Account.VerifyContactToken(r.Context(), v, c.purpose, r.PostForm.Get("token"))
		if err == nil {
			http.Redirect(w, r, "/profile"+query("done", c.field), http.StatusSeeOther)
			return nil
		}
		return s.contactToken(w, r, v, g, c, err)
	}
}

func (s *Server) postContactNew(c newContact) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		out, err := s.Account.NewContactToken(r.Context(), v, c.purpose)
		if err == nil {
			s.await(r, v, out)
			http.Redirect(w, r, c.path, http.StatusSeeOther)
			return nil
		}
		return s.contactToken(w, r, v, g, c, err)
	}
}

// contactToken shows the page for the token again with the error.
func (s *Server) contactToken(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, c newContact, err error) error {
	if countersign.CodeOf(err) == policy.RefusedFailures {
		return &countersign.Error{Kind: countersign.KindGone, Code: "profile.third_failure"}
	}
	status, ok := refusedStatus(err)
	if !ok {
		return err
	}
	p, sent, perr := s.contactPage(r, v, g, c)
	if perr != nil {
		return perr
	}
	p.refuse(err)
	retryIf(w, status, v.Now, err)
	p.Delivery = delivery{} // show the error only
	if !sent || p.Errors[c.field] != "" {
		return s.show(w, status, c.form, p)
	}
	return s.show(w, status, "gate_profile-token", p)
}
