// Package web serves the pages: sign-in, set-up, User Profile and administration. Each page is a
// file with its handlers, a template and a view. A handler decodes the request, calls one method of
// a service, and shows the result.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/admin"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/enroll"
	"countersign/internal/outbox"
	"countersign/internal/secret"
	"countersign/internal/signin"
)

// A Server serves the pages.
type Server struct {
	Authn    *authn.Service
	SignIn   *signin.Service
	Enroll   *enroll.Service
	Account  *account.Service
	Admin    *admin.Service
	Guard    edge.Guard
	Hosts    func(context.Context) (edge.Hosts, error)                          // maps hosts to agencies
	From     func(countersign.Agency) string                                    // sender of mail, as pages name it
	Mail     func() bool                                                        // whether a mail server is set up
	Await    func(context.Context, countersign.AgencyID, countersign.MessageID) // waits a moment for a message to be sent; nil: no page waits
	Inbox    *outbox.Inbox                                                      // of the demo; nil elsewhere, and then its page does not exist
	Demo     bool                                                               // the sign-in page says where to start
	Receipts func(ctx context.Context, agency countersign.AgencyID, gateway string, c outbox.Callback) error
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
	Longest  time.Duration    // limit of a request; 0: edge.RequestTime

	mux   *http.ServeMux
	table []Route
}

// Handler returns the handler of all routes with its middleware.
func (s *Server) Handler() http.Handler {
	s.mux, s.table = http.NewServeMux(), nil
	s.routes()
	h := edge.Limits(s.inTime(edge.SameOrigin(s.mux, s.crossOrigin)), func(w http.ResponseWriter, r *http.Request, status int) {
		s.inTime(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.rejected(w, r, status) })).ServeHTTP(w, r)
	})
	h = edge.Headers(h, s.Guard.Secure)
	return edge.Requests(h, s.Log, s.now, s.recovered)
}

// inTime limits the time that a request may take.
func (s *Server) inTime(h http.Handler) http.Handler {
	return edge.Deadline(h, s.Longest, s.Guard.Client)
}

// routes registers all paths.
func (s *Server) routes() {
	page := func(pattern string, h func(http.ResponseWriter, *http.Request, countersign.Visit) error) {
		s.handle(pattern, RouteOpen, s.public(h))
	}
	k := router{s}
	read, confirmFirst, validateFirst, noStepUp := k.Session, k.ConfirmFirst, k.ValidateFirst, k.NoStepUp

	s.handle("GET /healthz", RouteOpen, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
	s.handle("GET /static/", RouteOpen, s.ours(static(s.public(s.notFound))))

	page("GET /sign-in", s.getSignIn)
	page("POST /sign-in", s.postSignIn)
	page("GET /sign-in/token", s.getToken)
	page("POST /sign-in/token", s.postToken)
	page("POST /sign-in/token/new", s.postNewToken)
	page("GET /sign-in/other-way", s.getOtherWay)
	page("POST /sign-in/other-way", s.postOtherWay)
	page("POST /sign-in/passkey", s.postSignInPasskey)
	page("POST /sign-in/cancel", s.postCancel)

	page("GET /set-up", s.getEnroll)
	page("GET /set-up/code", s.getEnrollCode)
	page("POST /set-up/code", s.postEnrollCode)
	page("GET /set-up/email", s.getEnrollEmail)
	page("POST /set-up/email", s.postEnrollEmail)
	page("POST /set-up/email/token", s.postEmailToken)
	page("POST /set-up/email/confirm", s.postConfirmEmail)
	page("POST /set-up/email/new", s.postNewEmailToken)
	page("POST /set-up/email/drop", s.postDropEmail)
	page("GET /set-up/app", s.getEnrollApp)
	page("POST /set-up/app", s.postEnrollApp)
	page("GET /set-up/sms", s.getEnrollSMS)
	page("POST /set-up/sms", s.postEnrollSMS)
	page("POST /set-up/sms/token", s.postSMSToken)
	page("POST /set-up/sms/new", s.postNewSMSToken)
	page("GET /set-up/passkey", s.getEnrollPasskey)
	page("POST /set-up/passkey", s.postEnrollPasskey)
	page("POST /set-up/skip", s.postSkip)
	page("GET /set-up/default", s.getDefault)
	page("POST /set-up/default", s.postDefault)
	read("GET /set-up/done", s.getEnrollDone)
	read("GET /set-up/more", s.getEnrollMore)

	page("GET /not-me", s.getUnrecognized)
	page("POST /not-me", s.postUnrecognized)

	page("GET /welcome", s.getActivation)
	page("POST /welcome", s.postActivate)
	page("GET /password/forgot", s.getForgot)
	page("POST /password/forgot", s.postForgot)
	page("GET /password/reset", s.getResetPassword)
	page("POST /password/reset", s.postResetPassword)
	read("GET /password/change", s.getChangePassword)
	validateFirst("POST /password/change", "act.password", "/password/change", s.postChangePassword)
	page("GET /.well-known/change-password", s.getWellKnown)

	read("GET /step-up", s.getStepUp)
	noStepUp("POST /step-up", s.postStepUp)
	noStepUp("POST /step-up/new", s.postStepUpNew)
	read("GET /step-up/other-way", s.getStepUpOtherWay)
	noStepUp("POST /step-up/other-way", s.postStepUpOtherWay)
	noStepUp("POST /step-up/cancel", s.postStepUpCancel)

	page("GET /sign-out", s.getSignOut)
	s.handle("POST /sign-out", RouteFree, s.signOut())

	read("GET /{$}", s.getHome)
	read("GET /profile", s.getProfile)
	noStepUp("POST /profile/notices/seen", s.postDismissWarnings)
	confirmFirst("POST /profile/setup-two-factor", "act.setup", "/profile", s.postProfileEnroll)
	read("GET /profile/reset-two-factor", s.getProfileReset)
	validateFirst("POST /profile/reset-two-factor", "act.reset", "/profile/reset-two-factor", s.postProfileReset)
	read("GET /profile/email", s.getContact(newEmail))
	validateFirst("POST /profile/email", "act.email", "/profile/email", s.postEmail)
	confirmFirst("POST /profile/email/token", "act.email", "/profile/email", s.postContactToken(newEmail))
	confirmFirst("POST /profile/email/new", "act.email", "/profile/email", s.postContactNew(newEmail))
	read("GET /profile/phone", s.getContact(newPhone))
	validateFirst("POST /profile/phone", "act.phone", "/profile/phone", s.postPhone)
	confirmFirst("POST /profile/phone/token", "act.phone", "/profile/phone", s.postContactToken(newPhone))
	confirmFirst("POST /profile/phone/new", "act.phone", "/profile/phone", s.postContactNew(newPhone))
	confirmFirst("POST /profile/default", "act.default", "/profile", s.postProfileDefault)
	read("GET /profile/methods/remove", s.getRemoveMethod)
	confirmFirst("POST /profile/methods/remove", "act.remove", "/profile", s.postRemoveMethod)
	read("GET /profile/recovery-codes", s.getRecoveryCodes)
	validateFirst("POST /profile/recovery-codes", "act.recovery", "/profile/recovery-codes", s.postRecoveryCodes)
	noStepUp("POST /profile/recovery-codes/file", s.postRecoveryFile)
	read("GET /profile/passkeys/rename", s.getRenamePasskey)
	confirmFirst("POST /profile/passkeys/rename", "act.passkey_rename", "/profile", s.postRenamePasskey)
	read("GET /profile/passkeys/remove", s.getRemovePasskey)
	confirmFirst("POST /profile/passkeys/remove", "act.passkey_remove", "/profile", s.postRemovePasskey)
	read("GET /profile/devices/forget", s.getForgetDevice)
	confirmFirst("POST /profile/devices/forget", "act.forget", "/profile", s.postForgetDevice)
	confirmFirst("POST /profile/sessions/end", "act.sessions", "/profile", s.postEndSession)
	confirmFirst("POST /profile/sessions/end-others", "act.sessions", "/profile", s.postEndOtherSessions)

	read("GET /admin", s.getAdmin)
	read("GET /admin/system/preferences", s.getPreferences)
	validateFirst("POST /admin/system/preferences", "act.preference", "/admin/system/preferences", s.postPreferences)
	read("GET /admin/users", s.getUsers)
	read("GET /admin/users/new", s.getNewUser)
	validateFirst("POST /admin/users/new", "act.user_new", "/admin/users", s.postNewUser)
	read("GET /admin/users/{id}", s.getUser)
	read("GET /admin/users/{id}/edit", s.getEditUser)
	validateFirst("POST /admin/users/{id}/edit", "act.user_edit", "/admin/users/{id}", s.postEditUser)
	confirmFirst("POST /admin/users/{id}/disable", "act.user_disable", "/admin/users/{id}", s.postDisable)
	confirmFirst("POST /admin/users/{id}/enable", "act.user_enable", "/admin/users/{id}", s.postEnable)
	validateFirst("POST /admin/users/{id}/activation", "act.user_activation", "/admin/users/{id}", s.postActivation)
	read("GET /admin/users/{id}/reset-two-factor", s.getUserReset)
	validateFirst("POST /admin/users/{id}/reset-two-factor", "act.user_reset", "/admin/users/{id}", s.postUserReset)
	confirmFirst("POST /admin/users/{id}/reset-two-factor/cancel", "act.user_cancel", "/admin/users/{id}", s.postUserResetCancel)
	read("GET /admin/users/{id}/setup-two-factor", s.getUserEnroll)
	validateFirst("POST /admin/users/{id}/setup-two-factor", "act.user_invite", "/admin/users/{id}", s.postUserEnroll)
	confirmFirst("POST /admin/users/{id}/devices/forget", "act.user_forget", "/admin/users/{id}", s.postUserForget)
	confirmFirst("POST /admin/users/{id}/devices/forget-all", "act.user_forget", "/admin/users/{id}", s.postUserForgetAll)
	confirmFirst("POST /admin/users/{id}/sessions/end-one", "act.user_session", "/admin/users/{id}", s.postUserEndSession)
	confirmFirst("POST /admin/users/{id}/sessions/end", "act.user_sessions", "/admin/users/{id}", s.postUserEndSessions)

	read("GET /admin/messages", s.getMessages)
	read("GET /admin/messages/test", s.getMessageTest)
	validateFirst("POST /admin/messages/test", "act.message_test", "/admin/messages", s.postMessageTest)
	s.registerWording(k)
	read("GET /admin/messages/{id}", s.getMessage)
	confirmFirst("POST /admin/messages/{id}/resend", "act.message_resend", "/admin/messages/{id}", s.postResend)
	s.handle("POST /receipts/{gateway}", RouteOpen, http.HandlerFunc(s.postReceipt))
	if s.Inbox != nil {
		page("GET /demo/inbox", s.getInbox)
		page("GET /demo/inbox/new", s.getInboxNews)
		page("GET /demo/inbox/{id}", s.getInboxMail)
	}
	s.handle("/", RouteOpen, s.public(s.notFound))
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// visit collects the facts of a request. It reports false if no agency has the host; then it has
// written the answer (421).
func (s *Server) visit(w http.ResponseWriter, r *http.Request) (countersign.Visit, bool) {
	v := countersign.Visit{
		Client:  s.Guard.Client(r),
		Now:     s.now().UTC().Truncate(time.Millisecond),
		Request: edge.RequestID(r.Context()),
		Session: s.Guard.Cookie(r, edge.Session),
		Attempt: s.Guard.Cookie(r, edge.Attempt),
		Browser: s.Guard.Cookie(r, edge.Browser),
		Pending: r.PostForm.Get("act"),
	}
	hosts, err := s.Hosts(r.Context())
	if err != nil {
		s.fail(w, r, v, err)
		return v, false
	}
	agency, ok := hosts.Agency(r.Host)
	if !ok {
		code := "host.unknown"
		if hosts.OtherPort(r.Host) {
			code = "host.port"
		}
		s.showError(w, r, v, http.StatusMisdirectedRequest, code, nil)
		return v, false
	}
	v.Agency = agency
	if v, err = s.ownCookies(r, v); err != nil {
		s.fail(w, r, v, err)
		return v, false
	}
	return v, true
}

// ownCookies picks this program's cookies if the browser sends several of one name. An attempt
// without a password yet has no row; its form proves it.
func (s *Server) ownCookies(r *http.Request, v countersign.Visit) (countersign.Visit, error) {
	several := authn.Handles{
		Sessions: s.Guard.Cookies(r, edge.Session),
		Attempts: s.Guard.Cookies(r, edge.Attempt),
		Browsers: s.Guard.Cookies(r, edge.Browser),
	}
	if !several.Any() {
		return v, nil
	}
	own, err := s.Authn.Recognize(r.Context(), v, several)
	if err != nil {
		return v, err
	}
	for _, h := range several.Attempts {
		if r.Method == http.MethodPost && s.Guard.CheckFormToken(edge.Attempt, h, r.PostForm.Get("form_token")) {
			own.Attempt = h
		}
	}
	return own, nil
}

// ours answers 421 for hosts that belong to no agency.
func (s *Server) ours(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.visit(w, r); ok {
			next.ServeHTTP(w, r)
		}
	})
}

// public needs no session. Its forms are bound to the attempt cookie, which comes with the first
// page and grants nothing by itself.
func (s *Server) public(h func(http.ResponseWriter, *http.Request, countersign.Visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := s.visit(w, r)
		if !ok {
			return
		}
		tokenValid := r.Method != http.MethodPost || s.Guard.CheckFormToken(edge.Attempt, v.Attempt, r.PostForm.Get("form_token"))
		if v.Attempt == "" {
			v.Attempt = secret.NewHandle()
			s.Guard.SetCookie(w, edge.Attempt, v.Attempt, 0)
		}
		if !tokenValid {
			s.staleForm(w, r, v)
			return
		}
		if err := h(w, r, v); err != nil {
			s.fail(w, r, v, err)
		}
	})
}

// staleForm answers a form of a page that is no longer valid in this browser.
func (s *Server) staleForm(w http.ResponseWriter, r *http.Request, v countersign.Visit) {
	stale := "form.stale"
	if len(r.Cookies()) == 0 {
		stale = "cookies.off" // the page came with one
	}
	again, err := s.signInAgain(w, r, v)
	switch {
	case err != nil:
		s.fail(w, r, v, err)
	case !again:
		s.showError(w, r, v, http.StatusForbidden, stale, nil)
	}
}

type sessionHandler func(http.ResponseWriter, *http.Request, countersign.Visit, authn.Principal) error

// session requires a session. Others go to the sign-in page and come back afterwards. Forms are
// bound to the session.
func (s *Server) session(h sessionHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := s.visit(w, r)
		if !ok {
			return
		}
		tokenValid := r.Method != http.MethodPost || s.Guard.CheckFormToken(edge.Session, v.Session, r.PostForm.Get("form_token"))
		g, err := s.Authn.Authenticate(r.Context(), v)
		if countersign.KindOf(err) == countersign.SignedOut {
			s.toSignIn(w, r, v, err, tokenValid)
			return
		}
		if err == nil {
			r = withPrincipal(r, g)
			if !tokenValid {
				s.showError(w, r, v, http.StatusForbidden, "form.stale", nil)
				return
			}
			err = h(w, r, v, g)
		}
		if err != nil {
			s.failSession(w, r, v, err)
		}
	})
}

type principalKey struct{}

// withPrincipal puts the signed-in user into the context, so that error pages keep the console and
// the request's work counts as theirs.
func withPrincipal(r *http.Request, g authn.Principal) *http.Request {
	ctx := countersign.WithPrincipal(r.Context(), "user "+string(g.User.ID))
	return r.WithContext(context.WithValue(ctx, principalKey{}, g))
}

// toSignIn redirects a browser without a session to the sign-in page, or to the sign-in or set-up
// in progress. It keeps the contents of a form if the session ended because it was idle or too old.
func (s *Server) toSignIn(w http.ResponseWriter, r *http.Request, v countersign.Visit, why error, tokenValid bool) {
	if at := s.openStep(r, v); at != "" {
		http.Redirect(w, r, at, http.StatusSeeOther) // #nosec G710 -- the page of a step, a constant path
		return
	}
	then := r.URL.RequestURI()
	if r.Method == http.MethodPost {
		then = ""
		code := countersign.CodeOf(why)
		if tokenValid && (code == "session.idle" || code == "session.absolute") {
			if err := s.SignIn.SavePending(r.Context(), v, pendingRequest(r, "", "/")); err != nil {
				s.fail(w, r, v, err)
				return
			}
		}
	}
	http.Redirect(w, r, "/sign-in"+query("then", edge.Then(then)), http.StatusSeeOther)
}
