package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// A usersPage is the list of User Administration.
type usersPage struct {
	base
	admin.UserList
	Query  string
	State  string
	Method string
	Right  countersign.Right
	sorting
	Rights []countersign.Right
}

// perPage is the number of users on a page.
const perPage = 25

// Filtered reports whether the list shows some users only.
func (p usersPage) Filtered() bool { return p.Query+p.State+p.Method+string(p.Right) != "" }

// Page returns the address of the next or previous page.
func (p usersPage) Page(direction, cursor string) string {
	q := url.Values{}
	for k, v := range p.query {
		q[k] = v
	}
	q.Set("sort", p.Sort)
	if p.Descending {
		q.Set("order", "descending")
	}
	q.Set(direction, cursor)
	return "?" + q.Encode()
}

// Last returns the number of the last row on the page.
func (p usersPage) Last() int { return p.First + len(p.Rows) - 1 }

// StateName and StateBadge return the text and the color of a state.
func (usersPage) StateName(state string) string  { return stateNames[state][0] }
func (usersPage) StateBadge(state string) string { return stateNames[state][1] }

var stateNames = map[string][2]string{
	"done":     {"Set up", "badge-done"},
	"reset":    {"Reset open", "badge-info"},
	"lapsed":   {"Reset over", "badge-danger"},
	"not":      {"Not set up", "badge-warn"},
	"cannot":   {"No email", "badge-danger"},
	"disabled": {"Disabled", ""},
}

func (s *Server) getUsers(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	q := r.URL.Query()
	p := usersPage{base: s.console(v, g, "User Administration", "admin-users"), Query: q.Get("q"), State: q.Get("state"), Method: q.Get("method"),
		Right: countersign.Right(q.Get("right")), sorting: sortOf(r, "name"), Rights: countersign.OfferedRights}
	p.Alert = flash(r)
	var err error
	p.UserList, err = s.Admin.Users(r.Context(), v, g.Actor(), admin.Query{Text: searchTerm(p.Query), State: p.State, Method: p.Method, Right: p.Right,
		Sort: p.Sort, Descending: p.Descending, After: q.Get("after"), Before: q.Get("before"), Limit: perPage})
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "console_users", p)
}

// A userForm is the form to add or edit a user.
type userForm struct {
	base
	User      countersign.User
	New       bool
	Groups    string
	Rights    []rightBox
	Version   int64
	Reason    string
	Summary   []summaryLine
	Meanwhile []difference // after a conflict: what another administrator has saved since
}

// A difference is a field whose saved value differs from the typed one.
type difference struct{ Name, Saved, Typed string }

// differences lists the fields whose saved and typed values differ.
func differences(saved, typed countersign.User) []difference {
	var all []difference
	note := func(name, saved, typed string) {
		if saved != typed {
			all = append(all, difference{name, saved, typed})
		}
	}
	note("Name", saved.Name, typed.Name)
	note("Email address", saved.Email, typed.Email)
	note("Mobile phone", formatPhone(saved.Mobile), formatPhone(typed.Mobile))
	note("Groups", strings.Join(saved.Groups, ", "), strings.Join(slices.Sorted(slices.Values(typed.Groups)), ", "))
	note("Rights", rightNames(shownRights(saved.Rights)), rightNames(shownRights(typed.Rights)))
	return all
}

func rightNames(rights []countersign.Right) string {
	var names []string
	for _, right := range slices.Sorted(slices.Values(rights)) {
		names = append(names, string(right))
	}
	return strings.Join(names, ", ")
}

// shownRights returns the rights that pages count and name: those that open pages.
func shownRights(held []countersign.Right) []countersign.Right {
	return slices.DeleteFunc(slices.Clone(held), func(r countersign.Right) bool {
		return r != countersign.RightOperator && !slices.Contains(countersign.OfferedRights, r)
	})
}

// A rightBox is a right on the form. Locked means that the editor does not hold it.
type rightBox struct {
	Right  countersign.Right
	Hint   string
	Held   bool
	Locked bool
}

// opens says in a few words what a right allows.
var opens = map[countersign.Right]string{
	countersign.RightReset:       "Setup and Reset/Disable for other users",
	countersign.RightPreferences: "Preferences",
	countersign.RightUsers:       "Add, edit, disable users and their rights",
	countersign.RightMessages:    "Messages and wording",
}

func (s *Server) userForm(v countersign.Visit, g authn.Principal, title string, u countersign.User) userForm {
	f := userForm{base: s.console(v, g, title, "admin-users"), User: u, Version: u.Version, Groups: strings.Join(u.Groups, ", ")}
	for _, right := range countersign.OfferedRights {
		f.Rights = append(f.Rights, rightBox{right, opens[right], u.Has(right), !g.User.Has(right)})
	}
	return f
}

// refuseForm puts errors beside fields, and a summary above them.
func (f *userForm) refuseForm(err error) {
	f.refuse(err)
	f.Summary = f.Wrong("user_id", "name", "email", "phone", "group", "right", "reason")
}

func (s *Server) getNewUser(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	if err := s.Admin.MayOpen(r.Context(), v, g.Actor(), countersign.RightUsers); err != nil {
		return err
	}
	f := s.userForm(v, g, "Add a user", countersign.User{})
	f.New = true
	return s.show(w, http.StatusOK, "console_user-form", f)
}

// typedUser reads a user from a form.
func typedUser(r *http.Request) countersign.User {
	f := r.PostForm
	u := countersign.User{Login: strings.TrimSpace(f.Get("user_id")), Name: f.Get("name"), Email: f.Get("email"), Mobile: f.Get("phone")}
	for _, g := range strings.Split(strings.Join(f["group"], ","), ",") {
		if g = strings.TrimSpace(g); g != "" {
			u.Groups = append(u.Groups, g)
		}
	}
	for _, right := range f["right"] {
		u.Rights = append(u.Rights, countersign.Right(right))
	}
	return u
}

func (s *Server) postNewUser(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	typed := typedUser(r)
	u, err := s.Admin.AddUser(r.Context(), v, g.Actor(), admin.NewUser{Login: typed.Login, Name: typed.Name, Email: typed.Email, Mobile: typed.Mobile,
		Groups: typed.Groups, Rights: typed.Rights})
	if err == nil {
		http.Redirect(w, r, userPath(u.Login)+"?done=added", http.StatusSeeOther)
		return nil
	}
	return s.formRefused(w, err, func() (userForm, error) {
		f := s.userForm(v, g, "Add a user", typed)
		f.New = true
		return f, nil
	})
}

// formRefused shows a user's form again with what was typed and the errors.
func (s *Server) formRefused(w http.ResponseWriter, refused error, form func() (userForm, error)) error {
	all := countersign.Problems(refused)
	if len(all) == 0 || slices.ContainsFunc(all, func(e *countersign.Error) bool {
		return e.Field == "" && e.Kind != countersign.KindInvalid && e.Kind != countersign.KindConflict
	}) {
		return refused
	}
	status := http.StatusUnprocessableEntity
	switch kind := all[0].Kind; {
	case kind == countersign.KindConflict && all[0].Field == "":
		status = http.StatusConflict
	case kind == countersign.KindDenied && len(all) == 1: // a right that the editor may not grant
		status = http.StatusForbidden
	}
	f, err := form()
	if err != nil {
		return err
	}
	f.refuseForm(refused)
	return s.show(w, status, "console_user-form", f)
}

func userPath(login string) string { return "/admin/users/" + url.PathEscape(login) }
