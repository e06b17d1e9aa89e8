package web

// A tokenLink is one of the links below the token: "new" sends a new one, "email"
// sends one by mail instead, "other" leads to all other ways.
type tokenLink struct {
	Page tokenPage
	Name string
}

// Link is the link of this name; an empty one is none.
func (p tokenPage) Link(name string) tokenLink { return tokenLink{p, name} }

// links are those that the page has use for, the one that helps most first.
func (p tokenPage) links() (all []string) {
	if p.Sends() && !p.Spent && p.Delivery.State != "delayed" {
		all = append(all, "new")
	}
	if p.Instead() {
		return all // the other ways stand on the page itself
	}
	if p.Fallback {
		all = append(all, "email")
	}
	if len(p.Others) > 0 {
		all = append(all, "other")
	}
	return all
}

// Main is the one link that is seen at once.
func (p tokenPage) Main() string {
	if all := p.links(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// More are the links that are seen after a press of "More options".
func (p tokenPage) More() []string {
	if all := p.links(); len(all) > 1 {
		return all[1:]
	}
	return nil
}
