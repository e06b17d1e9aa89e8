package web

import (
	"net/http"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
)

// An effectPage shows which users a change affects before it is saved.
type effectPage struct {
	base
	Effect admin.Effect
	Saving admin.PreferenceChange
}

// Turn returns "on" or "off" if the change turns two-factor authentication on or off, else "".
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

// Name returns the name of the preference; what the change does, if it turns two-factor
// authentication off, since the name says "Turn on".
func (p effectPage) Name() string {
	if p.Turn() == "off" {
		return "Turn off two factor authentication"
	}
	return p.Effect.Row.Preference.Name
}

// Frequency reports whether the number of days changes while two-factor authentication is On.
func (p effectPage) Frequency() bool {
	return p.Effect.After.TwoFactor && p.Effect.Before.Days != p.Effect.After.Days
}

// effect shows which users a change affects and asks for confirmation. refused says why an earlier
// save was rejected; nil if there was none.
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
