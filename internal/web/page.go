package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/edge"
)

//go:embed template/*.html
var templates embed.FS

//go:embed icon/*.svg
var icons embed.FS

// pages holds all templates, each with its layout, parsed once.
var pages = parsePages()

func parsePages() map[string]*template.Template {
	all := map[string]*template.Template{}
	files, err := templates.ReadDir("template")
	if err != nil {
		panic(err) // embedded at build time
	}
	for _, f := range files {
		layout, _, ok := strings.Cut(f.Name(), "_")
		if !ok {
			continue
		}
		t := template.New(layout + ".html").Funcs(funcs)
		name := strings.TrimSuffix(f.Name(), ".html")
		all[name] = template.Must(t.ParseFS(templates, "template/"+layout+".html", "template/parts.html", path.Join("template", f.Name())))
	}
	return all
}

// icon returns an inline icon; class is added to its own classes.
func icon(name string, class ...string) template.HTML {
	svg, err := icons.ReadFile("icon/" + name + ".svg")
	if err != nil {
		panic(err) // a template names an icon that is not embedded
	}
	_, rest, _ := strings.Cut(string(svg), "stroke-linejoin=\"round\"\n>")
	shapes := strings.Join(strings.Fields(strings.TrimSuffix(strings.TrimSpace(rest), "</svg>")), " ")
	classes := strings.Join(append([]string{"icon"}, class...), " ")
	return template.HTML(`<svg class="` + classes + `" viewBox="0 0 24 24" aria-hidden="true">` + shapes + `</svg>`) // #nosec G203 -- an icon that is embedded in the program
}

// A base is what every page needs.
type base struct {
	Title     string
	Agency    countersign.Agency
	Help      string
	FormToken string
	ActToken  string // step-up: sent with every form, so that it confirms what the page names
	Now       time.Time
	Alert     *alert
	Errors    map[string]string // sentences by field
	Wide      bool
	Principal *authn.Principal // the signed-in user, for the console
	Section   string           // current entry of the navigation
	NoMail    bool
	TwoFactor bool   // whether it is On
	Off       *alert // the permanent banner while 2FA is Off
}

// An alert is the result of what was just sent, or a notice.
type alert struct {
	Kind string // info, done, warn, danger
	Role string // alert, status, region
	Head string
	Rest string
	Look string // the page to reload, if the alert may no longer be true
	Sent bool   // about the message with the token
}

// Bad reports whether something was refused. The title then says so.
func (b base) Bad() bool { return len(b.Errors) > 0 || b.Alert != nil && b.Alert.Kind == "danger" }

// Err returns the sentence for a field.
func (b base) Err(field string) string { return b.Errors[field] }

// Product returns the name of the program on pages.
func (b base) Product() string { return b.Agency.ProductName() }

// May reports whether the user holds any of the rights.
func (b base) May(rights ...string) bool {
	if b.Principal == nil {
		return false
	}
	for _, r := range rights {
		if b.Principal.User.Has(countersign.Right(r)) {
			return true
		}
	}
	return false
}

// Clock, Seconds, Day and When show a time in the agency's zone.
func (b base) Clock(t time.Time) string   { return b.Agency.Clock(t) }
func (b base) Seconds(t time.Time) string { return b.Agency.Seconds(t) }
func (b base) Day(t time.Time) string     { return b.Agency.Day(b.Now, t) }
func (b base) When(t time.Time) string    { return b.Agency.When(b.Now, t) }

// At is When for the beginning of a line: "Today at 10:02 AM".
func (b base) At(t time.Time) string { return upperFirst(b.When(t)) }

// base returns the common data of a page outside the console.
func (s *Server) base(v countersign.Visit, title string, p countersign.Preferences) base {
	return base{Title: title, Agency: v.Agency, Help: p.Help, FormToken: s.Guard.FormToken(edge.Attempt, v.Attempt), Now: v.Now, TwoFactor: p.TwoFactor}
}

// console returns the common data of a page of the console.
func (s *Server) console(v countersign.Visit, g authn.Principal, title, section string) base {
	b := base{Title: title, Agency: v.Agency, Help: g.Preferences.Help, FormToken: s.Guard.FormToken(edge.Session, v.Session), Now: v.Now, Principal: &g, Section: section, TwoFactor: g.Preferences.TwoFactor}
	if strings.HasPrefix(section, "admin") {
		b.NoMail = !s.Mail()
		if !g.Preferences.TwoFactor {
			b.Off = b.off(g.Preferences.Switched)
		}
	}
	return b
}

// off is the banner of every page of administration while 2FA is Off: since when, by whom and why
// (RS-08).
func (b base) off(last countersign.Setting) *alert {
	code := "banner.two_factor_off"
	switch {
	case last.By == "":
		code = "banner.two_factor_never"
	case last.Reason == "":
		code = "banner.two_factor_off_unsaid"
	}
	text := fill(b.Agency, b.Now, sentences[code], countersign.Args{"When": b.When(last.Changed), "By": actorName(last.By), "Reason": last.Reason})
	head, rest, _ := strings.Cut(text, "\n")
	return &alert{Kind: "danger", Role: "region", Head: head, Rest: rest}
}

// refuse puts the sentence of an error beside its field, or above the page.
func (b *base) refuse(err error) {
	b.Errors = map[string]string{}
	for _, e := range countersign.Problems(err) {
		text := sentence(b.Agency, b.Now, e)
		if e.Field != "" {
			b.Errors[e.Field] = text
			continue
		}
		b.Alert = alertOf(e.Kind, text)
	}
}

// A summaryLine links from the top of a page to the field that was refused.
type summaryLine struct{ Field, Text string }

// Wrong lists what was refused in these fields, in the order of the page. The element of a field
// has the field's name, with hyphens.
func (b base) Wrong(fields ...string) (all []summaryLine) {
	for _, field := range fields {
		if text := b.Errors[field]; text != "" {
			all = append(all, summaryLine{strings.ReplaceAll(field, "_", "-"), text})
		}
	}
	return all
}

func alertOf(kind countersign.ErrorKind, text string) *alert {
	head, rest, _ := strings.Cut(text, "\n")
	a := &alert{Kind: "danger", Role: "alert", Head: head, Rest: rest}
	if kind == countersign.KindTooMany || kind == countersign.KindGone || kind == countersign.KindConflict {
		a.Kind = "warn"
	}
	return a
}

// script matches the script element of the layouts.
var script = regexp.MustCompile(`<script [^>]*></script>\n`)

// scripted matches the parts of a page that need the script. Pages without them do without it.
var scripted = regexp.MustCompile(` data-passkey=| data-send-at=| type="password"| data-look=| data-copy=| data-propose-zone`)

// secretPages are opened by links that contain a secret.
var secretPages = map[string]bool{"gate_welcome": true, "gate_password-reset": true, "gate_not-me": true}

// show writes a page. Its policy lets it load and run only what it contains (WB-02). If the
// template fails, show returns an error and writes no partial page.
func (s *Server) show(w http.ResponseWriter, status int, name string, view any) error {
	var b bytes.Buffer
	if err := pages[name].Execute(&b, view); err != nil {
		return err
	}
	shown := withoutZone(displayAddresses(b.Bytes()))
	runs := scripted.Match(shown)
	if !runs {
		shown = script.ReplaceAll(shown, nil)
	}
	_, framed := view.(inboxNews)
	_, frames := view.(inboxPage)
	edge.Allow(w.Header(), edge.Loads{Script: runs, Fetch: bytes.Contains(shown, []byte(" data-look=")), Form: bytes.Contains(shown, []byte("<form ")),
		Secret: secretPages[name], Frames: frames, Framed: framed})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(shown)
	return ignoreDisconnect(err)
}

// ignoreDisconnect drops the error of writing to a client that has disconnected.
func ignoreDisconnect(error) error { return nil }
