package web

import (
	"countersign/internal/authn"
	"net/http"
	"slices"
	"strings"

	"countersign"
)

// A RouteKind is what a route asks of who comes to it.
type RouteKind string

// The kinds of routes.
const (
	RouteOpen    RouteKind = "open"   // anybody; its own handler asks for the attempt or link that it needs
	RouteSession RouteKind = "guest"  // reads, for who is signed in
	RouteChange  RouteKind = "change" // changes something, for who has just proved a second factor (SE-06)
	RouteFree    RouteKind = "free"   // a form of a session that needs no step-up: it is one, or ends the session
)

// A Route is one path of the door.
type Route struct {
	Pattern string
	Kind    RouteKind
}

// Routes are all routes, once Handler was called.
func (s *Server) Routes() []Route { return s.table }

func (s *Server) handle(pattern string, kind RouteKind, h http.Handler) {
	s.table = append(s.table, Route{pattern, kind})
	s.mux.Handle(pattern, h)
}

// A router registers the routes of sessions, so that no form of one is forgotten:
// what is posted is a change, or is named as free.
type router struct{ *Server }

// Session registers a page that reads.
func (k router) Session(pattern string, h sessionHandler) {
	if !strings.HasPrefix(pattern, "GET ") {
		panic("web: " + pattern + " changes something: register it with fresh, typed or free")
	}
	k.handle(pattern, RouteSession, k.Server.session(h))
}

// ConfirmFirst registers a change that is not looked at before the step-up: it has
// nothing typed in it that could be wrong. title is the code of what it is, and
// back where Cancel leads.
func (k router) ConfirmFirst(pattern, title, back string, h sessionHandler) {
	k.handle(pattern, RouteChange, k.Server.session(k.change(title, back, false, h)))
}

// ValidateFirst registers a change with fields. They are looked at first, so that a
// refused one costs no token; the deed refuses the rest until a step-up is done.
func (k router) ValidateFirst(pattern, title, back string, h sessionHandler) {
	k.handle(pattern, RouteChange, k.Server.session(k.change(title, back, true, h)))
}

// NoStepUp registers a form of a session that needs no step-up.
func (k router) NoStepUp(pattern string, h sessionHandler) {
	k.handle(pattern, RouteFree, k.Server.session(h))
}

// change asks for a second factor of the last five minutes before h; the act
// then goes on by itself (SE-06). The deeds ask again. What was kept over a
// sign-in is shown first, however fresh the proof of that sign-in is.
func (s *Server) change(title, back string, typed bool, h sessionHandler) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		seen := !resumed(r) || !g.Fresh(v.Now) // who needs a step-up anyway sees on its page what waits
		if seen && (typed || g.Fresh(v.Now)) {
			if err := h(w, r, v, g); countersign.KindOf(err) != countersign.KindStepUpRequired {
				return err
			}
		}
		return s.stepUp(w, r, v, act(r, title, strings.ReplaceAll(back, "{id}", r.PathValue("id"))))
	}
}

// stepUp keeps an act and leads to the page that asks for a second factor.
func (s *Server) stepUp(w http.ResponseWriter, r *http.Request, v countersign.Visit, a countersign.PendingRequest) error {
	out, err := s.SignIn.BeginStepUp(r.Context(), v, a)
	if err != nil {
		return err
	}
	s.await(r, v, out)
	http.Redirect(w, r, "/step-up", http.StatusSeeOther)
	return nil
}

// act is a request that may go on later. What was typed waits with it, but not
// the user's password.
func act(r *http.Request, title, back string) countersign.PendingRequest {
	form := map[string][]string{}
	for name, values := range r.PostForm {
		if name != "form_token" && name != "password" {
			form[name] = values
		}
	}
	return countersign.PendingRequest{Path: r.URL.RequestURI(), Form: form, Title: title, Back: back}
}

type resumedKey struct{}

// resumed tells whether the request was kept while its user signed in again: he
// has not said since that he means it.
func resumed(r *http.Request) bool {
	kept, _ := r.Context().Value(resumedKey{}).(bool)
	return kept
}

type provedKey struct{}

// passwordProved tells whether the request is an act that goes on after its
// step-up, and its user had typed the right password with it before.
func passwordProved(r *http.Request) bool {
	proved, _ := r.Context().Value(provedKey{}).(bool)
	return proved
}

// purpose says what somebody is about to do, on the page of a step-up.
func purpose(a countersign.PendingRequest) string {
	login := ""
	if parts := strings.Split(a.Path, "/"); len(parts) > 3 && strings.HasPrefix(a.Path, "/admin/users/") {
		login = parts[3]
	}
	return strings.ReplaceAll(sentences[a.Title], "{Login}", login)
}

// typedFields are the fields that people type into, or choose in.
var typedFields = []string{"user_id", "name", "email", "phone", "group", "right", "reason", "value", "new_password", "passkey_name", "to", "from",
	"subject", "body", "product", "how"}

// holdsTyped reports whether an act that waits holds anything that its user typed.
func holdsTyped(a countersign.PendingRequest) bool {
	return slices.ContainsFunc(typedFields, func(name string) bool { return strings.Join(a.Form[name], "") != "" })
}
