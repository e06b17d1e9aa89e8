package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/policy"
)

// An errorPage says what happened, why, and what to do next.
type errorPage struct {
	base
	Head     string
	Rest     string
	Incident string
	Back     string
	BackName string
}

// fail answers an error on a page that needs no session.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error) {
	kind, code := countersign.KindOf(err), countersign.CodeOf(err)
	over := kind == countersign.KindGone && policy.EndsSignIn(code)
	switch {
	case over && strings.HasPrefix(r.URL.Path, "/set-up"):
		s.enrollmentEnded(w, r, v, code, loginOf(err))
	case over && s.resumePath(r, v, code) != "":
		http.Redirect(w, r, s.resumePath(r, v, code), http.StatusSeeOther) // #nosec G710 -- the page of a step, a constant path
	case over:
		s.Guard.ClearCookie(w, edge.Attempt)
		http.Redirect(w, r, signInFor(noticeOf(err, code), loginOf(err)), http.StatusSeeOther)
	case kind == countersign.SignedOut:
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	case kind == countersign.KindStepUpRequired: // set-up within a session: it continues after the step-up
		if err := s.stepUp(w, r, v, pendingRequest(r, "act.setup", "/profile")); err != nil {
			s.showError(w, r, v, edge.Status(countersign.KindOf(err)), countersign.CodeOf(err), err)
		}
	default:
		s.showError(w, r, v, edge.Status(kind), code, err)
	}
}

// failSession is fail for a signed-in user: the console stays around the error.
func (s *Server) failSession(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error) {
	switch countersign.KindOf(err) {
	case countersign.SignedOut:
		s.toSignIn(w, r, v, err, false)
	case countersign.KindGone:
		s.expired(w, r, v, err)
	case countersign.KindNotFound:
		s.recordNotFound(w, r, v, err)
	default:
		s.showError(w, r, v, edge.Status(countersign.KindOf(err)), countersign.CodeOf(err), err)
	}
}

// expired answers a step-up that has ended: its third failure ended the session.
func (s *Server) expired(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error) {
	if countersign.CodeOf(err) == "token.third_failure" {
		s.Guard.ClearCookie(w, edge.Session)
		http.Redirect(w, r, signInFor(noticeOf(err, "token.third_failure"), loginOf(err)), http.StatusSeeOther)
		return
	}
	switch code := countersign.CodeOf(err); {
	case code == policy.RefusedHints:
		s.showError(w, r, v, http.StatusGone, "token.no_tokens_change", nil)
		return
	case code != policy.RefusedExpired:
		s.showError(w, r, v, http.StatusGone, code, nil)
		return
	case r.Method == http.MethodPost:
		s.showError(w, r, v, http.StatusGone, "step_up.over", nil)
		return
	}
	http.Redirect(w, r, "/profile", http.StatusSeeOther)
}

// noticeOf returns code, or a separate notice after a third failure with an app, because the app
// keeps showing tokens.
func noticeOf(err error, code string) string {
	var e *countersign.Error
	if code == policy.RefusedFailures && errors.As(err, &e) && e.Args["Method"] == string(countersign.MethodApp) {
		return code + "_app"
	}
	return code
}

// loginOf returns the user ID that an error names, or "".
func loginOf(err error) string {
	var e *countersign.Error
	if !errors.As(err, &e) {
		return ""
	}
	login, _ := e.Args["Login"].(string)
	return login
}

// signInFor returns the address of the sign-in page with a notice and the user ID filled in.
func signInFor(notice, login string) string {
	q := url.Values{"notice": {notice}}
	if countersign.CheckLogin(login) == nil {
		q.Set("user_id", login)
	}
	return "/sign-in?" + q.Encode()
}

// enrollmentEnded answers a form of a set-up that has ended. A user who started it from the User
// Profile is still signed in; others sign in again. If the set-up has only moved on, as after a
// second click, the browser goes to its current page.
func (s *Server) enrollmentEnded(w http.ResponseWriter, r *http.Request, v countersign.Visit, code, login string) {
	if at := s.resumePath(r, v, code); at != "" {
		http.Redirect(w, r, at, http.StatusSeeOther) // #nosec G710 -- the page of a stage, a constant path
		return
	}
	s.Guard.ClearCookie(w, edge.Attempt)
	own := code + "_own"
	switch code {
	case policy.RefusedExpired:
		code, own = "setup.over", "setup.over_own"
	case policy.RefusedElsewhere, policy.RefusedChanged, policy.RefusedCrowded:
		own = "setup.over_own"
	}
	g, err := s.Authn.Authenticate(r.Context(), v)
	switch {
	case err != nil && isLastStep(r): // the first of two clicks may have signed the user in
		http.Redirect(w, r, "/sign-in"+query("notice", code)+"&then=/set-up/done", http.StatusSeeOther)
	case err != nil:
		http.Redirect(w, r, signInFor(code, login), http.StatusSeeOther)
	case r.Method == http.MethodPost && s.alreadyDone(r, v, g):
		http.Redirect(w, r, "/set-up/done", http.StatusSeeOther)
	case r.Method == http.MethodPost:
		s.showError(w, withPrincipal(r, g), v, http.StatusGone, own, nil)
	default:
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
	}
}

// resumePath returns the page of the current step of the browser's attempt, or "" if the attempt
// has ended. The form belonged to another page, so nothing was compared.
func (s *Server) resumePath(r *http.Request, v countersign.Visit, code string) string {
	if r.Method != http.MethodPost || code != policy.RefusedExpired {
		return ""
	}
	view, err := s.SignIn.View(r.Context(), v)
	if err != nil {
		return ""
	}
	if view.Stage == nil {
		return tokenStep(view)
	}
	if view.Attempt.Purpose == countersign.PurposeEnrollment {
		if _, err := s.Authn.Authenticate(r.Context(), v); err != nil {
			return "" // its session has ended
		}
	}
	return pageOf(authn.Outcome{Stage: view.Stage})
}

// tokenStep returns the page of a sign-in that waits for its second factor, or "" if it waits for
// something else.
func tokenStep(view authn.View) string {
	switch view.Step.(type) {
	case policy.AskToken, policy.AskRecovery:
		return pageOf(authn.Outcome{Step: view.Step})
	default:
		return ""
	}
}

// showError writes an error page. An internal error is logged under an incident number that the
// page shows.
func (s *Server) showError(w http.ResponseWriter, r *http.Request, v countersign.Visit, status int, code string, err error) {
	p := errorPage{base: base{Agency: v.Agency, Now: v.Now, FormToken: s.Guard.FormToken(edge.Session, v.Session), Help: s.help(r, v)}, Back: "/", BackName: "Go to the start page"}
	e := &countersign.Error{Code: code}
	errors.As(err, &e)
	if code == "secret.broken" {
		s.reportTampering(r, v, err)
	}
	if code == "" && errors.Is(err, context.DeadlineExceeded) {
		code, status = "late", http.StatusServiceUnavailable
		e = &countersign.Error{Code: code, Err: err}
	}
	if _, known := sentences[code]; !known {
		e, status = &countersign.Error{Code: "internal"}, http.StatusInternalServerError
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		s.Log.Info("client disconnected", "request", edge.RequestID(r.Context()), "path", r.URL.Path) // nobody would read the answer
	} else if status == http.StatusInternalServerError {
		p.Incident = incident(edge.RequestID(r.Context()))
		s.Log.Error("internal", "request", edge.RequestID(r.Context()), "incident", p.Incident, "path", r.URL.Path, "error", err)
	}
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
		p.Back, p.BackName = "/sign-in", "Try again"
		if e.Err != nil {
			s.Log.Warn("busy", "request", edge.RequestID(r.Context()), "path", r.URL.Path, "error", e.Err)
		}
	case http.StatusTooManyRequests:
		retryAfter(w, v.Now, err)
	}
	p.Head, p.Rest, _ = strings.Cut(sentence(v.Agency, v.Now, e), "\n")
	p.Head = strings.TrimSuffix(p.Head, ".")
	p.Title = p.Head
	p.Alert = &alert{Kind: "danger"}
	name := "gate_error"
	if g, ok := r.Context().Value(principalKey{}).(authn.Principal); ok {
		section := sectionOf(r.URL.Path, g)
		p.base = s.console(v, g, p.Head, section.name)
		p.Alert = &alert{Kind: "danger"}
		p.Back, p.BackName = section.back, section.backName
		name = "console_error"
	}
	if v.Agency.ID == "" {
		p.Agency.Name, p.Back = "Countersign", ""
	}
	if err := s.show(w, status, name, p); err != nil {
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
	}
}

// recordNotFound answers a request for a record that does not exist or belongs to another agency.
func (s *Server) recordNotFound(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error) {
	if g, ok := r.Context().Value(principalKey{}).(authn.Principal); ok {
		if failed := s.Authn.RecordNotFound(r.Context(), v, g, r.PathValue("id"), countersign.CodeOf(err)); failed != nil {
			s.fail(w, r, v, failed)
			return
		}
	}
	s.showError(w, r, v, http.StatusNotFound, countersign.CodeOf(err), err)
}

// reportTampering writes to the audit log and the operator's log that a sealed value was moved or
// changed in the database (KY-01).
func (s *Server) reportTampering(r *http.Request, v countersign.Visit, err error) {
	failed := s.Authn.ReportTampering(r.Context(), v, err)
	s.Log.Error("a sealed value does not open in its row: the database was changed outside this program", "request", edge.RequestID(r.Context()),
		"agency", v.Agency.Code, "path", r.URL.Path, "error", err, "audit", failed)
}

// A section is a part of the console, with the link that error pages in it offer.
type section struct{ name, back, backName string }

// sectionOf returns the section of a path if the user may open it.
func sectionOf(path string, g authn.Principal) section {
	switch {
	case strings.HasPrefix(path, "/admin/users") && (g.User.Has(countersign.RightUsers) || g.User.Has(countersign.RightReset)):
		return section{"admin-users", "/admin/users", "Go to User Administration"}
	case strings.HasPrefix(path, "/admin/system") && g.User.Has(countersign.RightPreferences):
		return section{"admin-system", "/admin/system/preferences", "Go to System Preferences"}
	case strings.HasPrefix(path, "/admin/messages/wording") && g.User.Has(countersign.RightPreferences),
		strings.HasPrefix(path, "/admin/messages") && g.User.Has(countersign.RightPreferences) && !g.User.Has(countersign.RightMessages):
		return section{"admin-wording", "/admin/messages/wording", "Go to Wording"}
	case strings.HasPrefix(path, "/admin/messages/test") && g.User.Has(countersign.RightMessages):
		return section{"admin-messages-test", "/admin/messages/test", "Go to Send a test"}
	case strings.HasPrefix(path, "/admin/messages") && g.User.Has(countersign.RightMessages):
		return section{"admin-messages", "/admin/messages", "Go to Messages"}
	case strings.HasPrefix(path, "/admin/") && opensAny(g.User):
		return section{"admin", "/admin", "Go to Administration"}
	case strings.HasPrefix(path, "/profile"), strings.HasPrefix(path, "/set-up"), strings.HasPrefix(path, "/step-up"):
		return section{"profile", "/profile", "Go to the User Profile"}
	default:
		return section{"", "/", "Go to the start page"}
	}
}

// opensAny reports whether the user's rights open any page of administration.
func opensAny(u countersign.User) bool {
	for _, p := range adminPages {
		if u.Has(p.right) {
			return true
		}
	}
	return false
}

// help returns the agency's help contact, or "" if it can't be read.
func (s *Server) help(r *http.Request, v countersign.Visit) string {
	if v.Agency.ID == "" {
		return ""
	}
	front, err := s.SignIn.SignInPage(r.Context(), v)
	if err != nil {
		return "" // report the first error
	}
	return front.Preferences.Help
}

// incident formats a request's ID for reading aloud: 7F3K-20M9.
func incident(request string) string {
	text := strings.ToUpper(request + "00000000")[:8]
	return text[:4] + "-" + text[4:]
}

// crossOrigin answers a form that another site sent (WB-01).
func (s *Server) crossOrigin(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.visit(w, r); ok {
		s.showError(w, r, v, http.StatusForbidden, "form.stale", nil)
	}
}

// recovered answers a request whose handler panicked (WB-07).
func (s *Server) recovered(w http.ResponseWriter, r *http.Request) {
	s.showError(w, r, countersign.Visit{Now: s.now()}, http.StatusInternalServerError, "internal", errors.New("panic"))
}

// limits maps the statuses of edge.Limits to error codes.
var limits = map[int]string{
	http.StatusMethodNotAllowed:      "limit.method",
	http.StatusRequestTimeout:        "limit.slow",
	http.StatusRequestURITooLong:     "limit.address",
	http.StatusRequestEntityTooLarge: "limit.size",
	http.StatusBadRequest:            "limit.form",
	http.StatusNotFound:              "page.not_found",
}

// rejected answers a request that none of our pages sends (WB-06).
func (s *Server) rejected(w http.ResponseWriter, r *http.Request, status int) {
	w.Header().Set("Connection", "close") // the rest of the request is not read
	if v, ok := s.visit(w, r); ok {
		s.showError(w, r, v, status, limits[status], nil)
	}
}

// notFound answers paths that do not exist. If the path ends in punctuation, which mail programs
// add to links, it leads to the path without it.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	if whole, ok := withoutTail(r); ok {
		http.Redirect(w, r, whole, http.StatusSeeOther)
		return nil
	}
	if g, err := s.Authn.Authenticate(r.Context(), v); err == nil {
		r = withPrincipal(r, g)
	}
	s.showError(w, r, v, http.StatusNotFound, "page.not_found", nil)
	return nil
}
