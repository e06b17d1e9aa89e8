package admin

import (
	"context"

	"countersign"
	"countersign/internal/store"
)

// FirstSteps are what is still to do in a new agency before 2FA is turned on.
type FirstSteps struct {
	Route MailRoute
	Mail  bool // a mail was accepted
	Name  bool // the agency has a name of its own
	Zone  bool // a time zone was chosen; UTC is one
	Users bool // there is someone besides the first administrator
}

// firstName is what the first agency is called before anyone names it.
const firstName = "Main Agency"

// FirstSteps says how far a new agency is; nil once 2FA was turned on or off.
func (s *Service) FirstSteps(ctx context.Context, v countersign.Visit, actor countersign.Actor) (*FirstSteps, error) {
	var steps *FirstSteps
	err := s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		settings, err := tx.Settings(ctx)
		if err != nil || settings[countersign.PrefTwoFactor].Version > 0 {
			return err
		}
		all, err := tx.Users(ctx, Query{Now: v.Now, Limit: 1})
		if err != nil {
			return err
		}
		steps = &FirstSteps{Route: s.Mail, Mail: s.checkMail(ctx, tx, v.Now) == nil, Name: v.Agency.Name != firstName, Zone: v.Agency.Zone != "", Users: all.Total > 1}
		return nil
	}, countersign.RightPreferences)
	return steps, err
}
