package web

import (
	"strings"

	"countersign"
)

// An enrollMenu is what the page of further methods says about them.
type enrollMenu struct {
	Title string
	Text  string
	Noun  string // "method" or "methods"
	Count int
}

// Menu counts the methods below the TechNote's sentence (M16, M19). A passkey has a heading of its
// own, so that the sentence stays true.
func (p enrollPage) Menu() enrollMenu {
	names := []string{}
	for _, m := range p.Offered {
		names = append(names, map[countersign.Method]string{countersign.MethodApp: "Authenticator", countersign.MethodSMS: "SMS"}[m])
	}
	m := enrollMenu{Noun: "methods", Count: len(names)}
	if p.Profile {
		m.Title, m.Text = "Change your methods", "You receive your token via "+p.receives()+" now. Add a method, or change one."
		if m.Count == 0 && !p.Passkeys {
			m.Text = "All methods are set up. You receive your token via " + p.receives() + " now. You can change your email address."
		}
		return m
	}
	how, which := "two", ""
	if m.Count == 1 {
		how, m.Noun, which = "one", "method", " ("+names[0]+")"
	}
	m.Title = "Add " + how + " additional " + m.Noun + which + "?"
	m.Text = "You have the option to add " + how + " additional " + m.Noun + which + ", or skip the additional " + m.Noun +
		" and always receive your token via " + p.receives() + "."
	return m
}

// receives names the methods that are set up, in the TechNote's wording.
func (p enrollPage) receives() string {
	var has []string
	for _, m := range []struct {
		method countersign.Method
		name   string
	}{{countersign.MethodEmail, "Email"}, {countersign.MethodApp, "Authenticator"}, {countersign.MethodSMS, "SMS"}, {countersign.MethodPasskey, "Passkey"}} {
		if p.View.Has(m.method) {
			has = append(has, m.name)
		}
	}
	if len(has) < 2 {
		return "email"
	}
	return joinOr(has)
}

// joinOr joins a list of alternatives: "one, two or three".
func joinOr(all []string) string {
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
