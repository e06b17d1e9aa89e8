package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/policy"
)

// withPasskey adds what the browser needs to ask for a passkey, if that is the method of the page.
func (p *tokenPage) withPasskey(s *Server, r *http.Request, v countersign.Visit) (err error) {
	if p.Passkey, err = s.SignIn.PasskeyToProve(r.Context(), v, p.View); p.Passkey != "" {
		p.Title = "Use your passkey"
	}
	return err
}

// postSignInPasskey signs in with a passkey alone.
func (s *Server) postSignInPasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	then := edge.Then(r.PostForm.Get("then"))
	out, err := s.SignIn.SignInWithPasskey(r.Context(), v, r.PostForm.Get("credential"), then)
	if err == nil {
		return s.next(w, r, v, out)
	}
	kind := countersign.KindOf(err)
	if kind != countersign.KindInvalid && kind != countersign.KindTooMany {
		return err
	}
	p, perr := s.signInPage(r, v)
	if perr != nil {
		return perr
	}
	p.Then = then
	if kind == countersign.KindTooMany {
		return s.limitedAtSignIn(w, v, p, err)
	}
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "gate_sign-in", p)
}

func (s *Server) getEnrollPasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Passkey")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up", "/set-up/sms", "/set-up/passkey") {
		return err
	}
	if !p.Passkeys {
		http.Redirect(w, r, "/set-up", http.StatusSeeOther)
		return nil
	}
	return s.makePasskey(w, r, v, http.StatusOK, p)
}

// makePasskey shows the page that creates a passkey.
func (s *Server) makePasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit, status int, p enrollPage) (err error) {
	if p.Passkey, err = s.Enroll.PasskeyToMake(r.Context(), v, p.View); err != nil {
		return err
	}
	p.Steps = p.steps("")
	if p.Name == "" && p.Err("passkey_name") == "" {
		p.Name = freeName(v.Client.Describe(), p.View.Factors)
	}
	return s.show(w, status, "gate_set-up-passkey", p)
}

// freeName returns a name for a new passkey that none of the user's passkeys has.
func freeName(name string, factors []countersign.Factor) string {
	free := name
	for i := 2; slices.ContainsFunc(passkeysOf(factors), func(p countersign.Passkey) bool { return p.Name == free }); i++ {
		free = fmt.Sprint(name, " ", i)
	}
	return free
}

// passkeysOf returns the passkeys among the factors.
func passkeysOf(factors []countersign.Factor) []countersign.Passkey {
	for _, f := range factors {
		if f.Method == countersign.MethodPasskey {
			return f.Passkeys
		}
	}
	return nil
}

func (s *Server) postEnrollPasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	name := strings.TrimSpace(r.PostForm.Get("passkey_name"))
	out, err := s.Enroll.EnrollPasskey(r.Context(), v, name, r.PostForm.Get("credential"))
	if err == nil {
		return s.next(w, r, v, out)
	}
	return s.enrollAgain(w, r, v, err, "Passkey", func(p enrollPage, status int) error {
		p.Name = name
		return s.makePasskey(w, r, v, status, p)
	})
}

// A passkeyPage renames or removes one of the user's passkeys.
type passkeyPage struct {
	base
	Passkey countersign.Passkey
	Name    string // as typed
	Last    bool   // removing it removes the method
	After   countersign.Factor
}

// passkeyPage returns the page of the passkey that the request names.
func (s *Server) passkeyPage(r *http.Request, v countersign.Visit, g authn.Principal, id, title string) (p passkeyPage, err error) {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return p, err
	}
	all := passkeysOf(profile.Factors)
	i := slices.IndexFunc(all, func(p countersign.Passkey) bool { return string(p.ID) == id })
	if i < 0 {
		return p, &countersign.Error{Kind: countersign.KindNotFound, Code: "passkey.gone"}
	}
	p = passkeyPage{base: s.console(v, g, title, "profile"), Passkey: all[i], Name: all[i].Name, Last: len(all) == 1}
	p.After = policy.Default(slices.DeleteFunc(slices.Clone(profile.Factors), func(f countersign.Factor) bool {
		return p.Last && f.Method == countersign.MethodPasskey
	}))
	return p, nil
}

func (s *Server) getRenamePasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.passkeyPage(r, v, g, r.URL.Query().Get("passkey"), "Rename a passkey")
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "console_passkey-rename", p)
}

func (s *Server) postRenamePasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	id, name := r.PostForm.Get("passkey"), strings.TrimSpace(r.PostForm.Get("passkey_name"))
	err := s.Account.RenamePasskey(r.Context(), v, g, countersign.PasskeyID(id), name)
	if countersign.KindOf(err) != countersign.KindInvalid {
		return s.profileResult(w, r, v, g, "renamed", err)
	}
	p, perr := s.passkeyPage(r, v, g, id, "Rename a passkey")
	if perr != nil {
		return perr
	}
	p.Name = name
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "console_passkey-rename", p)
}

func (s *Server) getRemovePasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	p, err := s.passkeyPage(r, v, g, r.URL.Query().Get("passkey"), "Remove a passkey")
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "console_passkey-remove", p)
}

func (s *Server) postRemovePasskey(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	err := s.Account.RemovePasskey(r.Context(), v, g, countersign.PasskeyID(r.PostForm.Get("passkey")))
	return s.profileResult(w, r, v, g, "unkeyed", err)
}
