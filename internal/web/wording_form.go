package web

import (
	"net/http"
	"strings"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/authn"
	"countersign/internal/wording"
)

// A wordingPage is the form for the wording of one message.
type wordingPage struct {
	base
	Row    admin.WordingRow
	Sender string // of all mail, as it is now
	Typed  admin.WordingChange
	Shown  *admin.WordingPreview // nil: no preview was requested
	Was    admin.WordingChange   // conflict: the values when the form was opened
	By     string                // conflict: who saved in between; empty: the original text is back
}

// A meaning explains a placeholder.
type meaning struct{ Name, Means string }

var meanings = map[string]string{
	wording.Product:   "the product's name",
	wording.Token:     "the six digits",
	wording.Reference: "the two letters that the page shows too",
	wording.Expires:   "until when it works, as a clock time",
	wording.Life:      "how long a token works: one to two minutes, or what TOKENMINUTES says",
	wording.Agency:    "the agency's name",
	wording.Help:      "your help contact, the preference HELPCONTACT",
	wording.Name:      "the reader's name",
	wording.UserID:    "the reader's user ID",
	wording.Link:      "the link. On a line of its own it is called by the line before it, if that ends with a colon",
	wording.By:        "the administrator who invites",
	wording.Device:    "browser, system and address of who asked",
}

// Meanings lists the placeholders that the text may hold, with their meanings.
func (p wordingPage) Meanings() (all []meaning) {
	for _, n := range p.Row.Names {
		all = append(all, meaning{"{" + n + "}", meanings[n]})
	}
	return all
}

// Which names the message within a sentence: "the token mail".
func (p wordingPage) Which() string {
	if p.Row.Title == "" {
		return ""
	}
	return "the " + strings.ToLower(p.Row.Title[:1]) + p.Row.Title[1:]
}

// Edited reports whether the form differs from the wording in use.
func (p wordingPage) Edited() bool {
	return strings.TrimSpace(p.Typed.Subject) != p.Row.Words.Subject || wording.Tidy(p.Typed.Body) != p.Row.Words.Body
}

// Lines returns the height of the text field in lines.
func (p wordingPage) Lines() int {
	if !p.Row.Mail() {
		return 4
	}
	return 12
}

func (s *Server) wordingPage(r *http.Request, v countersign.Visit, g authn.Principal, kind string) (wordingPage, error) {
	view, err := s.Admin.Wordings(r.Context(), v, g.Actor())
	if err != nil {
		return wordingPage{}, err
	}
	row, _ := view.Row(kind)
	p := wordingPage{base: s.console(v, g, "", "admin-wording"), Row: row, Sender: view.Sender}
	p.Title = "Wording of " + p.Which()
	p.Typed = admin.WordingChange{Kind: kind, From: view.Sender, WasFrom: view.Sender, Subject: row.Words.Subject, Body: row.Words.Body, Version: row.Words.Version}
	return p, nil
}

func (s *Server) getWording(kind string) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		p, err := s.wordingPage(r, v, g, kind)
		if err != nil {
			return err
		}
		switch r.URL.Query().Get("done") {
		case "saved":
			p.Alert = savedAlert("Saved", "These words count from the next message.")
		case "sender":
			p.Alert = p.senderAlert(p.Sender)
		case "original":
			p.Alert = savedAlert("The original text is back", "It counts from the next message.")
		case "unchanged":
			p.Alert = unchangedAlert()
		}
		return s.show(w, http.StatusOK, "console_wording", p)
	}
}

func (s *Server) postWording(kind string) sessionHandler {
	return func(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
		now, err := s.wordingPage(r, v, g, kind)
		if err != nil {
			return err
		}
		typed := typedWording(r, now)
		done := "saved"
		switch step := r.PostForm.Get("step"); {
		case step == "preview":
			return s.previewWording(w, r, v, g, now, typed)
		case step == "original":
			done, err = "original", s.Admin.OriginalWording(r.Context(), v, g.Actor(), kind, typed.Version)
		default:
			if movesDomain(typed.WasFrom, typed.From) {
				done = "sender"
			}
			err = s.Admin.SaveWording(r.Context(), v, g.Actor(), typed)
		}
		if countersign.CodeOf(err) == "wording.unchanged" {
			done, err = "unchanged", nil
		}
		if err != nil {
			return s.wordingRefused(w, r, now, typed, err)
		}
		http.Redirect(w, r, wordingPath+"/"+kind+query("done", done), http.StatusSeeOther)
		return nil
	}
}

// typedWording reads the form. Fields that it does not send keep their values.
func typedWording(r *http.Request, now wordingPage) admin.WordingChange {
	return admin.WordingChange{Kind: now.Row.Name, From: formOr(r, "from", now.Sender), WasFrom: formOr(r, "was_from", now.Sender),
		Subject: r.PostForm.Get("subject"), Body: r.PostForm.Get("body"), Version: versionOf(r)}
}

// previewWording shows the typed wording as its recipients would get it.
func (s *Server) previewWording(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, p wordingPage, typed admin.WordingChange) error {
	shown, err := s.Admin.PreviewWording(r.Context(), v, g.Actor(), typed)
	if err != nil {
		return s.wordingRefused(w, r, p, typed, err)
	}
	p.Typed, p.Shown = typed, &shown
	return s.show(w, http.StatusOK, "console_wording", p)
}

// wordingRefused shows the form again with what was typed and the error. If another administrator
// has saved in between, it shows the saved wording beside it.
func (s *Server) wordingRefused(w http.ResponseWriter, r *http.Request, p wordingPage, typed admin.WordingChange, err error) error {
	if countersign.KindOf(err) == countersign.KindConflict {
		p.Was = admin.WordingChange{From: typed.WasFrom, Subject: r.PostForm.Get("was_subject"), Body: r.PostForm.Get("was_body")}
		p.Typed, p.Title = typed, "Changed by somebody else in the meantime"
		if p.Row.Own() {
			p.By = upperFirst(actorName(p.Row.Words.By))
		}
		return s.show(w, http.StatusConflict, "console_wording-conflict", p)
	}
	if !isInvalid(err) {
		return err
	}
	p.Typed = typed
	p.refuse(err)
	return s.show(w, http.StatusUnprocessableEntity, "console_wording", p)
}
