package web

import (
	"net/http"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
)

// A tokenPage asks for a token: in a sign-in, and in a step-up.
type tokenPage struct {
	base
	View     authn.View
	Act      string // the path that the forms of the page begin with
	Method   countersign.Method
	To       string // where the token went, masked
	From     string
	Delivery delivery
	Why      string
	Unsent   *alert // why no token was sent: there is none to type
	Stale    bool   // the token has expired or ended: send a new one first
	Renewed  bool   // the token has just replaced another one
	Spent    bool   // this sign-in has sent all the tokens it may
	Fallback bool   // "Having trouble? Email me a token"
	Others   []way
	Days     int
	Decline  bool   // "Do not remember this device" is checked
	Purpose  string // step-up: what the reader is about to do
	Kept     bool   // step-up: the pending request holds something typed
	Password bool   // step-up of a user without a method
	GoOn     bool   // step-up: the proof is recent, and the user only has to confirm the request
	Passkey  string // what the browser needs to ask for a passkey, as JSON; empty for other methods
	Typed    string // recovery code: what was typed and rejected
}

// Here returns where the form of the page goes.
func (p tokenPage) Here() string { return here(p.Act) }

// Instead reports whether the page itself lists the other methods, because the message does not
// arrive.
func (p tokenPage) Instead() bool {
	return len(p.Others) > 0 && (p.Unsent != nil || p.Delivery.State == "delayed" || p.Delivery.State == "refused")
}

// Sends reports whether a token is sent for the page's method.
func (p tokenPage) Sends() bool { return policy.Sends(p.Method) }

// Asks reports whether the page asks to remember this device. Every button of the page then sends
// the answer along.
func (p tokenPage) Asks() bool {
	return p.Passkey == "" && p.View.Remembers && p.Unsent == nil && !p.Stale && p.Delivery.State != "refused"
}

// rememberChoice reads the answer about remembering this device. The hidden field before the box
// distinguishes an unchecked box from no box.
func rememberChoice(r *http.Request) authn.RememberChoice {
	said := r.PostForm["forget_device"]
	return authn.RememberChoice{Set: len(said) > 0, Decline: slices.Contains(said, "yes")}
}

// A way is a method that the user may choose instead.
type way struct {
	Method countersign.Method
	Hint   string
}

// tokenPage makes the page from the state of the attempt.
func (s *Server) tokenPage(b base, v countersign.Visit, view authn.View, at string) tokenPage {
	p := tokenPage{base: b, View: view, Act: at, From: s.From(v.Agency), Days: view.Preferences.Days}
	p.Title, p.Decline = "Enter your token", view.Attempt.DeclineRemember
	p.Others = others(view)
	step, ok := view.Step.(policy.AskToken)
	if !ok {
		_, p.Password = view.Step.(policy.AskPassword)
		if _, codes := view.Step.(policy.AskRecovery); codes {
			p.Method, p.Title = countersign.MethodRecovery, "Use a recovery code"
		}
		return p
	}
	p.Method = step.Factor.Method
	p.To = masked(p.Method, step.Factor.Address)
	p.Stale, p.Spent = step.Stale, view.Attempt.Sends >= policy.MaxSends
	for _, o := range p.Others {
		p.Fallback = p.Fallback || o.Method == countersign.MethodEmail
	}
	if view.Why.Code != "" {
		p.Why = p.why(view.Why)
	}
	switch {
	case pause(view) != nil:
		p.refuse(pause(view))
		p.Unsent, p.Alert, p.Errors = p.Alert, nil, nil
		p.Title = "No token is taken just now"
	case step.Issue:
		p.Unsent = unsent(p.base, view)
		p.Title = "No token was sent"
	case p.Stale:
		p.Title = "Your token has expired"
	case p.Sends():
		p.Delivery = s.delivery(p.base, view, here(at))
	}
	return p
}

// others returns the methods that may be chosen, without the current one.
func others(view authn.View) []way {
	now := countersign.MethodRecovery
	if step, ok := view.Step.(policy.AskToken); ok {
		now = step.Factor.Method
	}
	var all []way
	for _, f := range view.Ways {
		if f.Method != now && !view.Paused[f.Method] {
			all = append(all, way{f.Method, hint(f)})
		}
	}
	if view.Codes.Left > 0 && now != countersign.MethodRecovery && !view.Paused[countersign.MethodRecovery] {
		all = append(all, way{countersign.MethodRecovery, "Use one of the codes you printed or saved"})
	}
	return all
}

// here returns the token page of the forms that begin with at.
func here(at string) string {
	if at == "/step-up" {
		return at
	}
	return at + "/token"
}

// hint says what choosing a method does.
func hint(f countersign.Factor) string {
	switch f.Method {
	case countersign.MethodApp:
		return "Type the six digits that your app shows"
	case countersign.MethodPasskey:
		return "Fingerprint, face or PIN of this device"
	}
	return "Send a token to " + masked(f.Method, f.Address)
}

// viewToken returns the token page of a sign-in. If the attempt belongs to another page, it
// redirects there.
func (s *Server) viewToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) (tokenPage, bool, error) {
	view, err := s.SignIn.View(r.Context(), v)
	if err != nil {
		return tokenPage{}, false, err
	}
	switch view.Step.(type) {
	case policy.AskToken, policy.AskRecovery:
	default:
		http.Redirect(w, r, pageOf(authn.Outcome{Step: view.Step, Stage: view.Stage}), http.StatusSeeOther)
		return tokenPage{}, false, nil
	}
	p := s.tokenPage(s.base(v, "", view.Preferences), v, view, "/sign-in")
	return p, true, p.withPasskey(s, r, v)
}

func (s *Server) getToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.viewToken(w, r, v)
	if !ok || err != nil {
		return err
	}
	if err := pause(p.View); err != nil {
		if isStopped(err) {
			return s.locked(w, http.StatusOK, v, p, err)
		}
		retryAfter(w, v.Now, err)
	}
	p.renewed(r)
	return s.show(w, http.StatusOK, p.template("gate_token"), p)
}

// template returns the name of the page's template. Recovery codes have their own.
func (p tokenPage) template(otherwise string) string {
	if p.Method == countersign.MethodRecovery {
		return "gate_token-recovery"
	}
	return otherwise
}

func (s *Server) postToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.prove(r, v)
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.tokenAgain(w, r, v, err)
}

// prove checks the token, the passkey, or the recovery code in place of them.
func (s *Server) prove(r *http.Request, v countersign.Visit) (authn.Outcome, error) {
	if r.PostForm.Has("recovery_code") {
		return s.SignIn.VerifyRecoveryCode(r.Context(), v, r.PostForm.Get("recovery_code"))
	}
	decline := rememberChoice(r).Decline
	if r.PostForm.Has("credential") {
		return s.SignIn.VerifyPasskey(r.Context(), v, r.PostForm.Get("credential"), decline)
	}
	return s.SignIn.VerifyToken(r.Context(), v, typedToken(r), decline)
}

// typedToken returns the token of a form, with the method that its page asked for.
func typedToken(r *http.Request) authn.Typed {
	return authn.Typed{Token: r.PostForm.Get("token"), Asked: countersign.Method(r.PostForm.Get("asked"))}
}

// tokenAgain shows the token page with the error.
func (s *Server) tokenAgain(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error) error {
	kind := countersign.KindOf(err)
	if kind != countersign.KindInvalid && kind != countersign.KindTooMany {
		return err
	}
	p, ok, lerr := s.viewToken(w, r, v)
	if !ok || lerr != nil {
		return lerr
	}
	p.Typed = r.PostForm.Get("recovery_code")
	if isStopped(err) {
		return s.locked(w, http.StatusTooManyRequests, v, p, err)
	}
	if w := rememberChoice(r); w.Set {
		p.Decline = w.Decline
	}
	return s.tokenRefused(w, p, err)
}

// renewed says that a new token has replaced an earlier one, if it has.
func (p *tokenPage) renewed(r *http.Request) {
	earlier := p.View.Attempt.Superseded
	if r.URL.Query().Get("notice") != "token.resent" || len(earlier) == 0 || p.Stale || p.Unsent != nil || !p.Sends() {
		return
	}
	p.Renewed = true
	if p.Delivery.Alert() == nil {
		text := fill(p.Agency, p.Now, sentences["token.resent"], countersign.Args{"Reference": earlier[len(earlier)-1].Reference})
		p.Alert = alertOf(countersign.KindInvalid, text)
		p.Alert.Kind, p.Alert.Role = "done", "status"
	}
}

func (s *Server) tokenRefused(w http.ResponseWriter, p tokenPage, err error) error {
	p.refuse(err)
	p.Alert, p.Unsent = latest(p.Alert, p.Unsent)
	p.Delivery = delivery{} // show the error only
	if countersign.KindOf(err) == countersign.KindTooMany {
		if countersign.CodeOf(err) == policy.DecisionToken {
			p.Unsent = nil // the same is said above
		}
		retryAfter(w, p.Now, err)
		return s.show(w, http.StatusTooManyRequests, p.template("gate_token"), p)
	}
	return s.show(w, http.StatusUnprocessableEntity, p.template("gate_token"), p)
}

func (s *Server) postNewToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.SignIn.NewToken(r.Context(), v, rememberChoice(r))
	if err != nil {
		return s.tokenAgain(w, r, v, err)
	}
	s.await(r, v, out)
	http.Redirect(w, r, "/sign-in/token?notice=token.resent", http.StatusSeeOther)
	return nil
}

func (s *Server) getOtherWay(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.viewToken(w, r, v)
	if !ok || err != nil {
		return err
	}
	return s.otherWay(w, http.StatusOK, p)
}

func (s *Server) otherWay(w http.ResponseWriter, status int, p tokenPage) error {
	p.Title = "Use another way"
	return s.show(w, status, "gate_other-way", p)
}

func (s *Server) postOtherWay(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	method := countersign.Method(r.PostForm.Get("method"))
	if method == "" { // not chosen yet: the page of all methods is next
		err := s.SignIn.SaveRememberChoice(r.Context(), v, rememberChoice(r))
		if err == nil {
			http.Redirect(w, r, "/sign-in/other-way", http.StatusSeeOther)
		}
		return err
	}
	out, err := s.SignIn.UseOtherMethod(r.Context(), v, method, rememberChoice(r))
	if err == nil {
		s.await(r, v, out)
		http.Redirect(w, r, "/sign-in/token", http.StatusSeeOther)
		return nil
	}
	if countersign.KindOf(err) != countersign.KindInvalid {
		return err
	}
	p, ok, lerr := s.viewToken(w, r, v)
	if !ok || lerr != nil {
		return lerr
	}
	p.refuse(err)
	return s.otherWay(w, http.StatusUnprocessableEntity, p)
}
