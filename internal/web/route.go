package web

import (
	"countersign/internal/authn"
	"net/http"
	"slices"
	"strings"

	"countersign"
)

// A RouteKind is what a route requires of a request.
type RouteKind string

// The kinds of routes.
const (
	RouteOpen    RouteKind = "open"   // anyone; the handler asks for the attempt or link it needs
	RouteSession RouteKind = "guest"  // reads; the user must be signed in
	RouteChange  RouteKind = "change" // changes something; the user must have proved a second factor recently (SE-06)
	RouteFree    RouteKind = "free"   // a form of a session that needs no step-up: it is one, or ends the session
)

// A Route is one path of the server.
type Route struct {
	Pattern string
	Kind    RouteKind
}

// Routes returns all routes. Handler must have been called.
func (s *Server) Routes() []Route { return s.table }

func (s *Server) handle(pattern string, kind RouteKind, h http.Handler) {
	s.table = append(s.table, Route{pattern, kind})
	s.mux.Handle(pattern, h)
}

// A router registers the routes of sessions. Each POST is a change or is registered as free, so
// that no form is left without a step-up by mistake.
type router struct{ *Server }

// Session registers a page that reads.
func (k router) Session(pattern string, h sessionHandler) {
	if !strings.HasPrefix(pattern, "GET ") {
		panic("web: " + pattern + " changes something: register it with fresh, typed or free")
	}
	k.handle(pattern, RouteSession, k.Server.session(h))
}

// ConfirmFirst registers a change that runs only after the step-up: it has no typed fields that
// could be wrong. title is the code of its name, and back is where Cancel leads.
func (k router) ConfirmFirst(pattern, title, back string, h sessionHandler) {
	k.handle(pattern, RouteChange, k.Server.session(k.change(title, back, false, h)))
}

// ValidateFirst registers a change with fields. They are validated first, so that a refused form
// costs no token. The service refuses the rest until a step-up is done.
func (k router) ValidateFirst(pattern, title, back string, h sessionHandler) {
	k.handle(pattern, RouteChange, k.Server.session(k.change(title, back, true, h)))
}

// NoStepUp registers a form of a session that needs no step-up.
func (k router) NoStepUp(pattern string, h sessionHandler) {
	k.handle(pattern, RouteFree, k.Server.session(h))
}

// change asks for a second factor of the last five minutes before h and then replays the request
// (SE-06). The services check this again. A request kept over a sign-in is shown to the user first,
// however recent the proof of that sign-in is.
func (s *Server) change(title, back string, typed bool, h sessionHandler) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		seen := !resumed(r) || !g.Fresh(v.Now) // the page of a step-up shows the pending request
		if seen && (typed || g.Fresh(v.Now)) {
			if err := h(w, r, v, g); countersign.KindOf(err) != countersign.KindStepUpRequired {
				return err
			}
		}
		return s.stepUp(w, r, v, pendingRequest(r, title, strings.ReplaceAll(back, "{id}", r.PathValue("id"))))
	}
}

// stepUp saves a request and redirects to the page that asks for a second factor.
func (s *Server) stepUp(w http.ResponseWriter, r *http.Request, v countersign.Visit, a countersign.PendingRequest) error {
	out, err := s.SignIn.BeginStepUp(r.Context(), v, a)
	if err != nil {
		return err
	}
	s.await(r, v, out)
	http.Redirect(w, r, "/step-up", http.StatusSeeOther)
	return nil
}

// pendingRequest returns a request that may be replayed later. It keeps what was typed, but not
// the user's password.
func pendingRequest(r *http.Request, title, back string) countersign.PendingRequest {
	form := map[string][]string{}
	for name, values := range r.PostForm {
		if name != "form_token" && name != "password" {
			form[name] = values
		}
	}
	return countersign.PendingRequest{Path: r.URL.RequestURI(), Form: form, Title: title, Back: back}
}

type resumedKey struct{}

// resumed reports whether the request was kept while its user signed in again. They have not
// confirmed it since.
func resumed(r *http.Request) bool {
	kept, _ := r.Context().Value(resumedKey{}).(bool)
	return kept
}

type provedKey struct{}

// passwordProved reports whether the request is replayed after its step-up and its user had typed
// the right password with it.
func passwordProved(r *http.Request) bool {
	proved, _ := r.Context().Value(provedKey{}).(bool)
	return proved
}

// purpose says on the page of a step-up what the user is about to do.
func purpose(a countersign.PendingRequest) string {
	login := ""
	if parts := strings.Split(a.Path, "/"); len(parts) > 3 && strings.HasPrefix(a.Path, "/admin/users/") {
		login = parts[3]
	}
	return strings.ReplaceAll(sentences[a.Title], "{Login}", login)
}

// typedFields are the fields that people type or choose.
var typedFields = []string{"user_id", "name", "email", "phone", "group", "right", "reason", "value", "new_password", "passkey_name", "to", "from",
	"subject", "body", "product", "how"}

// holdsTyped reports whether a pending request holds anything that its user typed.
func holdsTyped(a countersign.PendingRequest) bool {
	return slices.ContainsFunc(typedFields, func(name string) bool { return strings.Join(a.Form[name], "") != "" })
}
