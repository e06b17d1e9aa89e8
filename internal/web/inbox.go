package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"countersign"
	"countersign/internal/outbox"
)

// versionOf is the version of the row that a form was made from; whatever it is,
// if the form does not say.
func versionOf(r *http.Request) int64 {
	version, err := strconv.ParseInt(r.PostForm.Get("version"), 10, 64)
	if err != nil {
		return -1
	}
	return version
}

// An inboxPage shows every mail and text message of the demo.
type inboxPage struct {
	base
	Messages []outbox.Mail
	To       string
	Boxes    []string // addresses that have got something
}

func (s *Server) getInbox(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	to := r.URL.Query().Get("to")
	messages := s.Inbox.List(to)
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(messages)
	}
	front, err := s.Desk.Front(r.Context(), v)
	if err != nil {
		return err
	}
	p := inboxPage{base: s.base(v, "Demo inbox", front.Preferences), Messages: messages, To: to}
	seen := map[string]bool{}
	for _, m := range s.Inbox.List("") {
		if !seen[m.To] {
			seen[m.To] = true
			p.Boxes = append(p.Boxes, m.To)
		}
	}
	return s.show(w, http.StatusOK, "inbox_page", p)
}

// Where is who a message went to, as its owner writes it.
func (inboxPage) Where(m outbox.Mail) string {
	if m.Channel == countersign.BySMS {
		return dialled(m.To)
	}
	return m.To
}
