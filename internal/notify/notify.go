// Package notify writes letters into the outbox, in the transaction of the deed
// that they tell of: who is told, where, and the facts that fill the letter.
package notify

import (
	"context"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/secret"
	"countersign/internal/store"
)

// Facts are what every notice says: when, from where, by whom (NT-02).
func Facts(v countersign.Visit, u countersign.User) map[string]string {
	return map[string]string{
		"At":      strconv.FormatInt(v.Now.UnixMilli(), 10),
		"IP":      v.Client.Address(),
		"Browser": v.Client.Browser,
		"OS":      v.Client.OS,
		"UserID":  u.Login,
		"Name":    u.Name,
	}
}

// Send writes a letter of a kind to every address of the user: the profile's,
// the one for two factor authentication, and those in also, such as one that
// is being replaced (NT-01). One that was replaced is told for three days more
// (RS-06). data is added to the facts of the visit.
func Send(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, kind countersign.MessageKind, data map[string]string, also ...string) error {
	_, err := SendAt(ctx, tx, v, u, kind, v.Now, data, also...)
	return err
}

// SendAt is Tell for letters that go out at due, and not before. It returns the
// messages that it has written.
func SendAt(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, kind countersign.MessageKind, due time.Time, data map[string]string, also ...string) (written []countersign.MessageID, err error) {
	factors, err := tx.Factors(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	addresses := append([]string{u.Email}, also...)
	if policy.RecentEmail(u, v.Now) {
		addresses = append(addresses, u.OldEmail)
	}
	for _, f := range factors {
		if f.Method == countersign.MethodEmail {
			addresses = append(addresses, f.Address)
		}
	}
	told := map[string]bool{"": true}
	for _, to := range addresses {
		if told[countersign.FoldEmail(to)] {
			continue
		}
		told[countersign.FoldEmail(to)] = true
		m := message(v, u, kind, to, data)
		m.Created, m.Due = due, due // a letter that is held back is not late
		if err := tx.AddMessage(ctx, m); err != nil {
			return nil, err
		}
		written = append(written, m.ID)
	}
	return written, nil
}

// Address writes a letter to one address only.
func Address(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, kind countersign.MessageKind, to string, data map[string]string) error {
	return tx.AddMessage(ctx, message(v, u, kind, to, data))
}

// Administrators tells every enabled administrator of the agency (RS-06, RS-08).
func Administrators(ctx context.Context, tx *store.Tx, v countersign.Visit, kind countersign.MessageKind, data map[string]string) error {
	all, err := tx.UsersWith(ctx, "")
	if err != nil {
		return err
	}
	for _, u := range all {
		if err := Send(ctx, tx, v, u, kind, data); err != nil {
			return err
		}
	}
	return nil
}

// message is a letter to one address, to go out now.
func message(v countersign.Visit, u countersign.User, kind countersign.MessageKind, to string, data map[string]string) countersign.Message {
	all := Facts(v, u)
	for k, value := range data {
		all[k] = value
	}
	return countersign.Message{
		ID:      countersign.MessageID(secret.NewID()),
		User:    u.ID,
		Kind:    kind,
		Channel: countersign.ChannelEmail,
		To:      to,
		Data:    all,
		Created: v.Now,
		Due:     v.Now,
		State:   countersign.StateWaiting,
	}
}

// Token writes the message that carries a token; it goes before letters and is
// not sent once the token is dead. The data of a token holds nothing else.
func Token(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, c countersign.Challenge, channel countersign.Channel, token string, data map[string]string) (countersign.MessageID, error) {
	all := map[string]string{"Token": token, "UserID": u.Login, "Name": u.Name}
	for k, value := range data {
		all[k] = value
	}
	m := countersign.Message{
		ID:        countersign.MessageID(secret.NewID()),
		User:      u.ID,
		Kind:      countersign.MessageToken,
		Channel:   channel,
		To:        c.Address,
		Data:      all,
		Reference: c.Reference,
		Urgent:    true,
		Created:   c.Issued,
		Due:       c.Issued,
		Expires:   c.Expires,
		State:     countersign.StateWaiting,
		Network:   v.Client.Network(),
	}
	return m.ID, tx.AddMessage(ctx, m)
}

// Until is an instant as the letters' data holds it.
func Until(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
