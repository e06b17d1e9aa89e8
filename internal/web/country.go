package web

import (
	"net/http"

	"countersign/internal/edge"
)

// thenOf is where a page leads on to; the start page unless it was told.
func thenOf(r *http.Request) string {
	if then := edge.Then(r.URL.Query().Get("then")); then != "" {
		return then
	}
	return "/"
}
