package policy

import (
	"slices"

	"countersign"
)

// The reasons why an administrative change is refused; also codes of texts.
const (
	RightMissing      = "right.missing"
	RankTooLow        = "reset.rank"
	LastAdministrator = "reset.last_administrator"
)

// refusal returns the error of a forbidden change.
func refusal(code string, args countersign.Args) error {
	return &countersign.Error{Kind: countersign.KindDenied, Code: code, Args: args}
}

// MayOpen returns an error unless the actor holds one of the rights.
func MayOpen(actor countersign.Actor, rights ...countersign.Right) error {
	if slices.ContainsFunc(rights, actor.Has) {
		return nil
	}
	return refusal(RightMissing, countersign.Args{"Right": string(rights[0]), "Login": actor.Name()})
}

// Outranks reports whether the actor holds every right that the target holds:
// no one may change a user who has more rights (RS-02).
func Outranks(actor countersign.Actor, target countersign.User) bool {
	return !slices.ContainsFunc(target.Rights, func(r countersign.Right) bool { return !actor.Has(r) })
}

// MayActOn returns an error unless the actor holds right and every right that target
// holds (RS-02). The refusal names target.
func MayActOn(actor countersign.Actor, right countersign.Right, target countersign.User) error {
	if err := MayOpen(actor, right); err != nil {
		return err
	}
	if !Outranks(actor, target) {
		return refusal(RankTooLow, countersign.Args{"Name": target.Name, "Login": target.Login})
	}
	return nil
}

// MayGrant returns an error unless the actor holds every right that differs between
// old and new. Only a command on the host may change Operator.
func MayGrant(actor countersign.Actor, old, new []countersign.Right) error {
	changed := append(minus(old, new), minus(new, old)...)
	for _, r := range changed {
		if !countersign.KnownRight(r) {
			return &countersign.Error{Kind: countersign.KindInvalid, Code: "right.unknown", Field: "right", Args: countersign.Args{"Right": string(r)}}
		}
		if r == countersign.RightOperator && !actor.Operator || !actor.Has(r) {
			return &countersign.Error{Kind: countersign.KindDenied, Code: "right.grant", Field: "right", Args: countersign.Args{"Right": string(r)}}
		}
	}
	return nil
}

func minus(a, b []countersign.Right) []countersign.Right {
	return slices.DeleteFunc(slices.Clone(a), func(r countersign.Right) bool { return slices.Contains(b, r) })
}

// Grants returns the rights of the agency that the user can give to others: no one
// gives a right that they don't hold.
func Grants(u countersign.User) []countersign.Right {
	if u.Disabled || !u.Has(countersign.RightUsers) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(countersign.AgencyRights), func(r countersign.Right) bool { return !u.Has(r) })
}

// Revokes returns the rights that a user can give before a change and not after it.
func Revokes(old, u countersign.User) []countersign.Right { return minus(Grants(old), Grants(u)) }

// RefuseLast returns an error if u is the last administrator who can give the rights
// in lost: no one in the agency could undo that change. holders are enabled users;
// one counts if they have chosen a password and can give all of these rights (RS-07).
func RefuseLast(u countersign.User, lost []countersign.Right, holders []countersign.User) error {
	another := func(h countersign.User) bool {
		return h.ID != u.ID && h.Password != "" && len(minus(lost, Grants(h))) == 0
	}
	if len(lost) == 0 || slices.ContainsFunc(holders, another) {
		return nil
	}
	return refusal(LastAdministrator, countersign.Args{"Login": u.Login})
}
