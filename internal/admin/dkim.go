package admin

import (
	"context"
	"fmt"
	"strings"

	"countersign"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// DKIMKeys are the agency's keys for a sender's domain, the newest first.
func (s *Service) DKIMKeys(ctx context.Context, v countersign.Visit, actor countersign.Actor, domain string) (keys []countersign.DKIMKey, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) (err error) {
		keys, err = tx.DKIMKeys(ctx, domain)
		return err
	}, countersign.RightMessages)
	return keys, err
}

// NewDKIMKey makes a key for a sender's domain. It signs nothing until its
// record is published and SignWith is told so.
func (s *Service) NewDKIMKey(ctx context.Context, v countersign.Visit, actor countersign.Actor, domain string) (countersign.DKIMKey, error) {
	k := countersign.DKIMKey{Domain: strings.ToLower(domain), Created: v.Now}
	var err error
	if k.Private, err = secret.NewSigningKey(); err != nil { // slow: before the transaction
		return k, err
	}
	return k, s.change(ctx, v, actor, countersign.RightMessages, func(tx *store.Tx, actor countersign.Actor) error {
		earlier, err := tx.DKIMKeys(ctx, k.Domain)
		if err != nil {
			return err
		}
		k.Selector = fmt.Sprintf("cs%d-%s", len(earlier)+1, strings.ToLower(strings.ReplaceAll(v.Agency.Code, "_", "-")))
		tx.Record(recordDKIM(v, actor, "dkim.key_made", k.Domain, k.Selector))
		return tx.AddDKIMKey(ctx, k)
	})
}

// SignWith makes the agency's mail from the domain signed by one key; by none
// if selector is empty.
func (s *Service) SignWith(ctx context.Context, v countersign.Visit, actor countersign.Actor, domain, selector string) error {
	return s.change(ctx, v, actor, countersign.RightMessages, func(tx *store.Tx, actor countersign.Actor) error {
		found, err := tx.SignWith(ctx, domain, selector)
		if err != nil {
			return err
		}
		if !found && selector != "" {
			return countersign.Problem(countersign.KindNotFound, "dkim.unknown", "selector", countersign.Args{"Selector": selector, "Domain": domain})
		}
		tx.Record(recordDKIM(v, actor, "dkim.signs", domain, selector))
		return nil
	})
}

func recordDKIM(v countersign.Visit, actor countersign.Actor, action, domain, selector string) countersign.Event {
	e := newEvent(v, actor, action, "")
	e.Detail = map[string]string{"domain": domain, "selector": selector}
	return e
}
