package web

import (
	"countersign/internal/authn"
	"fmt"
	"net/http"

	"countersign"
)

// warned is the home page's notice that someone else may know the password; nil if nothing suggests
// it (NT-03).
func warned(b base, all []countersign.Warning) *alert {
	if len(all) == 0 {
		return nil
	}
	last := all[0]
	head, password := "Somebody knows your password", "your right password"
	if replaced(b, last) {
		head, password = "Somebody knew the password that you had before", "the password that you had then"
	}
	text := fmt.Sprintf("%s somebody entered %s from %s and then %s. They did not get in.",
		upperFirst(b.Agency.OnDay(b.Now, last.At)), password, last.Client.Address(), wrongTokens(last.Wrong))
	if n := len(all) - 1; n > 0 {
		text += fmt.Sprintf(" This happened %s before.", times(n))
	}
	return &alert{Kind: "danger", Head: head, Rest: text}
}

// replaced reports whether the user has chosen another password since.
func replaced(b base, w countersign.Warning) bool {
	return b.Principal != nil && b.Principal.User.PasswordAt.After(w.At)
}

func wrongTokens(n int) string {
	switch n {
	case 0:
		return "no right token"
	case 1:
		return "a wrong token"
	case 2:
		return "two wrong tokens"
	default:
		return "three wrong tokens"
	}
}

func times(n int) string {
	switch {
	case n == 1:
		return "once"
	case n == 2:
		return "twice"
	case n >= 99:
		return "many times"
	default:
		return fmt.Sprint(n, " times")
	}
}

// postDismissWarnings handles «It was me».
func (s *Server) postDismissWarnings(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	if err := s.Account.DismissWarnings(r.Context(), v, g); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
