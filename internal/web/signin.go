package web

import (
	"errors"
	"maps"
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/edge"
	"countersign/internal/policy"
)

// A signInPage asks for user ID and password.
type signInPage struct {
	base
	UserID   string
	Then     string
	Passkey  string // what the browser needs to ask for a passkey that signs in alone, as JSON; empty if none may
	Demo     bool   // the page says where to start
	Both     bool   // both fields were left empty: a summary comes first
	Continue string // page of the sign-in that is open in this browser; empty: none is
}

// notices are the codes that the address of the sign-in page may name.
var notices = map[string]string{
	"attempt.expired": "info", "attempt.elsewhere": "info", "attempt.changed": "info", "attempt.crowded": "warn", "setup.over": "info",
	"token.third_failure": "warn", "token.third_failure_app": "warn", "token.no_tokens": "info",
	"signed-out": "done", "signed-out.remembered": "done", "signed-out.forgotten": "done",
	"password.saved": "done", "password.replaced": "done", "welcome.first": "done", "welcome.done": "done",
}

func (s *Server) signInPage(r *http.Request, v countersign.Visit) (signInPage, error) {
	front, err := s.SignIn.SignInPage(r.Context(), v)
	if err != nil {
		return signInPage{}, err
	}
	p := signInPage{base: s.base(v, "Sign in", front.Preferences), Demo: s.Demo}
	p.Passkey, err = s.SignIn.PasskeyOnlyRequest(v, front.Preferences)
	return p, err
}

func (s *Server) getSignIn(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	then := edge.Then(r.URL.Query().Get("then"))
	_, err := s.Authn.Authenticate(r.Context(), v)
	if err == nil {
		if then == "" {
			then = "/"
		}
		http.Redirect(w, r, then, http.StatusSeeOther) // #nosec G710 -- edge.Then has accepted it as a path of this origin
		return nil
	}
	if countersign.KindOf(err) != countersign.SignedOut {
		return err
	}
	p, perr := s.signInPage(r, v)
	if perr != nil {
		return perr
	}
	p.Then = then
	if login := r.URL.Query().Get("user_id"); countersign.CheckLogin(login) == nil {
		p.UserID = login
	}
	code := r.URL.Query().Get("notice")
	if kind, ok := notices[code]; ok {
		p.Alert = s.notice(v, kind, &countersign.Error{Code: code})
	} else if p.Alert, err = s.ended(r, v, err, then); err != nil {
		return err
	}
	p.Continue = s.openStep(r, v)
	return s.show(w, http.StatusOK, "gate_sign-in", p)
}

// ended says why the session has ended and where signing in again leads. It promises only what will
// happen.
func (s *Server) ended(r *http.Request, v countersign.Visit, why error, then string) (*alert, error) {
	all := countersign.Problems(why)
	if len(all) == 0 || all[0].Code == "session.none" {
		return nil, nil
	}
	e := *all[0]
	if e.Code != "session.idle" && e.Code != "session.absolute" {
		return s.notice(v, "info", &e), nil
	}
	kept, err := s.SignIn.HasPending(r.Context(), v)
	if err != nil {
		return nil, err
	}
	e.Args = maps.Clone(e.Args)
	if e.Args["Page"] = pageName(then); kept {
		e.Code += "_kept"
	} else if e.Args["Page"] != "" {
		e.Code += "_page"
	}
	return s.notice(v, "info", &e), nil
}

// pageName returns what the user calls the page they were on, or "" if no name helps.
func pageName(path string) string {
	switch {
	case strings.HasPrefix(path, "/profile"):
		return "User Profile"
	case strings.HasPrefix(path, "/admin/system/preferences"):
		return "System Preferences"
	case strings.HasPrefix(path, "/admin/users"):
		return "User Administration"
	case strings.HasPrefix(path, "/admin"):
		return "Administration"
	case path == "/":
		return "Home"
	default:
		return ""
	}
}

// signInAgain answers a sign-in form whose page is no longer valid in this browser, such as that of
// a second window. Nothing was checked, and the user ID need not be typed again. It reports false
// for other forms and for a user who is signed in already.
func (s *Server) signInAgain(w http.ResponseWriter, r *http.Request, v countersign.Visit) (bool, error) {
	if r.URL.Path != "/sign-in" {
		return false, nil
	}
	if _, err := s.Authn.Authenticate(r.Context(), v); countersign.KindOf(err) != countersign.SignedOut {
		return false, err
	}
	p, err := s.signInPage(r, v)
	if err != nil {
		return false, err
	}
	p.UserID, p.Then = strings.TrimSpace(r.PostForm.Get("user_id")), edge.Then(r.PostForm.Get("then"))
	code := "form.stale_sign_in"
	if len(r.Cookies()) == 0 {
		code = "cookies.off"
	}
	p.Alert = s.notice(v, "warn", &countersign.Error{Code: code})
	return true, s.show(w, http.StatusForbidden, "gate_sign-in", p)
}

// notice returns the alert above the form.
func (s *Server) notice(v countersign.Visit, kind string, e *countersign.Error) *alert {
	a := alertOf(e.Kind, sentence(v.Agency, v.Now, e))
	a.Kind, a.Role = kind, "status"
	if kind == "warn" {
		a.Role = "alert"
	}
	return a
}

func (s *Server) postSignIn(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	userID, password := strings.TrimSpace(r.PostForm.Get("user_id")), r.PostForm.Get("password")
	then := edge.Then(r.PostForm.Get("then"))
	err := missingFields(userID, password)
	if err == nil {
		out, failed := s.SignIn.VerifyPassword(r.Context(), v, userID, password, then)
		if _, closed := out.Step.(policy.Refuse); failed == nil && closed {
			return s.enrollmentClosed(w, r, v, out)
		}
		if failed == nil {
			return s.next(w, r, v, out)
		}
		err = failed
	}
	kind := countersign.KindOf(err)
	if kind != countersign.KindInvalid && kind != countersign.KindTooMany {
		return err
	}
	p, perr := s.signInPage(r, v)
	if perr != nil {
		return perr
	}
	p.UserID, p.Then = userID, then
	if kind == countersign.KindTooMany {
		return s.limitedAtSignIn(w, v, p, err)
	}
	p.refuse(err)
	p.Both = len(p.Errors) == 2
	if p.Alert != nil { // what is wrong with the pair is shown at the password
		p.Errors["password"], p.Alert = p.Alert.Head, nil
	}
	return s.show(w, http.StatusUnprocessableEntity, "gate_sign-in", p)
}

// missingFields reports empty or too long fields before they cost any work.
func missingFields(userID, password string) error {
	var missing []error
	switch {
	case len(userID) > countersign.MaxTypedLength:
		missing = append(missing, &countersign.Error{Kind: countersign.KindInvalid, Code: "user_id.long", Field: "user_id"})
	case userID == "":
		missing = append(missing, &countersign.Error{Kind: countersign.KindInvalid, Code: "user_id.empty", Field: "user_id"})
	}
	if password == "" {
		missing = append(missing, &countersign.Error{Kind: countersign.KindInvalid, Code: "password.required", Field: "password"})
	}
	return errors.Join(missing...)
}

func (s *Server) postCancel(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.SignIn.CancelSignIn(r.Context(), v)
	if err != nil {
		return err
	}
	return s.next(w, r, v, out)
}

// A signOutPage asks for confirmation before a session ends: a link alone ends none.
type signOutPage struct {
	base
	UserID string
}

func (s *Server) getSignOut(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	g, err := s.Authn.Authenticate(r.Context(), v)
	if countersign.KindOf(err) == countersign.SignedOut {
		s.toSignIn(w, r, v, err, false)
		return nil
	}
	if err != nil {
		return err
	}
	p := signOutPage{base: s.base(v, "Sign out", g.Preferences), UserID: g.User.Login}
	p.FormToken = s.Guard.FormToken(edge.Session, v.Session)
	return s.show(w, http.StatusOK, "gate_sign-out", p)
}

// signOut ends the session of the visit. Its form is bound to that session. A browser without a
// session is signed out already.
func (s *Server) signOut() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := s.visit(w, r)
		if !ok {
			return
		}
		if v.Session != "" && !s.Guard.CheckFormToken(edge.Session, v.Session, r.PostForm.Get("form_token")) {
			s.showError(w, r, v, http.StatusForbidden, "form.stale", nil)
			return
		}
		out, err := s.SignIn.SignOut(r.Context(), v, r.PostForm.Get("forget_device") == "yes")
		if err != nil {
			s.fail(w, r, v, err)
			return
		}
		s.cookies(w, out)
		http.Redirect(w, r, "/sign-in"+query("notice", out.Notice), http.StatusSeeOther)
	})
}
