package web

// A tokenLink is one of the links below the token: "new" sends a new one, "email" sends one by mail
// instead, "other" leads to the other methods.
type tokenLink struct {
	Page tokenPage
	Name string
}

// Link returns the link of this name; an empty one is none.
func (p tokenPage) Link(name string) tokenLink { return tokenLink{p, name} }

// links lists the links that the page needs, the most helpful first.
func (p tokenPage) links() (all []string) {
	if p.Sends() && !p.Spent && p.Delivery.State != "delayed" {
		all = append(all, "new")
	}
	if p.Instead() {
		return all // the page itself lists the other methods
	}
	if p.Fallback {
		all = append(all, "email")
	}
	if len(p.Others) > 0 {
		all = append(all, "other")
	}
	return all
}

// Main returns the one link that is visible at once.
func (p tokenPage) Main() string {
	if all := p.links(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// More returns the links below "More options".
func (p tokenPage) More() []string {
	if all := p.links(); len(all) > 1 {
		return all[1:]
	}
	return nil
}
