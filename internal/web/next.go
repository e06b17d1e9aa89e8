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

// next carries an outcome to the browser: its cookies, and the page of the next
// step. It is the only place that knows which page belongs to which step.
func (s *Server) next(w http.ResponseWriter, r *http.Request, v countersign.Visit, out authn.Outcome) error {
	s.await(r, v, out)
	s.cookies(w, out)
	if out.Act != nil {
		s.replay(w, r.WithContext(context.WithValue(r.Context(), resumedKey{}, true)), *out.Act, out)
		return nil
	}
	http.Redirect(w, r, pageOf(out), http.StatusSeeOther) // #nosec G710 -- door.Then has taken it for a path of this origin
	return nil
}

// await lets the message with a token go out before its page is asked for, so
// that the page says at once what became of it. It waits a moment at most.
func (s *Server) await(r *http.Request, v countersign.Visit, out authn.Outcome) {
	if s.Await != nil && out.Message != "" {
		s.Await(r.Context(), v.Agency.ID, out.Message)
	}
}

// cookies sets and clears what an outcome says.
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

// pageOf is the page of the next step.
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

// openStep is the page of the sign-in or set-up that is open in the browser of a
// request without a session; empty: none is. While it is, every page that needs a
// session leads back there (M27).
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

// replay lets an act go on that waited for a step-up or a sign-in: the same
// request, with the cookies of now and a form token for them.
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
	if strings.HasPrefix(act.Path, "/set-up") { // the wizard's forms are bound to its attempt
		bound = edge.Attempt
	}
	form.Set("form_token", s.Guard.FormToken(bound, s.Guard.Cookie(again, bound)))
	again.PostForm, again.Form = form, form
	s.mux.ServeHTTP(w, again)
}

// newCookies puts the cookies of an outcome into a request, in place of the old ones.
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

// A cookieJar takes Set-Cookie headers and nothing else.
type cookieJar struct{ header http.Header }

func (j cookieJar) Header() http.Header       { return j.header }
func (cookieJar) Write(b []byte) (int, error) { return len(b), nil }
func (cookieJar) WriteHeader(int)             {}

// query is ?name=value, or nothing where the value is empty.
func query(name, value string) string {
	if value == "" {
		return ""
	}
	return "?" + url.Values{name: {value}}.Encode()
}
