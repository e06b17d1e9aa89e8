package account

import (
	"context"
	"slices"
	"strings"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/factor"
	"countersign/internal/notify"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// mobile puts the profile's mobile phone back.
func (w *undo) mobile(ctx context.Context, c store.SessionChange) (bool, error) {
	if c.Kind != store.ChangePhone || w.u.Mobile != c.Ref {
		return false, nil
	}
	if w.phone == "" {
		w.phone = w.u.Mobile
	}
	w.u.Mobile = c.Was
	if err := w.tx.SaveUser(ctx, w.u); err != nil {
		return false, err
	}
	w.u.Version++
	w.tx.Record(w.v.Event("profile.phone_changed", w.u))
	return true, nil
}

// free reports whether tokens of a method may go to an address that the user had before.
func (w *undo) free(ctx context.Context, m countersign.Method, address string) (bool, error) {
	if m != countersign.MethodSMS {
		return true, nil
	}
	p, err := w.tx.Preferences(ctx)
	if err != nil {
		return false, err
	}
	err = authn.PhoneShared(ctx, w.tx, policy.Facts{User: w.u, Agency: p}, address)
	if countersign.KindOf(err) == countersign.KindInvalid {
		return false, nil
	}
	return err == nil, err
}

// renamed is how a change names the new name of a passkey.
func renamed(id countersign.PasskeyID, name string) string { return string(id) + " " + name }

// before is what a value was before all changes of a kind, the newest of which has made it
// now. ref is how a change names the value that it makes. Changes of one millisecond come
// in any order.
func before(changes []store.SessionChange, kind store.ChangeKind, now string, ref func(string) string) string {
	left := slices.Clone(changes)
	for i := 0; i < len(left); i++ {
		if left[i].Kind == kind && left[i].Ref == ref(now) {
			now = left[i].Was
			left = slices.Delete(left, i, i+1)
			i = -1
		}
	}
	return now
}

// names gives passkeys back the names that they had. What a name says protects nothing,
// but a user finds by it which passkey to remove.
func (w *undo) names(ctx context.Context, changes []store.SessionChange) error {
	factors, err := w.tx.Factors(ctx, w.u.ID)
	if err != nil {
		return err
	}
	for _, p := range authn.Passkeys(factors).Passkeys {
		was := before(changes, store.ChangeName, p.Name, func(name string) string { return renamed(p.ID, name) })
		if was == p.Name {
			continue
		}
		if _, err := w.tx.RenamePasskey(ctx, w.u.ID, p.ID, was); err != nil {
			return err
		}
		w.tx.Record(authn.WithMethod(w.v.Event("passkey.renamed", w.u), countersign.MethodPasskey, was))
	}
	return nil
}

// standard makes the method the Default again that was it before. now is the Default as
// the disowned session left it.
func (w *undo) standard(ctx context.Context, changes []store.SessionChange, now countersign.Method) error {
	was := countersign.Method(before(changes, store.ChangeDefault, string(now), func(m string) string { return m }))
	factors, err := w.tx.Factors(ctx, w.u.ID)
	if err != nil || was == now || policy.Default(factors).Method == was {
		return err
	}
	if !slices.ContainsFunc(factors, func(fa countersign.Factor) bool { return fa.Method == was }) {
		return nil // it was removed
	}
	w.tx.Record(authn.WithMethod(w.v.Event("method.default", w.u), was, ""))
	if err := w.tx.SetDefault(ctx, w.u.ID, was); err != nil {
		return err
	}
	return w.letter(ctx, countersign.MessageDefaultChanged, map[string]string{"Method": string(was)})
}

// notify tells every address of the user what was taken back.
func (w *undo) notify(ctx context.Context) error {
	told := map[countersign.Method]bool{}
	for _, m := range w.removed {
		if told[m] {
			continue
		}
		told[m] = true
		if err := w.letter(ctx, countersign.MessageMethodRemoved, map[string]string{"Method": string(m), "Passkey": ""}); err != nil {
			return err
		}
	}
	if w.before != "" {
		if err := w.changed(ctx, "email", factor.Readable(w.before), factor.Readable(w.u.Email)); err != nil {
			return err
		}
	}
	if w.phone != "" {
		if err := w.changed(ctx, "mobile", w.phone, w.u.Mobile); err != nil {
			return err
		}
	}
	for _, c := range w.moved {
		data := map[string]string{"Old": factor.Readable(c.Ref), "New": factor.Readable(c.Was)}
		if err := w.letter(ctx, countersign.MessageAddressChanged, data); err != nil {
			return err
		}
	}
	return nil
}

// changed tells what is in the profile again.
func (w *undo) changed(ctx context.Context, what, from, to string) error {
	by := strings.TrimSpace(w.u.Name + " (" + w.u.Login + ")")
	return w.letter(ctx, countersign.MessageProfileChanged, map[string]string{"By": by, "What": what, "Old": from, "New": to})
}

// letter writes a letter that says why it is sent.
func (w *undo) letter(ctx context.Context, kind countersign.MessageKind, data map[string]string) error {
	data["Undone"] = "yes"
	return notify.Send(ctx, w.tx, w.v, w.u, kind, data)
}
