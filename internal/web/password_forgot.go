package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign"
	"countersign/internal/policy"
)

// A forgotPage asks for a user ID. Its answer is the same for every user ID.
type forgotPage struct {
	base
	UserID string
	Until  time.Time // when the link that may have been sent expires; zero: none was requested yet
	From   string    // sender of the mail
}

func (s *Server) forgotPage(r *http.Request, v countersign.Visit) (forgotPage, error) {
	front, err := s.SignIn.SignInPage(r.Context(), v)
	return forgotPage{base: s.base(v, "Forgot your password", front.Preferences), From: s.From(v.Agency)}, err
}

func (s *Server) getForgot(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, err := s.forgotPage(r, v)
	if err != nil {
		return err
	}
	if p.Until = plausible(r.URL.Query().Get("until"), v.Now); !p.Until.IsZero() {
		p.Title = "Check your mail"
	}
	return s.show(w, http.StatusOK, "gate_password-forgot", p)
}

// plausible parses the time a link expires. It returns zero if no link requested just now could
// expire then.
func plausible(text string, now time.Time) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	until := time.Unix(seconds, 0).UTC()
	if err != nil || until.After(now.Add(policy.PasswordLink)) || until.Before(now.Add(-policy.Day)) {
		return time.Time{}
	}
	return until
}

func (s *Server) postForgot(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	userID := strings.TrimSpace(r.PostForm.Get("user_id"))
	if userID == "" {
		p, err := s.forgotPage(r, v)
		if err != nil {
			return err
		}
		p.refuse(&countersign.Error{Kind: countersign.KindInvalid, Code: "user_id.empty", Field: "user_id"})
		return s.show(w, http.StatusUnprocessableEntity, "gate_password-forgot", p)
	}
	until, err := s.Account.RequestPasswordReset(r.Context(), v, userID)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/password/forgot"+query("until", strconv.FormatInt(until.Unix(), 10)), http.StatusSeeOther)
	return nil
}

// A resetPasswordPage is the page that the link for a forgotten password opens.
type resetPasswordPage struct {
	base
	Link     countersign.Handle
	UserID   string
	Shortest int
}

func (s *Server) resetPasswordPage(r *http.Request, v countersign.Visit, link countersign.Handle) (resetPasswordPage, error) {
	w, err := s.Account.ViewResetLink(r.Context(), v, link)
	return resetPasswordPage{base: s.base(v, "Choose a new password", w.Preferences), Link: link, UserID: w.User.Login,
		Shortest: w.Preferences.PasswordLength}, err
}

func (s *Server) getResetPassword(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, err := s.resetPasswordPage(r, v, mailedLink(r, "key"))
	if err != nil {
		return s.linkOver(w, r, v, err, "60 minutes")
	}
	return s.show(w, http.StatusOK, "gate_password-reset", p)
}

func (s *Server) postResetPassword(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	link := countersign.Handle(r.PostForm.Get("key"))
	asked, err := s.Account.ResetPassword(r.Context(), v, link, r.PostForm.Get("new_password"))
	switch {
	case err == nil && asked:
		http.Redirect(w, r, signInFor("password.replaced", r.PostForm.Get("user_id")), http.StatusSeeOther)
		return nil
	case err == nil:
		http.Redirect(w, r, signInFor("password.saved", r.PostForm.Get("user_id")), http.StatusSeeOther)
		return nil
	case countersign.KindOf(err) != countersign.KindInvalid:
		return s.linkOver(w, r, v, err, "60 minutes")
	}
	p, perr := s.resetPasswordPage(r, v, link)
	if perr != nil {
		return s.linkOver(w, r, v, perr, "60 minutes")
	}
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "gate_password-reset", p)
}

// A linkOverPage says that a link no longer works, and what to do instead.
type linkOverPage struct {
	base
	Life string
}

// linkOver answers a link that does not work. It passes on all other errors.
func (s *Server) linkOver(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error, life string) error {
	if countersign.CodeOf(err) != "link.over" {
		return err
	}
	front, ferr := s.SignIn.SignInPage(r.Context(), v)
	if ferr != nil {
		return ferr
	}
	p := linkOverPage{base: s.base(v, "This link no longer works", front.Preferences), Life: life}
	p.Errors = map[string]string{"link": p.Title} // the title of the page says that something is wrong
	return s.show(w, http.StatusGone, "gate_link-over", p)
}
