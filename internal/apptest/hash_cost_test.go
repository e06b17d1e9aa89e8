package apptest

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/internal/admin"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// EN-02: a wrong password computes one hash, whether the user ID exists or not. The test counts
// hashes, because time means nothing on a busy machine.
func TestEveryWrongPasswordComputesOneHash(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		h.User("GONE")
		off := true
		if _, err := h.Admin.EditUser(context.Background(), h.Visit(), Operator, "GONE", admin.Change{Disabled: &off, Reason: "left", Version: admin.AnyVersion}); err != nil {
			t.Fatal(err)
		}
		_, err := h.Admin.AddUser(context.Background(), h.Visit(), Operator, admin.NewUser{Login: "NORA", Name: "Nora New", Email: "nora@demo.example"})
		if err != nil {
			t.Fatal(err)
		}
		h.Browser("192.0.2.10", Chrome).Enroll("BSMITH")
		for i, login := range []string{"BSMITH", "GONE", "NORA", "NOBODY", "nobody@demo.example", ""} {
			for _, password := range []string{"not the password", strings.Repeat("x", 300)} {
				b := h.Browser("192.0.2."+string(rune('1'+i)), Chrome)
				before := h.Authn.Passwords.Computed()
				p := b.SignInWith(login, password)
				if n := h.Authn.Passwords.Computed() - before; login != "" && n != 1 {
					t.Errorf("%q: %d hashes were computed, want 1 (%d %s)", login, n, p.Status, p.Text())
				}
			}
		}
	})
}

// PW-01: a successful sign-in replaces a hash that is cheaper than today's, and the same password
// still works.
func TestSignInRenewsACheapHash(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		u := h.User("BSMITH")
		cheap, err := secret.NewPasswordsAt(secret.Cost{Memory: 32, Iterations: 1}).Hash(context.Background(), Password)
		if err != nil {
			t.Fatal(err)
		}
		stored := func() (hash string) {
			err := h.DB.Read(context.Background(), h.Agency.ID, func(tx *store.Tx) error {
				u, err := tx.User(context.Background(), u.ID)
				hash = u.Password
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return hash
		}
		err = h.DB.In(context.Background(), h.Agency.ID, func(tx *store.Tx) error {
			return tx.SetPassword(context.Background(), u.ID, cheap, time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
		b := h.Browser("192.0.2.10", Chrome)
		if p := b.SignInWith("BSMITH", "not the password"); p.Status != 422 || stored() != cheap {
			t.Errorf("a wrong password: %d, hash %q", p.Status, stored())
		}
		b.Enroll("BSMITH")
		renewed := stored()
		if renewed == cheap || !strings.Contains(renewed, "m=64,t=1") {
			t.Errorf("the hash is still %q", renewed)
		}
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		if stored() != renewed {
			t.Error("a hash of today's cost was replaced again")
		}
	})
}
