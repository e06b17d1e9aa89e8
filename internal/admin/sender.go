package admin

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"

	"countersign"
	"countersign/internal/factor"
	"countersign/internal/outbox"
	"countersign/internal/policy"
	"countersign/internal/store"
)

// A NamesChange is what an administrator typed for the product's name and the sender
// of mail, with what the form began with.
type NamesChange struct {
	Product, WasProduct string
	From, WasFrom       string
}

// SaveNames keeps the product's name, and the sender of all mail of the agency.
func (s *Service) SaveNames(ctx context.Context, v countersign.Visit, actor countersign.Actor, n NamesChange) error {
	all, err := s.Store.Agencies(ctx)
	if err != nil {
		return err
	}
	return s.change(ctx, v, actor, countersign.RightPreferences, func(tx *store.Tx, actor countersign.Actor) error {
		agency, err := tx.CurrentAgency(ctx)
		if err != nil {
			return err
		}
		named := agency
		var wrongProduct, wrongFrom error
		if product := countersign.CleanText(n.Product); product != strings.TrimSpace(n.WasProduct) {
			named.Product, wrongProduct = newProduct(agency, product)
		}
		if n.From != n.WasFrom {
			named.MailFrom, wrongFrom = s.newSender(all, agency, n.From)
		}
		if err := errors.Join(wrongProduct, wrongFrom); err != nil {
			return err
		}
		if named.Product != agency.Product && n.WasProduct != agency.ProductName() {
			return countersign.Problem(countersign.KindConflict, "edit.conflict", "", nil)
		}
		moved, err := s.rename(ctx, tx, v, actor, agency, named, n.WasFrom)
		if err != nil {
			return err
		}
		return unchanged(moved)
	})
}

// newProduct is a product's name as it is kept; the agency's own name is kept as none.
func newProduct(a countersign.Agency, typed string) (string, error) {
	if typed == "" || typed == a.Name {
		return "", nil
	}
	if policy.CheckName(typed) != nil {
		return "", countersign.Problem(countersign.KindInvalid, "name.form", "product", nil)
	}
	return typed, nil
}

// rename keeps another product name or sender, and tells whether there is one.
// A sender that somebody else has changed since the form was opened is not overwritten.
func (s *Service) rename(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, was, is countersign.Agency, wasFrom string) (bool, error) {
	if was.Product == is.Product && was.MailFrom == is.MailFrom {
		return false, nil
	}
	if was.MailFrom != is.MailFrom && wasFrom != s.sender(was) {
		return false, countersign.Problem(countersign.KindConflict, "edit.conflict", "", nil)
	}
	e := newEvent(v, actor, "agency.names_changed", "")
	e.Detail = map[string]string{}
	if was.Product != is.Product {
		e.Detail["product"] = was.ProductName() + " → " + is.ProductName()
	}
	if was.MailFrom != is.MailFrom {
		e.Detail["sender"] = s.sender(was) + " → " + s.sender(is)
	}
	tx.Record(e)
	return true, tx.Rename(ctx, was, is)
}

// sender is who an agency's mail comes from, as people write it; empty if the
// installation has no sender and the agency neither.
func (s *Service) sender(a countersign.Agency) string {
	from := a.MailFrom
	if from == "" {
		from = s.From
	}
	address, err := mail.ParseAddress(from)
	if err != nil {
		return from
	}
	return written(address.Name, address.Address)
}

// written is a sender as people write it, and as mail takes it.
func written(name, address string) string {
	switch {
	case name == "":
		return address
	case strings.ContainsAny(name, `()<>[]:;@\,."`):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `" <` + address + `>`
	default:
		return name + " <" + address + ">"
	}
}

// newSender reads a sender of one of all agencies as it is kept; the
// installation's own is kept as none.
func (s *Service) newSender(all []countersign.Agency, a countersign.Agency, typed string) (string, error) {
	installation := a
	installation.MailFrom = ""
	if typed = countersign.CleanText(typed); typed == "" || typed == s.sender(installation) {
		return "", nil
	}
	from, err := parseSender(typed)
	if err != nil {
		return "", err
	}
	return from, s.maySendFrom(all, a, from)
}

// parseSender brings a sender into the form that mail takes, for envelope and
// header alike, or says beside the field that it is none: several at once, a
// line break, a name that passes for another address.
func parseSender(typed string) (string, error) {
	bad := func(code string) (string, error) {
		return "", countersign.Problem(countersign.KindInvalid, code, "from", nil)
	}
	if strings.ContainsFunc(typed, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
		return bad("sender.lines")
	}
	name, address := splitSender(strings.TrimSpace(typed))
	if strings.ContainsAny(name, "<>@") || len([]rune(name)) > 100 {
		return bad("sender.form")
	}
	address, err := factor.ParseEmail(address)
	if err != nil {
		return bad("sender.form")
	}
	from := written(name, address)
	if read, err := mail.ParseAddress(from); err != nil || read.Address != address || read.Name != name {
		return bad("sender.form")
	}
	return from, nil
}

// splitSender takes a name and an address apart. An address without a name may
// stand alone; an international domain is read as people write it.
func splitSender(typed string) (name, address string) {
	open := strings.LastIndexByte(typed, '<')
	if open < 0 || !strings.HasSuffix(typed, ">") {
		return "", typed
	}
	name = strings.TrimSpace(typed[:open])
	if len(name) > 1 && strings.HasPrefix(name, `"`) && strings.HasSuffix(name, `"`) {
		name = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(name[1 : len(name)-1])
	}
	return name, typed[open+1 : len(typed)-1]
}

// maySendFrom refuses a sender that is another agency's: its address, or a
// domain that it sends from or lives at. The domain that an agency sends from
// already, and the installation's, which agencies share, are not refused.
func (s *Service) maySendFrom(all []countersign.Agency, a countersign.Agency, from string) error {
	domain := domainOf(from)
	shared := domain == domainOf(s.From) || domain == domainOf(s.sender(a))
	for _, other := range all {
		if other.ID == a.ID {
			continue
		}
		taken := strings.EqualFold(addressOf(other.MailFrom), addressOf(from))
		for _, theirs := range append([]string{other.MailFrom}, other.Hosts...) {
			taken = taken || !shared && domain == domainOf(theirs)
		}
		if taken {
			return countersign.Problem(countersign.KindInvalid, "sender.taken", "from", countersign.Args{"Domain": outbox.Domain(addressOf(from))})
		}
	}
	return nil
}

func addressOf(sender string) string {
	if a, err := mail.ParseAddress(sender); err == nil {
		return a.Address
	}
	return sender
}

// domainOf is the domain that a sender or host belongs to as a whole: receivers
// take mail from below it for its own.
func domainOf(sender string) string {
	host := strings.ToLower(addressOf(sender))
	host = host[strings.LastIndexByte(host, '@')+1:]
	if whole, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return whole
	}
	return host
}
