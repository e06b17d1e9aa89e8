package web

import (
	"net/http"

	"countersign/internal/edge"
)

// thenOf returns the path to continue at. The default is the start page.
func thenOf(r *http.Request) string {
	if then := edge.Then(r.URL.Query().Get("then")); then != "" {
		return then
	}
	return "/"
}
