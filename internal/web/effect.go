package web

import (
	"net/http"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// An effectPage tells whom a change touches before it is saved.
type effectPage struct {
	base
	Effect admin.Effect
	Saving admin.PreferenceChange
}

// Turn tells what becomes of two factor authentication: "on", "off", or nothing.
func (p effectPage) Turn() string {
	switch {
	case !p.Effect.Before.TwoFactor && p.Effect.After.TwoFactor:
		return "on"
	case p.Effect.Before.TwoFactor && !p.Effect.After.TwoFactor:
		return "off"
	default:
		return ""
	}
}

// Frequency tells whether the days change while two factor authentication is On.
func (p effectPage) Frequency() bool {
	return p.Effect.After.TwoFactor && p.Effect.Before.Days != p.Effect.After.Days
}

// effect shows whom a change would touch, and asks before it is saved.
// refused is why it was not saved; nil: nothing was sent yet.
func (s *Server) effect(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, saving admin.PreferenceChange, refused error) error {
	effect, err := s.Admin.Effect(r.Context(), v, g.Actor(), saving)
	if err != nil {
		return s.preferenceRefused(w, r, v, g, saving, err)
	}
	p := effectPage{base: s.console(v, g, "Before you save", "admin-system"), Effect: effect, Saving: saving}
	if p.Turn() == "off" {
		p.Title = "Turn off two factor authentication?"
	}
	status := http.StatusOK
	if refused != nil {
		status = http.StatusUnprocessableEntity
		p.refuse(refused)
	}
	return s.show(w, status, "console_effect", p)
}
