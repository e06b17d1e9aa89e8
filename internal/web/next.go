package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/policy"
)

// next sends an outcome to the browser: its cookies, and a redirect to the page of the next step.
// Only pageOf maps steps to pages.
func (s *Server) next(w http.ResponseWriter, r *http.Request, v countersign.Visit, out authn.Outcome) error {
	s.await(r, v, out)
	s.cookies(w, out)
	if out.Act != nil {
		s.replay(w, r.WithContext(context.WithValue(r.Context(), resumedKey{}, true)), *out.Act, out)
		return nil
	}
	http.Redirect(w, r, pageOf(out), http.StatusSeeOther) // #nosec G710 -- edge.Then has accepted it as a path of this origin
	return nil
}

// await gives the message with a token a moment to be sent, so that the next page can show its
// delivery at once.
func (s *Server) await(r *http.Request, v countersign.Visit, out authn.Outcome) {
	if s.Await != nil && out.Message != "" {
		s.Await(r.Context(), v.Agency.ID, out.Message)
	}
}

// cookies sets and clears the cookies of an outcome.
func (s *Server) cookies(w http.ResponseWriter, out authn.Outcome) {
	set := func(name string, c authn.Cookie) {
		switch {
		case !c.Change:
		case c.Handle == "":
			s.Guard.ClearCookie(w, name)
		case name == edge.Browser:
			s.Guard.SetCookie(w, name, c.Handle, edge.DeviceLife)
		default:
			s.Guard.SetCookie(w, name, c.Handle, 0)
		}
	}
	set(edge.Session, out.Session)
	set(edge.Attempt, out.Attempt)
	set(edge.Browser, out.Browser)
}

// pageOf returns the page of the next step.
func pageOf(out authn.Outcome) string {
	switch out.Stage.(type) {
	case policy.AskCode:
		return "/set-up/code"
	case policy.ProposeEmail, policy.ConfirmEmail, policy.ProveEmail:
		return "/set-up/email"
	case policy.Menu:
		return "/set-up"
	case policy.ProveSMS:
		return "/set-up/sms"
	case policy.MakePasskey:
		return "/set-up/passkey"
	case policy.ChooseDefault:
		return "/set-up/default"
	case policy.Done:
		return "/set-up/done" + query("then", edge.Then(out.Then))
	}
	switch out.Step.(type) {
	case policy.AskToken, policy.AskRecovery:
		return "/sign-in/token"
	case policy.Enroll:
		return "/set-up"
	case policy.Admit:
		if out.Notice != "" {
			return "/password/change" + query("notice", out.Notice) + strings.Replace(query("then", edge.Then(out.Then)), "?", "&", 1)
		}
		if out.Offer {
			return "/set-up/more" + query("then", edge.Then(out.Then))
		}
		if then := edge.Then(out.Then); then != "" {
			return then
		}
		return "/"
	default:
		return "/sign-in"
	}
}

// openStep returns the page of the sign-in or set-up in progress of a browser without a session, or
// "". Until it ends, all pages that need a session redirect there (M27).
func (s *Server) openStep(r *http.Request, v countersign.Visit) string {
	if r.Method == http.MethodPost {
		return ""
	}
	view, err := s.SignIn.View(r.Context(), v)
	if err != nil || view.Attempt.Purpose != countersign.PurposeSignIn {
		return "" // over, or of a session that has ended
	}
	at := pageOf(authn.Outcome{Step: view.Step, Stage: view.Stage})
	switch view.Step.(type) {
	case policy.AskToken, policy.AskRecovery, policy.Enroll:
		return at
	default:
		return ""
	}
}

// replay runs a request that waited for a step-up or a sign-in, with the current cookies and a form
// token for them.
func (s *Server) replay(w http.ResponseWriter, r *http.Request, act countersign.PendingRequest, out authn.Outcome) {
	target, err := url.ParseRequestURI(act.Path)
	if err != nil || edge.Then(act.Path) == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	form := url.Values(act.Form)
	if form == nil {
		form = url.Values{}
	}
	again := r.Clone(context.WithValue(r.Context(), provedKey{}, act.Password))
	again.Method, again.URL, again.RequestURI, again.Body = http.MethodPost, target, act.Path, http.NoBody
	s.newCookies(again, out)
	bound := edge.Session
	if strings.HasPrefix(act.Path, "/set-up") { // the forms of set-up are bound to its attempt
		bound = edge.Attempt
	}
	form.Set("form_token", s.Guard.FormToken(bound, s.Guard.Cookie(again, bound)))
	again.PostForm, again.Form = form, form
	s.mux.ServeHTTP(w, again)
}

// newCookies replaces the cookies of a request by those of an outcome.
func (s *Server) newCookies(r *http.Request, out authn.Outcome) {
	old := r.Cookies()
	r.Header.Del("Cookie")
	w := cookieJar{header: http.Header{}}
	s.cookies(w, out)
	changed := map[string]bool{}
	for _, c := range (&http.Response{Header: w.header}).Cookies() {
		changed[c.Name] = true
		if c.MaxAge >= 0 {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) // #nosec G124 -- part of a request of our own, never sent to a browser
		}
	}
	for _, c := range old {
		if !changed[c.Name] {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) // #nosec G124 -- part of a request of our own, never sent to a browser
		}
	}
}

// A cookieJar is an http.ResponseWriter that collects Set-Cookie headers only.
type cookieJar struct{ header http.Header }

func (j cookieJar) Header() http.Header       { return j.header }
func (cookieJar) Write(b []byte) (int, error) { return len(b), nil }
func (cookieJar) WriteHeader(int)             {}

// query returns ?name=value, or "" if the value is empty.
func query(name, value string) string {
	if value == "" {
		return ""
	}
	return "?" + url.Values{name: {value}}.Encode()
}
