package authn

import (
	"context"

	"countersign"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// unrecognizedLink makes the link for the mail about a sign-in from a connection not seen
// before. The link ends the session and doesn't sign anyone in (M31). It also returns
// the mail's facts about the sign-in.
func (s *Service) unrecognizedLink(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, session countersign.Session) (map[string]string, error) {
	handle := secret.NewHandle()
	until := v.Now.Add(policy.UnrecognizedLife)
	link := countersign.Link{Digest: secret.Digest(handle), User: u.ID, Purpose: countersign.LinkUnrecognized, Created: v.Now, Expires: until}
	if err := tx.AddSessionLink(ctx, link, session.ID); err != nil {
		return nil, err
	}
	return map[string]string{"Proof": string(session.Proof), "Until": notify.Until(until), "Link": v.Agency.URL + "/not-me?link=" + string(handle)}, nil
}
