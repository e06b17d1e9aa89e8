package web

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign"
	"countersign/internal/outbox"
)

// versionOf returns the version of the row that a form was made from, or the value for any version
// if the form does not say.
func versionOf(r *http.Request) int64 {
	version, err := strconv.ParseInt(r.PostForm.Get("version"), 10, 64)
	if err != nil {
		return -1
	}
	return version
}

// inboxPageSize is the number of messages on a page of the demo's inbox.
const inboxPageSize = 20

// An inboxPage shows mail and text messages of the demo, newest first.
type inboxPage struct {
	base
	Messages []outbox.Mail
	Total    int
	First    int // number of the first one, from 1
	To       string
	Boxes    []string // addresses that have received something
	Newest   string   // ID of the newest message, or "" if there is none
	Newer    string   // address of the page before this one, or ""
	Older    string
}

func (s *Server) getInbox(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	to := r.URL.Query().Get("to")
	messages := s.Inbox.List(to)
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(messages)
	}
	front, err := s.SignIn.SignInPage(r.Context(), v)
	if err != nil {
		return err
	}
	p := inboxPage{base: s.base(v, "Demo inbox", front.Preferences), Total: len(messages), To: to}
	p.page(messages, r.URL.Query().Get("after"))
	for _, m := range s.Inbox.List("") {
		if !slices.Contains(p.Boxes, m.To) {
			p.Boxes = append(p.Boxes, m.To)
		}
	}
	return s.show(w, http.StatusOK, "inbox_page", p)
}

// page takes the messages that follow a given one, so that new messages do not shift the page.
func (p *inboxPage) page(all []outbox.Mail, after string) {
	if len(all) > 0 {
		p.Newest = all[0].ID
	}
	from := 1 + slices.IndexFunc(all, func(m outbox.Mail) bool { return after != "" && m.ID == after })
	end := min(from+inboxPageSize, len(all))
	p.Messages, p.First = all[from:end], from+1
	if from > inboxPageSize {
		p.Newer = inboxAt(p.To, all[from-inboxPageSize-1].ID)
	} else if from > 0 {
		p.Newer = inboxAt(p.To, "")
	}
	if end < len(all) {
		p.Older = inboxAt(p.To, all[end-1].ID)
	}
}

// Last returns the number of the last message on the page.
func (p inboxPage) Last() int { return p.First + len(p.Messages) - 1 }

// Top returns the address of the page with the newest messages.
func (p inboxPage) Top() string { return inboxAt(p.To, "") }

// Watch returns the address of the frame that announces new messages.
func (p inboxPage) Watch() string {
	return "/demo/inbox/new?" + url.Values{"to": {p.To}, "since": {p.Newest}}.Encode()
}

func inboxAt(to, after string) string {
	q := url.Values{}
	if to != "" {
		q.Set("to", to)
	}
	if after != "" {
		q.Set("after", after)
	}
	if len(q) == 0 {
		return "/demo/inbox"
	}
	return "/demo/inbox?" + q.Encode()
}

// Where returns who a message went to, as its owner writes it.
func (inboxPage) Where(m outbox.Mail) string {
	if m.Channel == countersign.ChannelSMS {
		return formatPhone(m.To)
	}
	return m.To
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,;:!?)]`)

// Linked is the text of a message with its links to press.
func (inboxPage) Linked(text string) template.HTML {
	var b strings.Builder
	for text != "" {
		at := webAddress.FindStringIndex(text)
		if at == nil {
			break
		}
		link := template.HTMLEscapeString(text[at[0]:at[1]])
		b.WriteString(template.HTMLEscapeString(text[:at[0]]) + `<a href="` + link + `" target="_blank" rel="noopener">` + link + `</a>`)
		text = text[at[1]:]
	}
	b.WriteString(template.HTMLEscapeString(text))
	return template.HTML(b.String()) // #nosec G203 -- every part of it is escaped
}

// getInboxMail shows a mail for a frame of the inbox the way mail programs do: no script runs,
// nothing is loaded, and links open in a new window.
func (s *Server) getInboxMail(w http.ResponseWriter, r *http.Request, _ countersign.Visit) error {
	all := s.Inbox.List("")
	i := slices.IndexFunc(all, func(m outbox.Mail) bool { return m.ID == r.PathValue("id") })
	if i < 0 || all[i].HTML == "" {
		return &countersign.Error{Kind: countersign.KindNotFound, Code: "page.not_found"}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write([]byte(strings.Replace(all[i].HTML, "<head>", `<head><base target="_blank">`, 1)))
	return ignoreDisconnect(err)
}

// An inboxNews is the line that announces messages newer than a given one.
type inboxNews struct {
	base
	New int
	Top string
}

// getInboxNews answers the frame of the inbox that reloads itself, so that the page around it does
// not move.
func (s *Server) getInboxNews(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	to, since := r.URL.Query().Get("to"), r.URL.Query().Get("since")
	all := s.Inbox.List(to)
	p := inboxNews{base: base{Title: "New messages", Agency: v.Agency, Now: v.Now}, Top: inboxAt(to, "")}
	if p.New = slices.IndexFunc(all, func(m outbox.Mail) bool { return m.ID == since }); p.New < 0 {
		p.New = len(all)
	}
	w.Header().Set("Refresh", "3")
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	return s.show(w, http.StatusOK, "inbox_new", p)
}
