package web

import (
	"errors"
	"io"
	"net/http"

	"countersign/internal/outbox"
)

// postReceipt accepts a delivery report of a text gateway. It is an API, not a page: a signature is
// the only authentication.
func (s *Server) postReceipt(w http.ResponseWriter, r *http.Request) {
	v, ok := s.visit(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(r.Body) // this is no form
	if err != nil {
		http.Error(w, "the body can't be read", http.StatusBadRequest)
		return
	}
	err = s.Receipts(r.Context(), v.Agency.ID, r.PathValue("gateway"), outbox.Callback{
		URL: v.Agency.URL + r.URL.RequestURI(), Header: r.Header, Form: r.PostForm, Body: body, Now: v.Now})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, outbox.ErrForged):
		http.Error(w, err.Error(), http.StatusForbidden)
	case errors.Is(err, outbox.ErrUnread):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, outbox.ErrUnknown):
		http.Error(w, err.Error(), http.StatusNotFound)
	default:
		s.fail(w, r, v, err)
	}
}
