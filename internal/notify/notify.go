// Package notify adds mail to the outbox, in the transaction of the change that it reports: it
// decides who is notified, at which addresses, and with which facts.
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

// Facts returns what every notice contains: when, from where, for whom (NT-02).
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

// Send adds a mail of a kind to every address of the user: the profile's, the one for
// two-factor authentication, and those in also, such as one that is being replaced (NT-01). A
// replaced address of the profile is notified for three more days (RS-06). data is added to
// the facts of the visit.
func Send(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, kind countersign.MessageKind, data map[string]string, also ...string) error {
	_, err := SendAt(ctx, tx, v, u, kind, v.Now, data, also...)
	return err
}

// SendAt does what Send does, for mail that must not be sent before due. It returns the IDs of
// the messages.
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
	notified := map[string]bool{"": true}
	for _, to := range addresses {
		if notified[countersign.FoldEmail(to)] {
			continue
		}
		notified[countersign.FoldEmail(to)] = true
		m := message(v, u, kind, to, data)
		m.Created, m.Due = due, due // a mail that is held back is not late
		if err := tx.AddMessage(ctx, m); err != nil {
			return nil, err
		}
		written = append(written, m.ID)
	}
	return written, nil
}

// Address adds a mail to one address only.
func Address(ctx context.Context, tx *store.Tx, v countersign.Visit, u countersign.User, kind countersign.MessageKind, to string, data map[string]string) error {
	return tx.AddMessage(ctx, message(v, u, kind, to, data))
}

// Administrators notifies every enabled administrator of the agency (RS-06, RS-08).
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

// message returns a mail to one address, to be sent now.
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

// Token adds the message that carries a token. It is sent before other messages, and not after
// the token has expired. Its data contains nothing else.
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

// Until returns a time as the data of a message contains it, in milliseconds since 1970.
func Until(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
