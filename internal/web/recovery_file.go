package web

import (
	"fmt"
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/secret"
)

// postRecoveryFile returns the codes that a page has just shown as a file or a page to print. The
// form sends them, because they are not stored. Anything but such codes is rejected.
func (s *Server) postRecoveryFile(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.recoveryPage(r, v, g)
	if err != nil {
		return err
	}
	for _, typed := range strings.Fields(r.PostForm.Get("codes")) {
		if code, ok := secret.ReadCode(typed, secret.RecoveryLength); ok {
			p.Codes = append(p.Codes, secret.Grouped(code))
		}
	}
	if len(p.Codes) == 0 || len(p.Codes) > 20 {
		http.Redirect(w, r, "/profile/recovery-codes", http.StatusSeeOther)
		return nil
	}
	if r.PostForm.Get("as") == "print" {
		return s.show(w, http.StatusOK, "gate_recovery-print", p)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="recovery-codes.txt"`)
	_, err = fmt.Fprintf(w, "Recovery codes\r\n%s, user ID %s, %s\r\nEach code works once.\r\n\r\n%s\r\n",
		p.Product(), p.UserID, p.Date, strings.Join(p.Codes, "\r\n"))
	return ignoreDisconnect(err)
}

// few is the number of remaining recovery codes at which the user is reminded.
const few = 2

// reminder asks a user who has used most of their recovery codes to make new ones. It returns nil
// if enough are left or none were made.
func reminder(c countersign.RecoveryCodes) *alert {
	if c.All == 0 || c.Left > few {
		return nil
	}
	head := "You have " + countersign.Count(c.Left, "recovery code") + " left"
	if c.Left == 0 {
		head = "You have no recovery codes left"
	}
	return &alert{Kind: "warn", Role: "status", Head: head, Rest: "Make new ones, so that you can sign in when your phone is lost."}
}
