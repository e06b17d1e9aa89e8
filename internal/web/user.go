package web

import (
	"net/http"
	"slices"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
	"countersign/internal/policy"
)

// A userPage is one user's page.
type userPage struct {
	base
	View      admin.UserView
	Default   countersign.Factor
	Devices   []deviceRow
	Events    []eventRow
	Messages  []messageRow
	StateName string
	Badge     string
	Until     time.Time // confirmation of a reset: when set-up will close again
	Notified  []string
	Reason    string
	How       string // set-up: the chosen way
}

// userPage returns the page of the user that the path names.
func (s *Server) userPage(r *http.Request, v countersign.Visit, g authn.Principal) (userPage, error) {
	view, err := s.Admin.User(r.Context(), v, g.Actor(), r.PathValue("id"))
	if err != nil {
		return userPage{}, err
	}
	return s.pageOfUser(v, g, view), nil
}

func (s *Server) pageOfUser(v countersign.Visit, g authn.Principal, view admin.UserView) userPage {
	p := userPage{base: s.console(v, g, view.User.Name, "admin-users"), View: view, Default: policy.Default(view.Factors)}
	p.Devices = deviceRows(view.Preferences, view.Devices, "", v.Now)
	p.Events = p.eventRows(view.Events, false)
	p.Messages = messageRows(view.Messages)
	p.StateName, p.Badge = stateNames[view.State][0], stateNames[view.State][1]
	p.Until, p.Notified = v.Now.Add(policy.ResetLife), notifiedText(view.User, view.Factors)
	return p
}

func (s *Server) getUser(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.userPage(r, v, g)
	if err != nil {
		return err
	}
	p.Alert = flash(r)
	return s.show(w, http.StatusOK, "console_user", p)
}

// userAct runs one action on the user that the path names and redirects to the user's page.
func (s *Server) userAct(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, code string, act func(login string) error) error {
	login := r.PathValue("id")
	err := act(login)
	if countersign.KindOf(err) == countersign.KindInvalid {
		p, perr := s.userPage(r, v, g)
		if perr != nil {
			return perr
		}
		p.refuse(err)
		for _, text := range p.Errors {
			p.Alert = &alert{Kind: "danger", Role: "alert", Head: text}
		}
		return s.show(w, http.StatusUnprocessableEntity, "console_user", p)
	}
	if err == nil {
		http.Redirect(w, r, userPath(login)+query("done", code), http.StatusSeeOther) // #nosec G710 -- a path with a user ID in it, which has no slash
	}
	return err
}

func (s *Server) postDisable(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.setDisabled(w, r, v, g, "disabled", true)
}

func (s *Server) postEnable(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.setDisabled(w, r, v, g, "enabled", false)
}

func (s *Server) setDisabled(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, code string, disabled bool) error {
	return s.userAct(w, r, v, g, code, func(login string) error {
		_, err := s.Admin.EditUser(r.Context(), v, g.Actor(), login, admin.Change{Version: admin.AnyVersion, Disabled: &disabled})
		return err
	})
}

func (s *Server) postActivation(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.userAct(w, r, v, g, "activation", func(login string) error { return s.Admin.SendActivation(r.Context(), v, g.Actor(), login) })
}

func (s *Server) postUserForget(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	id := countersign.DeviceID(r.PostForm.Get("device"))
	if id == "" {
		return &countersign.Error{Kind: countersign.KindNotFound, Code: "device.unknown"}
	}
	return s.userAct(w, r, v, g, "forgotten", func(login string) error { return s.Admin.ForgetDevices(r.Context(), v, g.Actor(), login, id) })
}

func (s *Server) postUserForgetAll(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.userAct(w, r, v, g, "forgotten-all", func(login string) error { return s.Admin.ForgetDevices(r.Context(), v, g.Actor(), login, "") })
}

func (s *Server) postUserEndSession(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	id := countersign.SessionID(r.PostForm.Get("session"))
	return s.userAct(w, r, v, g, "ended", func(login string) error { return s.Admin.EndSession(r.Context(), v, g.Actor(), login, id) })
}

func (s *Server) postUserEndSessions(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.userAct(w, r, v, g, "ended-all", func(login string) error { return s.Admin.EndSessions(r.Context(), v, g.Actor(), login) })
}

// confirm shows a page that asks for confirmation, to those who hold the right.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, name, title string) error {
	view, err := s.Admin.UserToReset(r.Context(), v, g.Actor(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p := s.pageOfUser(v, g, view)
	p.Title = title + " · " + p.View.User.Login
	return s.show(w, http.StatusOK, name, p)
}

func (s *Server) getUserReset(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.confirm(w, r, v, g, "console_user-reset", "Reset/Disable 2 Factor Authentication")
}

func (s *Server) postUserReset(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	reason := r.PostForm.Get("reason")
	notified, err := s.Admin.ResetTwoFactor(r.Context(), v, g.Actor(), r.PathValue("id"), reason)
	if err == nil {
		code := "reset"
		if len(notified) == 0 {
			code = "reset-untold"
		}
		http.Redirect(w, r, userPath(r.PathValue("id"))+query("done", code), http.StatusSeeOther) // #nosec G710 -- a path with a user ID in it, which has no slash
		return nil
	}
	if countersign.KindOf(err) != countersign.KindInvalid {
		return err
	}
	p, perr := s.userPage(r, v, g)
	if perr != nil {
		return perr
	}
	p.Title, p.Reason = "Reset/Disable 2 Factor Authentication · "+p.View.User.Login, reason
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "console_user-reset", p)
}

func (s *Server) getEditUser(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	view, err := s.Admin.UserToEdit(r.Context(), v, g.Actor(), r.PathValue("id"))
	if err != nil {
		return err
	}
	f := s.userForm(v, g, "Edit "+view.User.Name, view.User)
	f.User.Mobile = formatPhone(view.User.Mobile)
	return s.show(w, http.StatusOK, "console_user-form", f)
}

func (s *Server) postEditUser(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	view, err := s.Admin.User(r.Context(), v, g.Actor(), r.PathValue("id"))
	if err != nil {
		return err
	}
	typed := typedUser(r)
	change := edit(view.User, typed, r, g)
	_, err = s.Admin.EditUser(r.Context(), v, g.Actor(), view.User.Login, change)
	if err == nil {
		http.Redirect(w, r, userPath(view.User.Login)+"?done=edited", http.StatusSeeOther)
		return nil
	}
	return s.formRefused(w, err, func() (userForm, error) {
		typed.Login, typed.Version = view.User.Login, view.User.Version
		typed.Rights = *change.Rights
		f := s.userForm(v, g, "Edit "+view.User.Name, typed)
		f.Reason = r.PostForm.Get("reason")
		if countersign.CodeOf(err) == "edit.conflict" {
			f.Meanwhile = differences(view.User, typed)
		}
		return f, nil
	})
}

// edit returns the change that a form asks for. Rights that are not on the form, because the editor
// does not hold them or no page grants them, do not change.
func edit(u, typed countersign.User, r *http.Request, g authn.Principal) admin.Change {
	rights := typed.Rights
	for _, held := range u.Rights {
		if !g.User.Has(held) || !slices.Contains(countersign.OfferedRights, held) {
			rights = append(rights, held)
		}
	}
	if typed.Mobile == formatPhone(u.Mobile) {
		typed.Mobile = u.Mobile
	}
	return admin.Change{Version: versionOf(r), Name: &typed.Name, Email: &typed.Email, Mobile: &typed.Mobile, Groups: &typed.Groups, Rights: &rights,
		Reason: r.PostForm.Get("reason")}
}
